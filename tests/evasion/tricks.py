"""The tricks. Each hides one attack: a write to a PLC, an operate, a publication that must not pass unseen."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from tests.evasion.wire import FIN, RST, SYN, Wire
from tests.golden import talk

WRITE, READ = b"\x06\x00\x64\xbe\xef", b"\x03\x00\x64\x00\x01"  # 48879 into holding register 100; reading it
UNKNOWN = "unknown"
SEEN, BOTH, REPORTED = "seen through", "both readings", "reported"


@dataclass(frozen=True)
class Trick:
    name: str
    title: str
    build: Callable[[], Wire]
    result: (
        str  # seen through: a row of the table; both readings: a row or an anomaly that tells it; reported: an anomaly
    )
    kinds: tuple[str, ...] = ()  # oddities that are told
    suricata: str = UNKNOWN
    zeek: str = UNKNOWN
    attack: tuple[str, ...] = ("function_code=6", "address=100", "values=[48879]")  # what its row says
    table: str = "modbus"


TRICKS: list[Trick] = []


def trick(title: str, result: str, *kinds: str, **about: object) -> Callable[[Callable[[], Wire]], Callable[[], Wire]]:
    def add(build: Callable[[], Wire]) -> Callable[[], Wire]:
        TRICKS.append(Trick(build.__name__, title, build, result, kinds, **about))  # type: ignore[arg-type]
        return build

    return add


def modbus(number: int, pdu: bytes, unit: int = 1) -> bytes:
    return struct.pack("!HHHB", number, 0, len(pdu) + 1, unit) + pdu


def polled(port: int = 502) -> Wire:
    """A connection that has polled once: what is spoken is known, both sides' checksums were right."""
    wire = Wire(port).open()
    wire.client(modbus(1, READ))
    wire.server(modbus(1, b"\x03\x02\x00\x07"))
    wire.acknowledge(client=True)
    return wire


def answered(wire: Wire, number: int = 2) -> Wire:
    """The PLC did it, and the poll goes on."""
    wire.server(modbus(number, WRITE))
    wire.client(modbus(9, READ))
    wire.server(modbus(9, b"\x03\x02\xbe\xef"))
    return wire


OVERLAP = {
    "suricata": "one reading, by `host-os-policy`; event `reassembly_overlap_different_data`",
    "zeek": "one reading; event `rexmit_inconsistency`, notice `Conn::Retransmission_Inconsistency` (kept segments: `tcp_max_old_segments`)",
}
CHECKSUM = {
    "suricata": "dropped from the stream where `stream.checksum-validation` is on (counter `tcp.invalid_checksum`)",
    "zeek": "ignored; weird `bad_TCP_checksum`",
}


@trick("the decoy comes first, the write over it", BOTH, "ambiguous_stream", "overlap_conflict", **OVERLAP)
def overlap_decoy_first() -> Wire:
    wire = polled()
    wire.client(modbus(2, READ), at=0)
    wire.client(modbus(2, WRITE))
    return answered(wire)


@trick("the write comes first, a decoy over it", SEEN, "ambiguous_stream", "overlap_conflict", **OVERLAP)
def overlap_decoy_last() -> Wire:
    wire = polled()
    wire.client(modbus(2, WRITE), at=0)
    wire.client(modbus(2, READ))
    return answered(wire)


@trick("a decoy under the write, further back than a short memory reaches", BOTH, "ambiguous_stream", **OVERLAP)
def overlap_far_back() -> Wire:
    wire = polled()
    later = b"".join(modbus(n, READ) for n in range(3, 23))
    wire.client(modbus(2, READ), at=0)
    wire.client(later, at=12)
    wire.client(modbus(2, WRITE))
    wire.seq[True] += len(later)
    return answered(wire)


@trick("two readings wait behind a hole", BOTH, "ambiguous_stream", **OVERLAP)
def overlap_behind_hole() -> Wire:
    wire = polled()
    wire.client(modbus(3, READ), at=12)
    wire.client(modbus(3, WRITE), at=12)
    wire.client(modbus(2, READ))
    wire.seq[True] += 12
    return answered(wire, 3)


@trick("a decoy with a wrong TCP checksum, then the write", SEEN, "bad_checksum", **CHECKSUM)
def checksum_decoy() -> Wire:
    wire = polled()
    wire.client(modbus(2, READ), at=0, wrong=7)
    wire.client(modbus(2, WRITE))
    return answered(wire)


@trick("a RST with a wrong checksum", SEEN, "bad_checksum", **CHECKSUM)
def checksum_reset() -> Wire:
    wire = polled()
    wire.say(flags=RST, at=0, wrong=7)
    wire.client(modbus(2, WRITE))
    return answered(wire)


@trick("every checksum of one side is left to its network card", SEEN,
       suricata="`stream.checksum-validation` must be off", zeek="hint in `reporter.log`; packets ignored unless `ignore_checksums`")  # fmt: skip
def checksum_offloaded() -> Wire:
    wire = Wire().open()
    wire.records.clear()  # begun in the middle: no packet of this side ever has a right one
    wire.client(modbus(1, READ), wrong=11)
    wire.server(modbus(1, b"\x03\x02\x00\x07"))
    wire.client(modbus(2, WRITE), wrong=11)
    return answered(wire)


@trick("a decoy whose time to live ends before the PLC", BOTH, "ambiguous_stream",
       suricata="as any overlap; of time to live: unknown", zeek="as any overlap; of time to live: unknown")  # fmt: skip
def ttl_decoy() -> Wire:
    wire = polled()
    wire.client(modbus(2, READ), at=0, ttl=1)
    wire.client(modbus(2, WRITE))
    return answered(wire)


@trick("the write in IP fragments of eight bytes", SEEN,
       suricata="reassembled; `defrag` is on", zeek="reassembled; weird `excessively_small_fragment`")  # fmt: skip
def tiny_fragments() -> Wire:
    wire = polled()
    whole = wire.body(modbus(2, WRITE))
    wire.fragments(whole, [(at, whole[at : at + 8]) for at in range(0, len(whole), 8)], 0x7000)
    wire.seq[True] += 12
    return answered(wire)


def _overlapping(first: bytes, second: bytes) -> Wire:
    wire = polled()
    one, other = wire.body(modbus(2, first)), wire.body(modbus(2, second))
    wire.fragments(one, [(0, one[:16]), (16, one[16:24]), (16, other[16:24]), (24, other[24:])], 0x7001)
    wire.seq[True] += 12
    return answered(wire)


FRAGMENT = {
    "suricata": "one reading, by `defrag` policy; `decoder-event:ipv4.frag_overlap`",
    "zeek": "one reading; weirds `fragment_inconsistency`, `fragment_overlap`",
}


@trick(
    "fragments overlap, the decoy's first (the checksum proves which is right)", SEEN, "fragment_overlap", **FRAGMENT
)
def fragment_overlap() -> Wire:
    return _overlapping(READ, WRITE)


@trick(
    "fragments overlap and both readings have the right checksum",
    BOTH,
    "fragment_overlap",
    "ambiguous_stream",
    **FRAGMENT,
)
def fragment_overlap_udp() -> Wire:
    wire = Wire(udp=True)
    wire.client(modbus(1, READ))
    wire.server(modbus(1, b"\x03\x02\x00\x07"))
    one, other = bytearray(wire.body(modbus(2, READ))), bytearray(wire.body(modbus(2, WRITE)))
    one[6:8] = other[6:8] = b"\0\0"  # a UDP sender may leave it out
    wire.fragments(bytes(one), [(8, bytes(one[8:])), (8, bytes(other[8:])), (0, bytes(one[:8]))], 0x7002)
    return wire


@trick("the identification of a datagram just made whole is used again", SEEN,
       suricata="was evaded (CVE-2024-37151), mended")  # fmt: skip
def fragment_id_again() -> Wire:
    wire = polled()
    for number, pdu in ((2, READ), (3, WRITE)):
        whole = wire.body(modbus(number, pdu))
        wire.fragments(whole, [(0, whole[:24]), (24, whole[24:])], 0x7003)
        wire.seq[True] += 12
        wire.now -= 1_800  # within the time in which a mirror shows a packet twice
    wire.wait(0.01)
    wire.server(modbus(2, b"\x03\x02\x00\x07"))
    return answered(wire, 3)


WINDOW = {
    "suricata": "ignored; event `est_packet_out_of_window`",
    "zeek": "weird `above_hole_data_without_any_acks`, if nothing is acknowledged",
}


@trick("bytes outside the window, then the write a byte a segment", SEEN, "out_of_window", **WINDOW)
def outside_window() -> Wire:
    wire = polled()
    for n in range(20):
        wire.client(modbus(50 + n, READ), at=90_000 + 12 * n)
        wire.acknowledge()
    wire.wait(12)
    for byte in modbus(2, WRITE):
        wire.client(bytes([byte]))
        wire.acknowledge()
    return answered(wire)


@trick("bytes far outside any window", SEEN, "out_of_window", **WINDOW)
def outside_far() -> Wire:
    wire = polled()
    wire.client(modbus(50, READ), at=1 << 30)
    wire.client(modbus(2, WRITE))
    return answered(wire)


@trick("a forged RST, after which the connection goes on", SEEN, "data_after_end",
       suricata="event `suspected_rst_inject`", zeek="weird `data_after_reset`")  # fmt: skip
def forged_reset() -> Wire:
    wire = polled()
    wire.say(flags=RST, at=0)
    wire.client(modbus(2, WRITE))
    return answered(wire)


@trick("a forged FIN over the place of the write", SEEN, "data_after_end",
       suricata="was evaded (CVE-2019-18792), mended", zeek="weird `FIN_advanced_last_seq`")  # fmt: skip
def forged_fin() -> Wire:
    wire = polled()
    wire.say(flags=FIN | 16, at=0)
    wire.client(modbus(2, WRITE))
    return answered(wire)


@trick("a RST and a SYN with another sequence number inside the connection", SEEN, "out_of_window",
       suricata="event `est_syn_resend_diff_seq`", zeek="weirds `SYN_after_reset`, `SYN_seq_jump`")  # fmt: skip
def reset_and_syn() -> Wire:
    wire = polled()
    wire.say(flags=RST, at=0)
    wire.say(flags=SYN, at=50_000)
    wire.client(modbus(2, WRITE))
    return answered(wire)


@trick("a SYN inside the connection with another sequence number", SEEN, "syn_inside",
       suricata="event `est_syn_resend_diff_seq`", zeek="weird `SYN_inside_connection`")  # fmt: skip
def syn_inside() -> Wire:
    wire = polled()
    wire.say(flags=SYN, at=50_000)
    wire.client(modbus(2, WRITE))
    return answered(wire)


@trick("the SYN is sent again with another sequence number before it is answered", SEEN,
       suricata="event `3whs_syn_resend_diff_seq_on_syn_recv` (evaded before CVE-2025-59147)", zeek="weird `SYN_seq_jump`")  # fmt: skip
def syn_again() -> Wire:
    wire = Wire()
    wire.say(flags=SYN)
    wire.say(flags=SYN, at=50_000)
    wire.say(flags=SYN | 16, client=False)
    wire.acknowledge(client=True)
    wire.client(modbus(2, WRITE))
    return answered(wire)


@trick("an urgent byte inside the write", BOTH, "urgent_data",
       suricata="`stream.reassembly.urgent.policy`, by default out of band (evaded before CVE-2024-55629)")  # fmt: skip
def urgent_byte() -> Wire:
    wire = polled()
    whole = modbus(2, WRITE)
    wire.client(whole[:9] + b"!" + whole[9:], urgent=10)
    return answered(wire)


@trick("the capture begins in the middle of the connection", SEEN,
       suricata="only with `stream.midstream`", zeek="event `partial_connection`; whether its analyzer goes on: unknown")  # fmt: skip
def midstream() -> Wire:
    wire = polled()
    wire.records.clear()
    wire.client(modbus(2, WRITE))
    return answered(wire)


@trick("Modbus on a port of its own choice", SEEN,
       suricata="on ports of `detection-ports`; elsewhere unknown", zeek="by port; elsewhere unknown")  # fmt: skip
def wrong_port() -> Wire:
    wire = polled(4_711)
    wire.client(modbus(2, WRITE))
    return answered(wire)


@trick("the write a byte a segment", SEEN, suricata="reassembled", zeek="reassembled")
def bytewise() -> Wire:
    wire = polled()
    for byte in modbus(2, WRITE):
        wire.client(bytes([byte]))
    return answered(wire)


@trick("segments in the wrong order", SEEN, suricata="reassembled", zeek="reassembled")
def out_of_order() -> Wire:
    wire = polled()
    whole = modbus(2, WRITE)
    for at in (8, 4, 0):
        wire.client(whole[at : at + 4], at=at)
    wire.seq[True] += 12
    return answered(wire)


@trick("malformed messages, then the write", SEEN, "malformed",
       suricata="event `modbus.invalid_length`; parsing goes on or ends by `app-layer.error-policy`",
       zeek="the analyzer is removed at a violation (icsnpp-modbus#7 tells of one)")  # fmt: skip
def malformed_first() -> Wire:
    wire = polled()
    wire.client(b"\x00\x05\x00\x07\x00\x06\x01" + READ)  # another protocol id
    wire.client(struct.pack("!HHHB", 6, 0, 900, 1) + READ)  # a length that no message has
    wire.client(modbus(2, WRITE))
    return answered(wire)


def dnp3(application: bytes, *, master: bool = True) -> bytes:
    return talk.dnp3(application, master=master)


def operate(number: int) -> bytes:
    """Direct operate of output 3 (CROB, latch on)."""
    return bytes([0xC0 | number, 0x05, 12, 1, 0x28, 1, 0, 3, 0, 3, 1]) + struct.pack("<II", 0, 0) + b"\0"


def _outstation() -> Wire:
    wire = Wire(20_000).open()
    wire.client(dnp3(bytes([0xC1, 0x01, 60, 2, 6])))
    wire.server(dnp3(bytes([0xC1, 0x81, 0, 0]), master=False))
    return wire


OPERATE = {"table": "dnp3", "attack": ("function=direct_operate", "objects=[12:1]")}


@trick("a DNP3 frame with a wrong CRC before the operate", SEEN, "crc", **OPERATE,
       suricata="event `dnp3.bad_link_crc`; the rest of the input is skipped (OISF/suricata#16170)", zeek=UNKNOWN)  # fmt: skip
def dnp3_crc_before() -> Wire:
    wire = _outstation()
    decoy = bytearray(dnp3(bytes([0xC2, 0x01, 60, 2, 6])))
    decoy[8] ^= 1
    wire.client(bytes(decoy) + dnp3(operate(3)))
    return wire


@trick("a DNP3 header with a wrong CRC whose length swallows the operate", SEEN, "crc", **OPERATE,
       suricata="event `dnp3.bad_link_crc`", zeek=UNKNOWN)  # fmt: skip
def dnp3_crc_length() -> Wire:
    wire = _outstation()
    wire.client(b"\x05\x64\xff\xc4\x0a\x00\x01\x00\x00\x00" + dnp3(operate(3)))
    return wire


@trick("a DNP3 block with a wrong CRC in the operate itself (the outstation drops it)", REPORTED, "crc", **OPERATE,
       suricata="event `dnp3.bad_transport_crc`", zeek=UNKNOWN)  # fmt: skip
def dnp3_crc_inside() -> Wire:
    wire = _outstation()
    frame = bytearray(dnp3(operate(3)))
    frame[-1] ^= 1
    wire.client(bytes(frame))
    return wire


def mqtt(kind: int, body: bytes) -> bytes:
    return bytes([kind, len(body)]) + body


CONNECT = mqtt(0x10, b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x03hmi")
PUBLISH = mqtt(0x30, b"\x00\x04pump" + b'{"speed": 48879}')
PUBLISHED = {"table": "mqtt", "attack": ("packet=PUBLISH", "topic=pump")}


def _broker() -> Wire:
    wire = Wire(1_883).open()
    wire.client(CONNECT)
    wire.server(b"\x20\x02\x00\x00")
    return wire


@trick("an MQTT length of five bytes, then the publication", SEEN, "malformed", **PUBLISHED,
       suricata=UNKNOWN, zeek=UNKNOWN)  # fmt: skip
def mqtt_long_length() -> Wire:
    wire = _broker()
    wire.client(b"\x30\xff\xff\xff\xff\x01" + PUBLISH)
    return wire


@trick("an MQTT length longer than need be", SEEN, **PUBLISHED, suricata=UNKNOWN, zeek=UNKNOWN)
def mqtt_padded_length() -> Wire:
    wire = _broker()
    wire.client(b"\x30" + bytes([0x80 | len(PUBLISH) - 2, 0x00]) + PUBLISH[2:])
    return wire


@trick("an MQTT publication that says it is 200 MB long swallows what follows (the broker waits as well)", SEEN,
       table="mqtt", attack=("packet=PUBLISH", "topic=x", "payload_cut=1"),
       suricata="cut at `app-layer.protocols.mqtt.max-msg-length`", zeek="cut at `MQTT::max_payload_size`")  # fmt: skip
def mqtt_huge_length() -> Wire:
    wire = _broker()
    wire.client(b"\x30\x80\xde\xae\x5f\x00\x01x")
    for _ in range(3):
        wire.client(PUBLISH)
    return wire


def opcua(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", 8 + len(body)) + body


def _ua(request: int, body: bytes, final: bytes = b"F") -> bytes:
    return opcua(b"MSG" + final, struct.pack("<IIII", 7, 1, request, request) + body)


UA_WRITE = (
    b"\x01\x00\xa1\x02\x00\x00" + b"\0" * 8 + struct.pack("<IIiI", 1, 0, -1, 0) + b"\0\0\0"
    + struct.pack("<i", 1) + b"\x02\x01\x00\x64\x00\x00\x00" + struct.pack("<I", 13) + struct.pack("<i", -1)
    + b"\x01\x05" + struct.pack("<H", 48_879)
)  # fmt: skip


def _ua_server() -> Wire:
    wire = Wire(4_840).open()
    url = b"opc.tcp://plc:4840"
    wire.client(
        opcua(
            b"HELF", struct.pack("<IIIIII", 0, 65_535, 65_535, 0, 0, len(url))[:20] + struct.pack("<I", len(url)) + url
        )
    )
    wire.server(opcua(b"ACKF", struct.pack("<IIIII", 0, 65_535, 65_535, 0, 0)))
    return wire


@trick("an OPC UA message in chunks is given up, and the write follows under the same number", SEEN, "chunk_abort",
       table="opcua", attack=("service=Write",), suricata="no OPC UA parser", zeek="no analyzer in the core; icsnpp-opcua-binary: unknown")  # fmt: skip
def opcua_abort() -> Wire:
    wire = _ua_server()
    wire.client(_ua(2, UA_WRITE[:20], b"C"))
    wire.client(_ua(2, struct.pack("<I", 0x80B80000) + struct.pack("<i", -1), b"A"))
    wire.client(_ua(2, UA_WRITE))
    return wire


HELLO = bytes.fromhex("0303") + bytes(32) + b"\0" + b"\x00\x02\x00\x2f" + b"\x01\x00"
SNI = b"plc.example"


def _hello() -> bytes:
    name = struct.pack("!HBH", len(SNI) + 3, 0, len(SNI)) + SNI
    extension = struct.pack("!HH", 0, len(name)) + name
    body = HELLO + struct.pack("!H", len(extension)) + extension
    return b"\x01" + struct.pack("!I", len(body))[1:] + body


@trick("a TLS hello in records of one byte, each in a segment of its own", SEEN, table="tls", attack=("sni=plc.example",),
       suricata="reassembled", zeek="reassembled")  # fmt: skip
def tls_records() -> Wire:
    wire = Wire(443).open()
    for byte in _hello():
        wire.client(b"\x16\x03\x01\x00\x01" + bytes([byte]))
    return wire
