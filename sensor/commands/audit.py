"""`driftspan audit`: what was observed against what was meant, as a report."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.audit import compare, taking
from sensor.audit.queries import Scope
from sensor.commands.common import location, settings
from sensor.errors import DriftspanError, InputError
from sensor.store import open_reading
from sensor.when import literal

if TYPE_CHECKING:
    from argparse import Namespace

    from sensor.audit import Audit, Comparison

_ENDINGS = {".md": "markdown", ".markdown": "markdown", ".html": "html", ".htm": "html", ".pdf": "pdf", ".json": "json"}


def run(arguments: Namespace) -> int:
    fmt = _format(arguments)
    before = taking.read(Path(arguments.against)) if arguments.against is not None else None
    loaded, where = settings(arguments), location(arguments, settings(arguments))
    scope = Scope(
        arguments.case or "",
        literal("--since", arguments.since) if arguments.since else "",
        literal("--until", arguments.until) if arguments.until else "",
    )
    with closing(open_reading(where, loaded.store.database)) as store:
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        audit = taking.take(
            store, loaded, scope, where=where, made=now, since=arguments.since or "", until=arguments.until or ""
        )
    _write(arguments.output, rendered(audit, compare(before, audit) if before is not None else None, fmt))
    return 0


def _format(arguments: Namespace) -> str:
    if arguments.format is not None:
        fmt = str(arguments.format)
    elif arguments.output is None:
        fmt = "markdown"
    else:
        fmt = _ENDINGS.get(Path(arguments.output).suffix.lower(), "")
        if not fmt:
            raise InputError(f"{arguments.output}: the ending tells no format; name it with --format, or end in .html")
    if fmt == "pdf" and arguments.output is None and sys.stdout.isatty():
        raise InputError("a PDF is nothing for a terminal; name a file with --output")
    return fmt


def rendered(audit: Audit, compared: Comparison | None, fmt: str) -> bytes:
    if fmt == "json":
        return taking.kept(audit)
    from sensor.audit.report import blocks

    made = list(blocks(audit, compared))
    if fmt == "pdf":
        try:
            from sensor.report import pdf
        except ModuleNotFoundError as error:
            raise DriftspanError(
                f"a PDF needs {error.name}, which is not installed: pip install 'driftspan[report]'"
            ) from None
        return pdf.document(made, made=audit.made)
    from sensor.report import html, markdown

    return (html.page(made) if fmt == "html" else markdown.written(made)).encode()


def _write(output: str | None, data: bytes) -> None:
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        Path(output).write_bytes(data)
    except OSError as error:
        raise DriftspanError(f"{output}: cannot be written: {error.strerror}") from None
    sys.stdout.write(f"{output}\n")
