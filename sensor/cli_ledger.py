"""The part of the command line that is about the ledger. Nothing is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  it has no public name

_STREAMS = ("access", "alerts", "custody", "incidents", "inference", "models", "runbook", "verdicts")
_KEY = "a verifier's line, Base64 or a file with one of them or PEM ('driftspan ledger key')"


def add(commands: Commands, common: Callable[..., None]) -> None:
    """`driftspan ledger verify|prove|check|heads|key`; `common` gives a command what most have."""
    ledger = commands.add_parser(
        "ledger",
        help="check that records are as they were written, prove it to others",
        description="Alerts, incidents, model outputs, verdicts, approved models, access and custody are committed to "
        "when they are written. A log witnesses only itself: keep its signed heads on another machine.",
    )
    ledger.set_defaults(module="ledger")
    actions = ledger.add_subparsers(metavar="ACTION", required=True)
    _verify(_action(actions, common, "verify", "Find records changed, removed, put in or moved, and name them"))
    _prove(_action(actions, common, "prove", "Write the proof that a record is in a signed tree", rows=False))
    _check(_action(actions, common, "check", "Check a proof, without a store", store=False))
    _heads(
        _action(actions, common, "heads", "Sign and show the heads of all streams, or send them elsewhere", rows=False)
    )
    _key(_action(actions, common, "key", "Show the public key of this machine's log, or change the key"))


def _action(
    actions: Commands, common: Callable[..., None], name: str, text: str, *, rows: bool = True, store: bool = True
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = actions.add_parser(name, help=text[0].lower() + text[1:], description=f"{text}.")
    command.set_defaults(action=name)
    if store:
        common(command, rows=rows)
    else:
        command.add_argument("--format", choices=("table", "ndjson", "csv"), help="default: table on a terminal")
    return command


def _verify(command: argparse.ArgumentParser) -> None:
    command.add_argument("--case", metavar="NAME", help="only records of this case")
    command.add_argument(
        "--heads", action="append", default=[], metavar="FILE", help="signed heads that were kept elsewhere: notes, or "
        "a log of syslog's with them; may be given several times",
    )  # fmt: skip
    command.add_argument("--key", metavar="KEY", help=f"a public key to trust: {_KEY}")


def _prove(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", nargs="?", metavar="ID", help="of the record, or the start of it: alert, incident, "
                         "hash of a model's output, record of 'models history', RUN/NUMBER of access")  # fmt: skip
    command.add_argument("--stream", choices=_STREAMS, help="where to look for it (default: everywhere)")
    command.add_argument("--case", metavar="NAME", help="only in this case")
    command.add_argument(
        "--since", metavar="FILE", help="instead of a record: that the trees begin with what these signed heads are of"
    )


def _check(command: argparse.ArgumentParser) -> None:
    command.add_argument("proof", metavar="PROOF", help="file that 'ledger prove' wrote; - is stdin")
    command.add_argument("--key", metavar="KEY", required=True, help=f"the log's public key: {_KEY}")


def _heads(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--to", action="append", default=[], metavar="FILE|URL", help="append them to a file, or send them to udp://, "
        "tcp:// or tls://HOST:PORT as syslog; may be given several times (default: stdout)",
    )  # fmt: skip


def _key(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--rotate", action="store_true", help="make a new key; the old one signs that, and its private half is erased"
    )
