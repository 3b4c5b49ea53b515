"""The part of the command line that is about Sigma rules. Only argparse is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  it has no public name


def add(commands: Commands, common: Callable[..., None]) -> None:
    sigma = commands.add_parser(
        "sigma",
        help="detections of your own: list, check and run Sigma rules",
        description="Detections of your own: Sigma rules over the tables of the store, beside those that come along.",
    )
    sigma.set_defaults(module="sigma")
    actions = sigma.add_subparsers(metavar="ACTION", required=True)
    for name, text in (
        ("list", "List the rules of the configuration"),
        ("check", "Check rules, and show the SQL that they become"),
        ("run", "Ask the store for what the rules describe; what they match is stored as alerts"),
    ):
        command = actions.add_parser(name, help=text[0].lower() + text[1:], description=f"{text}.")
        command.set_defaults(action=name)
        command.add_argument(
            "--rules", action="append", default=[], metavar="PATH", help="further rules: a file or a directory"
        )
        common(command)
        if name == "check":
            command.add_argument("files", nargs="*", metavar="FILE", help="only these (default: all there are)")
        if name == "run":
            command.add_argument("--case", metavar="NAME", help="only this case")
            command.add_argument("--since", metavar="TIME", help="not before: 2026-03-01, or 15m 2h 7d before now")
            command.add_argument("--dry-run", action="store_true", help="show the alerts, and store none")
