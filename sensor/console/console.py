"""Pages from templates. Every value in them is escaped, and what text could hide or reorder is written out."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from sensor.console.pages import PAGES, page_of
from sensor.textwidth import safe

if TYPE_CHECKING:
    from sensor.access.who import Who
    from sensor.api.owner import Owner
    from sensor.config import Config

HERE = Path(__file__).resolve().parent
STATIC = HERE / "static"
_THOUSAND = 1000
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


class Console:
    """What all pages share."""

    def __init__(self, owner: Owner, config: Config) -> None:
        self.owner, self.config, self.location = owner, config, owner.location
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            finalize=_finalize,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(FILTERS)
        has_assets = (STATIC / "vendor" / "manifest.json").is_file()
        self._templates.globals.update(has_assets=has_assets, sensor_name=config.sensor.name)

    def page(self, who: Who, name: str, template: str = "", **values: Any) -> HTMLResponse:
        """A whole page, with the navigation as far as `who` may go. `template`: where it is not the page's own."""
        shown = page_of(name)
        allowed = [page for page in PAGES if page.group and who.may(page.permission)]
        groups = [(group, list(pages)) for group, pages in groupby(allowed, lambda page: page.group)]
        return self._answer(template or f"{name}.html", who=who, page=shown, groups=groups, csrf=who.csrf, **values)

    def part(self, template: str, **values: Any) -> HTMLResponse:
        """A piece of a page, or a page without navigation."""
        return self._answer(template, **values)

    def _answer(self, template: str, **values: Any) -> HTMLResponse:
        return HTMLResponse(self._templates.get_template(template).render(**values))


def _finalize(value: Any) -> Any:
    """Text as it goes into a page: control characters, and those that turn or hide text, are seen."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return "\n".join(map(safe, value.split("\n")))
    return value


def time_text(value: Any, shown: str = "seconds") -> str:
    """A store's time, or nanoseconds, to the second or minute. What it is where the reader sits, a script says on
    hover."""
    if isinstance(value, int | float):
        text = datetime.fromtimestamp(value / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
    else:
        text = str(value or "")[:19].replace("T", " ")
    if not _MOMENT.fullmatch(text):
        return text
    short = text[:16] if shown == "minutes" else text
    return Markup('<time datetime="{}Z">{}</time>').format(text.replace(" ", "T"), short)


def number_text(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\u2009")


def short_number(value: float) -> str:
    """Three digits and a letter, as 1.2 M."""
    for unit in ("", " k", " M", " G"):
        if abs(value) < _THOUSAND:
            return f"{value:.3g}{unit}"
        value /= _THOUSAND
    return f"{value:.3g} T"


def percent(value: float) -> str:
    return f"{value:.0%}"


def data(value: Any) -> str:
    """JSON for a `data-` attribute that a script reads; the template escapes it."""
    return json.dumps(value, default=str)


def host(value: Any) -> str:
    """An address as people write it: IPv4 without the prefix that maps it."""
    text = str(value)
    return text.removeprefix("::ffff:") if "." in text else text


FILTERS = {
    "time": time_text, "number": number_text, "short": short_number, "percent": percent, "host": host, "data": data,
}  # fmt: skip
