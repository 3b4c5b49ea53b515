"""The process that begins the sensor's other programs: `python -m sensor.starter`, itself begun before anything else.

A process that reads what attackers send gives up beginning programs, but a keeper that dies must be begun again. So the
starter does that, for commands that it was told before it was sealed, and for no others. It hands over the ends of the
program's pipes, and one of its own in which the exit status will stand.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from sensor.errors import DriftspanError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MESSAGE = 64 * 1024  # bytes; a command is far shorter
_LOST = -1  # exit status of a program whose starter is gone: nobody knows


class Child(Protocol):
    """A program, as `subprocess.Popen` has it."""

    @property
    def pid(self) -> int: ...
    @property
    def stdin(self) -> Any: ...
    @property
    def stdout(self) -> Any: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Beginner(Protocol):
    def allow(self, command: Sequence[str]) -> None:
        """May be begun later."""

    def begin(self, command: Sequence[str], *, out: bool = False) -> Child:
        """With a pipe as stdin, and one as stdout if `out`."""


class Here:
    """Begins programs in this process, where nothing was given up."""

    def allow(self, command: Sequence[str]) -> None:
        """Everything is."""

    def begin(self, command: Sequence[str], *, out: bool = False) -> Child:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE if out else None)  # noqa: S603  our own


class Starter:
    """Several threads may ask. DriftspanError where it is gone, or will not."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-P", "-m", "sensor.starter", str(theirs.fileno())]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])  # noqa: S603
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        return self._process.pid

    def allow(self, command: Sequence[str]) -> None:
        self.ask({"do": "allow", "command": list(command)})

    def seal(self) -> None:
        """From now on nothing is begun but what was begun or allowed before."""
        self.ask({"do": "seal"})

    def begin(self, command: Sequence[str], *, out: bool = False) -> Child:
        told, pipes = self.ask({"do": "begin", "command": list(command), "out": out})
        return _Begun(self, told["pid"], pipes)

    def ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
        try:
            with self._lock:
                self._socket.send(json.dumps(request).encode())
                answer, pipes, _, _ = socket.recv_fds(self._socket, _MESSAGE, 3)
            told = json.loads(answer)
        except (OSError, ValueError):
            raise DriftspanError("the process that begins programs is gone; start the sensor anew") from None
        if "error" in told:
            raise DriftspanError(told["error"])
        return told, pipes

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


class _Begun:
    def __init__(self, starter: Starter, pid: int, pipes: list[int]) -> None:
        self.pid = pid
        self._starter = starter
        self._status, self.stdin = pipes[0], os.fdopen(pipes[1], "wb")
        weakref.finalize(self, os.close, self._status)  # not before: threads may wait at it, one beside the other
        self.stdout: BinaryIO | None = os.fdopen(pipes[2], "rb") if len(pipes) > 2 else None
        self._ended: int | None = None
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        return self._look(0.0)

    def wait(self, timeout: float | None = None) -> int:
        found = self._look(timeout)
        if found is None:
            raise subprocess.TimeoutExpired("driftspan", timeout or 0.0)
        return found

    def _look(self, seconds: float | None) -> int | None:
        """The exit status, if it comes within that time."""
        if self._ended is None and select.select([self._status], [], [], seconds)[0]:
            with self._lock:
                if self._ended is None:  # no other thread was faster
                    text = os.read(self._status, 16)
                    self._ended = int(text) if text else _LOST
        return self._ended

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(DriftspanError):  # without a starter it ends with its stdin
            self._starter.ask({"do": "signal", "pid": self.pid, "number": int(number)})


class _Serving:
    """The starter's own side."""

    def __init__(self, asker: socket.socket) -> None:
        self._asker = asker
        self._allowed: set[tuple[str, ...]] = set()
        self._sealed = False
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def run(self) -> None:
        while message := self._asker.recv(_MESSAGE):
            request = json.loads(message)
            match request["do"]:
                case "begin":
                    self._begin(tuple(request["command"]), out=request["out"])
                    continue
                case "allow" if not self._sealed:
                    self._allowed.add(tuple(request["command"]))
                case "seal":
                    self._sealed = True
                case "signal" if (child := self._children.get(request["pid"])) is not None:
                    child.send_signal(request["number"])  # none where it has ended
                case _:
                    self._answer({"error": "the process that begins programs does not do that"})
                    continue
            self._answer({})

    def _begin(self, command: tuple[str, ...], *, out: bool) -> None:
        if self._sealed and command not in self._allowed:
            self._answer({"error": "a program that was not named at the start is not begun"})
            return
        self._allowed.add(command)
        status, write = os.pipe()
        try:
            child = Here().begin(command, out=out)
        except OSError as error:
            self._answer({"error": f"{command[0]} cannot be begun: {error.strerror}"})
            return
        handed = [status, child.stdin.fileno(), *([child.stdout.fileno()] if out else [])]
        self._children[child.pid] = child  # type: ignore[assignment]
        self._answer({"pid": child.pid}, handed)
        os.close(status)
        child.stdin.close()
        if out:
            child.stdout.close()
        threading.Thread(target=self._wait, args=(child, write), daemon=True).start()

    def _wait(self, child: Child, write: int) -> None:
        text = str(child.wait()).encode()
        self._children.pop(child.pid, None)
        with contextlib.suppress(OSError):
            os.write(write, text)
        os.close(write)

    def _answer(self, told: dict[str, Any], pipes: Sequence[int] = ()) -> None:
        message = json.dumps(told).encode()
        if pipes:
            socket.send_fds(self._asker, [message], pipes)
        else:
            self._asker.send(message)


def main() -> None:
    from parsers import drop_privileges

    drop_privileges()
    # Signals are for the sensor, which ends this process by its end; programs that are begun have them as they were.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    with contextlib.suppress(OSError):
        _Serving(socket.socket(fileno=int(sys.argv[1]))).run()
    os._exit(0)  # programs that still run end by themselves, and are nobody's to wait for


if __name__ == "__main__":
    main()
