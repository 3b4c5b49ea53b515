"""Packets found again in the captures they were replayed from, by the table `frame_index`: no capture is read whole.

A selection names hosts, times, frames; the index tells which stretches of frames may hold some of it; every packet of
these is asked. Packets come in time order over all captures, a batch at a time, whatever there is of them.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detectors import address
from sensor import capture_files
from sensor.alerts import ask
from sensor.chosen import FIRST, LAST, programs
from sensor.errors import InputError
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sensor.store import Reading

    Packet = tuple[int, int, int, int, int, bytes]
    Stretch = tuple[int, int, int, list[int]]
    Flow = tuple[tuple[bytes, int], tuple[bytes, int]]

NOBODY = bytes(16)
_MIX = 0x9E37_79B9_7F4A_7C15
_ALL = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """Packets between `first` and `last` (nanoseconds, inclusive) that `words` want and that belong to a pair of hosts
    or a flow, where any are named; and those of `frames`, whatever else holds: capture id and number."""

    first: int = FIRST
    last: int = LAST
    words: str = ""
    pairs: tuple[tuple[bytes, bytes], ...] = ()
    flows: tuple[Flow, ...] = ()
    frames: tuple[tuple[str, int], ...] = ()
    only_frames: bool = False


@dataclass(slots=True)
class Capture:
    id: str
    path: str
    shift: int
    size: int
    modified: int
    stretches: list[Stretch] = field(default_factory=list)


def captures(store: Reading, case: str) -> list[Capture]:
    """Of what was replayed into a case, in time order."""
    sql = (
        "SELECT id, path, shift, size, modified FROM captures FINAL"
        f" WHERE case_id = {quote(case)} ORDER BY first_ts, path"
    )
    return [
        Capture(row["id"], row["path"], int(row["shift"]), int(row["size"]), int(row["modified"]))
        for row in ask(store, sql)
    ]


def found(store: Reading, case: str, wanted: Wanted) -> list[Capture]:
    """Captures that may hold some of it, and where in them. InputError where a capture is not what it was, or has no
    index."""
    there = captures(store, case)
    if not there:
        raise InputError(f"case {case!r} has no captures; 'driftspan case list' lists cases")
    by_id = {capture.id: capture for capture in there}
    for row in ask(store, _sql(case, wanted)):
        stretch = (int(row["offset"]), int(row["frame"]), int(row["frames"]), [int(at) for at in row["prelude"]])
        if row["capture"] in by_id:
            by_id[row["capture"]].stretches.append(stretch)
    if not any(capture.stretches for capture in there):
        _check_indexed(store, case)
    touched = [capture for capture in there if capture.stretches]
    for capture in touched:
        check_same(capture)
    return touched


def _check_indexed(store: Reading, case: str) -> None:
    if not ask(store, f"SELECT 1 AS n FROM frame_index WHERE case_id = {quote(case)} LIMIT 1"):
        raise InputError(
            f"case {case!r} was replayed by an earlier version, which kept no index of its frames; replay it again"
        )


def _sql(case: str, wanted: Wanted) -> str:
    conditions = []
    if not wanted.only_frames:
        parts = [_since(wanted), _hosts(wanted)]
        conditions.append(" AND ".join(filter(None, parts)) or "true")
    for capture in dict.fromkeys(capture for capture, _ in wanted.frames):
        numbers = sorted(number for of, number in wanted.frames if of == capture)
        at = f"arrayExists(n -> n >= frame AND n < frame + frames, {numbers})"
        conditions.append(f"capture = {quote(capture)} AND frame <= {numbers[-1]} AND {at}")
    where = " OR ".join(f"({condition})" for condition in conditions) or "false"
    return (
        "SELECT capture, frame, frames, offset, prelude FROM frame_index"
        f" WHERE case_id = {quote(case)} AND ({where}) ORDER BY capture, frame"
    )


def _since(wanted: Wanted) -> str:
    """What the index keeps of a time is the stretch's."""
    told = []
    if wanted.first != FIRST:
        told.append(f"last_ts >= fromUnixTimestamp64Nano({wanted.first})")
    if wanted.last != LAST:
        told.append(f"ts <= fromUnixTimestamp64Nano({wanted.last})")
    return " AND ".join(told)


def _hosts(wanted: Wanted) -> str:
    if not (wanted.pairs or wanted.flows):
        return ""
    if any(a == NOBODY for a, _ in wanted.pairs):
        return ""  # every ARP packet: of any host
    told = ["has(hosts, 0)"]
    told += [f"hasAll(hosts, {[number(host) for host in pair if host != NOBODY]})" for pair in wanted.pairs]
    told += [f"hasAll(hosts, [{number(a)}, {number(b)}])" for (a, _), (b, _) in wanted.flows]
    return f"({' OR '.join(dict.fromkeys(told))})"


def number(host: bytes) -> int:
    """As parsers/capture/src/index.rs numbers hosts."""
    upper, lower = (int.from_bytes(part, "big") for part in (host[:8], host[8:]))
    return (upper * _MIX & _ALL) ^ lower


def check_same(capture: Capture) -> None:
    """A file that was not touched since is not read for that; of another one the content must be the same."""
    there = capture_files.stamp(capture.path)
    if capture.path == "-":
        raise InputError("this case was replayed from stdin: its packets are nowhere to be found again")
    if there == (0, 0):
        raise InputError(f"{capture.path}: is not there any more; put back the capture that was replayed")
    if there == (capture.size, capture.modified):
        return
    from parsers import CaptureError, Engine

    try:
        same = Engine([capture.path], shifts=[capture.shift]).captures()[0]["id"] == capture.id
    except CaptureError as error:
        raise InputError(str(error)) from None
    if not same:
        raise InputError(f"{capture.path}: is not what it was when it was replayed; put back that capture")


def packets(of: Sequence[Capture], wanted: Wanted) -> Iterator[Packet]:
    """Time, place of the capture in `of`, frame number, link type, length on the wire, bytes; in time order."""
    streams = [_stream(place, capture, _selection(wanted, capture, place)) for place, capture in enumerate(of)]
    return heapq.merge(*streams, key=lambda packet: packet[:3])


def _selection(wanted: Wanted, capture: Capture, place: int) -> Any:
    from parsers import Selection

    frames = [(place, number) for of, number in wanted.frames if of == capture.id]
    if wanted.only_frames:
        return Selection(from_ts=LAST, to_ts=FIRST, frames=frames)
    return Selection(
        from_ts=wanted.first, to_ts=wanted.last, programs=programs(wanted.words), pairs=wanted.pairs,
        flows=wanted.flows, frames=frames,
    )  # fmt: skip


def _stream(place: int, capture: Capture, selection: Any) -> Iterator[Packet]:
    from parsers import CaptureError, frames_at

    rest = capture.stretches
    while rest:
        try:
            some, read = frames_at(capture.path, place, rest, selection, shift=capture.shift)
        except CaptureError as error:
            raise InputError(str(error)) from None
        rest = rest[read:]
        yield from sorted(some, key=lambda packet: packet[:3])


def in_wireshark(wanted: Wanted) -> str:
    """The same packets as Wireshark's display filter chooses them, of one capture whose times are as they were; empty:
    it cannot say so."""
    numbers = sorted(number for _, number in wanted.frames)
    named = f"frame.number in {{{', '.join(map(str, numbers))}}}" if numbers else ""
    if wanted.only_frames:
        return named
    if wanted.words:
        return ""
    parts = []
    if wanted.first != FIRST:
        parts.append(f"frame.time_epoch >= {_seconds(wanted.first)}")
    if wanted.last != LAST:
        parts.append(f"frame.time_epoch <= {_seconds(wanted.last)}")
    between = [*starmap(_pair, wanted.pairs), *map(_flow, wanted.flows)]
    if between:
        parts.append(f"({' or '.join(between)})")
    chosen = " and ".join(parts)
    return f"({chosen}) or {named}" if chosen and named else chosen or named


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"


def _is(host: bytes) -> str:
    text = address.text(host)
    return f"{'ipv6' if ':' in text else 'ip'}.addr == {text}"


def _pair(a: bytes, b: bytes) -> str:
    if a == NOBODY:
        return "arp"
    hosts = [host for host in (a, b) if host != NOBODY]
    told = " and ".join(map(_is, hosts))
    four = [address.text(host) for host in hosts if ":" not in address.text(host)]
    if len(four) < len(hosts):
        return f"({told})"
    arp = " and ".join(f"(arp.src.proto_ipv4 == {host} or arp.dst.proto_ipv4 == {host})" for host in four)
    return f"(({told}) or ({arp}))"


def _flow(flow: Flow) -> str:
    (a, port), (b, other) = flow
    ports = " or ".join(f"({kind}.port == {port} and {kind}.port == {other})" for kind in ("tcp", "udp"))
    return f"({_is(a)} and {_is(b)} and ({ports}))"


def within(wanted: Wanted, seconds_before: float, seconds_after: float) -> Wanted:
    return replace(
        wanted, first=wanted.first - round(seconds_before * 10**9), last=wanted.last + round(seconds_after * 10**9)
    )


def name_of(capture: Capture) -> str:
    return Path(capture.path).name
