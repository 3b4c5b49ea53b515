"""Accounts: readable, shipped by the vendor, shared, old, or used when nobody planned to.

Detects: a client whose credentials pass readable to a server for the first time; accounts that vendors ship, where
they are readable; one client certificate at several hosts; certificates in use for longer than the site allows; remote
sessions, an engineering station's writes and model uploads outside every approved change.
Why it matters: most attacks on plants log on; they break nothing.
Evidence: client, server, kind of credentials, names in certificates, dates; never a secret or a user name.
False positives: redundant servers with one certificate, a change that was not entered, a login moved to another host.
Techniques: T0859, T1694.001, T0886, T0843 by kind, in the catalogue.
Fires on: pcaps/cleartext_credentials.pcap, pcaps/default_credentials.pcap, pcaps/copied_key.pcap,
pcaps/site_certificates.pcap, pcaps/maintenance_window.pcap
Silent on: pcaps/encrypted_plant.pcap, pcaps/old_tls.pcap, pcaps/normal_plant.pcap
Cost: numpy over messages that carry credentials or certificates; with changes, a look at each new remote session.
Blind when: logins are encrypted, as certificates are in TLS 1.3. Names are not known here, so that an account which
several hosts share by its name is not told.

`cleartext.credentials` is about the server, which accepts them readable at any time; here it is about the account that
has become known now. Privileged sessions are judged only where approved changes are known at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from detectors import address
from detectors.base import SECOND, Address, Detector
from detectors.privileged import Use, uses
from detectors.protocols import CHALLENGED
from detectors.remote import in_plant
from detectors.sessions import capture_of, frame_column, pairs

if TYPE_CHECKING:
    from detectors.book import Cause
    from detectors.sessions import Pair
    from detectors.window import Table, Window

ACCOUNTS = 1 << 15  # (client, server, kind of credentials) known
SUBJECTS = 4096  # client certificates followed
HOSTS = 16  # of one client certificate
_DAY = 86400 * SECOND


@dataclass(frozen=True, slots=True)
class Settings:
    """`certificate_days`: age from which a certificate is old."""

    certificate_days: float = 90.0
    ignore: tuple[Address, ...] = ()  # addresses of clients


class _Seen(NamedTuple):
    """Something of one client and server in this window."""

    kind: str
    src: bytes
    dst: bytes
    what: str
    first: int
    last: int
    times: int
    frame: int
    capture: str
    told: str


class Credentials(Detector):
    name = "credentials"
    kinds = tuple(
        f"credentials.{k}" for k in ("cleartext", "default", "shared", "old_certificate", "privileged_session")
    )
    reads = ("flows", "behaviours", "opcua", "mqtt", "tls", "anomalies")
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._accounts = self.learning.novelty(self.name, ACCOUNTS)
        self._subjects: dict[str, list[str]] = {}
        self._seen: list[_Seen] = []
        self._uses: list[Use] = []
        self._ignored = self.ignored

    def gather(self, window: Window) -> None:
        flows, opcua, mqtt, tls, odd = (window[name] for name in ("flows", "opcua", "mqtt", "tls", "anomalies"))
        if len(flows):
            readable = flows.where("credentials", lambda name: bool(name) and name not in CHALLENGED)
            self._add("cleartext", flows, readable, "credentials")
            shipped = flows.where("credentials", lambda name: name.endswith("_default"))
            self._add("default", flows, shipped, "credentials")
        if len(odd):
            self._add("default", odd, odd.where("kind", ("default_credentials",)), "protocol")
        if len(opcua):
            self._opcua(opcua)
        if len(mqtt):
            named = (mqtt.numbers("username_seen") > 0) | (mqtt.numbers("password_seen") > 0)
            self._add("cleartext", mqtt, named, "", "mqtt")
        if len(tls):
            self._add("shared", tls, tls.where("client_cert_subject", bool), "client_cert_subject")
            age = tls.numbers("ts") - tls.numbers("not_before")
            old = (tls.numbers("not_before") > 0) & (age > self.settings.certificate_days * _DAY)
            self._add("old_certificate", tls, old, "server_cert_sha256")
        if self.site.changes:
            self._uses += uses(window, self.site.inventory)

    def _opcua(self, table: Table) -> None:
        user = table.where("service", ("ActivateSession",)) & table.where("identity_token", ("username",))
        shipped = user.copy()
        for row in np.flatnonzero(user).tolist():
            user[row] = "password_in_clear" in table.text("info", row)
            shipped[row] = "password_default" in table.text("info", row)
        self._add("cleartext", table, user, "", "opcua")
        self._add("default", table, shipped, "", "opcua")

    def _add(self, kind: str, table: Table, chosen: Any, column: str, what: str = "") -> None:
        apart = [table.stable(column)] if column else []
        for pair in pairs(table, chosen, *apart):
            if len(self._seen) >= ACCOUNTS:
                self.overflow += 1
                return
            if pair.src in self._ignored:
                continue
            text = table.text(column, pair.row) if column else what
            frame = int(table.numbers(frame_column(table))[pair.row])
            told = _dates(table, pair) if kind == "old_certificate" else ""
            self._seen.append(_Seen(kind, pair.src, pair.dst, text, pair.first_ts, pair.last_ts, pair.rows, frame,
                                    capture_of(table, pair.row), told))  # fmt: skip

    def judge(self, window: Window) -> None:
        for seen in sorted(self._seen):
            getattr(self, f"_{seen.kind}")(seen)
        for use in sorted(self._uses):
            if (
                in_plant(self.places.zone(use.dst))  # what the office does in the office needs nobody's approval
                and self.site.changes.covering(use.ts, use.action, use.src, use.dst) is None
                and use.src not in self._ignored
            ):
                self._privileged(use)
        self._seen.clear()
        self._uses.clear()

    def _open(self, seen: _Seen, subject: tuple[bytes | str, ...], protocol: str, severity: str = "") -> Cause:
        src, dst = self.places.zone(seen.src), self.places.zone(seen.dst)
        _, cause = self.book.cause(
            f"credentials.{seen.kind}", subject, protocol=protocol, severity=severity, confidence=0.9
        )
        cause.between(seen.first, seen.src, seen.dst, src.name if src else "", dst.name if dst else "")
        cause.seen(seen.times, seen.first, seen.last)
        cause.shown(seen.first, seen.frame, seen.capture)
        return cause

    def _cleartext(self, seen: _Seen) -> None:
        key = b"\0".join((seen.src, seen.dst, seen.what.encode()))
        known = self._accounts.told(key)
        if not self._accounts.fresh(key, seen.src, f"{seen.what} to {address.text(seen.dst)}") and not known:
            return
        protocol = seen.what.split("_", 1)[0]
        cause = self._open(seen, (seen.src, seen.dst, seen.what), protocol)
        cause.add("credentials", [seen.what])
        cause.summary = (
            f"credentials of {address.text(seen.src)} went readable to {address.text(seen.dst)} by {protocol}"
        )
        if not known:
            cause.summary += ", as they never did before"
            identity, _ = self.book.cause("credentials.cleartext", (seen.src, seen.dst, seen.what), protocol=protocol)
            self._accounts.report(key, identity)

    def _default(self, seen: _Seen) -> None:
        protocol = seen.what.split("_", 1)[0]
        cause = self._open(seen, (seen.dst, protocol), protocol)
        cause.add("clients", [address.text(seen.src)])
        clients = cause.sets["clients"]
        more = f" and {len(clients) - 1} more" if len(clients) > 1 else ""
        cause.summary = (
            f"{clients[0]}{more} logged on to {address.text(seen.dst)} by {protocol} with a name and password that a "
            "vendor ships; the sensor does not say which"
        )

    def _shared(self, seen: _Seen) -> None:
        hosts = self._subjects.get(seen.what)
        if hosts is None:
            if len(self._subjects) >= SUBJECTS:
                self.overflow += 1
                return
            hosts = self._subjects[seen.what] = []
        host = seen.src.hex()
        if host not in hosts and len(hosts) < HOSTS:
            hosts.append(host)
        if len(hosts) < 2:
            return
        cause = self._open(seen, (seen.what,), "tls")
        cause.add("hosts", [address.text(bytes.fromhex(one)) for one in hosts])
        cause.facts["subject"] = seen.what[:200]
        cause.summary = f"{len(hosts)} hosts present the same client certificate, {seen.what[:80]}"

    def _old_certificate(self, seen: _Seen) -> None:
        cause = self._open(seen, (seen.dst, seen.what), "tls")
        began, days = seen.told.split(" ")
        cause.facts |= {"sha256": seen.what, "valid_from": began}
        cause.add("clients", [address.text(seen.src)])
        limit = f"{self.settings.certificate_days:g} days"
        cause.summary = f"{address.text(seen.dst)} uses a certificate of {began}, {days} days old; the limit is {limit}"

    def _privileged(self, use: Use) -> None:
        seen = _Seen("privileged_session", use.src, use.dst, use.protocol, use.ts, use.last, use.times, use.frame,
                     use.capture, "")  # fmt: skip
        cause = self._open(seen, (use.src, use.dst, use.protocol, use.action), use.protocol)
        cause.facts["action"] = use.action
        did = f"{use.told} {address.text(use.dst)} by {use.protocol}"
        cause.summary = f"{address.text(use.src)} {did} outside every approved change"

    def sizes(self) -> dict[str, int]:
        return super().sizes() | {"subjects": len(self._subjects)}

    def snapshot(self) -> dict[str, Any]:
        subjects = {name: list(hosts) for name, hosts in self._subjects.items()}
        return super().snapshot() | {"subjects": subjects, "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._subjects = {name: list(hosts) for name, hosts in state["subjects"].items()}
        self.overflow = state["overflow"]


def _dates(table: Table, pair: Pair) -> str:
    began = int(table.numbers("not_before")[pair.row])
    return f"{np.datetime64(began, 'ns').astype('datetime64[D]')} {(pair.first_ts - began) // _DAY}"
