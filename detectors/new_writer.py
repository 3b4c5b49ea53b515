"""Clients that write or command where they never did.

Detects: the first write, and the first command, of a client to a unit of a server after the learning part.
Why it matters: the writers of a plant are few and do not change; a new one is how a process is moved by
somebody who should not.
Evidence: client, server, unit, operations and objects, first frames, how long was learned.
False positives: engineering stations at work, standby servers that take over, writers rarer than the
learning part is long.
Techniques: T0848, T1692.001, T0836, T0816 by kind, in the catalogue.
Fires on: pcaps/rogue_writer.pcap, pcaps/dnp3_direct_operate.pcap
Silent on: pcaps/normal_plant.pcap
Cost: one set look-up for each write or command behaviour of a window.
Blind when: the writer was at work in the learning part; a known writer writes something new; the protocol
is encrypted.

What is learnt in a short capture is little, and `confidence` says so: it grows with the time learnt. A capture that
ends while learning is reported as such, not as free of new writers; of it, only clients are called new that were
not there at all in the first part of it (`late_share`), with little confidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors import address
from detectors.base import SECOND, Address, Detector
from detectors.behaviours import Behaviour, Behaviours
from detectors.catalogue import entry
from detectors.latecomers import Latecomers
from detectors.memory import Ids, Memo

if TYPE_CHECKING:
    from detectors.alert import Alert
    from detectors.window import Window

WRITERS = 1 << 16  # (client, server, protocol, unit, access) known; when full the oldest half is forgotten
_ACCESS = ("write", "control")


@dataclass(frozen=True, slots=True)
class Settings:
    """`ignore`: addresses of clients that may write at any time. `late_share` of a capture too short to learn
    from: clients that come later than this are new."""

    late_share: float = 0.2
    ignore: tuple[Address, ...] = ()


class NewWriter(Detector):
    name = "new_writer"
    kinds = ("new_writer.write", "new_writer.control")
    reads = ("behaviours",)
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        self._quiet = Ids()  # behaviours that are known
        self._looked_at = Memo()  # behaviours that were told, with the id of their alert
        self._seen: list[int] = []  # in this window: known from the next one on
        self._writers = self.learning.novelty(self.name, WRITERS)
        self._ignored = self.ignored
        self._new: list[Behaviour] = []
        self._late = Latecomers()

    def gather(self, window: Window) -> None:
        behaviours = window.derive(Behaviours)
        if not len(behaviours):
            return
        if not self.learning.live(self.name):
            self._late.clients(behaviours)
        occurrences, last = behaviours.array("count"), behaviours.array("last_ts")
        changing = behaviours.where("access", _ACCESS)
        changing = changing[~self._quiet.known(behaviours.ids[changing])]
        for at, behaviour in zip(changing.tolist(), behaviours.ids[changing].tolist(), strict=True):
            identity = self._looked_at.get(behaviour)
            cause = self.book.get(identity) if identity else None
            if cause is None:
                self._new.append(behaviours.row(at))
            else:
                cause.seen(int(occurrences[at]), int(last[at]), int(last[at]))

    def judge(self, window: Window) -> None:
        for b in sorted(self._new):
            self._writer(b)
        self._new.clear()
        self._quiet.fresh(np.unique(np.array(self._seen, dtype=np.uint64)))
        self._seen.clear()
        if len(self._late) and self.learning.live(self.name):
            self._late.clear()

    def _writer(self, b: Behaviour) -> None:
        """Looks at one write or command that is not known yet."""
        if b.client in self._ignored:
            self._seen.append(b.id)
            return
        writer = b"\0".join((b.client, b.server, b.protocol.encode(), b.access.encode(), b.unit.encode()))
        if self._writers.fresh(writer, b.client, f"{b.operation} on {address.text(b.server)} {b.unit}".strip()):
            self._writers.report(writer, self._report(b, self.learning.learnt(self.name)))
        elif told := self._writers.told(writer):
            self._report(b, self.learning.learnt(self.name))  # a newcomer's next operation goes into its alert
        elif not self.learning.live(self.name):
            self._late.act(writer, b)
            return
        elif told is None:
            return  # a host that still learns
        if told := self._writers.told(writer):
            self._looked_at.put(b.id, told)
        else:
            self._seen.append(b.id)

    def finish(self) -> list[Alert]:
        if not self.learning.live(self.name):
            for waited, b in self._late.late(self.settings.late_share):
                self._report(b, waited / SECOND, confidence=0.3)
        return super().finish()

    def _report(self, b: Behaviour, learned: float, confidence: float = 0.0) -> str:
        kind = f"new_writer.{b.access}"
        change = self.site.changes.covering(b.ts, b.access, b.client, b.server)
        identity, cause = self.book.cause(
            kind, (b.client, b.server, b.protocol, b.unit), protocol=b.protocol, severity="info" if change else "",
            confidence=confidence or self.learning.confidence(self.name),
        )  # fmt: skip
        src, dst = self.places.zone(b.client), self.places.zone(b.server)
        outside = src is not None and (src.kind == "internet" or (src.kind == "it" and not self.places.inferred))
        configured = not self.places.inferred
        if change:
            cause.facts["change"] = change.id
        elif outside or (configured and b.access == "control" and dst is not None and dst.level <= 1):
            cause.raise_to("critical")
        if not change:
            cause.raise_to(entry(kind).severity)  # what is done under a change is a note; the next thing may not be
        cause.between(b.ts, b.client, b.server, src.name if src else "", dst.name if dst else "")
        cause.seen(b.occurrences, b.ts, b.last_ts)
        cause.shown(b.ts, b.frame, b.capture)
        cause.add("operations", [b.operation])
        cause.add("objects", [b.object] if b.object else [])
        cause.facts |= {"unit": b.unit, "learned_seconds": round(learned, 3)}
        cause.facts["while_learning"] = not self.learning.live(self.name)
        unit = f" (unit {b.unit})" if b.unit else ""
        verb = "wrote to" if b.access == "write" else "commanded"
        cause.summary = (
            f"{address.text(b.client)} {verb} {address.text(b.server)}{unit} by {b.protocol} for the first time"
        )
        return identity

    def sizes(self) -> dict[str, int]:
        held = {"behaviours": len(self._quiet), "told": len(self._looked_at), "new": len(self._new)}
        held["latecomers"] = len(self._late)
        return super().sizes() | held

    def snapshot(self) -> dict[str, Any]:
        told = {"looked_at": self._looked_at.snapshot(), "quiet": self._quiet.snapshot()}
        return super().snapshot() | told | {"late": self._late.snapshot()}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self._looked_at.restore(state["looked_at"])
        self._quiet.restore(state["quiet"])
        self._late.restore(state["late"])
