"""Data hidden in DNS and ICMP.

Detects: many different long names of one domain asked by one host within the period, or DNS queries that carry far
more than a name needs; two hosts that exchange more payload by ICMP than tests of reachability do.
Why it matters: name resolution and ping are let through where nothing else is, and are seldom looked at.
Evidence: the domain with examples of names, how many and how long; payload, packets and bytes a packet; first frames.
False positives: reputation services asked by DNS, antivirus programs, tests of a line's load or packet size.
Techniques: T0869, T0884, T0885, T0882 by kind, in the catalogue.
Fires on: pcaps/tunnels.pcap
Silent on: pcaps/allowed_conduits.pcap, pcaps/address_scan.pcap
Cost: the flows of DNS and ICMP are read one by one; nothing for others.
Blind when: names are few and short, or DNS is encrypted. A flow names one of its queries only, so that many queries
of one source port are seen by their size alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address
from detectors.base import SECOND, Detector
from detectors.memory import latest
from detectors.sessions import capture_of
from detectors.volumes import Growth, Volumes, place

if TYPE_CHECKING:
    from detectors.window import Table, Window

DOMAINS = 4096  # (host, domain) followed at a time; the one quiet for longest leaves
NAMES = 256  # names kept of each
PINGS = 4096  # pairs of hosts followed at a time
_HIDDEN = 15  # characters before the domain from which a name may carry something


@dataclass(frozen=True, slots=True)
class Settings:
    """Within `seconds`: `names` different ones of a domain, each `length` characters before the domain on average; or
    `query_bytes` of payload a query on average over at least as many queries. `ping_bytes`: ICMP payload of both
    sides, `packet_bytes` of it a packet on average. `ignore`: domains that are asked so on purpose."""

    seconds: float = 300.0
    names: int = 30
    length: int = 25
    query_bytes: int = 150
    ping_bytes: int = 20000
    packet_bytes: int = 100
    ignore: tuple[str, ...] = ()


class Tunnels(Detector):
    name = "tunnels"
    kinds = ("exfiltration.dns_tunnel", "exfiltration.icmp_tunnel")
    reads = ("flows",)
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._volumes = Volumes()
        # By host and domain: name and when it was asked, where, and by how large a query on average.
        self._asked: dict[tuple[bytes, str], dict[str, list[Any]]] = {}
        self._pings: dict[tuple[bytes, bytes], list[list[Any]]] = {}  # last, payload, packets, first, frame, capture
        self._touched: set[tuple[bytes, Any]] = set()

    def gather(self, window: Window) -> None:
        table = window["flows"]
        if not len(table):
            return
        dns = np.flatnonzero(table.where("app", ("dns",)))
        for row in dns.tolist():
            self._name(table, row)
        ping = table.where("transport", ("icmp", "icmp6"))
        for g in self._volumes.grown(table, ping):
            pair = (g.src, g.dst)
            if g.out + g.back and (pair in self._pings or len(self._pings) < 2 * PINGS):
                one = [g.last, g.out + g.back, _packets(table, g), *place(table, g)]
                self._pings.setdefault(pair, []).append(one)
                self._touched.add(pair)

    def _name(self, table: Table, row: int) -> None:
        name = table.text("info", row).split(" ", 1)[0].lower().rstrip(".")
        domain = ".".join(name.split(".")[-2:])
        if name.count(".") < 2 or domain in self.settings.ignore or name.endswith(".arpa"):
            return
        key = (table.ip("src_ip", row), domain)
        if key not in self._asked and len(self._asked) >= 2 * DOMAINS:
            self.overflow += 1
            return
        asked = self._asked.setdefault(key, {})
        out = int(table.numbers("packets_out")[row])
        size = max(0, int(table.numbers("bytes_out")[row]) // max(1, out) - 40)
        one = [int(table.numbers("first_ts")[row]), int(table.numbers("frame")[row]), capture_of(table, row), size, out,
               table.ip("dst_ip", row).hex()]  # fmt: skip
        before = asked.get(name)
        asked[name] = one if before is None else min(before[:3], one[:3]) + max(before[3:], one[3:])
        if len(asked) > 2 * NAMES:
            self._asked[key] = dict(sorted(asked.items(), key=lambda item: (item[1], item[0]))[-NAMES:])
        self._touched.add(key)

    def judge(self, window: Window) -> None:
        horizon = window.end - int(self.settings.seconds * SECOND)
        for key in sorted(self._touched, key=lambda k: (isinstance(k[1], str), k)):
            if isinstance(key[1], str):
                recent = {name: one for name, one in self._asked[key].items() if one[0] >= horizon}
                self._asked[key] = recent
                self._dns(key, recent)
            else:
                pings = self._pings[key] = [one for one in sorted(self._pings[key]) if one[0] >= horizon][-NAMES:]
                self._icmp(key, pings)
        self._touched.clear()
        self._asked = latest(self._asked, DOMAINS, lambda asked: max((one[0] for one in asked.values()), default=0))
        self._pings = latest(self._pings, PINGS, lambda pings: max((one[0] for one in pings), default=0))

    def _dns(self, key: tuple[bytes, str], recent: dict[str, list[Any]]) -> None:
        host, domain = key
        hidden = [name[: -len(domain) - 1] for name in recent]
        long = [text for text in hidden if len(text) >= _HIDDEN]
        mean = sum(map(len, long)) / len(long) if long else 0.0
        queries = sum(one[4] for one in recent.values())
        size = sum(one[3] * one[4] for one in recent.values()) / max(1, queries)
        many = len(long) >= self.settings.names and mean >= self.settings.length
        large = queries >= self.settings.names and size >= self.settings.query_bytes
        if not many and not large:
            return
        _, cause = self.book.cause("exfiltration.dns_tunnel", (host, domain), protocol="dns", confidence=0.8)
        first = min(recent.values())
        server = bytes.fromhex(first[5])
        here, there = self.places.zone(host), self.places.zone(server)
        cause.between(first[0], host, server, here.name if here else "", there.name if there else "")
        new = [one for one in recent.values() if one[0] > cause.last_ts]
        if new:
            cause.seen(sum(one[4] for one in new), first[0], max(one[0] for one in new))
        for one in recent.values():
            cause.shown(one[0], one[1], one[2])
        cause.add("names", [name[:120] for name in recent])
        cause.facts |= {"different_names": len(recent), "mean_length": round(mean, 1), "bytes_a_query": round(size, 1)}
        cause.summary = (
            f"{address.text(host)} asked for {len(recent)} names of {domain} within {self.settings.seconds:g} s, "
            f"{mean:.0f} characters before the domain and {size:.0f} bytes a query on average"
        )

    def _icmp(self, key: tuple[bytes, bytes], pings: list[list[Any]]) -> None:
        payload, packets = sum(one[1] for one in pings), sum(one[2] for one in pings)
        if payload < self.settings.ping_bytes or payload < self.settings.packet_bytes * packets or not packets:
            return
        src, dst = key
        _, cause = self.book.cause("exfiltration.icmp_tunnel", key, protocol="icmp", confidence=0.7)
        here, there = self.places.zone(src), self.places.zone(dst)
        cause.between(pings[0][3], src, dst, here.name if here else "", there.name if there else "")
        new = [one for one in pings if one[0] > cause.last_ts]
        if new:
            cause.seen(round(sum(one[2] for one in new)), min(one[3] for one in new), new[-1][0])
        for one in pings:
            cause.shown(one[3], one[4], one[5])
        most = max(payload, cause.facts.get("payload_bytes", 0))
        cause.facts |= {"payload_bytes": most, "bytes_a_packet": round(payload / packets, 1)}
        cause.summary = (
            f"{address.text(src)} and {address.text(dst)} exchanged {most} bytes by ICMP within "
            f"{self.settings.seconds:g} s, {payload / packets:.0f} a packet"
        )

    def sizes(self) -> dict[str, int]:
        held = {"domains": len(self._asked), "pings": len(self._pings), "flows": len(self._volumes)}
        return super().sizes() | held | {"names": max(map(len, self._asked.values()), default=0)}

    def snapshot(self) -> dict[str, Any]:
        asked = [[host.hex(), domain, names] for (host, domain), names in self._asked.items()]
        pings = [[src.hex(), dst.hex(), kept] for (src, dst), kept in self._pings.items()]
        held = {"asked": asked, "pings": pings, "volumes": self._volumes.snapshot(), "overflow": self.overflow}
        return super().snapshot() | held

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._asked = {(bytes.fromhex(h), d): {n: list(o) for n, o in names.items()} for h, d, names in state["asked"]}
        self._pings = {(bytes.fromhex(a), bytes.fromhex(b)): [list(o) for o in kept] for a, b, kept in state["pings"]}
        self._volumes.restore(state["volumes"])
        self.overflow = state["overflow"]


def _packets(table: Table, growth: Growth) -> float:
    """How many packets the growth took, by the flow's mean."""
    packets, octets = (sum(int(table.numbers(f"{what}_{side}")[growth.row]) for side in ("out", "in"))
                       for what in ("packets", "bytes"))  # fmt: skip
    return (growth.out + growth.back) / max(1.0, octets / max(1, packets) - 28)
