"""The part of the command line that is about the day after. Only argparse is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  it has no public name

ROWS = ("table", "ndjson", "csv")
REPORTS = ("markdown", "html", "pdf")
KINDS = ("incident", "alert", "drift", "command", "file", "session", "output", "value", "anomaly")
ASPECTS = ("alert", "asset", "conduit", "behaviour", "amount", "value", "version")
_TIME = "2026-03-01, 2026-03-01T12:30Z, or 15m 2h 7d before now"


def add(commands: Commands, common: Callable[..., None]) -> None:
    """`common` gives a command what most have."""
    for made in (_timeline, _compare, _process, _report):
        common(made(commands), rows=False)


def _command(commands: Commands, name: str, short: str, long: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=short, description=long)
    command.set_defaults(module=name)
    return command


def _span(command: argparse.ArgumentParser) -> None:
    command.add_argument("--since", metavar="TIME", help=f"not before: {_TIME}")
    command.add_argument("--until", metavar="TIME", help="before this time")


def _timeline(commands: Commands) -> argparse.ArgumentParser:
    command = _command(
        commands, "timeline", "what happened to an asset, a tag, a model or in an incident, in one order",
        "Tell what happened in a case, or to one asset, tag or model of it, or in an incident: sessions, commands, "
        "values, files, alerts, drift, outputs, in one order. What repeats itself is one row with its number.",
    )  # fmt: skip
    command.add_argument("--asset", metavar="HOST", help="only what this host had a part in: its address or name")
    command.add_argument(
        "--tag", metavar="TAG", help="only this tag, as in u1/holding_register/50 (with --asset: there)"
    )
    command.add_argument("--model", metavar="ID", help="only this model, its hosts and what feeds it")
    command.add_argument("--incident", metavar="ID", help="only this incident, or the start of its id")
    command.add_argument("--case", metavar="NAME", help="the case (default: the only one of the store)")
    _span(command)
    command.add_argument("--kinds", metavar="LIST", help=f"only these: {','.join(KINDS)}")
    command.add_argument(
        "--fold",
        metavar="TIME",
        help="what repeats itself within 10m, 1h, 1d is one row; 0: none (default: by the span)",
    )
    command.add_argument("--limit", type=int, metavar="N", help="at most N rows; 0: all (default: 1000, files: all)")
    command.add_argument("--sql", action="store_true", help="print the question instead of asking it")
    _output(command, (*ROWS, *REPORTS))
    return command


def _compare(commands: Commands) -> argparse.ArgumentParser:
    command = _command(
        commands, "compare", "what one case has that another has not, or that a baseline does not know",
        "Compare case B with case A, which may be `live`, or one case with a baseline: hosts, conduits, behaviours, "
        "amounts, values out of range, versions, alerts that are new, gone or other.",
    )  # fmt: skip
    command.add_argument("a", metavar="A", help="the case to compare with; with --baseline the case that is compared")
    command.add_argument("b", metavar="B", nargs="?", help="the case that is compared")
    command.add_argument(
        "--baseline", metavar="FILE", nargs="?", const="",
        help="instead of another case: what was learnt (without FILE: by the sensor that runs, or ran last)",
    )  # fmt: skip
    command.add_argument("--host", metavar="ADDRESS", help="only what this host has a part in")
    command.add_argument("--only", metavar="LIST", help=f"only these: {','.join(ASPECTS)}")
    command.add_argument("--new", action="store_true", help="leave out what is gone")
    command.add_argument("--sql", action="store_true", help="print the questions instead of asking them")
    _output(command, (*ROWS, *REPORTS))
    return command


def _process(commands: Commands) -> argparse.ArgumentParser:
    command = _command(
        commands, "process", "values around an event as a picture",
        "Draw values around an alert, an incident or a moment: what was reported, what was commanded, what the model "
        "said, with the events of that time.",
    )  # fmt: skip
    command.add_argument("--alert", metavar="ID", help="around this alert, or the start of its id")
    command.add_argument("--incident", metavar="ID", help="around this incident")
    command.add_argument("--at", metavar="TIME", help=f"around this time: {_TIME}")
    command.add_argument(
        "--around", default="1h", metavar="TIME", help="how much before and after, as 10m 2h (default: 1h)"
    )
    _span(command)
    command.add_argument(
        "--tag", action="append", default=[], metavar="TAG", help="draw this one; may be given again (default: those "
        "that the alert names, that were commanded, or that moved most)",
    )  # fmt: skip
    command.add_argument("--asset", metavar="HOST", help="only tags that this host has a part in")
    command.add_argument("--model", metavar="ID", help="draw the outputs of this model as well")
    command.add_argument("--case", metavar="NAME", help="the case (default: the only one of the store)")
    _output(command, ("png", "svg", "html", "pdf"), "png")
    return command


def _report(commands: Commands) -> argparse.ArgumentParser:
    command = _command(
        commands, "report", "a case as a report, with the query of every figure",
        "Write a case up: summary, incidents, timeline, pictures of the process, what is new against another case, "
        "evidence with hashes, techniques, controls, open questions, and the query that each figure comes from.",
    )  # fmt: skip
    command.add_argument("case", metavar="CASE")
    command.add_argument("--against", metavar="CASE", help="compare with this case, a clean one")
    command.add_argument(
        "--baseline", metavar="FILE", nargs="?", const="", help="or with what was learnt, as in compare"
    )
    _span(command)
    _output(command, REPORTS)
    return command


def _output(command: argparse.ArgumentParser, formats: tuple[str, ...], usual: str = "") -> None:
    said = usual or ("table on a terminal, else ndjson" if "table" in formats else "markdown")
    command.add_argument("--format", choices=formats, help=f"default: by the ending of --output, else {said}")
    command.add_argument("--output", metavar="FILE", help="where to (default: stdout)")
