"""Verdicts in the store: read for a run, added by an analyst."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors.verdicts import Verdict
from sensor.alerts import ask, of_id, only
from sensor.errors import InputError
from sensor.store.literal import quote

if TYPE_CHECKING:
    from sensor.store import Reading
    from sensor.store import Saying as Sayable

_COLUMNS = "alert_id, case_id, title, severity, status, verdict, toUnixTimestamp64Nano(last_ts) AS last"


@dataclass(frozen=True, slots=True)
class Saying:
    """What somebody says of an alert. `case` None: of its cause in every case of the store, later ones included.
    `expiry`: nanoseconds since the epoch, 0 never."""

    action: str
    case: str | None
    analyst: str
    expiry: int = 0
    note: str = ""


def running(store: Reading, case: str) -> list[Verdict]:
    """The verdicts that hold for a case by now: the latest on each alert, unless it has ended."""
    rows = ask(
        store,
        "SELECT alert_id, argMax((toString(action), toUnixTimestamp64Nano(expiry), toUnixTimestamp64Nano(last_seen)),"
        f" ts) AS said FROM verdicts WHERE case_id IN ('', {quote(case)}) GROUP BY alert_id"
        " HAVING said.2 = 0 OR said.2 > toUnixTimestamp64Nano(now64(9, 'UTC')) ORDER BY alert_id",
    )
    found = []
    for row in rows:
        said = row["said"]
        action, expiry, last_seen = said.values() if isinstance(said, dict) else said
        found.append(Verdict(row["alert_id"], action, int(expiry), int(last_seen)))
    return found


def change(store: Sayable, wanted: str, saying: Saying) -> tuple[dict[str, Any], dict[str, Any]]:
    """Records it and gives what was true before and is now. InputError if there is no such alert, or it makes no
    sense."""
    found = of_id(store, wanted, saying.case, _COLUMNS)
    alert = only(found) if saying.action == "close" else found[0]
    _check_order(found, saying.action)
    identity = alert["alert_id"]
    # Closing is about what was seen so far, and that is of one case.
    case = alert["case_id"] if saying.action == "close" else saying.case or ""
    store.record(
        "verdicts",
        case,
        [
            {
                "ts": _after(store, identity),
                "alert_id": identity,
                "action": saying.action,
                "analyst": saying.analyst,
                "expiry": saying.expiry,
                "last_seen": int(alert["last"]) if saying.action == "close" else 0,
                "note": saying.note,
            }
        ],
    )
    return alert, only(of_id(store, identity, alert["case_id"], _COLUMNS)) | {"scope": case}


def told(saying: Saying, before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same for the access log."""
    said = {"action": saying.action, "case": after["scope"], "until": saying.expiry, "note": saying.note}
    said |= {"by": saying.analyst, "status": after["status"]}
    return {name: before.get(name) for name in ("status", "verdict")}, said


def _check_order(found: list[dict[str, Any]], action: str) -> None:
    alert = found[0]
    name = f"alert {alert['alert_id'][:12]}"
    if action == "close" and alert["status"] not in ("open", "returned"):
        raise InputError(f"{name} is {alert['status']} already; 'driftspan unlearn' takes that back first")
    if action == "unlearn" and not any(row["verdict"] for row in found):
        if alert["status"] not in ("open", "returned"):
            raise InputError(f"{name} is kept quiet by [[suppress]] of the configuration; change that and replay")
        raise InputError(f"{name} is open: there is nothing to take back")


def _after(store: Reading, identity: str) -> int:
    """Now, but later than what was said before: a clock that was set back must not change which is the latest."""
    sql = f"SELECT toUnixTimestamp64Nano(max(ts)) AS last FROM verdicts WHERE alert_id = {quote(identity)}"
    return max(time.time_ns(), int(ask(store, sql)[0]["last"]) + 1)
