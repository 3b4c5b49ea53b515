"""Encryption that is weaker than before, and certificates that do not hold.

Detects: a client that talks to a server in the clear, in an older TLS version, or by OPC UA without the protection
it always had; server certificates that have expired, that vouch for themselves, or that are others than before.
Why it matters: whoever stands between two hosts has to weaken or replace what protects them.
Evidence: the weakest so far and what is seen now; subject, issuer, dates and hash of certificates; first frames.
False positives: a device set back to its defaults, a renewed certificate, a test with another client.
Techniques: T0830 in the catalogue.
Fires on: pcaps/tls_downgrade.pcap, pcaps/site_certificates.pcap, pcaps/replaced_certificate.pcap
Silent on: pcaps/encrypted_plant.pcap, pcaps/old_tls.pcap
Cost: numpy over handshakes and OPC UA messages; a dictionary look-up for each distinct session.
Blind when: TLS 1.3 hides the certificate, or the edge was never seen protected.

What counts as known is the *weakest* protection of an edge while the sensor learnt: one that was ever in the clear can
not be downgraded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address
from detectors.base import Detector
from detectors.crypto import DISCOVERY, DTLS
from detectors.memory import Memo
from detectors.protocols import encrypted_by_name
from detectors.remote import in_plant
from detectors.sessions import Sessions, capture_of, pairs

if TYPE_CHECKING:
    from detectors.window import Table, Window

EDGES = 1 << 15  # (client, server, what) whose weakest protection is known; when full no more are followed
SERVERS = 1 << 13  # whose certificate is known
_CLEAR, _ENCRYPTED = 0, 9  # ranks of flows
_MODES = {"none": 0, "sign": 1, "sign_and_encrypt": 2}
_NAMES = {
    "session": {_CLEAR: "in the clear", _ENCRYPTED: "encrypted"},
    "tls": {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"},
    "opcua": {0: "without protection", 1: "signed", 2: "signed and encrypted"},
}

Edge = tuple[bytes, bytes, str, str]  # client, server, what is ranked, protocol or port
Seen = tuple[int, int, int, str]  # rank, first time, frame, capture


@dataclass(frozen=True, slots=True)
class Settings:
    """`self_signed`: whether certificates that vouch for themselves are told at all."""

    self_signed: bool = True


class Encryption(Detector):
    name = "encryption"
    kinds = ("encryption.downgrade", "encryption.certificate", "encryption.changed_certificate")
    reads = ("flows", "tls", "opcua")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._looked_at = Memo()  # sessions: one that is known says nothing new
        self._weakest: dict[Edge, int] = {}
        self._certificates: dict[bytes, list[str]] = {}  # server and port: hash, issuer
        self._known = self.learning.novelty(self.name, SERVERS)
        self._now: dict[Edge, Seen] = {}
        self._shown: list[tuple[Any, ...]] = []

    def gather(self, window: Window) -> None:
        found = window.derive(Sessions)
        for at in self._looked_at.fresh(found.keys):
            s = found.session(at)
            if s.encrypted is not None and s.opened and s.app and s.protocol != "opcua":
                name = _plain(s.service or s.app)
                rank = _ENCRYPTED if s.encrypted or encrypted_by_name(s.app) else _CLEAR
                self._rank(
                    (s.src, s.dst, "session", name), (rank, found.first_ts[at], found.frame[at], found.capture(at))
                )
        if len(window["tls"]):
            self._tls(window["tls"])
        table = window["opcua"]
        if len(table):
            working = table.where("message_type", ("MSG",)) & ~table.where("service", lambda s: s.startswith(DISCOVERY))
            codes, names = table.codes("security_mode")
            for pair in pairs(table, working & table.where("security_mode", _MODES), codes):
                frame = int(table.numbers("request_frame")[pair.row])
                rank = _MODES[names[int(codes[pair.row])]]
                self._rank(
                    (pair.src, pair.dst, "opcua", "opcua"), (rank, pair.first_ts, frame, capture_of(table, pair.row))
                )

    def _rank(self, edge: Edge, seen: Seen) -> None:
        before = self._now.get(edge)
        if before is None and len(self._now) >= EDGES:
            self.overflow += 1
            return
        self._now[edge] = seen if before is None else min(before, seen)

    def _tls(self, table: Table) -> None:
        number = table.numbers("version_number").astype(np.int64)
        agreed = table.where("cipher", bool) & (number > 0) & (number < DTLS)  # else it is but the client's offer
        for pair in pairs(table, agreed, number):
            place = (pair.first_ts, int(table.numbers("frame")[pair.row]), capture_of(table, pair.row))
            self._rank((pair.src, pair.dst, "tls", str(pair.port)), (int(number[pair.row]), *place))
        shown = table.where("server_cert_sha256", bool)
        for pair in pairs(table, shown, table.stable("server_cert_sha256")):
            row = pair.row
            texts = [table.text(name, row) for name in ("server_cert_sha256", "issuer", "server_cert_subject")]
            ends = int(table.numbers("not_after")[row])
            own = bool(table.numbers("self_signed")[row])
            frame = int(table.numbers("frame")[row])
            if len(self._shown) < EDGES:
                self._shown.append((pair.first_ts, pair.dst, pair.port, pair.src, *texts, ends, own, pair.last_ts,
                                    pair.rows, frame, capture_of(table, row)))  # fmt: skip
            else:
                self.overflow += 1

    def judge(self, window: Window) -> None:
        for edge, seen in sorted(self._now.items()):
            before = self._weakest.get(edge)
            if before is None and len(self._weakest) >= EDGES:
                self.overflow += 1
            elif before is None or (seen[0] < before and not self.learning.live(self.name, edge[0])):
                self._weakest[edge] = seen[0]
                if before is not None:
                    self.learning.note(self.name, edge[0])
            elif seen[0] < before:
                self._downgrade(edge, before, seen)
        for shown in sorted(self._shown):
            self._certificate(*shown)
        self._now.clear()
        self._shown.clear()

    def _downgrade(self, edge: Edge, before: int, seen: Seen) -> None:
        src, dst, what, name = edge
        here, there = self.places.zone(src), self.places.zone(dst)
        protocol = "tls" if what == "tls" else name
        _, cause = self.book.cause("encryption.downgrade", edge, protocol=protocol, confidence=0.85)
        if not (in_plant(here) or in_plant(there)):
            cause.severity = "low"
        rank, ts, frame, capture = seen
        cause.between(ts, src, dst, here.name if here else "", there.name if there else "")
        cause.seen(1, ts, ts)
        cause.shown(ts, frame, capture)
        was, now = (_NAMES[what].get(value, str(value)) for value in (before, rank))
        cause.facts |= {"weakest_before": was, "now": now}
        port = f" port {name}" if what == "tls" else f" by {name}"
        cause.summary = (
            f"{address.text(src)} talks to {address.text(dst)}{port} {now}; it was {was} at the least before"
        )

    def _certificate(
        self, ts: int, dst: bytes, port: int, src: bytes, sha: str, issuer: str, subject: str, ends: int, own: bool,
        last: int, rows: int, frame: int, capture: str,
    ) -> None:  # fmt: skip
        server = dst + port.to_bytes(2, "big")
        what: list[tuple[str, str, str]] = []
        if 0 < ends < ts:
            day = np.datetime64(ends, "ns").astype("datetime64[D]")
            what.append(("encryption.certificate", "medium", f"a certificate that expired on {day}"))
        elif own and self.settings.self_signed:
            what.append(("encryption.certificate", "low", "a certificate that vouches for itself"))
        before = self._certificates.get(server)
        key = server + bytes.fromhex(sha)
        new = self._known.fresh(key, dst, f"certificate of {address.text(dst)}")
        told = self._known.told(key)
        if before is not None and before[0] != sha and (new or told):
            renewed = before[1] == issuer and not own
            text = f"another certificate than before, by {'the same issuer' if renewed else issuer[:80] or 'nobody'}"
            what.append(("encryption.changed_certificate", "low" if renewed else "medium", text))
        if before is None and len(self._certificates) >= SERVERS:
            self.overflow += 1
        elif before is None or not (new or told):
            self._certificates[server] = [sha, issuer]
        for kind, severity, text in what:
            identity, cause = self.book.cause(kind, (dst, port, sha), protocol="tls", severity=severity, confidence=0.9)
            here, there = self.places.zone(src), self.places.zone(dst)
            cause.between(ts, src, dst, here.name if here else "", there.name if there else "")
            cause.seen(rows, ts, last)
            cause.shown(ts, frame, capture)
            cause.add("clients", [address.text(src)])
            cause.facts |= {"subject": subject[:200], "issuer": issuer[:200], "sha256": sha}
            cause.summary = f"{address.text(dst)} port {port} shows {text}"
            if kind == "encryption.changed_certificate":
                cause.facts["sha256_before"] = before[0] if before else ""
                self._known.report(key, identity)

    def sizes(self) -> dict[str, int]:
        return (
            super().sizes()
            | {"edges": len(self._weakest), "certificates": len(self._certificates)}
            | {"sessions": len(self._looked_at)}
        )

    def snapshot(self) -> dict[str, Any]:
        weakest = [[src.hex(), dst.hex(), what, name, rank] for (src, dst, what, name), rank in self._weakest.items()]
        certificates = {server.hex(): kept for server, kept in self._certificates.items()}
        held = {"weakest": weakest, "certificates": certificates, "looked_at": self._looked_at.snapshot()}
        return super().snapshot() | held | {"overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._looked_at.restore(state["looked_at"])
        self._weakest = {(bytes.fromhex(a), bytes.fromhex(b), w, n): rank for a, b, w, n, rank in state["weakest"]}
        self._certificates = {bytes.fromhex(server): list(kept) for server, kept in state["certificates"].items()}
        self.overflow = state["overflow"]


def _plain(name: str) -> str:
    """One name for a protocol and its encrypted variant: `https` and `http`, `mqtts` and `mqtt`."""
    short = name.removesuffix("_tls")
    return (
        short[:-1]
        if short in ("https", "mqtts", "ldaps", "imaps", "pop3s", "ftps", "winrms", "amqps", "coaps")
        else short
    )
