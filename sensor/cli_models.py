"""The part of the command line that is about models. Only argparse is imported here."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  it has no public name


def add(commands: Commands, common: Callable[[argparse.ArgumentParser], None]) -> None:
    """`driftspan models [list|history|add|approve|revoke|undo]`; `common` gives a command what most have."""
    models = commands.add_parser(
        "models",
        help="list and keep the AI models of the plant",
        description="List the AI models of the plant, what of them was seen, and hosts that may be further ones; "
        "keep the list of what is approved. Everything said is recorded and can be taken back.",
    )
    models.set_defaults(module="models", action="list", case=None)
    models.add_argument("--case", metavar="NAME", help="only what was seen in this case")
    common(models)
    actions = models.add_subparsers(metavar="ACTION")
    _list(_action(actions, common, "list", "List models, what was seen of them, and candidates"))
    _history(_action(actions, common, "history", "List what was said of models, the latest last"))
    _add(_action(actions, common, "add", "Add a model, or change one that was added"))
    _approve(_action(actions, common, "approve", "Approve a version of a model: it is the newest from now on"))
    _revoke(_action(actions, common, "revoke", "Say that a version or a file must not be used any more"))
    _undo(_action(actions, common, "undo", "Take back what was said last of a model"))


def _action(
    actions: Commands, common: Callable[[argparse.ArgumentParser], None], name: str, text: str
) -> argparse.ArgumentParser:
    # An option that is not given here must not hide one that was given before the action.
    command: argparse.ArgumentParser = actions.add_parser(
        name, help=text[0].lower() + text[1:], description=f"{text}.", argument_default=argparse.SUPPRESS
    )
    command.set_defaults(action=name)
    common(command)
    return command


def _list(command: argparse.ArgumentParser) -> None:
    command.add_argument("--case", metavar="NAME", help="only what was seen in this case")


def _history(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", nargs="?", default="", metavar="MODEL", help="only of this model")


def _add(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", metavar="ID", help="a name for it")
    for name, metavar, text in (
        ("--host", "ADDRESS", "an address or network it runs on"),
        ("--input", "NAME", "what it reads: MQTT topic filter, OPC UA node id, Modbus unit and register, HTTP path"),
        ("--output", "NAME", "where it publishes what it says"),
    ):
        command.add_argument(
            name, action="append", default=[], metavar=metavar, help=f"{text}; may be given several times"
        )
    command.add_argument(
        "--rollback-minutes", type=int, default=15, metavar="N", help="how long a rollback may take (default: 15)"
    )
    _said(command)


def _approve(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", metavar="MODEL", help="its id")
    command.add_argument("version", metavar="VERSION", help="of this version; one approved before is the newest again")
    source = command.add_mutually_exclusive_group()
    source.add_argument(
        "--sha256", action="append", default=[], metavar="H", help="of its file; given again for each further file"
    )
    source.add_argument("--file", action="append", default=[], metavar="F", help="the file itself; may be given again")
    source.add_argument("--manifest", default="", metavar="M", help="signed manifest (OpenSSF model signing)")
    trust = command.add_mutually_exclusive_group()
    trust.add_argument("--key", default="", metavar="PUB", help="public key that signed the manifest (PEM)")
    trust.add_argument(
        "--certificate", default="", metavar="PEM", help="authority, or signer's certificate, of the manifest (PEM)"
    )
    _said(command)


def _revoke(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", metavar="MODEL", help="its id")
    command.add_argument("what", metavar="SHA256|VERSION", help="what must not be used any more")
    _said(command)


def _undo(command: argparse.ArgumentParser) -> None:
    command.add_argument("what", metavar="MODEL|RECORD", help="the last of this model, or one of 'models history'")
    _said(command)


def _said(command: argparse.ArgumentParser) -> None:
    command.add_argument("--note", default="", metavar="TEXT", help="why")
    command.add_argument("--by", default=None, metavar="NAME", help="who says so (default: the user of the system)")
