"""Traffic that anyone on the path can read.

Detects: OT protocols and logins without encryption, credentials in the clear, OPC UA channels with
policy None, a weak policy or signatures only, TLS below the configured version or with a weak cipher.
Why it matters: whoever reads a control protocol learns the process, and can forge what no signature protects.
Evidence: the protocol found by content, the security policy of the OPC UA channel, the negotiated TLS
version, the flags of MQTT CONNECT; clients, ports, pairs of zones, kinds of data and first frames are listed.
False positives: tunnels (VPN, link encryption) that end before the tap; legacy devices that know nothing else.
Techniques: T0830, T0885, T1692.001, T0859 by kind, in the catalogue.
Fires on: pcaps/cleartext_modbus.pcap, pcaps/cleartext_credentials.pcap, pcaps/conduit_violation.pcap,
pcaps/opcua_none.pcap, pcaps/opcua_weak.pcap, pcaps/old_tls.pcap
Silent on: pcaps/encrypted_plant.pcap
Cost: one dictionary look-up for each distinct session of a window; new sessions are read in full.
Blind when: the protocol was not recognised (a flow without payload, or joined in its middle).

One alert is one *server and protocol*, with the clients listed: what has to be changed (a setting, a
gateway, a compensating control) stands at the server, and thirty panels of one PLC are one finding.
The exception is the severity, which follows the worst client: a session that leaves its zone counts more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address, catalogue
from detectors.alert import worse
from detectors.base import Detector
from detectors.crypto import DISCOVERY, VERSIONS, WEAK_CIPHERS, WEAK_POLICIES, older
from detectors.findings import WHAT, Carried, Extent, Finding, Told, carried, tell
from detectors.memory import Ids, Memo
from detectors.protocols import CHALLENGED, CLEAR_LOGIN, OT, encrypted_by_name
from detectors.sessions import Pair, Session, Sessions, capture_of, frame_column, pairs

if TYPE_CHECKING:
    from detectors.book import Cause
    from detectors.window import Table, Window
    from detectors.zones import Zone

FINDINGS = 1 << 14  # new ones of one window
DEMANDED = "conduit_demands"  # in the evidence: the version that a conduit asks for


@dataclass(frozen=True, slots=True)
class Settings:
    """`ignore`: protocols not reported (by name); `min_tls`: the oldest version accepted where no conduit says."""

    ignore: tuple[str, ...] = ()
    min_tls: str = "1.2"

    def __post_init__(self) -> None:
        if self.min_tls not in VERSIONS:
            raise ValueError(f"[detectors.cleartext] min_tls: {self.min_tls!r} is none of {', '.join(VERSIONS)}")


class Cleartext(Detector):
    name = "cleartext"
    kinds = tuple(
        f"cleartext.{k}"
        for k in ("protocol", "login", "credentials", "opcua_none", "opcua_weak", "opcua_signed", "tls")
    )
    reads = ("flows", "opcua", "mqtt", "tls", "behaviours")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._looked_at = Memo()  # session key: alert id, or empty for a session that is not reported
        self._found: dict[Finding, Extent] = {}  # in this window
        self._sessions: dict[bytes, Finding] = {}  # new in this window
        self._behaviours = Ids()
        self._data: set[Carried] = set()
        self._by_conduit = any(conduit.tls for conduit in site.places.policy.conduits)

    def gather(self, window: Window) -> None:
        self._flows(window)
        self._data |= carried(window, self._behaviours)
        for name, look in (("opcua", self._opcua), ("mqtt", self._mqtt), ("tls", self._tls)):
            if window[name].rows and name not in self.settings.ignore:
                look(window[name])

    def _flows(self, window: Window) -> None:
        found = window.derive(Sessions)
        for at, key in enumerate(found.keys):
            identity = self._looked_at.get(key)
            if identity == "":
                continue
            cause = self.book.get(identity) if identity else None
            flows, first, last = found.flows[at], found.first_ts[at], found.last_ts[at]
            if cause is not None:
                cause.seen(flows, first, last)
                continue
            s = found.session(at)
            kind = self._kind(s)
            if not kind:
                self._looked_at.put(key)
                continue
            told = (("credentials", s.credentials),) if s.credentials else ()
            extent = Extent(flows, first, last, (first, found.frame[at], found.capture(at)))
            self._note(Finding(kind, s.src, s.dst, s.port, s.vlan, s.protocol, told), extent, key)

    def _note(self, finding: Finding, extent: Extent, session: bytes = b"") -> None:
        before = self._found.get(finding)
        if before is not None:
            self._found[finding] = before.joined(extent)
        elif len(self._found) < FINDINGS:
            self._found[finding] = extent
        else:
            self.overflow += 1
            return
        if session:
            self._sessions[session] = finding

    def judge(self, window: Window) -> None:
        identities = {}
        for finding, extent in sorted(self._found.items()):
            identities[finding], cause = self._open(finding, extent.first_ts)
            cause.seen(extent.times, extent.first_ts, extent.last_ts)
            cause.shown(*extent.place)
        for key, finding in self._sessions.items():
            self._looked_at.put(key, identities[finding])
        tell(self.book, self._data)
        self._found.clear()
        self._sessions.clear()
        self._data.clear()

    def _kind(self, session: Session) -> str:
        protocol = session.protocol
        if session.encrypted or not session.opened or protocol in self.settings.ignore:
            return ""
        if session.credentials:
            return "cleartext.login" if session.credentials in CHALLENGED else "cleartext.credentials"
        # What an OPC UA channel protects is in its own messages: see `_opcua`.
        if protocol == "opcua" or encrypted_by_name(protocol):
            return ""
        if protocol in OT:
            # Newer S7, for one, may sign and seal: not known is not held against it.
            known = session.encrypted is False or protocol in ("modbus", "dnp3", "mqtt")
            return "cleartext.protocol" if session.app and known else ""
        if protocol not in CLEAR_LOGIN:
            return ""
        # Web pages of the office are no finding; a device managed over HTTP is.
        zone = self.places.zone(session.dst, session.vlan)
        return "cleartext.login" if protocol != "http" or (zone and zone.kind in ("ot", "edge_ai")) else ""

    def _opcua(self, table: Table) -> None:
        none = table.where("security_policy", ("None",))
        working = table.where("message_type", ("MSG",)) & ~table.where("service", lambda s: s.startswith(DISCOVERY))
        self._table("cleartext.opcua_none", "opcua", table, none & working & table.where("service", bool))
        self._table("cleartext.opcua_weak", "opcua", table, table.where("security_policy", WEAK_POLICIES))
        self._table("cleartext.opcua_signed", "opcua", table, ~none & table.where("security_mode", ("sign",)))
        user = none & table.where("identity_token", ("username",))
        for row in map(int, np.flatnonzero(user)):  # a policy of its own may protect the token
            user[row] = "password_encrypted" not in table.text("info", row)
        self._table("cleartext.credentials", "opcua", table, user, "opcua_username")

    def _mqtt(self, table: Table) -> None:
        password = table.numbers("password_seen") > 0
        self._table("cleartext.credentials", "mqtt", table, password, "mqtt_password")
        user = (table.numbers("username_seen") > 0) & ~password
        self._table("cleartext.credentials", "mqtt", table, user, "mqtt_username")

    def _tls(self, table: Table) -> None:
        number = table.numbers("version_number").astype(int)
        agreed = table.where("cipher", bool) & (number > 0)  # else the version is but the client's offer
        old = agreed & older(number, self.settings.min_tls)
        if self._by_conduit:
            old = agreed
        weak = table.where("cipher", lambda name: any(part in f"{name}_" for part in WEAK_CIPHERS))
        chosen = old | weak
        codes, versions = table.codes("version")
        ciphers, names = table.codes("cipher")
        for pair in pairs(table, chosen, codes, ciphers):
            name = table.text("sni", pair.row)
            least = self._least(pair)
            if self._by_conduit and not weak[pair.row] and not older(number[pair.row], least or self.settings.min_tls):
                continue
            told = [("versions", versions[int(codes[pair.row])]), ("ciphers", names[int(ciphers[pair.row])])]
            more = [("server_names", name)] if name else []
            if least and older(number[pair.row], least):
                more.append((DEMANDED, least))
            self._pair("cleartext.tls", "tls", table, pair, (*told, *more))

    def _least(self, pair: Pair) -> str:
        """What a conduit between the zones of both ends asks for."""
        if not self._by_conduit:
            return ""
        ends = (self.places.zone(ip, pair.vlan) for ip in (pair.src, pair.dst))
        return self.places.policy.least_tls(*ends)

    def _table(self, kind: str, protocol: str, table: Table, chosen: Any, credentials: str = "") -> None:
        for pair in pairs(table, chosen):
            self._pair(kind, protocol, table, pair, (("credentials", credentials),) if credentials else ())

    def _pair(self, kind: str, protocol: str, table: Table, pair: Pair, told: Told) -> None:
        frame = int(table.numbers(frame_column(table))[pair.row])
        place = (pair.first_ts, frame, capture_of(table, pair.row))
        finding = Finding(kind, pair.src, pair.dst, pair.port, pair.vlan, protocol, told)
        self._note(finding, Extent(pair.rows, pair.first_ts, pair.last_ts, place))

    def _open(self, f: Finding, ts: int) -> tuple[str, Cause]:
        here, there = self.places.zone(f.src, f.vlan), self.places.zone(f.dst, f.vlan)
        verdict = self.places.decide(here, there, f.protocol, "", f.kind == "cleartext.tls")
        identity, cause = self.book.cause(f.kind, (f.dst, f.protocol), protocol=f.protocol, confidence=0.95)
        base = catalogue.entry(f.kind).severity
        if verdict.reason == "not_encrypted" or (here and there and "internet" in (here.kind, there.kind)):
            cause.raise_to(worse(base, 2))
            if verdict.reason == "not_encrypted":
                cause.facts["conduit_requires_encryption"] = True
        elif verdict.reason != "conduit" and here and there and self._leaves(here, there):
            cause.raise_to(worse(base))
        cause.between(ts, f.src, f.dst, here.name if here else "", there.name if there else "")
        cause.add("clients", [address.text(f.src)])
        if here and there and here.name != there.name:
            cause.add("conduits", [f"{here.name} -> {there.name}"])
        cause.add("ports", [f.port])
        for name, value in f.told:
            cause.add(name, [value])
        cause.summary = f"{address.text(f.dst)} serves {f.protocol} {WHAT[f.kind]}"
        if DEMANDED in cause.sets:
            cause.raise_to(worse(base))
            cause.summary += f"; between these zones TLS {cause.sets[DEMANDED][-1]} is the least"
        return identity, cause

    def _leaves(self, here: Zone, there: Zone) -> bool:
        """Whether the session leaves its zone. Of inferred zones only IT against OT is worth the word."""
        return here.kind != there.kind if self.places.inferred else here.name != there.name

    def sizes(self) -> dict[str, int]:
        return super().sizes() | {"sessions": len(self._looked_at), "behaviours": len(self._behaviours)}

    def snapshot(self) -> dict[str, Any]:
        return super().snapshot() | {"looked_at": self._looked_at.snapshot(), "seen": self._behaviours.snapshot()}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._looked_at.restore(state["looked_at"])
        self._behaviours.restore(state["seen"])
