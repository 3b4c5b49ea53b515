"""`driftspan audit`: what was observed against what was meant, as a report."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.audit import compare, taking
from sensor.audit.queries import Scope
from sensor.commands import reported
from sensor.commands.common import location, settings
from sensor.store import open_reading
from sensor.when import literal

if TYPE_CHECKING:
    from argparse import Namespace

    from sensor.audit import Audit, Comparison


def run(arguments: Namespace) -> int:
    fmt = reported.format_of(arguments.format, arguments.output, "markdown", ("json",))
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
    reported.write(arguments.output, rendered(audit, compare(before, audit) if before is not None else None, fmt))
    reported.told(arguments.output)
    return 0


def rendered(audit: Audit, compared: Comparison | None, fmt: str) -> bytes:
    if fmt == "json":
        return taking.kept(audit)
    from sensor.audit.report import blocks

    return reported.rendered(blocks(audit, compared), fmt, audit.made)
