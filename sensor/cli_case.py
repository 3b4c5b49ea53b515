"""The options of `driftspan case` and `driftspan carve`, and those that every replay has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001  it has no public name
    Common = Callable[[argparse.ArgumentParser], None]

_TIME = "2026-03-01T12:30:00Z, in packet time"


def add(commands: Commands, common: Common) -> None:
    """`driftspan case ACTION` and `driftspan carve`; `common` gives a command what most have."""
    case = commands.add_parser(
        "case",
        help="captures of an investigation: add them, replay them, say who did what, take all of it away",
        description="Keep the captures of an investigation together, with their hashes and who did what when; replay "
        "them, look at frames, and take all of it away again.",
    )
    actions = case.add_subparsers(metavar="ACTION", required=True)
    new = _action(actions, common, "new", "Begin a case")
    new.add_argument("--title", default="", metavar="TEXT", help="what it is about, in a few words")
    _add(_action(actions, common, "add", "Add captures to a case: each is read whole and hashed"))
    _action(actions, common, "list", "List cases", named=False)
    show = _action(actions, common, "show", "Show the captures of a case: hashes, times, gaps between them, losses")
    show.add_argument("--custody", action="store_true", help="who did what with it when, instead")
    replay_options(_action(actions, common, "replay", "Replay the captures of a case in time order"))
    _frame(_action(actions, common, "frame", "Dissect one frame of a case with tshark"))
    _action(actions, common, "close", "Close a case: nothing is added or replayed any more")
    _action(actions, common, "reopen", "Open a closed case again")
    delete = _action(actions, common, "delete", "Take away all that the store has of a case; captures stay")
    delete.add_argument("--yes", action="store_true", help="it cannot be taken back: without this it is only told")
    _carve(commands, common)


def _action(actions: Commands, common: Common, name: str, text: str, *, named: bool = True) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = actions.add_parser(name, help=text[0].lower() + text[1:], description=f"{text}.")
    command.set_defaults(module="case", action=name)
    if named:
        command.add_argument("case", metavar="NAME", help="the case")
    if name not in ("list", "show", "frame"):
        command.add_argument("--note", default="", metavar="TEXT", help="why")
        command.add_argument("--by", default=None, metavar="NAME", help="who (default: the user of the system)")
    common(command)
    return command


def _add(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "captures", nargs="+", metavar="CAPTURE", help="captures, folders of them, or patterns in quotes"
    )
    command.add_argument(
        "--clock",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="add this to the times of these captures, whose clock was wrong",
    )


def _frame(command: argparse.ArgumentParser) -> None:
    command.add_argument("frame", type=int, metavar="N", help="its number in its capture")
    command.add_argument(
        "--capture", default="", metavar="CAPTURE", help="id, or part of the path, where the case has several"
    )
    key_options(command)


def key_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--tls-keys", metavar="FILE", help="key log of TLS sessions (SSLKEYLOGFILE), to dissect what was encrypted"
    )
    command.add_argument("--opcua-keys", metavar="FILE", help="key log of OPC UA channels; Wireshark 4.4 or newer")


def replay_options(command: argparse.ArgumentParser) -> None:
    from sensor.chosen import EVERY, add_options

    add_options(command)
    command.add_argument(
        "--resume", action="store_true", help="go on where the interrupted replay of this case stopped"
    )
    command.add_argument(
        "--checkpoint",
        type=float,
        default=EVERY,
        metavar="SECONDS",
        help=f"how often it is kept how far the replay is; 0: never (default: {EVERY:g})",
    )
    command.add_argument(
        "--learn-from",
        action="append",
        default=[],
        metavar="CAPTURE",
        help="learn what is normal from this clean capture first; may be given several times, nothing of it is stored "
        "(default: the first part of the captures is learnt)",
    )
    command.add_argument("--baseline", metavar="FILE", help="begin with what an earlier run learnt")
    command.add_argument(
        "--save-baseline", metavar="FILE", help="keep what --learn-from taught; needs no CAPTURE besides"
    )
    command.add_argument(
        "--drift",
        action="append",
        default=[],
        metavar="FILE|DIR",
        help="drift reports of other tools for the same time: AITF, Evidently, NannyML or plain JSON, a document a "
        "line (.jsonl) or a file (.json); may be given several times (default: [intake] drift of the configuration)",
    )
    command.add_argument(
        "--inference",
        action="append",
        default=[],
        metavar="FILE|DIR",
        help="inference logs that the models' own hosts kept, to be compared with the network; may be given several "
        "times (default: [intake] inference of the configuration)",
    )
    command.add_argument(
        "--evidence", action="store_true", help="keep the packets of each alert of medium severity and above as pcapng"
    )
    command.add_argument(
        "--pace",
        type=float,
        default=0.0,
        metavar="X",
        help="X times as fast as recorded (default: as fast as possible)",
    )
    command.add_argument("--workers", type=int, metavar="N", help="threads of the packet path (default: configuration)")


def _carve(commands: Commands, common: Common) -> None:
    text = "Write packets of replayed captures, or a file that they carried, out of the original captures"
    command = commands.add_parser(
        "carve",
        help=text[0].lower() + text[1:],
        description=f"{text}. What is asked for together must all hold; --before and --after are for --alert and "
        "--incident.",
    )
    command.set_defaults(module="carve")
    what = command.add_argument_group("what")
    what.add_argument("--alert", metavar="ID", help="packets between an alert's hosts in its time, and deciding ones")
    what.add_argument("--incident", metavar="ID", help="those of all alerts of an incident")
    what.add_argument("--flow", metavar="ID", help="flow_id or community_id")
    what.add_argument("--host", action="append", default=[], metavar="ADDRESS", help="may be given several times")
    what.add_argument("--from", dest="first", metavar="TIME", help=f"not before: {_TIME}")
    what.add_argument("--to", dest="last", metavar="TIME", help="not after")
    what.add_argument("--filter", default="", metavar="WORDS", help="in tcpdump's words")
    what.add_argument(
        "--sql", metavar="SQL", help="a SELECT that gives capture, and frame or frames or request_frame, response_frame"
    )
    what.add_argument("--file", metavar="SHA256", help="the content of a file that was seen, or the start of its hash")
    command.add_argument("--before", type=float, default=60.0, metavar="SECONDS", help="default: 60")
    command.add_argument("--after", type=float, default=10.0, metavar="SECONDS", help="default: 10")
    command.add_argument("--case", metavar="NAME", help="only of this case; needed where the store has several")
    command.add_argument("--output", required=True, metavar="FILE", help="pcapng, or the file; never overwritten")
    command.add_argument("--force", action="store_true", help="overwrite what is there")
    common(command)
