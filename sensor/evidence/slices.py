"""A slice as a file: pcapng, written with dpkt, with a comment at every packet that decides the alert.

dpkt's writer knows neither nanoseconds nor packets that the capture cut short: times are put into the blocks here, and
`_Packet` keeps the length on the wire.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING

import dpkt.pcapng as png  # type: ignore[import-untyped, unused-ignore]

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detectors.alert import Alert
    from parsers import Found

_NANOSECONDS = 9  # if_tsresol: 10**-9 s
_SNAPLEN = 262_144
_END = png.PcapngOptionLE(code=png.PCAPNG_OPT_ENDOFOPT, len=0)


@dataclass(frozen=True, slots=True)
class Slice:
    """`frames`: of the packets that decide the alert, in the slice."""

    data: bytes
    sha256: str
    packets: int
    frames: tuple[int, ...]
    note: str


class _Packet(png.EnhancedPacketBlockLE):  # type: ignore[misc, unused-ignore]
    """A packet block that says how long the packet was on the wire, also where not all of it was captured."""

    wire_length = 0

    def __bytes__(self) -> bytes:
        whole = bytearray(super().__bytes__())
        struct.pack_into("<I", whole, 24, self.wire_length)  # "Original Packet Length", behind the captured one
        return bytes(whole)


def made(alert: Alert, found: Found, names: Sequence[str], index: int) -> Slice:
    """`names`: of the captures or interfaces, in their order; `index`: of the alert's own."""
    packets = found.packets
    interfaces = sorted({(capture, link) for _, capture, _, link, _, _ in packets})
    decisive = {(index, frame) for frame in alert.frames}
    out = BytesIO()
    blocks = [_interface(names[capture] if capture < len(names) else "", link) for capture, link in interfaces]
    writer = png.Writer(out, shb=_head(alert), idb=blocks or [_interface("", png.DLT_EN10MB)])
    frames = []
    for number, (ts, capture, frame, link, length, data) in enumerate(packets, 1):
        block = _Packet(iface_id=interfaces.index((capture, link)), ts_high=ts >> 32, ts_low=ts & 0xFFFFFFFF)
        block.pkt_data, block.wire_length = data, length
        if (capture, frame) in decisive:
            frames.append(number)
            block.opts = [_comment(f"alert {alert.alert_id}: it shows this (frame {frame} there)"), _END]
        writer.writepkt(block)
    data = out.getvalue()
    missing = len(decisive) - len(frames)
    return Slice(data, sha256(data).hexdigest(), len(packets), tuple(frames), _note(alert, found, missing))


def _note(alert: Alert, found: Found, missing: int) -> str:
    """What of the alert's packets is not in the slice; empty: nothing that is known of."""
    told = []
    if found.overrun:
        told.append("packets of its time had been let go: the ring was too small, or its disk too slow")
    elif found.since > alert.first_ts:
        told.append("it began before the first packet at hand")
    before, after = found.cut
    if before or after:
        told.append(f"cut to the size of a slice: {before} packets before and {after} after it began are left out")
    if missing:
        told.append(f"{missing} of the packets that decide it are not at hand")
    return "; ".join(told)


def head(text: str) -> bytes:
    """The beginning of a file, about which this is said."""
    return bytes(_section(text))


def interface(name: str, link: int) -> bytes:
    return bytes(_interface(name, link))


def packet(place: int, ts: int, length: int, data: bytes, comment: str) -> bytes:
    """`place`: number of its interface; `length`: on the wire."""
    block = _Packet(iface_id=place, ts_high=ts >> 32, ts_low=ts & 0xFFFFFFFF)
    block.pkt_data, block.wire_length = data, length
    block.opts = [_comment(comment), _END]
    return bytes(block)


def _head(alert: Alert) -> png.SectionHeaderBlockLE:
    return _section(f"driftspan alert {alert.alert_id}\n{alert.kind}: {alert.title}")


def _section(text: str) -> png.SectionHeaderBlockLE:
    program = png.PcapngOptionLE(code=png.PCAPNG_OPT_SHB_USERAPPL, data=b"driftspan")
    return png.SectionHeaderBlockLE(opts=[_comment(text), program, _END])


def _interface(name: str, link: int) -> png.InterfaceDescriptionBlockLE:
    resolution = png.PcapngOptionLE(code=png.PCAPNG_OPT_IF_TSRESOL, data=bytes([_NANOSECONDS]))
    options = [resolution, _END]
    if name:
        options.insert(0, png.PcapngOptionLE(code=png.PCAPNG_OPT_IF_NAME, data=name.encode(errors="replace")))
    return png.InterfaceDescriptionBlockLE(linktype=link, snaplen=_SNAPLEN, opts=options)


def _comment(text: str) -> png.PcapngOptionLE:
    return png.PcapngOptionLE(code=png.PCAPNG_OPT_COMMENT, text=text)
