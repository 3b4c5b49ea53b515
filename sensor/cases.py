"""Cases: the captures of an investigation, what state it is in, and who did what with it."""

from __future__ import annotations

import hashlib
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensor import capture_files
from sensor.alerts import ask
from sensor.errors import DriftspanError, InputError
from sensor.ledger import custody
from sensor.ledger.outputs import has_table
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sensor.store import Reading, Saying, Store

_AS_READ = (
    "id", "format", "compression", "packets", "last_ts", "truncated_packets", "skipped_blocks", "dropped",
)  # fmt: skip
OPEN, CLOSED, DELETING = "open", "closed", "deleting"
# What stays of a case that was taken away: that it was there, and the ledger, which says who took it away.
KEPT = ("cases", "custody", "ledger_leaves", "tree_heads", "ledger_heads", "access_log", "access_heads")


@dataclass(frozen=True, slots=True)
class Case:
    """Times in nanoseconds since the epoch."""

    case_id: str
    begun: int
    state: str
    title: str
    analyst: str


@dataclass(frozen=True, slots=True)
class CaseCapture:
    """As of the table `case_captures`."""

    id: str
    path: str
    sha256: str
    size: int
    modified: int
    shift: int
    format: str
    compression: str
    packets: int
    first_ts: int
    last_ts: int
    links: tuple[int, ...]
    truncated_packets: int
    skipped_blocks: int
    dropped: int
    warning: str


def known(store: Reading) -> dict[str, Case]:
    """Cases that were begun, by name; none in the store of an older program."""
    if not has_table(store, "cases"):
        return {}
    columns = "case_id, toUnixTimestamp64Nano(begun) AS begun_ns, state, title, analyst"
    rows = ask(store, f"SELECT {columns} FROM cases FINAL ORDER BY case_id")
    return {
        row["case_id"]: Case(row["case_id"], int(row["begun_ns"]), row["state"], row["title"], row["analyst"])
        for row in rows
        if row["state"]
    }


def captures(store: Reading, case: str) -> list[CaseCapture]:
    """In time order."""
    sql = (
        "SELECT * REPLACE (toUnixTimestamp64Nano(first_ts) AS first_ts, toUnixTimestamp64Nano(last_ts) AS last_ts)"
        f" FROM case_captures FINAL WHERE case_id = {quote(case)}"
    )
    found = []
    for row in ask(store, sql):
        numbers = {name: int(row[name]) for name in ("size", "modified", "shift", "packets", "first_ts", "last_ts",
                                                     "truncated_packets", "skipped_blocks", "dropped")}  # fmt: skip
        plain = {name: row[name] for name in CaseCapture.__dataclass_fields__} | numbers
        found.append(CaseCapture(**plain | {"links": tuple(row["links"])}))
    return sorted(found, key=lambda capture: (capture.first_ts, capture.path))


def the(store: Reading, name: str) -> Case:
    found = known(store).get(name)
    if found is None:
        raise InputError(f"there is no case {name!r}; 'driftspan case list' lists them, 'case new' begins one")
    return found


def the_open(store: Reading, name: str) -> Case:
    found = the(store, name)
    if found.state == CLOSED:
        raise InputError(f"case {name!r} is closed; 'driftspan case reopen {name}' opens it again")
    return found


def say_state(store: Saying, case: Case, state: str) -> None:
    row = {"ts": time.time_ns(), "begun": case.begun, "state": state, "title": case.title, "analyst": case.analyst}
    store.record("cases", case.case_id, [row])


def begin(store: Saying, name: str, title: str, who: str, note: str) -> Case:
    if name in known(store):
        raise InputError(f"there is a case {name!r} already; choose another name")
    case = Case(name, time.time_ns(), OPEN, title, who)
    say_state(store, case, OPEN)
    custody.append(store, name, who, "case.new", detail={"title": title, "note": note})
    return case


def add(
    store: Saying, case: str, paths: Iterable[str], shift: int, who: str, note: str, say: Callable[[str], None]
) -> list[CaseCapture]:
    """All of them or none: what cannot be read is said before anything is recorded."""
    there = {capture.id: capture.path for capture in captures(store, case)}
    new = []
    for path in paths:
        capture = examined(path, shift)
        if capture.id in there:
            say(f"{path}: has the same content as {there[capture.id]}, which is in the case; it is not added again")
            continue
        there[capture.id] = capture.path
        new.append(capture)
    now = time.time_ns()
    store.record("case_captures", case, [asdict(capture) | {"ts": now} for capture in new])
    custody.append_all(store, case, who, "capture.add", [(one.path, _told(one) | {"note": note}) for one in new])
    return new


def _told(capture: CaseCapture) -> dict[str, object]:
    told = {name: getattr(capture, name) for name in ("id", "sha256", "size", "packets")}
    return told | ({"clock_seconds": capture.shift / 1e9} if capture.shift else {})


def examined(path: str, shift: int = 0) -> CaseCapture:
    """Reads a capture whole. InputError where it cannot be read, or changes meanwhile."""
    from parsers import CaptureError, scan

    if path == "-":
        raise InputError("- (stdin) cannot be added to a case: write it to a file first")
    whole = str(Path(path).absolute())
    before = capture_files.stamp(whole)
    try:
        facts, warning = scan(whole, shift)
        digest = sha256_of(whole)
    except CaptureError as error:
        raise InputError(str(error)) from None
    if capture_files.stamp(whole) != before:
        raise InputError(f"{path}: changes while it is read; add it when it is written to no more")
    plain: dict[str, Any] = {name: facts[name] for name in _AS_READ}
    links: Any = facts["links"]
    first: Any = facts["least_ts"]
    return CaseCapture(
        path=whole, sha256=digest, size=before.size, modified=before.modified, shift=shift, first_ts=first,
        links=tuple(links), warning=warning, **plain,
    )  # fmt: skip


def sha256_of(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def check_there(all_of: Sequence[CaseCapture]) -> None:
    gone = [capture.path for capture in all_of if not Path(capture.path).is_file()]
    if gone:
        more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        raise InputError(f"{gone[0]}{more}: not there any more; put back what was added to the case")
    for capture in all_of:
        size = capture_files.stamp(capture.path).size
        if size != capture.size:
            raise InputError(
                f"{capture.path}: changed since it was added to the case: it has {size} bytes, then {capture.size}; "
                "put back what was added, or make a case of what is there now"
            )


def delete(store: Store, case: Case, beside: Mapping[str, Path], who: str, note: str) -> dict[str, int]:
    """Takes it all away, `beside`: directories too. Interrupted at any moment, it is done by who does it again."""
    name = case.case_id
    if case.state != DELETING:
        custody.append(store, name, who, "case.delete", detail={"note": note})
        say_state(store, case, DELETING)
        store.remove(name, who=who, why=note or "case deleted")
    counts = store.delete_case(name, KEPT)
    for folder in beside.values():
        try:
            if folder.exists():
                shutil.rmtree(folder)
        except OSError as error:
            raise DriftspanError(
                f"{folder}: cannot be removed: {error.strerror}; 'driftspan case delete {name} --yes' goes on "
                "when that is mended"
            ) from None
    custody.append(store, name, who, "case.deleted", detail={"rows": counts})
    say_state(store, case, "")
    return counts
