"""The console as the sensor sees it: a child process that is begun again when it dies.

It asks the keeper for everything, so no engine is in it; and it ends with the sensor, whose end of a pipe is its stdin.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from sensor.errors import DriftspanError, InputError
from sensor.starter import Here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sensor.config import ConsoleSection
    from sensor.starter import Beginner, Child

NEEDED = ("fastapi", "uvicorn", "jinja2", "argon2", "pyotp")
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0  # seconds before it is begun again
_LASTS = 30.0  # seconds after which it was no false start
_END = 15.0  # seconds in which it ends


def missing() -> str:
    """A package that the console needs and that is not installed; empty: it has all."""
    return next((name for name in NEEDED if find_spec(name) is None), "")


class BesideProcess(threading.Thread):
    """`name`: as in "the console". `module`: its words for Python. `config`: the file that the sensor was told, or
    found. It runs until `end`."""

    def __init__(
        self,
        name: str,
        module: Sequence[str],
        store: str,
        config: Path | None,
        say: Callable[[str], None],
        beginner: Beginner | None = None,
    ) -> None:
        super().__init__(name=name.rpartition(" ")[2], daemon=True)
        self._command = [sys.executable, "-P", "-m", *module, "--store", store]
        self._command += ["--config", str(config)] if config is not None else []
        self._what, self._say = name, say
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._beginner = beginner or Here()
        self._beginner.allow(self._command)
        self.restarts = 0

    @property
    def pid(self) -> int:
        """0: it does not run now."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else 0

    def run(self) -> None:
        pause = FIRST_PAUSE
        while not self._over.is_set():
            begun = time.monotonic()
            try:
                status = self._once()
            except DriftspanError as error:
                self._say(f"{self._what}: {error}")
                return
            if self._over.is_set():
                return
            if status == InputError.status:
                self._say(f"{self._what} did not begin; the line above says why")
                return
            pause = FIRST_PAUSE if time.monotonic() - begun > _LASTS else min(LONGEST_PAUSE, pause * 2)
            self._say(f"{self._what} ended with status {status}; it begins again in {pause:.0f} s")
            self._over.wait(pause)
            self.restarts += 1

    def _once(self) -> int:
        with self._lock:
            if self._over.is_set():
                return 0
            self._child = self._beginner.begin(self._command)
        return self._child.wait()

    def end(self) -> None:
        with self._lock:
            self._over.set()
            child = self._child
        if child is None or child.poll() is not None:
            return
        child.terminate()
        try:
            child.wait(_END)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


class ConsoleProcess(BesideProcess):
    def __init__(
        self, store: str, config: Path | None, say: Callable[[str], None], beginner: Beginner | None = None
    ) -> None:
        super().__init__("the console", ("sensor", "serve", "--with-sensor"), store, config, say, beginner)


@contextmanager
def running(process: BesideProcess) -> Iterator[None]:
    process.start()
    try:
        yield
    finally:
        process.end()


@contextmanager
def console_beside(
    store: str,
    config: Path | None,
    section: ConsoleSection,
    say: Callable[[str], None],
    beginner: Beginner | None = None,
) -> Iterator[None]:
    """A console as long as something else is done; none where it is not wanted, or not installed, which is said."""
    name = missing() if section.enabled else ""
    if name:
        say(f"there is no console: it needs {name}, which is not installed: pip install 'driftspan[console]'")
    if name or not section.enabled:
        yield
        return
    with running(ConsoleProcess(store, config, say, beginner)):
        yield
