"""The sustained rate at an interface: packets through a veth pair, the sender on one core, no drop, exact accounts.

    live.py [CAPTURE] [--seconds 30] [--rate 400000] [--ring 64] [--search]

A sender of its own (sendmmsg on a packet socket) holds a rate for the whole time, over a mixed capture again and again:
its connections begin with SYN, so that each round is read anew. Measured are the engine alone and `driftspan run` whole
(detectors, spool, keeper, store), and Suricata in AF_PACKET mode with a ring of the same size where it is on the PATH.
Of each: packets sent, processed, dropped by the kernel, and whether every one is accounted for; of the whole program
the CPU seconds by process and thread too. `--search` halves the distance between a rate without a drop and one with
drops until they are 5 % apart.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from tests.bench.bench import DEMO, GENERATOR, ROOT, repeated
from tests.parsers.mirror_port import PORT, WIRE, cable, packets

BATCH = 256  # packets a system call
MIXED = 200_000  # packets of the capture that is sent over and over
APART = ["unshare", "--user", "--map-root-user", "--net"]
ENGINE = """
import os, signal, sys, json
from parsers import Engine
engine = Engine.live([sys.argv[1]], ring_mib=int(sys.argv[2]))
signal.signal(signal.SIGTERM, lambda *_: engine.stop())
print("listening on", flush=True)
seen = lost = 0
while (window := engine.next()) is not None:
    seen += window.counters["packets"]
    lost += window.counters["dropped.kernel"]
used = os.times()
print(json.dumps({"processed": seen, "dropped": lost, "cpu": used.user + used.system}), flush=True)
"""


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):  # struct mmsghdr of 64-bit Linux
    _fields_ = (
        ("name", ctypes.c_void_p), ("name_length", ctypes.c_uint), ("vectors", ctypes.c_void_p),
        ("count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int), ("sent", ctypes.c_uint),
    )  # fmt: skip


def flood(capture: str, rate: int, seconds: float) -> dict[str, float]:
    """Sends at a rate until the time is over; the last core is the sender's."""
    import socket

    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    frames = [ctypes.create_string_buffer(frame, len(frame)) for frame in packets(capture)]
    vectors = (_Vector * len(frames))(*((ctypes.addressof(f), len(f)) for f in frames))
    step = ctypes.sizeof(_Vector)
    first = ctypes.addressof(vectors)
    messages = (_Message * len(frames))(*((None, 0, first + step * n, 1, None, 0, 0, 0) for n in range(len(frames))))
    place, size = ctypes.addressof(messages), ctypes.sizeof(_Message)
    send = ctypes.CDLL(None, use_errno=True).sendmmsg
    send.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
    sent = at = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        out.setsockopt(263, 20, 1)  # SOL_PACKET, PACKET_QDISC_BYPASS
        out.bind((WIRE, 0))
        begun = time.perf_counter()
        while (now := time.perf_counter() - begun) < seconds:
            if sent > now * rate:
                time.sleep(0.0002)
                continue
            done = send(out.fileno(), place + size * at, min(BATCH, len(frames) - at), 0)
            if done > 0:
                sent, at = sent + done, (at + done) % len(frames)
    return {"sent": sent, "seconds": time.perf_counter() - begun}


def sender(capture: Path, rate: int, seconds: float) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.live", "--send", str(capture), str(rate), str(seconds)]
    found: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout)
    return found


def engine(capture: Path, rate: int, seconds: float, ring: int, folder: Path) -> dict[str, Any]:
    del folder
    command = [sys.executable, "-c", ENGINE, PORT, str(ring)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        process.stdout.readline()
        sent = sender(capture, rate, seconds)
        time.sleep(2)  # what is in the ring is read
        process.send_signal(signal.SIGTERM)
        found = json.loads(process.stdout.readline())
    return {**sent, **found}


class Threads:
    """CPU seconds of a process and all it begins, by thread, looked at five times a second: what is over counts as it
    was when it was seen last."""

    def __init__(self, pid: int) -> None:
        self._seen: dict[tuple[int, int], tuple[str, float]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(pid,))
        self._thread.start()

    def _watch(self, pid: int) -> None:
        while not self._over.wait(0.2):
            self._look(pid, "sensor")

    def _look(self, pid: int, process: str) -> None:
        for task in Path(f"/proc/{pid}/task").glob("*"):
            try:
                head, _, rest = (task / "stat").read_text().rpartition(")")
                children = (task / "children").read_text().split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            name = "main" if task.name == str(pid) else head.partition("(")[2]
            fields = rest.split()
            ticks = int(fields[11]) + int(fields[12])  # utime and stime, proc_pid_stat(5)
            self._seen[pid, int(task.name)] = f"{process}: {name}", ticks / os.sysconf("SC_CLK_TCK")
            for child in children:
                self._look(int(child), _called(child))

    def end(self) -> dict[str, float]:
        self._over.set()
        self._thread.join()
        found: dict[str, float] = {}
        for name, seconds in self._seen.values():
            found[name] = found.get(name, 0.0) + seconds
        return dict(sorted(found.items(), key=lambda item: -item[1]))


def _called(pid: str) -> str:
    """A child of the program by the module that it runs."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return "child"
    if "-m" not in words:
        return Path(words[0]).name
    module, *more = words[words.index("-m") + 1 :]
    return f"{module} {more[0]}" if module == "sensor" and more else module


def whole(capture: Path, rate: int, seconds: float, ring: int, folder: Path) -> dict[str, Any]:
    store, config = str(folder / "store"), folder / "driftspan.toml"
    config.write_text(f"[capture]\nring_mib = {ring}\n[store]\nspool_mib = 32768\n")
    words = [sys.executable, "-m", "sensor"]
    place = ["--store", store, "--config", str(config)]
    command = [*words, "run", "--interface", PORT, *place]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        while "listening on" not in (line := process.stderr.readline()):
            if not line:
                raise SystemExit("driftspan run ended before it listened")
        threads = Threads(process.pid)
        sent = sender(capture, rate, seconds)
        time.sleep(2)
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        _, _, used = os.wait4(process.pid, 0)
        parts = threads.end()
        process.returncode = 0
    sums = "SELECT sum(packets) AS processed, sum(dropped) AS dropped FROM mirror"
    query = [*words, "query", sums, *place, "--format", "ndjson"]
    told = subprocess.run(query, capture_output=True, check=True, cwd=ROOT)
    found = {name: int(value) for name, value in json.loads(told.stdout).items()}
    return {**sent, **found, "cpu": used.ru_utime + used.ru_stime, "parts": parts}


SURICATA = """%YAML 1.1
---
af-packet:
  - interface: {port}
    threads: 1
    cluster-id: 99
    cluster-type: cluster_flow
    use-mmap: yes
    tpacket-v3: yes
    block-size: 1048576
    ring-size: {frames}
outputs:
  - eve-log: {{enabled: yes, filename: eve.json, types: [modbus, dnp3, mqtt, flow, tls, stats]}}
app-layer:
  protocols:
    modbus: {{enabled: yes, detection-ports: {{dp: 502}}}}
    dnp3: {{enabled: yes, detection-ports: {{dp: 20000}}}}
    mqtt: {{enabled: yes}}
stats: {{enabled: yes, interval: 1}}
"""


def suricata(capture: Path, rate: int, seconds: float, ring: int, folder: Path) -> dict[str, Any]:
    config = folder / "suricata.yaml"
    config.write_text(SURICATA.format(port=PORT, frames=ring * (1 << 20) // 1600))
    command = ["suricata", "-c", str(config), f"--af-packet={PORT}", "-l", str(folder), "-S", os.devnull]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(10)
        sent = sender(capture, rate, seconds)
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    lines = (json.loads(line) for line in (folder / "eve.json").open() if '"event_type":"stats"' in line)
    *_, last = (line["stats"]["capture"] for line in lines)
    dropped = last["kernel_drops"]
    return {**sent, "processed": last["kernel_packets"] - dropped, "dropped": dropped,
            "cpu": used.ru_utime + used.ru_stime}  # fmt: skip


PROGRAMS = {"engine alone": engine, "driftspan run": whole, "suricata": suricata}


def measured(name: str, capture: Path, rate: int, duration: float, ring: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        found = PROGRAMS[name](capture, rate, duration, ring, Path(folder))
    real = found["sent"] / found["seconds"]
    exact = found["processed"] + found["dropped"] == found["sent"]
    print(f"{name:16} {real:9,.0f}/s for {found['seconds']:.0f} s: sent {found['sent']:,} processed {found['processed']:,} "
          f"dropped {found['dropped']:,}, {'every one accounted for' if exact else 'NOT ACCOUNTED FOR'}; "
          f"CPU {found['cpu']:.1f} s", flush=True)  # fmt: skip
    for part, seconds in found.get("parts", {}).items():
        if seconds >= 0.1:
            print(f"{'':16} {seconds:7.1f} CPU s {part}", flush=True)
    return found


def highest(name: str, capture: Path, start: int, seconds: float, ring: int) -> None:
    good, bad = 0, start
    while not good or (bad - good) / good > 0.05:
        found = measured(name, capture, bad if not good else (good + bad) // 2, seconds, ring)
        reached = int(found["sent"] / found["seconds"])
        if found["dropped"]:
            bad = reached
            if not good:
                bad, good = (bad, 0) if bad < 20_000 else (bad // 2, 0)
                continue
        elif not good and reached >= bad * 0.95:
            good, bad = reached, reached * 2
        else:
            good = max(good, reached)
            if reached < (good + bad) // 2 * 0.9:  # the sender is not faster
                break
    print(f"{name:16} {good:9,}/s is the highest rate without a drop")


def main() -> None:
    if sys.argv[1:2] == ["--send"]:
        print(json.dumps(flood(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("capture", nargs="?", type=Path)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rate", type=int, default=400_000)
    parser.add_argument("--ring", type=int, default=64, help="MiB")
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--apart", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if not chosen.apart:
        again = [*APART, sys.executable, "-m", "tests.bench.live", "--apart", *sys.argv[1:]]
        raise SystemExit(subprocess.call(again, cwd=ROOT))
    cable()
    with tempfile.TemporaryDirectory() as folder:
        capture = chosen.capture or mixed(Path(folder))
        for name in PROGRAMS:
            if name == "suricata" and shutil.which(name) is None:
                print("suricata is not on the PATH: not measured")
                continue
            if chosen.search:
                highest(name, capture, chosen.rate, chosen.seconds, chosen.ring)
            else:
                measured(name, capture, chosen.rate, chosen.seconds, chosen.ring)


def mixed(folder: Path) -> Path:
    made = folder / "mixed.pcap"
    if GENERATOR.exists():
        command = [sys.executable, str(GENERATOR), "--profile", "ot", "--packets", str(MIXED), "--out", str(made)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    else:
        repeated(DEMO, made, MIXED)
    return made


if __name__ == "__main__":
    main()
