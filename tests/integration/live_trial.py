"""Run inside a network namespace of its own: `driftspan run` on a veth pair, with what a test wants to happen.

    live_trial.py TRIAL FOLDER

Prints what came of it as JSON.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sensor import config
from sensor.export.running import of_keeper
from sensor.keeper.client import keeper_of
from sensor.sigma.beside import Watch
from sensor.store import open_reading
from tests.parsers.mirror_port import PORT, WIRE, cable, ip, packets, received, send, transmitted
from tests.parsers.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sensor.store import Reading

ROOT = Path(__file__).parents[2]
DEMO = str(ROOT / "pcaps" / "demo.pcap")
TABLES = ("modbus", "dnp3", "opcua", "mqtt", "tag_changes")


class Live:
    """A sensor in a folder."""

    def __init__(self, folder: Path, config: str = "") -> None:
        self.folder = folder
        self.store = str(folder / "store")
        self.log = folder / "log"
        self._config = folder / "driftspan.toml"
        self.configure(config)
        self._process: subprocess.Popen[bytes] | None = None
        self._out: IO[bytes] | None = None

    def configure(self, text: str) -> None:
        console = "" if "[console]" in text else "[console]\nenabled = false\n"
        self._config.write_text(f"[capture]\nwindow_seconds = 0.5\n{console}{text}")

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "sensor", *words, "--store", self.store, "--config", str(self._config)]

    def begin(self) -> None:
        self._out = self.log.open("ab")
        before = self.said().count("listening on")
        self._process = subprocess.Popen(
            self.command("run", "--interface", PORT), stderr=self._out, stdout=self._out, cwd=ROOT
        )
        self.until(lambda: self.said().count("listening on") > before)

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        return self._process

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def until(self, happens: Any, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not happens():
            over = self._process is not None and self._process.poll() is not None
            if over or time.monotonic() > end:
                raise TimeoutError(self.said()[-2000:])
            time.sleep(0.1)

    def ask(self, *words: str) -> list[dict[str, Any]]:
        done = subprocess.run(
            self.command(*words, "--format", "ndjson"), capture_output=True, text=True, cwd=ROOT, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def rows(self) -> dict[str, int]:
        counts = ", ".join(f"(SELECT count() FROM {table}) AS {table}" for table in TABLES)
        return self.ask("query", f"SELECT {counts}")[0]

    def signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def wait(self) -> int:
        assert self._process is not None
        status = self._process.wait(90)
        if self._out is not None:
            self._out.close()
        return status

    def end(self) -> int:
        self.signal(signal.SIGTERM)
        return self.wait()

    def keeper(self) -> int:
        return int(json.loads((self.folder / "store-spool" / "status.json").read_text())["keeper_pid"])


def demo() -> int:
    return send(packets(DEMO))


def whole(live: Live) -> dict[str, Any]:
    """A run, questions while it goes on, its end, and another run."""
    live.begin()
    demo()
    live.until(lambda: live.rows()["modbus"] > 0)
    time.sleep(2)
    (status,) = live.ask("status")
    alerts = live.ask("alerts")
    chosen = alerts[0]["alert_id"]
    muted = live.ask("mute", chosen, "--note", "known", "--by", "tester")
    status_code = live.end()
    stopped = live.ask("alerts", "--status", "all")
    live.begin()
    demo()
    live.until(lambda: live.rows()["modbus"] > stopped_rows(live))
    again = live.end()
    return {
        "status": status,
        "exit": [status_code, again],
        "muted": muted[0]["status"],
        "states": {row["alert_id"]: row["status"] for row in live.ask("alerts", "--status", "all")},
        "chosen": chosen,
        "before": len(stopped),
        "rows": live.rows(),
        "said": live.said(),
        "left": sorted(entry.name for entry in (live.folder / "store-spool").iterdir()),
    }


def stopped_rows(live: Live) -> int:
    return 743  # Modbus rows of one round, as a replay has them


def killed(live: Live) -> dict[str, Any]:
    """The keeper is killed while rows come, then the sensor, then both go on."""
    live.begin()
    sent = 0
    for round_ in range(6):
        demo()
        sent += 1
        time.sleep(0.7)
        if round_ % 2 == 1:
            with contextlib.suppress(ProcessLookupError):
                os.kill(live.keeper(), signal.SIGKILL)
    time.sleep(2)
    live.signal(signal.SIGKILL)
    live.wait()
    with contextlib.suppress(ProcessLookupError):
        time.sleep(1)
    live.begin()
    demo()
    time.sleep(2)
    code = live.end()
    return {"exit": code, "rounds": sent + 1, "rows": live.rows(), "said": live.said()}


def reloaded(live: Live) -> dict[str, Any]:
    """The configuration is read again: once right, once wrong."""
    live.begin()
    live.configure('[[suppress]]\nkind = "cleartext.protocol"\n')
    live.signal(signal.SIGHUP)
    live.until(lambda: demo() and "read again" in live.said())
    live.configure("[nonsense]\n")
    live.signal(signal.SIGHUP)
    live.until(lambda: demo() and "stays as it was" in live.said())
    live.configure("")
    code = live.end()
    rows = live.ask("alerts", "--status", "all")
    return {"exit": code, "said": live.said(), "statuses": sorted({(r["kind"], r["status"]) for r in rows})}


def busy(live: Live) -> dict[str, Any]:
    """Somebody else has the spool, then the store."""
    live.begin()
    second = subprocess.run(live.command("run", "--interface", PORT), capture_output=True, text=True, check=False)
    replayed = subprocess.run(live.command("replay", DEMO), capture_output=True, text=True, check=False)
    return {"exit": live.end(), "second": [second.returncode, second.stderr],
            "replay": [replayed.returncode, replayed.stderr]}  # fmt: skip


def evidence(live: Live) -> dict[str, Any]:
    """Alerts get their packets while the sensor runs."""
    live.configure("[evidence]\nafter_seconds = 0.5\nmemory_mib = 16\nring_mib = 64\n")
    live.begin()
    chosen = "evidence_file, evidence_sha256, evidence_packets, evidence_note, severity, kind, alert_id"
    where = "evidence_file != ''"
    live.until(lambda: demo() and live.ask("query", f"SELECT count() AS n FROM alerts WHERE {where}")[0]["n"] > 0)
    (status,) = live.ask("status")
    code = live.end()
    root = live.folder / "store-evidence"
    return {
        "exit": code,
        "status": status,
        "alerts": live.ask("query", f"SELECT {chosen} FROM alerts"),
        "files": {
            str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest() for path in root.glob("*/*.pcapng")
        },
        "left": sorted(path.name for path in root.rglob("*") if path.suffix not in (".pcapng", ".json")),
        "health": live.ask(
            "query", "SELECT counter, sum(value) AS n FROM health WHERE counter LIKE 'evidence%' GROUP BY 1"
        ),
        "said": live.said(),
    }


def told(live: Live) -> dict[str, Any]:
    """Other programs speak while the sensor runs: a drift report in a file, another and a host's log over HTTP."""
    reports = live.folder / "drift.jsonl"
    reports.write_text("")
    live.configure(f'[intake]\ndrift = ["{reports}"]\n[[model]]\nid = "m"\nhosts = ["10.99.0.1"]\n')
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    live.begin()
    demo()
    drift = {"model_id": "m", "kind": "output", "statistic": 9.0, "stream": "score"}
    reports.write_text(json.dumps(drift) + "\n")
    live.until(lambda: demo() and live.ask("query", "SELECT count() AS n FROM drift")[0]["n"] == 1)
    environment = {**os.environ, "DRIFTSPAN_TOKEN": "a-token-of-tests"}
    command = live.command("serve", "--port", "0")
    with subprocess.Popen(command, stderr=subprocess.PIPE, cwd=ROOT, env=environment, text=True) as server:
        assert server.stderr is not None
        port = int(server.stderr.readline().rpartition(":")[2])
        try:
            answers = [
                post(port, "drift", drift | {"stream": "other"}),
                post(port, "inference", {"model_id": "m", "ts": time.time(), "output": 0.5}),
            ]
            live.until(lambda: demo() and len(live.ask("incidents", "--status", "all")) > 0)
        finally:
            server.send_signal(signal.SIGTERM)
            ended = server.wait(60)
    incidents = live.ask("incidents", "--status", "all")
    return {
        "exit": [live.end(), ended],
        "answers": answers,
        "drift": live.ask("query", "SELECT drift_id, stream, source FROM drift ORDER BY stream"),
        "host": live.ask("query", "SELECT count() AS n FROM inference_log WHERE source = 'host'"),
        "incidents": incidents,
        "said": live.said(),
    }


def post(port: int, what: str, document: dict[str, Any]) -> list[Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": "Bearer a-token-of-tests"}
    connection.request("POST", f"/api/v1/{what}", json.dumps(document), headers)
    answer = connection.getresponse()
    found = [answer.status, json.loads(answer.read())]
    connection.close()
    return found


def console(live: Live) -> dict[str, Any]:
    """The console of a sensor that runs: it is there, comes back when it is killed, and ends with the sensor."""
    live.configure("[console]\nport = 8650\n")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    live.begin()
    demo()
    live.until(answers)
    live.until(lambda: "one-time password" in live.said())
    first = serving()
    engine = [pid for pid in first if "chdb" in Path(f"/proc/{pid}/maps").read_text()]
    os.kill(first[0], signal.SIGKILL)
    live.until(lambda: serving() not in ([], first) and answers())
    second = serving()
    live.signal(signal.SIGKILL)
    live.wait()
    end = time.monotonic() + 60
    while serving() and time.monotonic() < end:
        time.sleep(0.1)
    orphans = serving()
    live.begin()
    live.until(answers)
    code = live.end()
    return {"exit": code, "first": first, "second": second, "engine": engine, "orphans": orphans, "left": serving(),
            "answers": answers(), "said": live.said()}  # fmt: skip


def exported(live: Live) -> dict[str, Any]:
    """A syslog receiver that is not there at first, comes, and goes; the keeper is killed in between; rules of people's
    own are asked while the sensor runs."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    live.configure('[[export]]\nname = "siem"\nto = "eve"\nsyslog = "tcp://127.0.0.1:8601"\nrecords = ["alerts"]\n')
    live.begin()
    demo()
    live.until(lambda: "Connection refused; everything waits in the store" in live.said())
    killed_keeper = live.keeper()
    os.kill(killed_keeper, signal.SIGKILL)
    live.until(lambda: live.keeper() != killed_keeper and keeper_of(live.store) is not None)
    live.until(lambda: len(live.ask("alerts", "--status", "open")) > 5)
    raised = Watch(config.load(live.folder / "driftspan.toml"), of_keeper(live.store, "driftspan"), print).look()
    alerts = live.ask("alerts")
    with socket.create_server(("127.0.0.1", 8601)) as receiver:
        got = _heard(receiver, lambda got: all(row["alert_id"] in got for row in alerts))
        code = live.end()
    return {
        "exit": code,
        "raised": raised,
        "rules": sum(row["detector"] == "sigma" for row in alerts),
        "missing": [row["alert_id"] for row in alerts if row["alert_id"] not in got],
        "cursor": (live.folder / "store-exports" / "siem.json").exists(),
        "said": live.said(),
    }


def _heard(receiver: socket.socket, enough: Any) -> str:
    """What came, the first connection being cut off in the middle."""
    receiver.settimeout(90)
    made, _ = receiver.accept()
    cut = made.recv(100)
    made.close()
    made, _ = receiver.accept()
    made.settimeout(1)
    got, end = b"", time.monotonic() + 90
    while not (cut and enough(got.decode(errors="replace"))) and time.monotonic() < end:
        with contextlib.suppress(TimeoutError):
            got += made.recv(1 << 20)
    made.close()
    return got.decode(errors="replace")


def answers() -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", 8650, timeout=60)
    try:
        connection.request("GET", "/login")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def serving() -> list[int]:
    """Processes of consoles in this namespace of processes that this trial began."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if b"--with-sensor" in words and (path.parent / "ns/net").readlink() == HERE:
                found.append(int(path.parent.name))
    return sorted(found)


SAME = ("demo", "rogue_writer", "opcua_none", "fuzzed_modbus", "port_scan")
STORED = ("modbus", "dnp3", "opcua", "mqtt", "tls", "flows", "files", "tag_values", "anomalies", "behaviours",
          "sightings", "alerts", "mirror")  # fmt: skip


def same(live: Live) -> dict[str, Any]:
    """What a live run stored, beside a replay of what was recorded at the same interface meanwhile: the kernel gives
    both the same packets with the same times, so that every row must be the same."""
    recorded = live.folder / "recorded.pcap"
    live.begin()
    recorder = Recorder(PORT)
    sent = 0
    for name in SAME:
        sent += send(gently(packets(str(ROOT / "pcaps" / f"{name}.pcap"))))
        time.sleep(0.7)  # so that windows end
    code = live.end()
    kept = recorder.end(recorded)
    replayed = subprocess.run(
        live.command("replay", str(recorded), "--case", "again"), capture_output=True, check=False
    )
    differ: dict[str, Any] = {}
    counts: dict[str, int] = {}
    with contextlib.closing(open_reading(live.store, "driftspan")) as store:
        for table in STORED:
            one, other = (stored(store, table, case) for case in ("live", "again"))
            counts[table] = len(one)
            if one != other:
                differ[table] = [sorted(set(one) - set(other))[:3], sorted(set(other) - set(one))[:3], len(other)]
        sums = "SELECT sum(packets) AS packets, sum(dropped) AS dropped FROM mirror WHERE case_id = 'live'"
        lost = rows_of(store, sums)
    return {"exit": [code, replayed.returncode], "sent": sent, "recorded": kept, "lost": lost[0], "rows": counts, "differ": differ,
            "transmitted": [transmitted(PORT), received(WIRE)]}  # fmt: skip


def gently(frames: Iterator[bytes]) -> Iterator[bytes]:
    """No faster than a recorder in Python reads."""
    for number, frame in enumerate(frames):
        if number % 50 == 0:
            time.sleep(0.01)
        yield frame


def rows_of(store: Reading, sql: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in b"".join(store.query(sql, "JSONEachRow")).splitlines()]


def stored(store: Reading, table: str, case: str) -> list[str]:
    """Rows of a case as JSON, sorted; without what names the case, the capture and the slices of evidence."""
    rows = rows_of(store, f"SELECT * FROM {table} WHERE case_id = '{case}'" + OF_PACKETS.get(table, ""))
    named = ("case_id", "capture", "run", "version")
    return sorted(
        json.dumps({k: v for k, v in row.items() if k not in named and not k.startswith("evidence_")}, sort_keys=True)
        for row in rows
    )


def confined(live: Live) -> dict[str, Any]:
    """What the processes of a run may do, as the kernel tells it, and what becomes of it when the listener is killed."""
    live.begin()
    demo()
    live.until(lambda: live.rows()["modbus"] == stopped_rows(live))
    assert live.process is not None
    pids = {"sensor": live.process.pid, "keeper": live.keeper()}
    for path in Path("/proc").glob("[0-9]*/status"):
        words = (path.parent / "cmdline").read_bytes().split(b"\0")
        if f"PPid:\t{pids['sensor']}\n" in path.read_text():
            pids["listener" if b"sensor.listener" in words else "starter"] = int(path.parent.name)
    packet_sockets = {line.split()[8] for line in Path("/proc/net/packet").read_text().splitlines()[1:]}
    told = {name: about(pid, packet_sockets) for name, pid in pids.items()}
    os.kill(live.keeper(), signal.SIGKILL)  # what begins programs is another process: it is begun again
    live.until(lambda: live.keeper() != pids["keeper"])
    live.until(lambda: keeper_of(live.store) is not None)
    os.kill(pids["listener"], signal.SIGKILL)
    live.until(lambda: "the process that owns the sockets ended" in live.said())
    demo()
    live.until(lambda: live.rows()["modbus"] == 2 * stopped_rows(live))
    return {"processes": told, "exit": live.end(), "rows": live.rows(), "said": live.said()}


def about(pid: int, packet_sockets: set[str]) -> dict[str, Any]:
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    open_ = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    sockets = {name.removeprefix("socket:[").rstrip("]") for name in open_}
    return {
        "capabilities": int(status["CapEff"], 16),
        "seccomp": int(status["Seccomp"]),
        "no_new_privileges": int(status["NoNewPrivs"]),
        "packet_sockets": len(sockets & packet_sockets),
    }


# A silent interface is told by rows without a packet, which a capture cannot have.
OF_PACKETS = {"mirror": " AND packets > 0"}


def vanished(live: Live) -> dict[str, Any]:
    """The interface goes down and up under the sensor, then away, and another of its name comes in its place: the sensor
    has no right to listen any more, its listener does."""
    live.begin()
    demo()
    ip("link", "set", "dev", PORT, "down")
    live.until(lambda: "went down" in live.said())
    ip("link", "set", "dev", PORT, "up")
    live.until(lambda: "port0: is back" in live.said())
    demo()
    live.until(lambda: live.rows()["modbus"] == 2 * stopped_rows(live))
    ip("link", "delete", "dev", PORT)
    live.until(lambda: live.said().count("went down") == 2)
    cable()
    live.until(lambda: live.said().count("port0: is back") == 2)
    demo()
    live.until(lambda: live.rows()["modbus"] == 3 * stopped_rows(live))
    code = live.end()
    live.begin()
    demo()
    return {"exit": [code, live.end()], "rows": live.rows(), "said": live.said()}


HERE = Path("/proc/self/ns/net").readlink()
TRIALS = {
    f.__name__: f for f in (same, whole, killed, reloaded, busy, evidence, told, console, exported, vanished, confined)
}

if __name__ == "__main__":
    cable()
    json.dump(TRIALS[sys.argv[1]](Live(Path(sys.argv[2]))), sys.stdout, default=str)
