"""The part of the command line that is about other tools. Only argparse is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  it has no public name

FORMATS = ("eve", "ocsf", "ecs", "cef", "stix", "zeek", "navigator", "parquet")
RECORDS = ("alerts", "incidents", "drift")
SEVERITIES = ("info", "low", "medium", "high", "critical")
STATUSES = ("open", "returned", "learned", "muted", "closed", "merged", "all")
_TIME = "2026-03-01, 2026-03-01T12:30Z, or 15m 2h 7d before now"


def add(commands: Commands, common: Callable[..., None]) -> None:
    command = commands.add_parser(
        "export",
        help="hand alerts, incidents and drift to other tools in their own format",
        description="Hand alerts, incidents and drift to other tools in their own format: to a file, stdout, a syslog "
        "receiver or a webhook, once or for as long as there is news.",
    )
    command.set_defaults(module="export")
    _what(command)
    _where_to(command)
    common(command, rows=False)


def _what(command: argparse.ArgumentParser) -> None:
    command.add_argument("--to", choices=FORMATS, help="the format; parquet: a file a table of one case, into --output")
    command.add_argument("--tables", metavar="LIST", help="with --to parquet, only these: modbus,flows,alerts")
    command.add_argument(
        "--records",
        action="append",
        choices=RECORDS,
        help="only these; may be given again (default: all three, with --where alerts alone)",
    )
    command.add_argument("--since", metavar="TIME", help=f"not before: {_TIME}")
    command.add_argument("--until", metavar="TIME", help="before this time")
    command.add_argument("--severity", choices=SEVERITIES, help="this one and worse; drift counts as medium")
    command.add_argument("--status", choices=STATUSES, help="default: open and returned")
    command.add_argument("--case", metavar="NAME", help="only this case")
    command.add_argument("--where", metavar="SQL", help="a condition on the columns, as in \"dst_zone = 'cell'\"")
    command.add_argument(
        "--events",
        metavar="LIST",
        help="with --to eve, protocol rows instead: modbus,dnp3,mqtt,flow,anomaly,stats, or some of them",
    )


def _where_to(command: argparse.ArgumentParser) -> None:
    way = command.add_mutually_exclusive_group()
    way.add_argument("--output", metavar="FILE", help="default: -, stdout")
    way.add_argument("--syslog", metavar="URL", help="udp://host:514, tcp://host:601 or tls://host:6514 (RFC 5424)")
    way.add_argument("--webhook", metavar="URL", help="a POST for each record, signed if there is a secret")
    command.add_argument("--secret-file", default="", metavar="FILE", help="the webhook's secret, in its first line")
    command.add_argument("--ca", default="", metavar="PEM", help="whom TLS trusts (default: the system's authorities)")
    command.add_argument("--certificate", default="", metavar="PEM", help="our own, for receivers that ask for one")
    command.add_argument("--key", default="", metavar="PEM", help="its key")
    command.add_argument("--follow", action="store_true", help="go on with what is new, until SIGTERM")
    command.add_argument("--cursor", metavar="FILE", help="how far --follow came (default: beside the store)")
