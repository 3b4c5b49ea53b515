"""Run inside a network namespace of its own: `driftspan run` as a service has it, or killed again and again.

    service_trial.py TRIAL FOLDER [TIMES SEED]

Prints what came of it as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.integration.live_trial import Live, demo
from tests.parsers.mirror_port import cable, send
from tests.sensor.conftest import modbus_reads

PAGE = "127.0.0.1:9642"
ONLY_RAW = ["setpriv", "--bounding-set=-all,+net_raw", "--inh-caps=-all,+net_raw", "--no-new-privs"]


class Service(Live):
    """A sensor with the capabilities that its unit leaves it, and a systemd to tell."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ears.bind(str(folder / "notify"))
        self._heard: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()
        os.environ |= {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "120000000"}

    def command(self, *words: str) -> list[str]:
        return [*(ONLY_RAW if words[0] == "run" else []), *super().command(*words)]

    def _listen(self) -> None:
        while True:
            self._heard += self._ears.recv(4096).decode().splitlines()

    def heard(self) -> list[str]:
        """Since this was asked last."""
        found, self._heard = self._heard, []
        return found


def served(folder: Path) -> dict[str, Any]:
    """Begun, measured, told to read its configuration again in the middle of a flow, ended, begun again."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    live = Service(folder)
    textfile = folder / "driftspan.prom"
    config = f'[metrics]\nlisten = "{PAGE}"\ntextfile = "{textfile}"\n[log]\nformat = "json"\n[learning]\nseconds = 1\n'
    live.configure(config)
    live.begin()
    begun = live.heard()
    frames = [frame for _, frame in modbus_reads(50)]
    send(iter(frames[:40]))
    live.until(lambda: live.ask("status")[0]["packets"] == 40)
    live.configure(config + '[[suppress]]\nkind = "scan.ports"\n')
    live.signal(signal.SIGHUP)
    live.until(lambda: "read again" in live.said())
    send(iter(frames[40:]))
    live.until(lambda: live.ask("status")[0]["packets"] == 100)
    demo()
    live.until(lambda: live.ask("status")[0]["learning"] == "operational")
    live.until(lambda: live.ask("status")[0]["spool_waiting_files"] == 0)
    table = subprocess.run(live.command("status", "--format", "table"), capture_output=True, text=True, check=False)
    (status,) = live.ask("status")
    page, file = scraped(), textfile.read_text()
    taken = subprocess.run(live.command("run", "--interface", "port0", "--store", str(folder / "other")),
                           capture_output=True, text=True, check=False)  # fmt: skip
    codes, said = [live.end()], live.heard()
    gone = subprocess.run(live.command("status", "--format", "ndjson"), capture_output=True, text=True, check=False)
    live.begin()
    live.heard()
    (again,) = live.ask("status")
    silent: list[str] = []
    live.until(lambda: "WATCHDOG=1" in (silent.extend(live.heard()) or silent))
    codes.append(live.end())
    return {
        "exit": codes, "silent": silent, "begun": begun, "told": said, "status": status, "page": page, "file": file, "again": again,
        "table": table.stdout, "gone": [gone.returncode, json.loads(gone.stdout)],
        "taken": [taken.returncode, taken.stderr], "log": [json.loads(line) for line in live.said().splitlines()],
        "flows": live.ask("query", "SELECT count() AS n, any(gaps) AS gaps FROM flows WHERE dst_port = 502"
                                   " AND src_ip = toIPv6('10.1.0.1')"),
        "rows": live.ask("query", "SELECT count() AS n FROM modbus WHERE src_ip = toIPv6('10.1.0.1')"
                                  " AND status = 'ok'"),
    }  # fmt: skip


def scraped() -> str:
    with urllib.request.urlopen(f"http://{PAGE}/metrics", timeout=20) as answer:
        text: str = answer.read().decode()
    return text


def full(folder: Path) -> dict[str, Any]:
    """A spool on a disk that gets full, and has room again for the next start."""
    small = folder / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(small)], check=True)
    live = Live(folder)
    live.configure(f'[store]\nspool = "{small / "spool"}"\n')
    live.begin()
    demo()
    live.until(lambda: live.rows()["modbus"] > 0)
    ballast = small / "ballast"
    subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=64k"], capture_output=True, check=False)
    end = time.monotonic() + 20
    while time.monotonic() < end and live._process is not None and live._process.poll() is None:
        demo()
    code = live.end()
    while (folder / "store.sock").exists():  # the keeper delivers what was committed
        time.sleep(0.1)
    before = live.rows()
    ballast.unlink()
    live.begin()
    demo()
    live.until(lambda: live.rows()["modbus"] > before["modbus"])
    return {"exit": [code, live.end()], "said": live.said(), "before": before, "rows": live.rows()}


def no_evidence(folder: Path) -> dict[str, Any]:
    """Evidence on a disk without room, then on one that takes no writing: everything else goes on."""
    found: dict[str, Any] = {}
    for name, options in (("full", "size=64k"), ("read_only", "ro")):
        disk = folder / name
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], check=True)
        (folder / f"run-{name}").mkdir()
        live = Live(folder / f"run-{name}")
        live.configure(f'[evidence]\npath = "{disk / "packets"}"\nafter_seconds = 0.5\nmemory_mib = 1\nring_mib = 8\n')
        live.begin()
        if name == "full":
            subprocess.run(["dd", "if=/dev/zero", f"of={disk / 'ballast'}", "bs=4k"], capture_output=True, check=False)
        demo()
        time.sleep(2)
        demo()
        time.sleep(2)
        (status,) = live.ask("status")
        code = live.end()
        counted = "SELECT counter, sum(value) AS n FROM health WHERE counter LIKE 'evidence%' GROUP BY 1"
        found[name] = {
            "exit": code,
            "said": live.said(),
            "rows": live.rows(),
            "failed": status["evidence_failed"],
            "counted": {row["counter"]: int(row["n"]) for row in live.ask("query", counted)},
            "alerts": live.ask("query", "SELECT count() AS n, sum(evidence_packets) AS kept FROM alerts")[0],
        }
    return found


TRIALS = {f.__name__: f for f in (served, full, no_evidence)}

if __name__ == "__main__":
    cable()
    json.dump(TRIALS[sys.argv[1]](Path(sys.argv[2])), sys.stdout, default=str)
