"""The part of the command line that is about users and tokens. Only argparse is imported here."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  it has no public name

ROLES = ("viewer", "analyst", "engineer", "admin", "auditor")
SCOPES = ("read", "intake", "evidence", "work", "models", "audit")
_ROLES = "viewer sees; analyst gives verdicts; engineer tunes; admin keeps users and models; auditor reads everything"


def add(commands: Commands, common: Callable[[argparse.ArgumentParser], None]) -> None:
    """`driftspan users [list|add|role|password|totp|remove|token]`; `common` gives a command what most have."""
    users = commands.add_parser(
        "users",
        help="list and keep the users of the console, and tokens of programs",
        description="List and keep the users of the console, and the tokens that programs show. Passwords come from "
        "the terminal, from stdin or from a file, never from the command line.",
    )
    users.set_defaults(module="users", action="list")
    common(users)
    actions = users.add_subparsers(metavar="ACTION")
    _action(actions, common, "list", "List users and tokens")
    command = _named(actions, common, "add", "Add a user")
    command.add_argument("--role", choices=ROLES, default="viewer", help=f"{_ROLES} (default: viewer)")
    _password(command)
    command = _named(actions, common, "role", "Give a user another role")
    command.add_argument("role", choices=ROLES, help=_ROLES)
    _password(_named(actions, common, "password", "Give a user another password"))
    _named(actions, common, "totp", "Take a user's second factor away; the user sets up another one in the console")
    _named(actions, common, "remove", "Remove a user, with sessions and tokens")
    command = _action(actions, common, "token", "Make a token for a program, or remove one")
    command.add_argument("name", metavar="NAME|ID", help="whose it is; with --remove the token's id")
    command.add_argument("--label", default="", metavar="TEXT", help="what it is for")
    command.add_argument(
        "--scope", action="append", choices=SCOPES, default=[], help="what it may; may be given several times"
    )
    command.add_argument("--days", type=float, default=90.0, metavar="N", help="it ends then; 0: never (default: 90)")
    command.add_argument("--remove", action="store_true", help="remove the token with this id")


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


def _named(
    actions: Commands, common: Callable[[argparse.ArgumentParser], None], name: str, text: str
) -> argparse.ArgumentParser:
    command = _action(actions, common, name, text)
    command.add_argument("name", metavar="NAME", help="the user's")
    return command


def _password(command: argparse.ArgumentParser) -> None:
    source = command.add_mutually_exclusive_group()
    source.add_argument(
        "--password-file", default="", metavar="F", help="the password is its first line; - is stdin (default: ask)"
    )
    once = "make one up that must be changed at the first login"
    source.add_argument("--once", action="store_true", default=False, help=once)
