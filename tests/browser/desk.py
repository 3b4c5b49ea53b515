"""A console as a site has it: a store with a plant's day and a million alerts, its keeper, the server, and a browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sensor import config
from sensor.keeper.process import KeeperProcess
from sensor.spool.store import SpoolStore
from sensor.spool.writer import Writer

ROOT = Path(__file__).parents[2]
PASSWORD = "nine-lives-of-a-pump"
# As root it has no sandbox of its own; without the rest it asks hosts of its maker.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--font-render-hinting=none",
]  # fmt: skip
MANY = 1_000_000
HOSTS, EDGES = 300, 900  # of the case `big`, one of them with a name that would be markup
HOSTILE = "<img src=x onerror=alert(1)>\u202egnp"
_FILL = """
import sys
from sensor.store import Layout
from sensor.store.chdb_writing import ChdbStore
store = ChdbStore(__import__("pathlib").Path(sys.argv[1]), "driftspan", "driftspan", Layout())
store._session.run('''
INSERT INTO alert_rows (sensor, case_id, ts, run, alert_id, detector, kind, title, severity, confidence, src_ip, dst_ip,
    src_zone, dst_zone, protocol, summary, evidence, count, first_ts, last_ts)
SELECT 'driftspan', 'many', now64(9, 'UTC') - toIntervalMillisecond(number * 80) AS at, 'run', lower(hex(MD5(toString(number)))),
    'scan', 'scan.ports', 'Port scan', ['low', 'low', 'low', 'medium', 'medium', 'high'][1 + number % 6], 0.9,
    toIPv6(concat('10.', toString(number % 7), '.1.', toString(number % 251))), toIPv6(concat('10.40.0.', toString(number % 50))),
    'control', 'cell', 'modbus', concat('host ', toString(number % 251), ' asks for port ', toString(number % 1000)), '{}', 1, at, at
FROM numbers({count})'''.replace('{count}', sys.argv[2]))
zones = "[('enterprise', 4), ('dmz', 3.5), ('edge', 3), ('control', 2), ('hmi', 2), ('cell', 1), ('cell-2', 1), ('cell-3', 1), ('field', 0)]"
of = lambda host: f"{zones}[{host} % 9 + 1]"
ip = lambda host: f"toIPv6(concat('10.60.', toString(intDiv({host}, 200)), '.', toString({host} % 200 + 1)))"
store._session.run(f'''
INSERT INTO assets (sensor, case_id, ts, run, ip, hostname, roles, protocols, zone, purdue_level, first_seen, last_seen)
SELECT 'driftspan', 'big', now64(9, 'UTC'), 'run', {ip('number')}, if(number = 7, '{sys.argv[3]}', concat(['plc', 'hmi', 'pump', 'meter'][number % 4 + 1],
    '-', toString(number), if(number % 5 = 0, '.cell.plant.example', ''))), ['plc'], ['modbus'], tupleElement({of('number')}, 1),
    tupleElement({of('number')}, 2), now64(9, 'UTC') - 86400, now64(9, 'UTC') - number FROM numbers({sys.argv[4]})''')
source, target = f"(number * 7 % {sys.argv[4]})", f"((number * 13 + intDiv(number, 9)) % {sys.argv[4]})"
store._session.run(f'''
INSERT INTO flows (sensor, case_id, ts, src_ip, dst_ip, dst_port, flow_id, capture, first_ts, last_ts, app, bytes_out, bytes_in, src_zone, dst_zone)
SELECT 'driftspan', 'big', now64(9, 'UTC'), {ip(source)}, {ip(target)}, 502, number, 'c', now64(9, 'UTC') - 3600, now64(9, 'UTC'), 'modbus',
    number * 1000, 10, tupleElement({of(source)}, 1), tupleElement({of(target)}, 1) FROM numbers({sys.argv[5]}) WHERE {source} != {target}''')
store._session.run("INSERT INTO alert_rows (sensor, case_id, ts, alert_id, severity, first_ts, last_ts) SELECT 'driftspan', 'big',"
    " now64(9, 'UTC') AS at, lower(hex(MD5('big'))), 'low', at, at")
store.close()
"""


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


def program(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "sensor", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def fill(folder: Path, count: int = MANY) -> None:
    """Alerts of the last day, and a plant of many hosts, straight into the store."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", _FILL, "driftspan-store", str(count), HOSTILE, str(HOSTS), str(EDGES)]
    subprocess.run(command, cwd=folder, env=environment, check=True)


class Desk:
    """`password`: of the first login. Keeper and server are ended by `end`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        loaded = config.load(folder / "driftspan.toml")
        spool = folder / "driftspan-store-spool"
        self.writer = Writer(spool, 1 << 30)
        self.keeper = KeeperProcess(str(folder / "driftspan-store"), loaded, spool)
        self.spool = SpoolStore(self.writer, loaded.sensor.name, "live")
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "sensor", "serve", "--port", "0"]
        self.server = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
        told = self._until(r"listening on (http://127\.0\.0\.1:\d+)")
        self.address = told[1]
        self.password = self._until(r"one-time password (\S+)")[1]

    def _until(self, wanted: str) -> re.Match[str]:
        assert self.server.stderr is not None
        said = []
        for line in self.server.stderr:
            said.append(line)
            if found := re.search(wanted, line):
                return found
        raise AssertionError(f"the server ended: {said}")

    def raise_alert(self, **columns: object) -> None:
        """As a sensor that runs raises it: through the spool, which the keeper delivers."""
        now = time.time_ns()
        row: dict[str, object] = {
            "ts": now, "alert_id": os.urandom(16).hex(), "detector": "new_writer", "kind": "new_writer.write",
            "title": "First write from this client", "severity": "high", "confidence": 0.95, "src_ip": "10.9.9.9",
            "dst_ip": "10.40.0.11", "src_zone": "it", "dst_zone": "cell", "protocol": "modbus", "summary": "wrote",
            "evidence": "{}", "techniques": [], "attack_version": "", "controls": [], "frames": [], "capture": "",
            "count": 1, "first_ts": now, "last_ts": now,
        }  # fmt: skip
        self.spool.upsert("alert_rows", [row | columns])
        self.spool.flush()
        self.keeper.nudge()

    def end(self) -> int:
        """The server's exit status."""
        self.server.send_signal(signal.SIGTERM)
        self.server.communicate(timeout=30)
        assert self.keeper.end()
        self.writer.close()
        return self.server.returncode


class Watched:
    """A browser's context, of which every request and every complaint is written down."""

    def __init__(self, context: Any, address: str) -> None:
        self.context, self.address = context, address
        self.requests: list[str] = []
        self.complaints: list[str] = []
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(f"{error.error}"))

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def page(self, path: str = "/") -> Any:
        page = self.context.new_page()
        page.set_default_timeout(60_000)  # CI shares its two cores
        page.goto(self.address + path)
        return page

    def log_in(self, name: str, password: str, code: str = "") -> Any:
        page = self.page("/login")
        page.fill("#name", name)
        page.fill("#password", password)
        page.click("#login button")
        if code:
            page.wait_for_selector("#code-field:not([hidden])")
            page.fill("#code", code)
            page.click("#login button")
        page.wait_for_url(lambda url: "/login" not in url, wait_until="commit")
        return page

    def check(self, *allowed: str) -> None:
        """`allowed`: what a test provoked, as the start of the browser's complaint."""
        foreign = {urlsplit(url).netloc for url in self.requests if not url.startswith(("data:", "blob:"))}
        assert foreign <= {urlsplit(self.address).netloc}, foreign
        assert (
            not [said for said in self.complaints if not said.startswith(allowed)] if allowed else not self.complaints
        ), self.complaints
