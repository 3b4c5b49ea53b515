"""What others have written down of captures: Zeek, Bro, nDPI, Suricata and Arkime see what we see.

Where they do not, `EXPLAINED` says why. Not read: alerts of rules, labels of attacks, keys, the HTML reports
of DNP3 conformance tests, printed packets, Zeek's logs with columns cut off. The corpus has no results of
ICSNPP.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import pytest

from tests.golden import corpus
from tests.golden.expected import arkime, ndpi, suricata, zeek, zeek_events

if TYPE_CHECKING:
    import pathlib
    from types import ModuleType

    from tests.golden.expected.compare import Rows

pytestmark = pytest.mark.corpus

# Expectation → how many differences there are, and why. What is our fault stands in DIFFERENCES.md as well.
EXPLAINED: dict[str, tuple[int, str]] = {
    "ICS-Pcaps/DNP3/dnp3_select_operate.pcap.expected/bro-logs/dnp3.log": (
        1, "Bro logs a request with its reply; neither SELECT nor OPERATE has one, only the last is logged"),
    "ICS-Pcaps/DNP3/dnp3_test_data_part1.pcap.expected/bro-logs/dnp3.log": (
        2, "the same: of two equal requests without a reply Bro logs the last"),
    "zeek/dnp3/dnp3.pcap.expected/zeek/scripts.base.protocols.dnp3.events/dnp3.log": (
        2, "the same: frames 154 and 156, 174 and 176"),
    "arkime/arkime_synthetic.pcap.expected/arkime/arkime_synthetic.test.json.gz": (
        7, "frames 544, 545: a link header with a wrong CRC: a station drops it, we say `truncated`"),
    "icsmaster/cip/CL5000EIP-Remote_Mode_Change_Attempt.pcap.expected/bro-logs/conn.log": (
        2, "frame 582 was sent by .21; Bro turns the connection round and its packets with it"),
    "icsmaster/modbus/modbus_test_data_part1.pcap.expected/bro-logs/modbus.log": (
        3, "Bro logs nothing of the connection opened from port 502 to 4446, nor exceptions of code 11"),
    "icsmaster/modbus/modbus_test_data_part2.pcap.expected/bro-logs/modbus.log": (
        9, "Bro logs no exceptions of functions 9 to 14 and 17 to 19; tshark has them as we have"),
    "nDPI/dnp3.pcap.expected/ndpi/dnp3.pcap.out": (
        16, "each packet stands three times in the capture, nDPI counts all"),
    "nDPI/s7comm-plus.pcap.expected/bro-logs/conn.log": (
        1, "27 packets stand twice: same identification and checksum, microseconds apart"),
    "nDPI/s7comm-plus.pcap.expected/ndpi/s7comm-plus.pcap.out": (2, "the same"),
    "nDPI/tls_1.3_unidirectional_server.pcapng.expected/ndpi/tls_1.3_unidirectional_server.pcapng.out": (
        2, "frames 8 and 9: two equal acknowledgements, 36 µs apart, identification 0, count as copies"),
    "zeek/pppoe-over-qinq.pcap.expected/zeek/core.pppoe-over-qinq/conn.log": (
        1, "two equal acknowledgements without identification within 2 ms count as copies"),
    "nDPI/fuzz-2006-09-29-28586.pcap.expected/ndpi/fuzz-2006-09-29-28586.pcap.out": (
        6, "damaged IP and TCP headers: nDPI reads ports where lengths do not fit, we count `bad_length`"),
    "nDPI/fuzz-2020-02-16-11740.pcap.expected/ndpi/fuzz-2020-02-16-11740.pcap.out": (
        12, "the same; nDPI keeps one flow where our idle limit ends it and a new one begins"),
    "nDPI/fuzz-2021-10-13.pcap.expected/ndpi/fuzz-2021-10-13.pcap.out": (1, "damaged headers"),
    "nDPI/ip_fragmented_garbage.pcap.expected/ndpi/ip_fragmented_garbage.pcap.out": (
        3, "nDPI counts fragments under port 0, we what is put together of them"),
    "nDPI/gre.pcapng.expected/ndpi/gre.pcapng.out": (1, "nDPI counts the tunnel, we the datagram in it"),
    "nDPI/vxlan.pcap.expected/ndpi/vxlan.pcap.out": (6, "the same"),
    "zeek/tunnels/geneve.pcap.expected/zeek/core.tunnels.geneve/conn.log": (
        2, "Zeek logs the tunnel beside what is in it"),
    "zeek/tunnels/vxlan-encapsulated-http.pcap.expected/zeek/core.tunnels.analyzer-confirmation/conn.log": (
        1, "the same"),
    "zeek/mixed-vlan-mpls.pcap.expected/zeek/core.print-bpf-filters/conn.log": (
        3, "Zeek's test looks at port 80 of one VLAN alone"),
    "nDPI/syslog.pcap.expected/ndpi/syslog.pcap.out": (
        3, "frames 72 to 81 are one connection, nDPI shows it as two"),
    "nDPI/tcp_scan.pcapng.expected/ndpi/tcp_scan.pcapng.out": (
        1, "nDPI guesses TLS by port 443; the connection carried no byte"),
    "nDPI/rdp.pcap.expected/ndpi/rdp.pcap.out": (
        1, "nDPI names it RDP, we what RDP is carried in: TLS"),
    "nDPI/telnet.pcap.expected/ndpi/telnet.pcap.out": (2, "48 packets, as tshark counts; nDPI says 43"),
    "suricata-verify/modbus/modbus.pcap.expected/suricata-verify/modbus/test.yaml": (
        2, "modbus.id is Suricata's own number; of two connections with RdCoils it follows one"),
    "zeek/modbus/fuzz-72.pcap.expected/zeek/scripts.base.protocols.modbus.exception_handling/modbus.log": (
        12, "sequence numbers are damaged: Zeek stops at other holes than we; a lone segment far off (2) is our loss"),
}  # fmt: skip


def reader(path: pathlib.Path) -> ModuleType | None:
    """Name what reads an expectation; labels, keys, HTML reports and printed packets are not read here."""
    if path.parent.name == "ndpi":
        return ndpi
    if path.name == "test.yaml":
        return suricata
    if path.parent.name == "arkime":
        return arkime
    if zeek_events.readable(path):
        return zeek_events
    return zeek if zeek.readable(path) else None


def expectations() -> list[pathlib.Path]:
    files = (path for folder in corpus.HOME.rglob("*.expected") for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in files if reader(path))


@lru_cache(maxsize=2)  # several expectations of a capture follow each other
def rows(capture: pathlib.Path) -> Rows:
    return corpus.rows(capture)


def capture_of(path: pathlib.Path) -> pathlib.Path:
    folder = next(parent for parent in path.parents if parent.suffix == ".expected")
    return folder.with_suffix("")


def test_others_see_the_same(captures: pathlib.Path) -> None:
    files = expectations()
    assert files, captures
    surprising = {}
    for path in files:
        kind, name = reader(path), corpus.name(path)
        found = kind.differences(path, rows(capture_of(path))) if kind else []
        if len(found) != EXPLAINED.get(name, (0, ""))[0]:
            surprising[name] = (len(found), found[:3])
    assert not surprising


def test_nothing_is_explained_that_is_not_there(captures: pathlib.Path) -> None:
    there = {name for name in EXPLAINED if (captures / name).exists()}
    assert there <= {corpus.name(path) for path in expectations()}
