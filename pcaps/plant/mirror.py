"""From what the mirror ports saw to one capture: 802.1Q tags, one order in time, the plant's own clock.

A recording at speed S waits S times shorter than the plant does. Its packet times are stretched back: a
packet that follows its predecessor within BURST keeps its gap to the nanosecond (so latencies of requests
are real), and what grows is the silence before a burst. Where traffic is so dense that bursts would run
into each other nothing shrinks: a packet's time is never later than S times its real distance from the
beginning and never earlier than its predecessor's.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BURST = 5_000_000  # nanoseconds
_GLOBAL, _RECORD = struct.Struct("<IHHiIII"), struct.Struct("<IIII")
_NANO = 0xA1B23C4D
_MICRO = 0xA1B2C3D4
_ETHERNET = 1


@dataclass(frozen=True)
class Seen:
    """A frame of a mirror port; `time` in nanoseconds."""

    time: int
    vlan: int
    frame: bytes


def read(path: Path, vlan: int = 0) -> Iterator[Seen]:
    """Frames of a capture that tcpdump wrote here (this machine's byte order, nanoseconds)."""
    blob = path.read_bytes()
    magic = _GLOBAL.unpack_from(blob)[0]
    unit = 1 if magic == _NANO else 1000
    place = _GLOBAL.size
    while place + _RECORD.size <= len(blob):
        seconds, fraction, kept, _ = _RECORD.unpack_from(blob, place)
        place += _RECORD.size
        if place + kept > len(blob):
            return
        yield Seen(seconds * 10**9 + fraction * unit, vlan, blob[place : place + kept])
        place += kept


def tagged(seen: Seen) -> bytes:
    """The frame as a trunk port sends it: EtherType 0x8100 and the VLAN after the addresses (802.1Q, 9.6)."""
    if not seen.vlan:
        return seen.frame
    return seen.frame[:12] + struct.pack("!HH", 0x8100, seen.vlan) + seen.frame[12:]


class Stretch:
    """Real nanoseconds to the plant's, for a list of sorted packet times."""

    def __init__(self, times: list[int], wall: float, epoch: float, speed: float) -> None:
        self._wall, self._epoch, self._speed = int(wall * 1e9), int(epoch * 1e9), speed
        self._real, self._plant = times, [0] * len(times)
        for i, time in enumerate(times):
            if i and time - times[i - 1] < BURST:
                self._plant[i] = self._plant[i - 1] + time - times[i - 1]
            else:
                self._plant[i] = self._linear(time)

    def _linear(self, time: int) -> int:
        return self._epoch + int((time - self._wall) * self._speed)

    def of(self, time: int) -> int:
        """The plant's time of any real time, between the packets around it."""
        at = bisect_right(self._real, time) - 1
        if at >= 0 and time - self._real[at] < BURST:
            return self._plant[at] + time - self._real[at]
        return self._linear(time)


def write(path: Path, frames: list[tuple[int, bytes]]) -> None:
    """A classic pcap file in microseconds."""
    with path.open("wb") as out:
        out.write(_GLOBAL.pack(_MICRO, 2, 4, 0, 0, 262144, _ETHERNET))
        for time, frame in frames:
            out.write(_RECORD.pack(time // 10**9, time % 10**9 // 1000, len(frame), len(frame)) + frame)


def second_leg(frame: bytes, routers: set[bytes]) -> bool:
    """Whether a router forwards this packet: IPv4 from its hardware address, not from its own address (x.x.x.1)."""
    return frame[6:12] in routers and frame[12:14] == b"\x08\x00" and frame[29] != 1


def join(ports: dict[Path, int], out: Path, wall: float, epoch: float, speed: float, routers: set[bytes]) -> Stretch:
    """Merges mirror ports (path: VLAN) into `out`; says how times were stretched.

    What `routers` forward is left out: each routed packet is then seen once, where it comes into the switch.
    """
    seen = sorted((s for path, vlan in ports.items() for s in read(path, vlan)), key=lambda s: s.time)
    seen = [s for s in seen if not second_leg(s.frame, routers)]
    stretch = Stretch([s.time for s in seen], wall, epoch, speed)
    write(out, [(stretch.of(s.time), tagged(s)) for s in seen])
    return stretch
