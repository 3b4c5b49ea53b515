"""The part of the command line that is about reports. Only argparse is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  it has no public name

FORMATS = ("markdown", "html", "pdf", "json")


def add(commands: Commands, common: Callable[..., None]) -> None:
    command = commands.add_parser(
        "audit",
        help="report on segmentation, encryption, credentials, models and monitoring gaps",
        description="Report what was observed against the policy of zones and conduits, the encryption of each "
        "crossing, credentials in clear, unapproved models and what the sensor could not see, each tied to IEC "
        "62443-3-3 and NIST SP 800-82r3 controls and with the query that proves it. Kept as JSON, an "
        "audit is what the next one is compared with.",
    )
    command.set_defaults(module="audit")
    time = "2026-03-01, 2026-03-01T12:30Z, or 90d before now"
    command.add_argument("--since", metavar="TIME", help=f"not before: {time}")
    command.add_argument("--until", metavar="TIME", help="before this time")
    command.add_argument("--case", metavar="NAME", help="only this case")
    command.add_argument(
        "--against",
        "--baseline",
        metavar="FILE",
        help="an earlier audit (JSON): say what is new and what is gone since",
    )
    command.add_argument(
        "--format", choices=FORMATS, help="default: by the ending of --output (.md .html .pdf .json), else markdown"
    )
    command.add_argument("--output", metavar="FILE", help="where to (default: stdout)")
    common(command, rows=False)
