"""`driftspan status`: how the sensor that runs is, for people and for programs that watch it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from sensor.commands.common import location, settings
from sensor.errors import FAILED, DriftspanError, StoreError
from sensor.keeper.client import keeper_of
from sensor.output import chosen_format, show_rows
from sensor.places import spool_of
from sensor.service.report import STATUS
from sensor.when import iso

if TYPE_CHECKING:
    from argparse import Namespace

    from sensor.config import Config

_STALE = 60.0  # seconds: a sensor writes its state every few, whether packets come or not


def run(arguments: Namespace) -> int:
    loaded = settings(arguments)
    row = state(loaded, location(arguments, loaded))
    _show(row, chosen_format(arguments.format))
    return 0 if row["state"] == "running" else FAILED


def state(loaded: Config, where: str) -> dict[str, Any]:
    """How the sensor is that runs for a store. StoreError: this user may not know."""
    path = spool_of(where, loaded.store.spool) / STATUS
    found = _facts(path)
    if not found or not Path(f"/proc/{found['pid']}").exists():
        return {"state": "not running", "store": where}
    age = time.time() - path.stat().st_mtime
    row = _row(found, _kept(where, loaded.store.spool), where)
    unseen = _unseen(where, loaded.store.spool, [each.get("id", "") for each in found["interfaces"]])
    row["per_interface"] = [loss(each, unseen) for each in row["per_interface"]]
    if age > _STALE:
        row |= {"state": "hanging", "problem": f"it gave no sign of life for {age:.0f} s"}
    return row


def _facts(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = orjson.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError):
        return {}
    except PermissionError:
        raise StoreError(
            f"{path}: may not be read by this user; ask as the user that the sensor runs as, as in "
            "'sudo -u driftspan driftspan status'"
        ) from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from None
    return found


def _kept(where: str, spool: str) -> dict[str, Any]:
    """What the keeper says itself; nothing while it is begun again."""
    try:
        keeper = keeper_of(where, spool)
        return {} if keeper is None else keeper.status()
    except DriftspanError:
        return {}


def _unseen(where: str, spool: str, ids: list[str]) -> dict[str, float]:
    """Of each interface the per cent of what TCP carried that the mirror port did not show, since the sensor runs."""
    names = ", ".join(f"'{i}'" for i in ids if i.replace("-", "").replace(".", "").replace("_", "").isalnum())
    sums = "sum(unseen_bytes) AS unseen, sum(tcp_bytes) AS seen"
    try:
        keeper = keeper_of(where, spool)
        if keeper is None or not names:
            return {}
        sql = f"SELECT capture, {sums} FROM mirror WHERE capture IN ({names}) GROUP BY capture"
        rows = [orjson.loads(line) for line in b"".join(keeper.query(sql, "JSONEachRow")).splitlines()]
    except DriftspanError:
        return {}
    return {row["capture"]: percent(int(row["unseen"]), int(row["seen"])) for row in rows}


def percent(missing: int, come: int) -> float:
    return round(100 * missing / (missing + come), 3) if missing else 0.0


def loss(facts: dict[str, Any], unseen: dict[str, float]) -> dict[str, Any]:
    """With what this machine did not take in time, and what the switch did not show, each in per cent."""
    identity = facts.get("id", "")
    shown = {name: value for name, value in facts.items() if name != "id"}
    shown["dropped_percent"] = percent(facts["dropped"], facts["packets"])
    return shown | ({"unseen_percent": unseen[identity]} if identity in unseen else {})


def _row(found: dict[str, Any], kept: dict[str, Any], where: str) -> dict[str, Any]:
    interfaces = found["interfaces"]
    problems = [kept.get("failing") or found["store_problem"]]
    if not kept:
        problems.append("the process that keeps the store does not answer; rows wait in the spool")
    problems += [f"detector {name} was switched off: {why}" for name, why in sorted(found["failures"].items())]
    problem = "; ".join(filter(None, problems))
    totals = {name: sum(each[name] for each in interfaces) for name in ("packets", "bytes", "dropped", "truncated")}
    return {
        "state": "failing" if problem else "running",
        "problem": problem,
        "sensor": found["sensor"],
        "version": found["version"],
        "pid": found["pid"],
        "keeper_pid": found["keeper_pid"],
        "keeper_restarts": found["keeper_restarts"],
        "since": iso(found["since"]),
        "packet_time": iso(found["packet_time"]) if found["packet_time"] else "",
        "lag_seconds": found["lag_seconds"],
        "windows": found["windows"],
        "interfaces": ", ".join(each["name"] for each in interfaces),
        **totals,
        "packets_per_second": found["packets_per_second"],
        "learning": found["learning"],
        "alerts": found["alerts"],
        "alerts_by_severity": found["severities"],
        "detectors_failed": found["detectors_failed"],
        "stored_rows": kept.get("delivered_rows", found["stored_rows"]),
        "spool_waiting_files": kept.get("waiting_files", found["spool_waiting_files"]),
        "spool_waiting_bytes": kept.get("waiting_bytes", found["spool_waiting_bytes"]),
        "spool_limit_bytes": found["spool_limit_bytes"],
        "spool_rows_lost": found["spool_rows_lost"],
        "evidence_slices": found.get("evidence", {}).get("evidence.slices", 0),
        "evidence_failed": found.get("evidence", {}).get("evidence.failed", 0),
        "store_delay_seconds": found["store_delay_seconds"],
        "rss_bytes": found["rss_bytes"],
        "keeper_rss_bytes": found["keeper_rss_bytes"],
        "store": where,
        "per_interface": [each | {"last": iso(each["last"]) if each["last"] else ""} for each in interfaces],
        "counters": {name: count for name, count in found["counters"].items() if count},
    }


def _show(row: dict[str, Any], fmt: str) -> None:
    """One object for programs; for people a line a fact, since no terminal is wide enough."""
    if fmt == "table":
        lines = [
            {"fact": name, "value": value} for name, value in row.items() if name not in ("per_interface", "counters")
        ]
        lines += [{"fact": f"on {each['name']}", "value": _interface(each)} for each in row.get("per_interface", [])]
        lines += [{"fact": f"counter {name}", "value": n} for name, n in row.get("counters", {}).items()]
        show_rows(lines, fmt)
        return
    show_rows([row], fmt)


def _interface(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != "name"}
