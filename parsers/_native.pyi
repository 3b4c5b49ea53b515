"""The contract of the packet path. Times are nanoseconds since the epoch, UTC, in packet time."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, TypeAlias, final

import numpy.typing as npt

__all__ = [
    "CaptureError", "Engine", "Found", "Readings", "Recorder", "Selection", "Table", "Window", "anomaly_kinds",
    "drop_privileges", "frames_at", "give_up_calls", "give_up_files", "keep_listening", "limits", "listen",
    "packets_of", "scan", "schema", "tag_numbers",
]  # fmt: skip

# Pairs of hosts, 16 bytes each, in either direction (zeros as the second: every packet of the first; as both: every ARP
# packet); packets wanted whatever else holds, as (index of the capture, frame number); from, what happened, to
# (inclusive), nanoseconds; most packets and most bytes of them: those farthest from what happened are left out.
_Question: TypeAlias = tuple[Sequence[tuple[bytes, bytes]], Sequence[tuple[int, int]], int, int, int, int, int]

class CaptureError(ValueError):
    """A capture that cannot be read. The message is one sentence naming the file and the mend."""

@final
class Table:
    """Rows of one table of a window. Arrow consumers (`pyarrow.table`) take it without copying."""

    @property
    def name(self) -> str: ...
    @property
    def num_rows(self) -> int: ...
    @property
    def column_names(self) -> list[str]: ...
    def __len__(self) -> int: ...
    def native(
        self,
        constants: Mapping[str, str],
        words: Mapping[str, tuple[bytes, Sequence[str]]] | None = None,
    ) -> bytes:
        """The rows as blocks of ClickHouse's format Native.

        `constants`: columns that say the same in every row. `words`: columns of texts, for each row the place
        of its text as a little-endian number of 32 bits, and the texts; ValueError if they do not fit the rows.
        """
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Window:
    """A slice of packet time, aligned to the epoch, or a part of one that grew past the limits.

    `last` is False for a part that is followed by more of the same window; `behaviours` come with the
    last part. `tables` holds only tables that have rows. `counters` are this part's own, not totals.
    """

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def last(self) -> bool: ...
    @property
    def tables(self) -> dict[str, Table]: ...
    @property
    def counters(self) -> dict[str, int]: ...
    @property
    def files(self) -> list[tuple[bytes, bytes]]:
        """SHA-256 and content of whole files, where the limit `kept_file_bytes` lets any be kept."""

@final
class Selection:
    """Which packets are wanted: those of `frames`, (index of the capture, frame number), and those between `from_ts`
    and `to_ts` (inclusive) that `programs` want and that belong to one of `pairs` or `flows`, where there are any.

    `programs`: of classic BPF by link type; packets of others are not wanted. `pairs`: of hosts, in either direction,
    also what ARP says between them (zeros as the second: all of the first; as both: every ARP packet).
    `flows`: (address, port) of both ends, of TCP or UDP. ValueError for a program that is none.
    """

    def __new__(
        cls,
        *,
        from_ts: int = ...,
        to_ts: int = ...,
        programs: Sequence[tuple[int, Sequence[tuple[int, int, int, int]]]] | None = None,
        pairs: Sequence[tuple[bytes, bytes]] = ...,
        flows: Sequence[tuple[tuple[bytes, int], tuple[bytes, int]]] = ...,
        frames: Sequence[tuple[int, int]] = ...,
    ) -> Selection: ...

@final
class Found:
    """The packets that belong to a question, and what of them is missing."""

    @property
    def packets(self) -> list[tuple[int, int, int, int, int, bytes]]:
        """(time, index of the capture, frame number, link type, length on the wire, bytes), in time order; with the
        beginnings of TCP connections that were open in the stretch, where they lie before it."""
    @property
    def cut(self) -> tuple[int, int]:
        """Packets left out before and after what happened."""
    @property
    def since(self) -> int:
        """Time of the oldest packet that was at hand; 2**63 - 1: there was none."""
    @property
    def overrun(self) -> bool:
        """Whether older ones had been let go, or some within the stretch."""

@final
class Recorder:
    """A bounded ring of raw packets in memory and, where there is a folder, behind it on disk.

    `memory`, `disk`: bytes. `age_seconds` of packet time after which packets are let go; 0: never. Capture never waits
    for the disk: what it cannot take in time is let go and counted (`lost`).
    """

    def __new__(
        cls,
        *,
        memory: int,
        folder: str | PathLike[str] | None = None,
        disk: int = 0,
        age_seconds: float = 0.0,
    ) -> Recorder: ...
    def select(self, questions: Sequence[_Question]) -> list[Found]:
        """From what was kept by now, at least up to the window handed out last. Any thread may ask, without the GIL."""
    def counters(self) -> dict[str, int]:
        """packets, expired, lost, failures since the beginning; memory_bytes, disk_bytes held now."""
    def told(self) -> str | None:
        """What went wrong with the disk since this was asked last, in a sentence."""
    def clear(self) -> None:
        """Lets go of everything that is held, files on disk too."""

@final
class Engine:
    """Reads captures in time order, dissects, and hands out windows.

    Raises CaptureError for what cannot be read, ValueError for a limit that does not exist. `simulate`: for tests, a
    failure of the packet path itself at each TCP packet to a port: `("flow", port)` in its dissector, `("packet",
    port)` outside any.
    """

    def __new__(
        cls,
        captures: Sequence[str | PathLike[str]],
        *,
        window_seconds: float = 10.0,
        workers: int = 1,
        limits: Mapping[str, int] | None = None,
        vlan_in_key: bool = False,
        recorder: Recorder | None = None,
        simulate: tuple[str, int] | None = None,
        shifts: Sequence[int] | None = None,
        selection: Selection | None = None,
        index: bool = False,
    ) -> Engine:
        """`shifts`: nanoseconds to add to the times of each capture, which is another capture then: its id tells.
        `index`: windows have the table `frame_index` as well."""
    @staticmethod
    def live(
        interfaces: Sequence[str],
        *,
        window_seconds: float = 10.0,
        workers: int = 1,
        limits: Mapping[str, int] | None = None,
        vlan_in_key: bool = False,
        ring_mib: int = 64,
        snaplen: int = 0,
        promiscuous: bool = True,
        program: Sequence[tuple[int, int, int, int]] | None = None,
        rings: int = 1,
        recorder: Recorder | None = None,
        listener: int | None = None,
    ) -> Engine:
        """Listens to interfaces, which needs CAP_NET_RAW; nothing is sent. From the first `next` on a thread of its own
        reads them: windows wait for `next` in memory, up to the limit `waiting_bytes`.

        `ring_mib`: the kernel's buffer, of each of `rings` sockets that share an interface's packets. `snaplen`: bytes
        kept of a packet, 0 for all. `program`: of classic BPF, which packets are wanted. `recorder`: keeps the packets.
        `listener`: a descriptor, given away, of the way to a process in `listen` that was told the same; it owns the
        sockets then, and this process needs no right and has no socket that could send.
        CaptureError when it cannot listen.
        """
    def next(self) -> Window | None:
        """The next window; None at the end. Waits without the GIL and lets signal handlers run."""
    def stop(self) -> None:
        """Ends the stream: what has come is handed out, then None. Any thread may call it."""
    def captures(self) -> list[dict[str, object]]: ...
    def taken(self) -> int:
        """Bytes read of the captures' files so far, compressed as they are."""
    def passed_over(self) -> tuple[int, int]:
        """Packets that the selection did not want, and those of them of a link type that its filter does not know."""
    def warnings(self) -> list[str]: ...

@final
class Readings:
    """What values of tags did, window by window, a few numbers a tag; remembers their last stretches.

    Columns are one-dimensional and contiguous; ValueError for one that is not of the size or type that is wanted.
    """

    def __new__(cls) -> Readings: ...
    def __len__(self) -> int: ...
    def take(
        self,
        order: npt.NDArray[Any],
        edges: npt.NDArray[Any],
        times: npt.NDArray[Any],
        numbers: npt.NDArray[Any],
        values: npt.NDArray[Any],
        places: npt.NDArray[Any],
        keys: npt.NDArray[Any],
        known: Mapping[str, npt.NDArray[Any]],
    ) -> dict[str, bytes]:
        """A window. Of its messages, 64-bit integers: `order` of time, `edges` where the values of each begin and the
        end, `times`. Of its values: `numbers` of their tags (32 bits, as `tag_numbers` gives them), `values` (floats).
        `places`: of each number of a tag its place in `keys`, -1 where it has none. `keys`: unsigned, distinct.

        `known` of each key: `new judged` (8 bits, 0 or 1), `value low high step` (floats), `time`.
        Gives columns of each key, little-endian: 64-bit integers `moves again rested time range_at step_at end`, floats
        `low high beyond range_value excess step value`; see `parsers/wire/src/readings.rs`.
        """
    def keep(self, keys: npt.NDArray[Any]) -> None:
        """Forgets all tags but these."""
    def clear(self) -> None:
        """Forgets all."""
    def snapshot(self) -> bytes: ...
    def restore(self, state: bytes) -> None:
        """ValueError if it is no snapshot."""

def tag_numbers(
    ends: npt.NDArray[Any],
    edges: npt.NDArray[Any],
    codes: npt.NDArray[Any],
    names: int,
    values: npt.NDArray[Any],
    valid: npt.NDArray[Any],
    room: int,
) -> tuple[bytes, bytes, int]:
    """Numbers of tags, in the order of first sight.

    `ends` (64 bits): who speaks in each message, `edges` (32 bits): where its values begin, and the end; `codes`
    (32 bits), `values` (floats), `valid` (8 bits): of each value its name, one of `names`, and whether it is one.
    Gives for each value its number (32 bits; all of them set: it is no finite number, or there is no `room`), for each
    number `ends * names + code` (64 bits), and how many found no room.
    """

def packets_of(captures: Sequence[str | PathLike[str]], questions: Sequence[_Question]) -> list[Found]:
    """As `Recorder.select`, from captures, which are read once. CaptureError for what cannot be read."""

def scan(path: str | PathLike[str], shift: int = 0) -> tuple[dict[str, object], str]:
    """Reads all of a capture: what is known of it, and what was wrong with it (empty: nothing). CaptureError."""

def frames_at(
    path: str | PathLike[str],
    capture: int,
    stretches: Sequence[tuple[int, int, int, Sequence[int]]],
    selection: Selection,
    *,
    shift: int = 0,
    most: int = ...,
) -> tuple[list[tuple[int, int, int, int, int, bytes]], int]:
    """Packets as of `Found.packets` in the order of the file, out of stretches (offset, first frame, frames, prelude)
    of the table `frame_index`, until there are `most` bytes of them; and how many stretches were read. CaptureError."""

def drop_privileges() -> None:
    """Gives up every capability of this thread, and of threads it starts, for good. OSError if the kernel refuses."""

def keep_listening() -> None:
    """The same of all capabilities but the one that opens packet sockets."""

def listen(
    fd: int,
    interfaces: Sequence[str],
    *,
    ring_mib: int,
    snaplen: int,
    promiscuous: bool,
    program: Sequence[tuple[int, int, int, int]],
    rings: int,
) -> None:
    """Owns the sockets of interfaces, as `Engine.live` describes them, and answers at `fd` (SOCK_SEQPACKET, given away)
    until the other end is closed. Signal handlers do not run meanwhile."""

def give_up_calls(role: str) -> None:
    """Gives up system calls that a process of this role does not need (sensor, listener, keeper, writer, dissector),
    for all threads and for good. OSError where the kernel takes no filter."""

def give_up_files(
    *, read: Sequence[str | PathLike[str]], write: Sequence[str | PathLike[str]], run: Sequence[str | PathLike[str]]
) -> bool:
    """Gives up all files but these and what lies below them, TCP connections, and signals to others, for this thread
    and those that it begins. False where the kernel cannot keep all of that; OSError where it refuses."""

def limits() -> list[tuple[str, int, str]]:
    """Name, default and meaning of every limit."""

def anomaly_kinds() -> list[tuple[str, str]]:
    """Name and meaning of every kind of anomaly."""

def schema() -> dict[str, list[tuple[str, str]]]:
    """Columns of every table: (name, Arrow type)."""
