"""The command line. Only argparse is imported until a command runs: `--help` answers at once."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from sensor import cli_audit, cli_case, cli_export, cli_forensics, cli_ledger, cli_models, cli_sigma, cli_users
from sensor.errors import BAD_INPUT, FAILED, DriftspanError

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMATS = ("table", "ndjson", "csv")
SEVERITIES = ("info", "low", "medium", "high", "critical")
STATUSES = ("open", "learned", "muted", "closed", "all")
INCIDENT_STATUSES = ("open", "returned", "learned", "muted", "closed", "merged", "all")
_DEBUG = "DRIFTSPAN_TRACEBACK"


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from sensor.program import version

        sys.stdout.write(f"driftspan {version()}\n")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="driftspan",
        description="A passive sensor for OT networks that also watches the AI models living there.",
        epilog="Exit status: 0 done, 1 failed, 2 bad usage, configuration or input. Results go to stdout, "
        f"messages to stderr. {_DEBUG}=1 shows where an unexpected error comes from.",
    )
    top.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    _init(commands)
    _replay(commands)
    _run(commands)
    _add_status(commands)
    _common(_add(commands, "sensors", "List the sensors of a store: last seen, packets, drops, alerts, version, state"))
    _query(commands)
    _listings(commands)
    cli_models.add(commands, _common)
    cli_users.add(commands, _common)
    cli_export.add(commands, _common)
    cli_sigma.add(commands, _common)
    _show(commands)
    _verdicts(commands)
    _baseline(commands)
    _tune(commands)
    cli_ledger.add(commands, _common)
    _doctor(commands)
    _serve(commands)
    _correlate(commands)
    cli_audit.add(commands, _common)
    cli_forensics.add(commands, _common)
    cli_case.add(commands, _common)
    return top


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text[0].lower() + text[1:], description=f"{text}.")
    command.set_defaults(module=name)
    return command


def _common(command: argparse.ArgumentParser, *, rows: bool = True) -> None:
    command.add_argument(
        "--config",
        metavar="FILE",
        help="configuration (default: ./driftspan.toml, else /etc/driftspan/driftspan.toml, where they are)",
    )
    command.add_argument(
        "--store",
        metavar="DIR|URL",
        help="store: a directory, or clickhouse://user@host:9000/database (default: [store] path of the configuration, "
        "else ./driftspan-store)",
    )
    if rows:
        command.add_argument("--format", choices=FORMATS, help="default: table on a terminal, else ndjson")


def _init(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _add(commands, "init", "Write a commented driftspan.toml")
    command.add_argument("--dir", default=".", metavar="D", help="where (default: here)")
    command.add_argument("--force", action="store_true", help="overwrite what is there")
    command.add_argument(
        "--systemd", action="store_true", help="for a service: its unit as well, and the store in /var/lib/driftspan"
    )


def _replay(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _add(commands, "replay", "Read captures, store what they show, raise alerts, end with a summary")
    command.add_argument(
        "captures",
        nargs="*",
        metavar="CAPTURE",
        help="pcap or pcapng, also .gz and .zst, a folder of them, or a pattern in quotes; - is stdin",
    )
    command.add_argument("--case", metavar="NAME", help="name of the case (default: from the captures' names)")
    cli_case.replay_options(command)
    _common(command)


def _run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _add(commands, "run", "Listen to mirror ports until SIGTERM; nothing is ever sent there")
    command.add_argument(
        "--interface",
        action="append",
        default=[],
        metavar="IF",
        help="listen here; may be given several times (default: [capture] interfaces of the configuration)",
    )
    command.add_argument(
        "--filter", metavar="WORDS", help='which packets are wanted, in tcpdump\'s words: "not port 22"'
    )
    _common(command, rows=False)


def _add_status(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _add(commands, "status", "Say how the sensor that runs is; exit status 1 if none does")
    _common(command)


def _query(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _add(commands, "query", "Ask the store in SQL (ClickHouse's dialect, reading only)")
    command.add_argument("sql", metavar="SQL", help="one SELECT, SHOW, DESCRIBE or EXPLAIN; - reads it from stdin")
    _common(command)


def _listings(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, text in (
        ("alerts", "List alerts, latest first"),
        ("incidents", "List incidents, why a model drifted, latest first"),
        ("drift", "List drift of models' outputs and inputs, latest first"),
        ("flows", "List flows, latest first"),
        ("assets", "List hosts"),
    ):
        command = _add(commands, name, text)
        command.set_defaults(module="listing", listing=name)
        time = "2026-03-01, 2026-03-01T12:30Z, or 15m 2h 7d before now"
        command.add_argument("--since", metavar="TIME", help=f"not before: {time}")
        command.add_argument("--until", metavar="TIME", help="before this time")
        if name in ("alerts", "incidents"):
            choices = STATUSES if name == "alerts" else INCIDENT_STATUSES
            default = "open" if name == "alerts" else "open and returned"
            command.add_argument("--severity", choices=SEVERITIES, help="this one and worse")
            command.add_argument("--status", choices=choices, help=f"default: {default}")
        command.add_argument("--case", metavar="NAME", help="only this case")
        command.add_argument("--where", metavar="SQL", help='a condition on the columns, as in "dst_port = 502"')
        command.add_argument(
            "--limit",
            type=int,
            metavar="N",
            help="at most N rows; 0: all (default: 200 in a table, else all)",
        )
        _common(command)


def _show(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _add(commands, "show", "Show one alert or incident whole")
    command.add_argument("id", metavar="ID", help="its id, or the start of it")
    command.add_argument("--case", metavar="NAME", help="only this case")
    command.add_argument(
        "--no-packets", dest="packets", action="store_false", help="do not dissect its packets with tshark"
    )
    cli_case.key_options(command)
    _common(command)


def _verdicts(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for action, text in (
        ("learn", "Say that an alert's (or incident's) cause is normal here: it is not raised again"),
        ("mute", "Hide an alert's cause, or an incident; it is counted all the same"),
        ("close", "Say that an alert or incident is dealt with; it is open again when there is more of it"),
        ("unlearn", "Take back what was said of an alert or incident"),
    ):
        command = _add(commands, action, text)
        command.set_defaults(module="verdict", action=action)
        command.add_argument("id", metavar="ID", help="its id, or the start of it")
        if action in ("learn", "mute"):
            end = command.add_mutually_exclusive_group()
            end.add_argument("--until", metavar="TIME", help="it holds until then (default: until it is taken back)")
            end.add_argument("--for", dest="duration", metavar="TIME", help="it holds that long, as in 45m 8h 30d")
        command.add_argument("--note", default="", metavar="TEXT", help="why")
        command.add_argument("--by", metavar="NAME", help="who says so (default: the user of the operating system)")
        scope = "the case, if several have it" if action == "close" else "in this case only, not in all of the store"
        command.add_argument("--case", metavar="NAME", help=scope)
        _common(command)


def _baseline(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _add(commands, "baseline", "Say what was learnt: polls, values, and what was kept out")
    command.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="what --save-baseline wrote (default: what the sensor that runs, or ran last, saved)",
    )
    command.add_argument("--host", metavar="ADDRESS", help="only of this host")
    command.add_argument("--kind", choices=("poll", "value", "quarantined"), help="only of this kind")
    _common(command)


def _tune(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _add(commands, "tune", "Show what another budget of false alarms would have meant")
    command.add_argument(
        "--false-alarms-per-day",
        type=float,
        metavar="X",
        help="which anomaly alerts this budget would show (default: how many, for several budgets)",
    )
    command.add_argument("--case", metavar="NAME", help="only this case")
    _common(command)


def _doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _add(commands, "doctor", "Check what the program needs here, and say what to do")
    command.add_argument(
        "--interface", metavar="IF", action="append", help="an interface to listen to; may be repeated"
    )
    _common(command)


def _serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _add(commands, "serve", "Answer other programs over HTTP: take drift and inference records, list results")
    command.add_argument("--host", metavar="ADDRESS", help="where to listen (default: [console] host, 127.0.0.1)")
    command.add_argument("--port", type=int, metavar="N", help="default: [console] port; 0 is any free one")
    command.add_argument("--with-sensor", action="store_true", help=argparse.SUPPRESS)  # ends when its stdin does
    _common(command, rows=False)


def _correlate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _add(commands, "correlate", "Join drift with alerts over the store, of all its sensors, into incidents")
    command.add_argument("--case", metavar="NAME", help="only this case")
    command.add_argument("--since", metavar="TIME", help="leave out earlier evidence: a time, or 12h 30d before now")
    _common(command)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    try:
        status = int(import_module(f"sensor.commands.{arguments.module}").run(arguments))
        sys.stdout.flush()
    except DriftspanError as error:
        return _complain(str(error), error.status)
    except BrokenPipeError:
        from sensor.output import quiet_broken_pipe

        quiet_broken_pipe()
        return 0
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    except MemoryError:
        return _complain("there is not enough memory", FAILED)
    except Exception as error:
        if os.environ.get(_DEBUG):
            raise
        text = " ".join(str(error).split())[:300]
        return _complain(f"unexpected {type(error).__name__}: {text} (set {_DEBUG}=1 to see where)", FAILED)
    return status


def program() -> None:
    """The command as a process of its own. Nothing is left to do when `main` is over, and taking interpreter and
    libraries apart costs a tenth of a second."""
    status = main()
    with contextlib.suppress(OSError):  # main has said so
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def _complain(message: str, status: int) -> int:
    from sensor.service.log import say

    say(message, "error")
    return status


__all__ = ["BAD_INPUT", "main", "parser", "program"]
