"""What comes to an interface, with the kernel's own times: a recorder beside the sensor, without privileges to give up."""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING

from tests.mirror_faults import SECOND, Packet, write

if TYPE_CHECKING:
    from pathlib import Path

_ALL, _SOL_PACKET, _AUXDATA, _TIMES = 0x0003, 263, 8, 35  # linux/if_ether.h, if_packet.h, SO_TIMESTAMPNS
_VLAN_VALID = 0x10
_OUTGOING = 4


class Recorder:
    def __init__(self, interface: str) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
        self._socket.setsockopt(_SOL_PACKET, _AUXDATA, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, _TIMES, 1)
        self._socket.bind((interface, _ALL))
        self._socket.settimeout(0.2)
        self._packets: list[Packet] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                data, told, _, sender = self._socket.recvmsg(1 << 17, 256)
            except TimeoutError:
                if self._over.is_set():
                    return
                continue
            if sender[2] != _OUTGOING:
                self._packets.append(_packet(data, {kind: body for _, kind, body in told}))

    def end(self, path: Path) -> int:
        """Everything that came is in the capture; gives how many packets."""
        self._over.set()
        self._thread.join()
        self._socket.close()
        write(path, self._packets)
        return len(self._packets)


def _packet(data: bytes, told: dict[int, bytes]) -> Packet:
    seconds, nanoseconds = struct.unpack("qq", told[_TIMES][:16])
    status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", told[_AUXDATA][:20])
    if status & _VLAN_VALID:  # the kernel takes the tag out
        data = data[:12] + struct.pack(">HH", tpid or 0x8100, tci) + data[12:]
    return Packet(seconds * SECOND + nanoseconds, data, len(data))
