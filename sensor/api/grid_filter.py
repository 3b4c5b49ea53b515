"""What an analyst wants to see of the alerts → conditions on `alert_grid`.

Verdicts are few beside alerts: whether one holds is found out for the few alerts of a page, not for all.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from sensor.errors import InputError
from sensor.store.literal import quote
from sensor.when import literal

# What somebody says → the status that an alert has while it holds.
STATUSES = {"learn": "learned", "mute": "muted", "close": "closed"}
_ACTIONS = {status: action for action, status in STATUSES.items()}


@dataclass(frozen=True, slots=True)
class Filter:
    """None: any. `severity`: this and worse. `kind`: one, or a detector for all of its kinds. `host`: an address or a
    network, at either end; `zone` too. `text`: stands in title, summary or kind, in capitals or not."""

    status: str = "open"
    severity: str | None = None
    kind: str | None = None
    host: str | None = None
    zone: str | None = None
    protocol: str | None = None
    case: str | None = None
    sensor: str | None = None
    since: str | None = None
    until: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """On `alert_grid`. Those of a status let some pass that have another one: see `said.py`. `cheap`: narrow columns
    alone are looked at, so that all alerts can be counted."""

    plain: list[str]
    status: list[str]
    cheap: bool


def conditions(wanted: Filter) -> Conditions:
    """InputError for what makes no sense."""
    found = []
    for column, value in (("case_id", wanted.case), ("sensor", wanted.sensor), ("protocol", wanted.protocol)):
        found += [f"{column} = {quote(value)}"] if value is not None else []
    if wanted.severity is not None:
        found.append(f"severity >= {quote(wanted.severity)}")
    if wanted.kind is not None:
        kind = quote(wanted.kind)
        found.append(f"kind = {kind}" if "." in wanted.kind else f"(detector = {kind} OR kind = {kind})")
    if wanted.host is not None:
        found.append(_host(wanted.host))
    if wanted.zone is not None:
        found.append(f"(src_zone = {quote(wanted.zone)} OR dst_zone = {quote(wanted.zone)})")
    if wanted.since is not None:
        found.append(f"last_ts >= {literal('since', wanted.since)}")
    if wanted.until is not None:
        found.append(f"first_ts < {literal('until', wanted.until)}")
    text = (wanted.text or "").strip().lower()
    if text:
        found.append(f"words LIKE {quote('%' + _plain(text) + '%')}")
    return Conditions(found, _status(wanted.status), not text and wanted.host is None and wanted.status != "muted")


def _plain(text: str) -> str:
    """Text in which LIKE finds no wildcard."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _host(given: str) -> str:
    return f"({within(given, 'src_ip')} OR {within(given, 'dst_ip')})"


def within(given: str, column: str) -> str:
    """The condition that an address is this one, or of this network. InputError: it is neither."""
    try:
        network = ipaddress.ip_network(given.strip(), strict=False)
    except ValueError:
        raise InputError(f"{given!r} is no address and no network") from None
    first, last = (quote(_as_ipv6(network[end])) for end in (0, -1))
    if first == last:
        return f"{column} = toIPv6({first})"
    return f"{column} BETWEEN toIPv6({first}) AND toIPv6({last})"


def _as_ipv6(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    return f"::ffff:{address}" if address.version == 4 else str(address)


def _status(status: str) -> list[str]:
    if status == "all":
        return []
    if status == "open":
        return ["suppressed = ''"]
    ever = f"id IN (SELECT sipHash64(alert_id) FROM verdicts WHERE action = {quote(_ACTIONS[status])})"
    return [f"(suppressed != '' OR {ever})" if status == "muted" else ever]
