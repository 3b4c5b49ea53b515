"""Servers of ClickHouse for tests. No package ships one as a server, but the npm package of chDB has all of it in a library,
and since 26.5 `clickhouse local`, which the library exports as a function, can be told to listen.

For tests only: a failed login ends such a process, and so may a client that is killed while it sends.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

PACKAGE = "@chdb/lib-linux-x64-gnu@26.7.3-stable.1"
FOLDER = Path(__file__).parent / ".engine"  # not committed: what was fetched
PATIENCE = 90  # seconds in which a server begins


def library() -> Path | None:
    """The engine, fetched once with npm; None where that cannot be."""
    found = FOLDER / "libchdb.so"
    if found.exists():
        return found
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        if not found.exists() and shutil.which("npm"):
            with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
                _fetch(Path(folder), found)
    return found if found.exists() else None


def _fetch(folder: Path, target: Path) -> None:
    command = ["npm", "pack", "--silent", PACKAGE]
    if subprocess.run(command, cwd=folder, check=False, capture_output=True, timeout=600).returncode:
        return
    [packed] = folder.glob("*.tgz")
    with tarfile.open(packed) as archive:
        member = archive.getmember("package/libchdb.so")
        member.name = "libchdb.so"
        archive.extract(member, folder, filter="data")
    (folder / "libchdb.so").replace(target)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


USERS = """
<clickhouse>
  <profiles>
    <default/>
    <asks><readonly>2</readonly></asks>
    <bound><readonly>1</readonly></bound>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default><no_password/><profile>default</profile><quota>default</quota><networks><ip>127.0.0.1</ip></networks></default>
    <sensor><password>of the sensor</password><profile>default</profile><quota>default</quota><networks><ip>127.0.0.1</ip></networks></sensor>
    <analyst><password>asks</password><profile>asks</profile><quota>default</quota><networks><ip>127.0.0.1</ip></networks></analyst>
    <bound><password>bound</password><profile>bound</profile><quota>default</quota><networks><ip>127.0.0.1</ip></networks></bound>
  </users>
</clickhouse>
"""
CONFIG = """
<clickhouse>
  <logger><level>warning</level><log>{folder}/log</log></logger>
  <path>{folder}/data</path>
  <users_config>{folder}/users.xml</users_config>
  <user_directories><users_xml><path>{folder}/users.xml</path></users_xml></user_directories>
  <listen_host>127.0.0.1</listen_host>
  <tcp_port>{native}</tcp_port>
  <http_port>{http}</http_port>
  <background_schedule_pool_size>8</background_schedule_pool_size>
  <background_pool_size>4</background_pool_size>
  {more}
</clickhouse>
"""


class Engine:
    """A server of its own on free ports of 127.0.0.1, its files in `folder`. `more`: further XML of its configuration."""

    def __init__(self, folder: Path, more: str = "", native: int = 0, http: int = 0) -> None:
        self.folder, self.native, self.http = folder, native or free_port(), http or free_port()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "users.xml").write_text(USERS)
        (folder / "config.xml").write_text(CONFIG.format(folder=folder, native=self.native, http=self.http, more=more))
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str, user: str = "default", scheme: str = "clickhouse") -> str:
        port = self.http if scheme.startswith("http") else self.native
        return f"{scheme}://{user}@127.0.0.1:{port}/{database}"

    def start(self) -> Engine:
        engine = library()
        assert engine is not None
        command = [sys.executable, str(Path(__file__)), str(engine), str(self.folder)]
        with (self.folder / "said").open("ab") as said:
            self._process = subprocess.Popen(command, stdout=said, stderr=said, stdin=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"no server began: {(self.folder / 'said').read_text()[-2000:]}")
            time.sleep(0.1)
        return self

    def _answers(self) -> bool:
        try:
            for port in (self.native, self.http):
                socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def revive(self) -> None:
        """Begins it again if it ended."""
        if self._process is None or self._process.poll() is not None:
            self.start()

    def kill(self) -> None:
        """As a machine that loses power, but for what the kernel has already."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def ask(self, sql: str) -> str:
        """Past everything of ours: over HTTP, as the user `default`."""
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=120)
        connection.request("POST", "/", sql.encode())
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(text)
        return text


def _serve(engine: str, folder: str) -> None:
    """In a process of its own, whose parent it does not outlive: reads a pipe that nobody writes to for ever."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    pipe = Path(folder) / "never"
    if not pipe.exists():
        os.mkfifo(pipe)
    sql = f"SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; SELECT count() FROM file('{pipe}', LineAsString)"
    words = ["clickhouse", "--config-file", f"{folder}/config.xml", "--multiquery", "--query", sql]
    run = ctypes.CDLL(engine).query_stable_v2
    run.restype = ctypes.c_void_p
    run(len(words), (ctypes.c_char_p * len(words))(*(word.encode() for word in words)))


if __name__ == "__main__":
    _serve(*sys.argv[1:])
