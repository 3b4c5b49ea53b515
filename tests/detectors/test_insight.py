"""The whole way from windows to incidents, with payloads as the packet path hands them over."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from typing import Any

from detectors.alert import Alert
from detectors.changes import Change
from detectors.correlate.rows import Incident
from detectors.drift.external import from_any
from detectors.drift.monitor import Settings as DriftSettings
from detectors.drift.rows import DriftAlert
from detectors.insight import Settings
from detectors.models import Model
from detectors.pipeline import Pipeline
from detectors.zones import Policy, Zone
from tests.detectors.build import SECOND, T0, act, flow, rows

BLOCK = 300.0
EDGE, BROKER, SENSOR, REGISTRY, TRAINER, HISTORIAN = (
    "10.0.5.1", "10.0.2.1", "10.0.1.1", "10.0.5.2", "10.0.5.3", "10.0.2.5",
)  # fmt: skip
OFFICE, INTRUDER = "10.0.9.5", "10.0.1.9"
GOOD, NEW, BAD = "a" * 64, "b" * 64, "c" * 64
MODEL = Model(
    "wear", hosts=(EDGE,), inputs=("line/pump",), outputs=("line/wear",), canary=("line/canary",),
    approved={"1.0": GOOD, "1.1": NEW}, rollback_minutes=90,
)  # fmt: skip
ZONES = (Zone("cell", 1, ("10.0.1.0/24",)), Zone("dmz", 3.5, ("10.0.2.0/24",), kind="dmz"),
         Zone("edge", 3, ("10.0.5.0/24",), kind="edge_ai"), Zone("office", 4, ("10.0.9.0/24",), kind="it"))  # fmt: skip
LEARN, WATCH = 24, 24  # windows of five minutes
Windows = list[dict[str, Any]]


class Source:
    id, hosts, tags, models = "historian", (HISTORIAN,), ("/rows.csv",), ("wear",)


def pipeline(**more: Any) -> Pipeline:
    settings = Settings(DriftSettings(learn_days=1.0), sources=(Source(),))
    return Pipeline(Policy(ZONES), {}, models=[MODEL], insight=settings, **more)


def message(ts: float, client: str, topic: str, stream: int, **fields: Any) -> dict[str, Any]:
    payload = json.dumps(fields).encode()
    return {"ts": ts, "src_ip": client, "dst_ip": BROKER, "dst_port": 1883, "packet_type": 3, "packet": "PUBLISH",
            "topic": topic, "payload": payload, "flow_id": stream, "frame": int(ts * 10) + stream}  # fmt: skip


def published(client: str, topic: str, at: float, unit: str) -> dict[str, Any]:
    return act(client, BROKER, "mqtt", "publish", "report", unit=unit, object=topic, ts=at + 1, frame=int(at) + 1)


def carried(ts: float, source: str, target: str, sha256: str) -> dict[str, Any]:
    return {"ts": ts, "src_ip": source, "dst_ip": target, "upload": 1, "name": "wear.safetensors", "sha256": sha256,
            "model_format": "safetensors", "carrier": "http", "size": 900, "frame": int(ts)}  # fmt: skip


def plant(count: int, shift: Any = lambda number: 0.0, lean: Any = lambda number: 0.0) -> Windows:
    """`shift`: added to the score of a window, `lean`: to one of the two inputs."""
    rng, made = random.Random(7), []
    for number in range(count):
        at = number * BLOCK
        told = []
        for n in range(15):
            ts, load = at + 20 * n + 1, math.sin(number / 3) + rng.gauss(0, 0.2)
            hot = 50 + load + rng.gauss(0, 0.3)
            told.append(message(ts, SENSOR, "line/pump", 1, heat=hot + lean(number), flow=9 + load + rng.gauss(0, 0.1)))
            score = 0.3 + 0.02 * load + 0.05 * lean(number) + rng.gauss(0, 0.01) + shift(number)
            told.append(message(ts + 1, EDGE, "line/wear", 2, score=score))
        acts = [published(SENSOR, "line/pump", at, "s"), published(EDGE, "line/wear", at, "e"),
                act("10.0.2.7", BROKER, "mqtt", "deliver", "report", unit="h", object="line/wear", ts=at + 2)]  # fmt: skip
        made.append({"at": at, "mqtt": told, "behaviours": acts})
    return made


def feed(made: Pipeline, windows: Windows) -> Iterator[list[Alert]]:
    for w in windows:
        tables = {name: rows(name, *given) for name, given in w.items() if name != "at"}
        start = T0 + round(w["at"] * SECOND)
        yield made.observe(tables, start, start + round(BLOCK * SECOND), True)


def learnt(windows: Windows, **more: Any) -> Pipeline:
    made = pipeline(**more)
    made.begin_learning()
    list(feed(made, windows[:LEARN]))
    made.end_learning()
    return made


def run(windows: Windows, **more: Any) -> tuple[dict[str, DriftAlert], dict[str, Incident]]:
    """The last state of all that was told of the windows after those that are learnt."""
    made = learnt(windows, **more)
    drift, incidents = {}, {}
    for _ in feed(made, windows[LEARN:]):
        due = made.insight.due()
        drift |= {row.drift_id: row for row in due.drift}
        incidents |= {row.incident_id: row for row in due.incidents}
    made.finish()
    due = made.insight.due()
    assert not made.failures
    return drift | {row.drift_id: row for row in due.drift}, incidents | {row.incident_id: row for row in due.incidents}


def swapped(count: int = LEARN + WATCH, at: int = LEARN + 4) -> Windows:
    """An office host puts an unknown artefact into the registry, the edge node takes it, the score steps."""
    windows = plant(count, lambda number: 0.2 if number >= at else 0.0)
    when = at * BLOCK
    windows[at - 1]["files"] = [carried(when - 200, OFFICE, REGISTRY, BAD)]
    windows[at]["files"] = [carried(when, REGISTRY, EDGE, BAD)]
    return windows


def test_a_quiet_plant_has_neither_drift_nor_incidents() -> None:
    assert run(plant(LEARN + WATCH)) == ({}, {})


def test_a_model_that_is_exchanged_is_an_incident_with_its_cause() -> None:
    drift, incidents = run(swapped())
    (moved,) = [row for row in drift.values() if row.shape == "step"]
    assert (moved.model_id, moved.stream, moved.kind) == ("wear", "output", "output") and moved.magnitude > 5
    assert T0 + (LEARN + 3) * BLOCK * SECOND <= moved.since <= T0 + (LEARN + 5) * BLOCK * SECOND
    (incident,) = incidents.values()
    assert any("frozen reference inputs" in told for told in incident.would_settle)
    assert incident.cause == "model_swap" and incident.level == "incident" and incident.probability > 0.9
    first = incident.suspects[0].event
    assert first is not None and first.kind == "artefacts.unknown" and first.dst in (EDGE, REGISTRY)
    assert incident.alert_ids and set(incident.drift_ids) == set(drift)
    assert "10.0.2.7" in incident.blast_radius and "AML.T0018" in incident.techniques and incident.controls
    assert "version 1.1" in incident.runbook and EDGE in incident.runbook
    assert incident.rollback["target_minutes"] == 90 and "artefact_ts" not in incident.rollback


def test_the_same_windows_give_the_same_rows_whatever_the_order_of_their_rows() -> None:
    plain, rng = swapped(), random.Random(1)
    mixed = [{t: rng.sample(r, len(r)) if isinstance(r, list) else r for t, r in w.items()} for w in plain]
    assert run(plain) == run(mixed)


def test_a_second_publisher_is_the_cause_of_inputs_that_moved() -> None:
    at = LEARN + 4
    windows = plant(LEARN + WATCH, lean=lambda number: 6.0 if number >= at else 0.0)
    for w in windows[at:]:
        w["behaviours"].append(published(INTRUDER, "line/pump", w["at"], "x"))
    _, incidents = run(windows)
    (incident,) = incidents.values()
    first = incident.suspects[0].event
    assert incident.cause == "input_manipulation"
    assert first is not None and (first.src, first.target) == ("10.0.1.9", "line/pump")


def test_what_ages_by_itself_is_no_attack() -> None:
    at = LEARN + 2
    _, incidents = run(plant(LEARN + 40, lean=lambda number: max(0.0, (number - at) * 0.25)))
    assert incidents and all(i.cause in ("sensor_fault", "benign_process") for i in incidents.values())
    assert all(i.probability < 0.5 for i in incidents.values())


def test_approved_work_makes_an_update_lawful() -> None:
    at = LEARN + 4
    windows = plant(LEARN + WATCH, lambda number: 0.05 if number >= at else 0.0)
    windows[at]["files"] = [carried(at * BLOCK, REGISTRY, EDGE, NEW)]
    begin = T0 + round(at * BLOCK * SECOND)
    change = Change("CHG-1", begin - 600 * SECOND, begin + 1800 * SECOND, (EDGE,), ("deploy", "update"))
    _, incidents = run(windows, changes=[change])
    (incident,) = incidents.values()
    assert incident.cause == "benign_process" and incident.probability < 0.5
    lawful = [row for row in incident.timeline if "version 1.1 of wear" in row["text"]]
    assert lawful and not incident.alert_ids  # seen, and no alert


def test_the_rollback_clock_stops_with_the_artefact_and_the_outputs() -> None:
    at, back = LEARN + 4, LEARN + 16
    windows = plant(LEARN + 44, lambda number: 0.2 if at <= number < back else 0.0)
    windows[at]["files"] = [carried(at * BLOCK, REGISTRY, EDGE, BAD)]
    windows[back]["files"] = [carried(back * BLOCK, REGISTRY, EDGE, GOOD)]
    _, incidents = run(windows)
    (incident,) = incidents.values()
    hands = incident.rollback
    assert incident.status == "returned" and incident.cause == "model_swap"
    assert (hands["version"], hands["state"], hands["host"]) == ("1.0", "old", EDGE)
    assert hands["artefact_ts"] == T0 + round(back * BLOCK * SECOND)
    assert hands["since"] == incident.ts < hands["artefact_ts"] < hands["returned_ts"]
    assert hands["minutes"] == round((hands["returned_ts"] - incident.ts) / SECOND / 60, 2)
    assert hands["in_time"] == (hands["minutes"] <= 90)


def test_drift_from_outside_is_part_of_an_incident_within_its_window() -> None:
    """A model whose outputs the network does not show: another tool says that it drifted."""
    windows = [{**w, "mqtt": []} for w in swapped()]
    made, at = learnt(windows), LEARN + 6
    list(feed(made, windows[LEARN:at]))
    assert made.insight.due() == ((), ())
    ts = T0 + round((at * BLOCK + 17) * SECOND)
    report = {"model_id": "wear", "kind": "output", "statistic": 0.4, "threshold": 0.1, "detector": "psi"}
    (row,) = from_any(report, ts)
    made.arrive(drift=[row])
    list(feed(made, windows[at : at + 1]))
    drift, incidents = made.insight.due()
    assert drift == ()  # stored where it came in
    (incident,) = incidents
    assert incident.drift_ids == (row.drift_id,) and incident.model_id == "wear"
    assert next(s.event.kind for s in incident.suspects if s.event is not None) == "artefacts.unknown"


def test_an_incident_keeps_its_id_while_evidence_arrives() -> None:
    made, seen, rows_of = learnt(swapped()), [], swapped()
    for _ in feed(made, rows_of[LEARN:]):
        seen += [(row.incident_id, row.title) for row in made.insight.due().incidents]
    assert len(seen) > 1 and len({identity for identity, _ in seen}) == 1


def test_a_snapshot_goes_on_as_if_nothing_had_been() -> None:
    windows, at = swapped(), LEARN + 6
    whole, half = learnt(windows), learnt(windows)
    through = [made for _ in feed(whole, windows[LEARN:]) for made in whole.insight.due().drift]
    early = [made for _ in feed(half, windows[LEARN:at]) for made in half.insight.due().drift]
    state = json.loads(json.dumps(half.snapshot()))
    after = pipeline()
    after.restore(state)
    assert json.loads(json.dumps(after.snapshot())) == state
    late = [made for _ in feed(after, windows[at:]) for made in after.insight.due().drift]
    assert early + late == through
    assert after.insight.incidents == whole.insight.incidents


def test_learning_leaves_no_evidence_behind() -> None:
    windows = swapped(at=LEARN - 6)  # what was learnt was moved already
    made = learnt(windows)
    assert made.insight.due() == ((), ()) and not made.insight.incidents
    assert made.insight.counters()["correlator.events"] == 0


def test_time_that_leaps_back_is_no_silence_and_nothing_is_late() -> None:
    windows = plant(LEARN + 6)
    made = pipeline()
    made.begin_learning()
    list(feed(made, [{**w, "at": w["at"] + 90_000, **_later(w, 90_000)} for w in windows[:LEARN]]))
    made.end_learning()
    list(feed(made, windows[LEARN:]))
    counted = made.insight.counters()
    assert counted["drift.late"] == 0 and made.insight.due().drift == ()


def _later(w: dict[str, Any], by: float) -> dict[str, Any]:
    return {name: [row | {"ts": row["ts"] + by} for row in w[name]] for name in ("mqtt", "behaviours")}


def test_canary_outputs_are_recognised_and_their_change_is_told() -> None:
    windows, at = swapped(), LEARN + 4
    for number, w in enumerate(windows):
        value = 0.42 if number < at else 0.81
        w["tag_values"] = [{"ts": w["at"] + 5, "tag": "line/canary#score", "value": value, "source": "mqtt"}]
    _, incidents = run(windows)
    (incident,) = incidents.values()
    assert not any("frozen reference inputs" in told for told in (*incident.would_settle, *incident.speaks_against))
    steady = swapped()
    for w in steady:
        w["tag_values"] = [{"ts": w["at"] + 5, "tag": "line/canary#score", "value": 0.42, "source": "mqtt"}]
    (other,) = run(steady)[1].values()
    assert other.probability < incident.probability
    assert any("reference inputs are as before" in told for told in other.speaks_against)


def test_a_new_source_of_training_data_is_lineage() -> None:
    at = LEARN + 10
    windows = plant(LEARN + 30, lambda number: 0.06 if number >= at else 0.0)
    fetch = {"info": f"GET {HISTORIAN}/rows.csv 200", "bytes_in": 9000}
    when = (LEARN + 2) * BLOCK
    post = {"info": f"POST {HISTORIAN}/ingest 201", "bytes_out": 40_000, "packets_out": 50}
    windows[LEARN + 2]["flows"] = [flow(OFFICE, HISTORIAN, "http", ts=when, flow_id=91, frame=91, **post)]
    windows[LEARN + 6]["flows"] = [flow(TRAINER, HISTORIAN, "http", ts=(LEARN + 6) * BLOCK, flow_id=92, **fetch)]
    windows[LEARN + 8]["files"] = [carried((LEARN + 8) * BLOCK, TRAINER, REGISTRY, NEW)]
    windows[at]["files"] = [carried(at * BLOCK, REGISTRY, EDGE, NEW)]
    made = learnt(windows)
    list(feed(made, windows[LEARN:]))
    made.finish()
    assert made.insight.flow.graph.reach("wear")[TRAINER] == "supply"
    assert (HISTORIAN, TRAINER, "training") in made.insight.flow.graph.edges
    (incident,) = made.insight.incidents
    names = [s.event.kind for s in incident.suspects if s.event is not None]
    assert "lateral.file_transfer" in names
    told = (*incident.speaks_for, *incident.speaks_against)
    assert any("nobody approved fed its training" in text for text in told)


def test_every_structure_is_bounded_and_counted() -> None:
    made = learnt(swapped())
    list(feed(made, swapped()[LEARN:]))
    counted = made.counters()
    for name in ("drift.streams", "correlator.events", "correlator.edges", "flow.streams", "flow.readers"):
        assert name in counted
    assert counted["correlator.edges"] > 5 and counted["drift.streams"] == 3
