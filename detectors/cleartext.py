"""Traffic that anyone on the path can read.

Detects: OT protocols and logins without encryption, credentials in the clear, OPC UA channels with
policy None, a weak policy or signatures only, TLS below the configured version or with a weak cipher.
Why it matters: whoever reads a control protocol learns the process, and can forge what no signature protects.
Evidence: the protocol found by content, the security policy of the OPC UA channel, the negotiated TLS
version, the flags of MQTT CONNECT; clients, ports and first frames are listed.
False positives: tunnels (VPN, link encryption) that end before the tap; legacy devices that know nothing else.
Techniques: T0830, T0885, T1692.001, T0859 by kind, in the catalogue.
Fires on: pcaps/cleartext_modbus.pcap, pcaps/cleartext_credentials.pcap, pcaps/opcua_none.pcap, pcaps/old_tls.pcap
Silent on: pcaps/encrypted_plant.pcap
Cost: one dictionary look-up for each distinct session of a window; new sessions are read in full.
Blind when: the protocol was not recognised (a flow without payload, or joined in its middle).

One alert is one *server and protocol*, with the clients listed: what has to be changed (a setting, a
gateway, a compensating control) stands at the server, and thirty panels of one PLC are one finding.
The exception is the severity, which follows the worst client: a session that leaves its zone counts more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors import address, catalogue
from detectors.alert import worse
from detectors.base import Detector
from detectors.book import Cause
from detectors.memory import Memo
from detectors.protocols import CLEAR_LOGIN, OT, encrypted_by_name
from detectors.sessions import Pair, Session, Sessions, capture_of, pairs
from detectors.window import Table, Window
from detectors.zones import Zone

# OPC 10000-4, 5.4: discovery needs no session and uses a channel with policy None by design.
_DISCOVERY = ("FindServers", "GetEndpoints", "RegisterServer", "OpenSecureChannel", "CloseSecureChannel")
_WEAK_POLICIES = frozenset(("Basic128Rsa15", "Basic256"))  # OPC 10000-7: deprecated, SHA-1
_WEAK_CIPHERS = ("_NULL_", "_anon_", "_EXPORT_", "_RC4_", "_DES_", "_DES40_", "_3DES_")
# Oldest version accepted: as TLS numbers it, and as DTLS does, which counts downwards from 0xFEFF (1.0, the
# equal of TLS 1.1) to 0xFEFD (1.2).
_VERSIONS = {"1.0": (0x0301, 0xFFFF), "1.1": (0x0302, 0xFFFF), "1.2": (0x0303, 0xFEFD), "1.3": (0x0304, 0xFEFC)}
_DTLS = 0xFE00


@dataclass(frozen=True, slots=True)
class Settings:
    """`ignore`: protocols not reported (by name); `min_tls`: the oldest version accepted."""

    ignore: tuple[str, ...] = ()
    min_tls: str = "1.2"

    def __post_init__(self) -> None:
        if self.min_tls not in _VERSIONS:
            raise ValueError(f"[detectors.cleartext] min_tls: {self.min_tls!r} is none of {', '.join(_VERSIONS)}")


class Cleartext(Detector):
    name = "cleartext"
    kinds = tuple(
        f"cleartext.{k}" for k in ("protocol", "login", "credentials", "opcua_none", "opcua_weak", "opcua_signed", "tls")
    )
    reads = ("flows", "opcua", "mqtt", "tls")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, places: Any) -> None:
        super().__init__(settings, places)
        self._looked_at = Memo()  # session key: alert id, or empty for a session that is not reported

    def gather(self, window: Window) -> None:
        self._flows(window)
        for name, look in (("opcua", self._opcua), ("mqtt", self._mqtt), ("tls", self._tls)):
            if len(window[name]):
                look(window[name])

    def _flows(self, window: Window) -> None:
        found = window.derive(Sessions)
        for at, key in enumerate(found.keys):
            identity = self._looked_at.get(key)
            if identity == "":
                continue
            cause = self.book.get(identity) if identity else None
            first, last = found.first_ts[at], found.last_ts[at]
            if cause is None:
                session = found.session(at)
                kind = self._kind(session)
                if not kind:
                    self._looked_at.put(key)
                    continue
                identity, cause = self._open(kind, session.src, session.dst, session.vlan, session.protocol, first)
                self._looked_at.put(key, identity)
                cause.add("ports", [session.port])
                cause.shown(first, found.frame[at], found.capture(at))
                if session.credentials:
                    cause.add("credentials", [session.credentials])
            cause.seen(found.flows[at], first, last)

    def _kind(self, session: Session) -> str:
        protocol = session.protocol
        if session.encrypted or not session.opened or protocol in self.settings.ignore:
            return ""
        if session.credentials:
            return "cleartext.credentials"
        # What an OPC UA channel protects is in its own messages: see `_opcua`.
        if protocol == "opcua" or encrypted_by_name(protocol):
            return ""
        if protocol in OT:
            return "cleartext.protocol" if session.app else ""
        if protocol not in CLEAR_LOGIN:
            return ""
        # Web pages of the office are no finding; a device managed over HTTP is.
        zone = self.places.zone(session.dst, session.vlan)
        return "cleartext.login" if protocol != "http" or (zone and zone.kind in ("ot", "edge_ai")) else ""

    def _opcua(self, table: Table) -> None:
        if "opcua" in self.settings.ignore:
            return
        none = table.where("security_policy", ("None",))
        working = table.where("message_type", ("MSG",)) & ~table.where("service", lambda s: s.startswith(_DISCOVERY))
        self._table("cleartext.opcua_none", "opcua", table, none & working & table.where("service", bool))
        self._table("cleartext.opcua_weak", "opcua", table, table.where("security_policy", _WEAK_POLICIES))
        self._table("cleartext.opcua_signed", "opcua", table, ~none & table.where("security_mode", ("sign",)))
        user = none & table.where("identity_token", ("username",))
        self._table("cleartext.credentials", "opcua", table, user, "opcua_username")

    def _mqtt(self, table: Table) -> None:
        if "mqtt" in self.settings.ignore:
            return
        password = table.numbers("password_seen") > 0
        self._table("cleartext.credentials", "mqtt", table, password, "mqtt_password")
        user = (table.numbers("username_seen") > 0) & ~password
        self._table("cleartext.credentials", "mqtt", table, user, "mqtt_username")

    def _tls(self, table: Table) -> None:
        if "tls" in self.settings.ignore:
            return
        number = table.numbers("version_number").astype(int)
        least, least_dtls = _VERSIONS[self.settings.min_tls]
        old = (number > 0) & np.where(number < _DTLS, number < least, number > least_dtls)
        weak = table.where("cipher", lambda name: any(part in f"{name}_" for part in _WEAK_CIPHERS))
        chosen = old | weak
        codes, versions = table.codes("version")
        ciphers, names = table.codes("cipher")
        for pair in pairs(table, chosen, codes, ciphers):
            cause = self._pair("cleartext.tls", "tls", table, pair)
            cause.add("versions", [versions[int(codes[pair.row])]])
            cause.add("ciphers", [names[int(ciphers[pair.row])]])
            cause.add("server_names", [name] if (name := table.text("sni", pair.row)) else [])

    def _table(self, kind: str, protocol: str, table: Table, chosen: Any, credentials: str = "") -> None:
        for pair in pairs(table, chosen):
            cause = self._pair(kind, protocol, table, pair)
            if credentials:
                cause.add("credentials", [credentials])

    def _pair(self, kind: str, protocol: str, table: Table, pair: Pair) -> Cause:
        _, cause = self._open(kind, pair.src, pair.dst, pair.vlan, protocol, pair.first_ts)
        cause.add("ports", [pair.port])
        frame = "frame" if table.has("frame") else "request_frame"
        cause.shown(pair.first_ts, int(table.numbers(frame)[pair.row]), capture_of(table, pair.row))
        cause.seen(pair.rows, pair.first_ts, pair.last_ts)
        return cause

    def _open(self, kind: str, src: bytes, dst: bytes, vlan: int, protocol: str, ts: int) -> tuple[str, Cause]:
        here, there = self.places.zone(src, vlan), self.places.zone(dst, vlan)
        verdict = self.places.decide(here, there, protocol, "", False)
        identity, cause = self.book.cause(kind, (dst, protocol), protocol=protocol, confidence=0.95)
        base = catalogue.entry(kind).severity
        if verdict.reason == "not_encrypted" or (here and there and "internet" in (here.kind, there.kind)):
            cause.raise_to(worse(base, 2))
            if verdict.reason == "not_encrypted":
                cause.facts["conduit_requires_encryption"] = True
        elif verdict.reason != "conduit" and here and there and self._leaves(here, there):
            cause.raise_to(worse(base))
        cause.between(ts, src, dst, here.name if here else "", there.name if there else "")
        cause.add("clients", [address.text(src)])
        cause.summary = f"{address.text(dst)} serves {protocol} {_WHAT[kind]}"
        return identity, cause

    def _leaves(self, here: Zone, there: Zone) -> bool:
        """Whether the session leaves its zone. Of inferred zones only IT against OT is worth the word."""
        return here.kind != there.kind if self.places.inferred else here.name != there.name

    def sizes(self) -> dict[str, int]:
        return super().sizes() | {"sessions": len(self._looked_at)}

    def snapshot(self) -> dict[str, Any]:
        return super().snapshot() | {"looked_at": self._looked_at.snapshot()}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._looked_at.restore(state["looked_at"])


_WHAT = {
    "cleartext.protocol": "without encryption or authentication",
    "cleartext.login": "without encryption",
    "cleartext.credentials": "and accepts credentials in the clear",
    "cleartext.opcua_none": "with security policy None",
    "cleartext.opcua_weak": "with a deprecated security policy",
    "cleartext.opcua_signed": "with messages signed but not encrypted",
    "cleartext.tls": "with an outdated version or a weak cipher",
}
