"""The process that owns the sockets of interfaces, and nothing else: `python -m sensor.listener FD SETTINGS`.

It is begun by `driftspan run` before that reads anything, opens what it was told at its start and no other interface,
and never looks at a packet. The sensor has the memory of the rings, in which the kernel leaves packets; so who takes
over a dissector has no socket to send with, and no right to open one. It keeps that right: an interface that was made
anew can be listened to again.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sensor.config import CaptureSection


class Listener:
    """`fd`: the way to it, for an engine, which owns it then."""

    def __init__(
        self,
        interfaces: Sequence[str],
        capture: CaptureSection,
        program: Sequence[tuple[int, int, int, int]],
        *,
        confine: bool = True,
    ) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        told = {"interfaces": list(interfaces), "program": list(program), "confine": confine} | {
            name: getattr(capture, name) for name in ("ring_mib", "snaplen", "promiscuous", "rings")
        }
        with theirs:
            command = [sys.executable, "-P", "-m", "sensor.listener", str(theirs.fileno()), json.dumps(told)]
            self._process = subprocess.Popen(  # noqa: S603  our own
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
            )
        self.fd = ours.detach()

    @property
    def pid(self) -> int:
        return self._process.pid


def main(fd: int, told: dict[str, Any]) -> None:
    from parsers import drop_privileges, give_up_calls, keep_listening, listen

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # it ends with the sensor
        signal.signal(number, signal.SIG_IGN)
    try:
        keep_listening()
    except PermissionError:  # there is no such right; who asks is told so
        drop_privileges()
    if told.pop("confine"):
        give_up_calls("listener")
    program = [tuple(instruction) for instruction in told.pop("program")]
    listen(fd, told.pop("interfaces"), program=program, **told)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, ConnectionError):  # the sensor is gone
        main(int(sys.argv[1]), json.loads(sys.argv[2]))
    os._exit(0)
