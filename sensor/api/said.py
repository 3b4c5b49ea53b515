"""What people said of alerts, held against the few of a page: as the view `alerts` does it for all."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sensor.alerts import ask
from sensor.api.grid_filter import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sensor.store import Reading

Row = dict[str, Any]
_NEVER = "1970-01-01 00:00:00.000000000"
_NOTHING: Row = {
    "given": 0, "action": "", "analyst": "", "until": 0, "seen": 0, "note": "", "expiry": _NEVER,
}  # fmt: skip
_LATEST = (
    "SELECT id, case_id, given, said.1 AS action, said.2 AS analyst, said.3 AS until, said.4 AS seen, said.5 AS note,"
    " said.6 AS expiry FROM (SELECT sipHash64(alert_id) AS id, case_id, toUnixTimestamp64Nano(max(ts)) AS given,"
    " argMax((toString(action), toString(analyst), toUnixTimestamp64Nano(expiry), toUnixTimestamp64Nano(last_seen),"
    " note, toString(expiry)), ts) AS said FROM verdicts WHERE sipHash64(alert_id) IN ({}) GROUP BY id, case_id)"
)


@dataclass(frozen=True, slots=True)
class Said:
    """The latest of each alert, by the hash of its id and the case; one of no case holds in all."""

    latest: dict[tuple[int, str], Row]
    now: int  # nanoseconds

    def of(self, identity: int, case: str) -> Row:
        """Of one on the case and one on the store the later counts."""
        of_case = self.latest.get((identity, case), _NOTHING)
        of_store = self.latest.get((identity, ""), _NOTHING)
        return of_case if of_case["given"] > of_store["given"] else of_store

    def holds(self, said: Row, last: int) -> bool:
        if said["action"] in ("learn", "mute"):
            return said["until"] == 0 or int(said["until"]) > self.now
        return bool(said["action"] == "close" and last <= said["seen"])

    def status(self, identity: int, case: str, last: int, suppressed: str) -> str:
        said = self.of(identity, case)
        if self.holds(said, last):
            return STATUSES.get(said["action"], "open")
        return "muted" if suppressed else "open"

    def columns(self, row: Row, identity: int, last: int) -> Row:
        """Those that the view adds to an alert's row."""
        said = self.of(identity, row["case_id"])
        holds = self.holds(said, last)
        return {
            "status": self.status(identity, row["case_id"], last, row["suppressed"]),
            "verdict": said["action"] if holds else "",
            "status_by": said["analyst"],
            "status_until": said["expiry"] if said["until"] else None,
            "status_note": said["note"] if holds or not row["suppressed"] else row["suppressed"],
        }


def said_of(store: Reading, identities: Iterable[int], at_once: int) -> Said:
    """`identities`: hashes; so many in one question."""
    latest: dict[tuple[int, str], Row] = {}
    for some in _pieces(list(identities), at_once):
        for row in ask(store, _LATEST.format(", ".join(map(str, some))), final=False):
            latest[row["id"], row["case_id"]] = row
    return Said(latest, time.time_ns())


def _pieces(whole: Sequence[int], length: int) -> Iterable[Sequence[int]]:
    return (whole[at : at + length] for at in range(0, len(whole), length))
