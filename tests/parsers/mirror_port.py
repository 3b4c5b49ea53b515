"""Run inside a network namespace of its own: a veth pair, one end as the mirror port, the other sends a capture.

    mirror_port.py TRIAL CAPTURE

Prints what came of it as JSON.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from parsers import CaptureError, Engine, drop_privileges

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WIRE, PORT = "wire0", "port0"
HEADER = 24  # bytes of a pcap file's header


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def cable() -> None:
    ip("link", "add", "name", WIRE, "type", "veth", "peer", "name", PORT)
    for end in (WIRE, PORT):
        Path(f"/proc/sys/net/ipv6/conf/{end}/disable_ipv6").write_text("1")
        ip("link", "set", "dev", end, "mtu", "9000", "up")


def packets(capture: str) -> Iterator[bytes]:
    data = Path(capture).read_bytes()
    at = HEADER
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16 : at + 16 + length]
        at += 16 + length


def send(frames: Iterator[bytes], interface: str = WIRE) -> int:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        out.bind((interface, 0))
        sent = 0
        for frame in frames:
            out.send(frame)
            sent += 1
        return sent


def listen(engine: Engine, meanwhile: Callable[[], Any]) -> dict[str, Any]:
    """What the engine saw while something was done, and a second later."""
    done: list[Any] = []

    def act() -> None:
        try:
            done.append(meanwhile())
            time.sleep(1)
        finally:
            engine.stop()

    thread = threading.Thread(target=act)
    thread.start()
    seen = drain(engine)
    thread.join()
    return seen | {"done": done[0], "captures": engine.captures(), "warnings": engine.warnings()}


def drain(engine: Engine) -> dict[str, Any]:
    counters: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    vlans: Counter[int] = Counter()
    while (window := engine.next()) is not None:
        counters.update(window.counters)
        for name, table in window.tables.items():
            rows[name] += table.num_rows
            if name == "flows":
                vlans.update(pa.table(table)["vlan"].to_pylist())
    return {"counters": dict(counters), "rows": dict(rows), "vlans": {str(v): n for v, n in vlans.items()}}


def transmitted(interface: str) -> int:
    told = subprocess.run(["ip", "-j", "-s", "link", "show", interface], capture_output=True, check=True)
    return int(json.loads(told.stdout)[0]["stats64"]["tx"]["packets"])


def received(interface: str) -> int:
    told = subprocess.run(["ip", "-j", "-s", "link", "show", interface], capture_output=True, check=True)
    return int(json.loads(told.stdout)[0]["stats64"]["rx"]["packets"])


def plain(capture: str) -> dict[str, Any]:
    seen = listen(Engine.live([PORT]), lambda: send(packets(capture)))
    return seen | {"transmitted": transmitted(PORT)}


def tagged(capture: str) -> dict[str, Any]:
    def with_tag() -> Iterator[bytes]:
        for frame in packets(capture):
            yield frame[:12] + bytes.fromhex("81000065") + frame[12:]

    return listen(Engine.live([PORT]), lambda: send(with_tag()))


def overrun(capture: str) -> dict[str, Any]:
    """Nobody reads while more comes than the ring holds."""
    engine = Engine.live([PORT], ring_mib=2)
    every = list(packets(capture))
    sent = send(frame for _ in range(20) for frame in every)
    return listen(engine, lambda: sent)


def busy(capture: str) -> dict[str, Any]:
    """Who takes the windows is at something else while more comes than the ring holds."""
    return _busy(capture, Engine.live([PORT], ring_mib=8, window_seconds=0.2), pause=0.04)


def full(capture: str) -> dict[str, Any]:
    """The same, where next to nothing may wait, and a ring that holds what comes meanwhile."""
    return _busy(capture, Engine.live([PORT], ring_mib=64, window_seconds=0.2, limits={"waiting_bytes": 1}))


def _busy(capture: str, engine: Engine, pause: float = 0.0) -> dict[str, Any]:
    every = list(packets(capture))
    send(iter(every[:1]))
    while (window := engine.next()) is not None and not window.counters["packets"]:
        pass
    sent = 0
    for _ in range(40):
        sent += send(iter(every))
        time.sleep(pause)  # no faster than a machine that does other things as well reads
    first = window.counters["packets"] if window else 0
    return listen(engine, lambda: sent) | {"first": first}


def flooded(capture: str) -> dict[str, Any]:
    """It ends when it is told to, however much goes on coming."""
    engine = Engine.live([PORT])
    every = list(packets(capture))
    over = threading.Event()

    def flood() -> None:
        while not over.is_set():
            send(iter(every))

    def end() -> None:
        time.sleep(1)
        engine.stop()

    threads = [threading.Thread(target=flood), threading.Thread(target=end)]
    for thread in threads:
        thread.start()
    seen = drain(engine)
    over.set()
    for thread in threads:
        thread.join()
    return seen


def cut(capture: str) -> dict[str, Any]:
    return listen(Engine.live([PORT], snaplen=60), lambda: send(packets(capture)))


def chosen(capture: str) -> dict[str, Any]:
    # ARP only: ldh [12]; jeq #0x806; ret all; ret 0
    program = [(0x28, 0, 0, 12), (0x15, 0, 1, 0x806), (0x06, 0, 0, 262144), (0x06, 0, 0, 0)]
    return listen(Engine.live([PORT], program=program), lambda: send(packets(capture)))


def both(capture: str) -> dict[str, Any]:
    """Two interfaces that each see one direction, as a tap gives them."""
    ip("link", "add", "name", "wire1", "type", "veth", "peer", "name", "port1")
    for end in ("wire1", "port1"):
        Path(f"/proc/sys/net/ipv6/conf/{end}/disable_ipv6").write_text("1")
        ip("link", "set", "dev", end, "up")
    every = list(packets(capture))

    def act() -> int:
        with (
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as one,
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as other,
        ):
            one.bind((WIRE, 0))
            other.bind(("wire1", 0))
            for frame in every:
                (one if frame[6:12] < frame[0:6] else other).send(frame)
        return len(every)

    return listen(Engine.live([PORT, "port1"]), act)


def shared(capture: str) -> dict[str, Any]:
    """Several sockets share an interface."""
    return listen(Engine.live([PORT], rings=2), lambda: send(packets(capture)))


def silence(capture: str) -> dict[str, Any]:
    """Nothing comes, then something, then nothing: what every window shows of the interface."""
    engine = Engine.live([PORT], window_seconds=0.2)
    shown: list[list[int]] = []

    def act() -> None:
        time.sleep(1)
        send(packets(capture))
        time.sleep(1)
        engine.stop()

    thread = threading.Thread(target=act)
    thread.start()
    while (window := engine.next()) is not None:
        rows = pa.table(window.tables["mirror"]).to_pylist()
        shown.append([window.start, window.end, sum(row["packets"] for row in rows), len(window.tables)])
    thread.join()
    return {"windows": shown}


def down(capture: str) -> dict[str, Any]:
    """The interface goes down, comes back, is taken away and made anew; each time the engine has said so first."""
    engine = Engine.live([PORT])
    told: list[str] = []

    def until(events: int) -> None:
        end = time.monotonic() + 60
        while len(told) < events and time.monotonic() < end:
            told.extend(engine.warnings())
            time.sleep(0.05)

    def act() -> int:
        sent = send(packets(capture))
        ip("link", "set", "dev", PORT, "down")
        until(1)
        ip("link", "set", "dev", PORT, "up")
        until(2)
        sent += send(packets(capture))
        time.sleep(1)  # what is in the ring of an interface that is taken away is read as long as it is there
        ip("link", "delete", "dev", PORT)
        until(3)
        cable()
        until(4)
        return sent + send(packets(capture))

    return listen(engine, act) | {"warnings": told}


def unprivileged(capture: str) -> dict[str, Any]:
    engine = Engine.live([PORT])
    drop_privileges()
    try:
        Engine.live([PORT])
        refused = ""
    except CaptureError as error:
        refused = str(error)
    status = Path("/proc/self/status").read_text().split()
    # The sender needs the right that is gone: a process of its own had it before.
    return {"refused": refused, "effective": status[status.index("CapEff:") + 1], "open": len(engine.captures())}


def missing(capture: str) -> dict[str, Any]:
    try:
        Engine.live(["nosuch0"])
    except CaptureError as error:
        return {"refused": str(error)}
    return {"refused": ""}


TRIALS = {
    f.__name__: f
    for f in (
        plain,
        tagged,
        overrun,
        busy,
        full,
        flooded,
        cut,
        chosen,
        both,
        shared,
        silence,
        down,
        unprivileged,
        missing,
    )
}

if __name__ == "__main__":
    cable()
    json.dump(TRIALS[sys.argv[1]](sys.argv[2]), sys.stdout, default=str)
    sys.stdout.flush()
    os._exit(0)
