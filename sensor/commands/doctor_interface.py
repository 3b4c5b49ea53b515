"""What `driftspan doctor --interface IF` looks at: the interface, the right to listen, memory, offloads, the clock.

Everything is asked of the kernel, by /proc and ioctls; no other program is run.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sensor import bpf
from sensor.commands.finding import Finding
from sensor.errors import DriftspanError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sensor.config import CaptureSection

_CAP_NET_RAW = 13  # linux/capability.h
_SIOCETHTOOL = 0x8946  # linux/sockios.h
_SIOCGIFFLAGS, _SIOCGIFMTU = 0x8913, 0x8921
_UP, _RUNNING, _PROMISCUOUS = 0x1, 0x40, 0x100  # linux/if.h
# linux/ethtool.h: each gives or takes two integers, command and answer.
_OFFLOADS = {"gro": 0x2B, "gso": 0x23, "tso": 0x1E}
_GFLAGS = 0x25
_FLAGS = {"rx-vlan-offload": 1 << 8, "lro": 1 << 15}
_UNSYNCHRONISED = 0x40  # STA_UNSYNC, linux/timex.h
_JUMBO = 1522  # bytes of a frame with a tag, beyond which a mirror of jumbo frames needs a larger MTU


def of_interface(name: str, capture: CaptureSection) -> Iterator[Finding]:
    """The findings for one interface, in the order in which they matter."""
    known = sorted(known for _, known in socket.if_nameindex())
    if name not in known:
        advice = f"name one of these: {', '.join(known)}"
        yield Finding(f"interface {name}", "bad", "there is no such interface", advice)
        return
    yield _state(name, promiscuous=capture.promiscuous)
    yield from _offloads(name)
    yield _mtu(name, capture.snaplen)
    yield _faults(name)


def _asked(name: str, what: int) -> int:
    """The answer of an ioctl on an interface that gives one number. /sys is another namespace's at times."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        answer = fcntl.ioctl(asked, what, struct.pack("16sI", name.encode()[:15], 0) + bytes(20))
    return int(struct.unpack_from("I", answer, 16)[0])


def _state(name: str, *, promiscuous: bool) -> Finding:
    flags = _asked(name, _SIOCGIFFLAGS) & 0xFFFF
    check = f"interface {name}"
    if not flags & _UP:
        return Finding(check, "bad", "down", f"switch it on: ip link set dev {name} up")
    if not flags & _RUNNING:
        return Finding(check, "bad", "up, without a link", "look at the cable and at the port of the switch")
    if not promiscuous:
        advice = "at a mirror port switch it on: nothing there is addressed to this machine"
        return Finding(check, "note", "up; [capture] promiscuous is off", advice)
    mode = "promiscuous already" if flags & _PROMISCUOUS else "made promiscuous while it is listened to"
    return Finding(check, "ok", f"up, with a link; {mode}")


def _offloads(name: str) -> Iterator[Finding]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        on = [offload for offload, command in _OFFLOADS.items() if _ethtool(asked, name, command)]
        flags = _ethtool(asked, name, _GFLAGS) or 0
    on += [offload for offload, bit in _FLAGS.items() if flags & bit]
    joins = [offload for offload in on if offload in ("gro", "lro")]
    check = f"offloads {name}"
    if joins:
        words = " ".join(f"{offload} off" for offload in on)
        yield Finding(check, "note", f"on: {', '.join(on)}; packets are joined before they are seen",
                      f"ethtool -K {name} {words}")  # fmt: skip
    else:
        yield Finding(check, "ok", f"on: {', '.join(on)}; none joins packets" if on else "none is on")


def _ethtool(asked: socket.socket, name: str, command: int) -> int | None:
    """The answer to a question of one number; None: the driver knows no answer."""
    value = ctypes.create_string_buffer(struct.pack("II", command, 0), 8)
    request = struct.pack("16sP", name.encode()[:15], ctypes.addressof(value)) + bytes(16)
    try:
        fcntl.ioctl(asked, _SIOCETHTOOL, request)
    except OSError:
        return None
    return int(struct.unpack("II", value.raw)[1])


def _mtu(name: str, snaplen: int) -> Finding:
    mtu = _asked(name, _SIOCGIFMTU)
    if snaplen:
        return Finding(f"mtu {name}", "note", f"{mtu}; [capture] snaplen cuts packets at {snaplen} bytes",
                       "set snaplen to 0: what is cut cannot be dissected")  # fmt: skip
    if mtu < _JUMBO:
        return Finding(f"mtu {name}", "ok", f"{mtu}: jumbo frames, if the plant has any, are not seen; "
                       f"ip link set dev {name} mtu 9216 lets them in")  # fmt: skip
    return Finding(f"mtu {name}", "ok", f"{mtu}")


def _faults(name: str) -> Finding:
    lines = (line.partition(":") for line in Path("/proc/net/dev").read_text().splitlines())
    read = next(rest.split() for known, _, rest in lines if known.strip() == name)
    packets, lost = int(read[1]), int(read[2]) + int(read[4])  # rx: bytes packets errs drop fifo …
    found = f"{packets} packets came since it is there, {lost} were lost or broken before the kernel had them"
    if lost:
        advice = f"enlarge the card's own ring (ethtool -G {name} rx 4096), look at cable and optics"
        return Finding(f"counters {name}", "note", found, advice)
    return Finding(f"counters {name}", "ok", found)


def of_machine(capture: CaptureSection) -> Iterator[Finding]:
    """What does not depend on the interface."""
    yield _right()
    yield _memory(capture.ring_mib * capture.rings * max(1, len(capture.interfaces)))
    yield _filters(wanted=bool(capture.filter))
    yield _clock()
    yield Finding("time zone", "ok", f"{'/'.join(time.tzname)}; everything that is stored and shown is in UTC")


def _right() -> Finding:
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    if int(status["CapEff"], 16) >> _CAP_NET_RAW & 1:
        return Finding("right to listen", "ok", "CAP_NET_RAW; only the process that owns the sockets keeps it")
    program = os.path.realpath(sys.executable)
    advice = (
        f"run it as a service with AmbientCapabilities=CAP_NET_RAW, with sudo, or once: "
        f"setcap cap_net_raw+ep {program} (which then holds for every program of this Python)"
    )
    return Finding("right to listen", "note", "CAP_NET_RAW is missing: driftspan run would be refused", advice)


def _memory(ring: int) -> Finding:
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    free = next(int(words[1]) for words in lines if words[0] == "MemAvailable:") // 1024
    found = f"rings take {ring} MiB, {free} MiB are free"
    if ring > free // 2:
        return Finding(
            "ring memory", "bad", found, "make [capture] ring_mib or rings smaller: a ring is never swapped out"
        )
    return Finding("ring memory", "ok", found)


def _filters(*, wanted: bool) -> Finding:
    try:
        bpf.compiled("tcp")
    except (DriftspanError, OSError, AttributeError) as error:  # no library, or one that is none
        state = "bad" if wanted else "note"
        return Finding(
            "libpcap", state, f"filters cannot be compiled: {error}", "install libpcap0.8, for [capture] filter"
        )
    return Finding("libpcap", "ok", "filters can be compiled")


def _clock() -> Finding:
    """adjtimex(2) asked without setting anything: of the structure, `status` stands behind five longs."""
    room = ctypes.create_string_buffer(512)
    ctypes.CDLL(None, use_errno=True).adjtimex(room)
    long = ctypes.sizeof(ctypes.c_long)
    error, status = (
        int.from_bytes(room.raw[at : at + size], sys.byteorder, signed=True)
        for at, size in ((3 * long, long), (5 * long, 4))
    )
    if status & _UNSYNCHRONISED:
        return Finding("clock", "note", "the kernel takes it for not synchronised",
                       "let chrony or ptp4l discipline it: what several sensors saw is joined by time")  # fmt: skip
    return Finding("clock", "ok", f"synchronised, to {error / 1000:.1f} ms at worst")
