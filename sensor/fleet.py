"""Drift joined with alerts over the store: of all its sensors, and of drift that came from outside later.

A sensor joins what it sees while it sees it. Here the same correlator reads what all sensors of a case stored: alerts,
drift of any source, behaviours as the data flow, artefacts, and who was there when. An incident is written only where
it holds drift or alerts that the stored one does not: what a sensor knew besides is not taken back.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from detectors.alert import Alert
from detectors.changes import Changes
from detectors.correlate.clues import Clues
from detectors.correlate.correlator import Correlator
from detectors.correlate.events import Context
from detectors.correlate.flow import Flow
from detectors.correlate.graph import EDGES, Graph
from detectors.correlate.rollback import Clock
from detectors.drift.rows import DriftAlert, Output, Reading
from detectors.models import APPROVED, Models
from detectors.window import Window
from sensor import changes_file, insight_config, model_registry
from sensor.alerts import ask
from sensor.insight_rows import incident_row
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Protocol

    from detectors.correlate.rows import Incident
    from sensor.config import Config
    from sensor.store import Reading as Asked

    class Store(Asked, Protocol):
        def record(self, table: str, case: str, rows: Iterable[Mapping[str, object]]) -> None: ...


MOST_ALERTS = 65_536  # of a case, the latest
MOST_DRIFT = 4096
LOOK = 60.0  # seconds between two looks for what others wrote
_SECOND = 10**9
_NANOS = "toUnixTimestamp64Nano({0}) AS {0}"
_DRIFT_TIMES = ("ts", "since", "since_low", "since_high", "returned")


def correlate(store: Store, config: Config, case: str | None = None, since: str = "") -> Counter[str]:
    """Incidents that are new or hold more than before, by case. `since`: an SQL time before which evidence is left
    out."""
    where = f"WHERE case_id = {quote(case)}" if case is not None else ""
    changed: Counter[str] = Counter()
    for row in ask(store, f"SELECT DISTINCT case_id FROM drift {where} ORDER BY case_id"):
        joined = _Joined(store, config, row["case_id"], since)
        rows = joined.rows()
        store.record("incident_rows", row["case_id"], rows)
        changed[row["case_id"]] += len(rows)
    return changed


class News:
    """Whether a store that several sensors write to holds drift or alerts that it did not when this was asked last."""

    def __init__(self, store: Asked) -> None:
        self._store = store
        self._known: object = None
        self._next = 0.0

    def there(self, now: float) -> bool:
        """`now`: seconds of any clock. Looks every minute at most."""
        if now < self._next:
            return False
        self._next = now + LOOK
        found = ask(
            self._store,
            "SELECT (SELECT count() FROM drift) AS drift, (SELECT max(version) FROM drift) AS version,"
            " (SELECT count() FROM alert_rows) AS alerts, (SELECT toString(max(last_ts)) FROM alert_rows) AS last",
        )
        if found == self._known or not int(found[0]["drift"]):
            return False
        self._known = found
        return True


class _Joined:
    """One case: evidence read from the store, incidents made of it."""

    def __init__(self, store: Store, config: Config, case: str, since: str) -> None:
        self._store, self._config = store, config
        self._case = f"case_id = {quote(case)}"
        self._since = f" AND ts >= {since}" if since else ""
        self._models = Models(model_registry.running(store, config.models))
        settings = insight_config.settings(config.drift, config.context, config.data_sources)
        self._flow = Flow(Graph(), self._models, settings.sources)
        approved = [
            *changes_file.load(config.alerting.changes),
            *(entry.change() for entry in config.changes),
        ]
        changes = Changes(approved)
        self._correlator = Correlator(self._flow.graph, changes=changes)
        self._clues, self._clock = Clues(self._models, self._flow), Clock(self._models, self._flow.graph)
        self._context = Context(
            changes, settings.approved, self._first_seen(), settings.shift, trains=self._flow.trains
        )

    def rows(self) -> list[dict[str, object]]:
        drift = self._drift()
        self._data_flow(drift)
        now = max([0, *(row.ts for row in drift), *(row.returned for row in drift)])
        for alert in self._alerts():
            event = self._context.event(alert, self._flow.graph)
            self._correlator.facts(self._clues.alert(alert, event))
            if event is not None:
                self._correlator.events([event])
            now = max(now, alert.last_ts)
        self._correlator.drifts(drift)
        self._correlator.linked = {row.stream: row.stream.partition("#")[0] for row in drift if "#" in row.stream}
        self._correlator.watched = {model.id: frozenset(self._clues.watched(model.id)) for model in self._models.all}
        return self._changed(self._correlator.incidents(now), now)

    def _changed(self, incidents: list[Incident], now: int) -> list[dict[str, object]]:
        """Rows of those that hold more than the stored ones, which they replace under their id."""
        names = "incident_id, drift_ids, alert_ids, version"
        stored = {
            row["incident_id"]: row for row in ask(self._store, f"SELECT {names} FROM incident_rows WHERE {self._case}")
        }
        of_drift = {drift: identity for identity, row in sorted(stored.items()) for drift in row["drift_ids"]}
        rows, taken = [], set[str]()
        for made in incidents:
            known = [of_drift[drift] for drift in made.drift_ids if drift in of_drift]
            identity = next((one for one in known if one not in taken), made.incident_id)
            taken.add(identity)
            before = stored.get(identity)
            held = {*before["drift_ids"], *before["alert_ids"]} if before else set()
            if {*made.drift_ids, *made.alert_ids} <= held and before:
                continue
            whole = self._clock.read(dataclasses.replace(made, incident_id=identity))
            rows.append(incident_row(whole) | {"version": max(now, int(before["version"]) + 1 if before else 0)})
        return rows

    def _drift(self) -> list[DriftAlert]:
        names = [field.name for field in dataclasses.fields(DriftAlert)]
        columns = ", ".join(_NANOS.format(name) if name in _DRIFT_TIMES else name for name in names)
        found = ask(
            self._store,
            f"SELECT {columns} FROM (SELECT * FROM drift WHERE {self._case}{self._since} ORDER BY ts DESC, drift_id"
            f" LIMIT {MOST_DRIFT})",
        )
        return sorted((DriftAlert(**row) for row in found), key=lambda row: (row.ts, row.drift_id))

    def _alerts(self) -> list[Alert]:
        names = [field.name for field in dataclasses.fields(Alert)]
        shown = {name: _NANOS.format(name) for name in ("first_ts", "last_ts")}
        shown |= {name: f"hex({name}) AS {name}" for name in ("src_ip", "dst_ip")}
        shown |= {"severity": "toString(severity) AS severity"}
        columns = ", ".join(shown.get(name, name) for name in names)
        found = ask(
            self._store,
            f"SELECT {columns} FROM (SELECT * FROM alerts WHERE {self._case}{self._since} AND status != 'learned'"
            f" ORDER BY ts DESC, alert_id LIMIT {MOST_ALERTS})",
        )
        return sorted((_alert(row) for row in found), key=lambda alert: (alert.first_ts, alert.alert_id))

    def _first_seen(self) -> dict[bytes, int]:
        """Hosts that came after the sensors had learnt."""
        found = ask(
            self._store,
            "SELECT hex(ip) AS ip, toUnixTimestamp64Nano(min(first_seen)) AS first,"
            f" toUnixTimestamp64Nano((SELECT min(first_seen) FROM assets WHERE {self._case})) AS begin"
            f" FROM assets WHERE {self._case} GROUP BY ip",
        )
        learnt = round(self._config.learning.seconds * _SECOND)
        return {bytes.fromhex(r["ip"]): int(r["first"]) for r in found if int(r["first"]) - int(r["begin"]) > learnt}

    def _data_flow(self, drift: list[DriftAlert]) -> None:
        """Who publishes, reads and writes what, which artefacts went where, which versions spoke."""
        said = ask(
            self._store,
            "SELECT model_id, model_version, toUnixTimestamp64Nano(min(ts)) AS ts FROM inference_log"
            f" WHERE {self._case} AND source = 'wire' GROUP BY model_id, model_version",
        )
        outputs = [Output(int(row["ts"]), row["model_id"], 0.0, model_version=row["model_version"]) for row in said]
        inputs = [Reading(row.ts, row.model_id, row.stream, 0.0, "input") for row in drift if row.kind == "input"]
        self._flow.streams(outputs, inputs)
        self._correlator.facts(self._clues.outputs(outputs))
        artefacts = self._flow.learn(Window({name: self._table(name) for name in _QUERIES}, 0, 1))
        self._clock.saw(artefacts)
        self._correlator.facts(self._clues.artefacts(artefacts))
        lawful = [artefact for artefact in artefacts if artefact.state == APPROVED]
        self._correlator.events(map(self._context.artefact, lawful))

    def _table(self, name: str) -> Any:
        rows = ask(self._store, _QUERIES[name].format(self._case))
        return _arrow(name, rows) if rows else None


def _arrow(name: str, rows: list[dict[str, Any]]) -> Any:
    """Rows as the packet path hands them out: addresses in 16 bytes, times in nanoseconds."""
    import pyarrow as pa

    from parsers import schema

    kinds = dict(schema()[name])
    columns = {}
    for column in rows[0]:
        values, kind = [row[column] for row in rows], kinds[column]
        if kind.startswith("FixedSizeBinary"):
            columns[column] = pa.array([bytes.fromhex(value) for value in values], pa.binary(16))
        elif kind.startswith("Timestamp"):
            columns[column] = pa.array(map(int, values), pa.int64()).cast(pa.timestamp("ns", "UTC"))
        elif kind.startswith("Dictionary"):
            columns[column] = pa.array(values, pa.string()).dictionary_encode()
        else:
            columns[column] = pa.array(values, pa.string() if kind == "Utf8" else getattr(pa, kind.lower())())
    return pa.table(columns)


_QUERIES = {
    "behaviours": "SELECT behaviour_id, any(protocol) AS protocol, hex(any(b.client_ip)) AS client_ip,"
    " hex(any(b.server_ip)) AS server_ip, any(server_port) AS server_port, any(unit) AS unit,"
    " any(operation) AS operation, any(access) AS access, any(object) AS object,"
    " toUnixTimestamp64Nano(min(b.ts)) AS ts, toUnixTimestamp64Nano(max(b.last_ts)) AS last_ts, sum(count) AS count,"
    " sum(errors) AS errors, sum(answered) AS answered, min(frame) AS frame, any(capture) AS capture"
    " FROM behaviours AS b WHERE {0}"
    f" GROUP BY behaviour_id ORDER BY ts, behaviour_id LIMIT {EDGES}",
    "files": "SELECT toUnixTimestamp64Nano(f.ts) AS ts, hex(f.src_ip) AS src_ip, hex(f.dst_ip) AS dst_ip, name,"
    " sha256, missing, upload, model_format FROM files AS f"
    " WHERE {0} AND model_format != '' ORDER BY ts LIMIT 65536",
}


def _alert(row: dict[str, Any]) -> Alert:
    lists = {name: tuple(row[name]) for name in ("techniques", "controls", "frames")}
    ends = {name: bytes.fromhex(row[name]) for name in ("src_ip", "dst_ip")}
    return Alert(**(row | lists | ends | {"evidence": orjson.loads(row["evidence"] or "{}")}))
