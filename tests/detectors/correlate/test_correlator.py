"""One small plant by hand, its terms one by one; and properties over simulated ones."""

import json
import math
import random
import time

import numpy as np
import pytest

from detectors import catalogue
from detectors.changes import Change, Changes
from detectors.correlate.correlator import Correlator
from detectors.correlate.factory import SYMPTOM, factory, type_of, words
from detectors.correlate.graph import Graph
from detectors.correlate.rows import CAUSES, FEATURES, MARKS, REACHES, SILENT, Event, Fact
from detectors.correlate.score import calibrated, probability, share_here
from detectors.drift.rows import DriftAlert
from tests.evaluate.simulator import BACKGROUND, DAY, DAYS, T0, Stress, plant

HOUR = 3600 * 10**9
SIMULATED = {kind for kind, *_ in BACKGROUND}
NOW = T0 + 20 * DAY
EDGES = [
    ("10.0.1.1", "line/flow", "data"), ("10.0.1.9", "10.0.1.1", "data"), ("line/flow", "pump", "data"), ("pump", "scada", "data"),
    ("10.0.5.1", "pump", "host"), ("registry", "10.0.5.1", "supply"), ("historian", "trainer", "training"), ("trainer", "pump", "training"),
]  # fmt: skip


def drift(model="pump", stream="output", kind="output", since=NOW, shape="step", **more):
    given = {"drift_id": f"{model}/{stream}/{since}", "ts": since + HOUR // 2, "detector": "cusum", "statistic": 12.0, "threshold": 9.0,
             "p_value": None, "baseline": "", "current": "", "window": "", "magnitude": 2.0, "since_low": since - HOUR // 6, "since_high": since + HOUR // 6}  # fmt: skip
    return DriftAlert(model_id=model, stream=stream, kind=kind, since=since, shape=shape, **(given | more))


def event(name, kind, src, dst, ago, target="", **marks):
    return Event(
        name,
        NOW - round(ago * HOUR),
        kind,
        src,
        dst,
        target,
        {"source": "known", "ticket": "no", "shift": "in"} | marks,
    )


def swap():
    """A model exchanged by a stranger, among a fortnight of usual business."""
    usual = [
        event(f"w{n}", "new_writer.write", "hmi", "10.0.1.1", 30 * n + 20, source="approved", ticket="yes")
        for n in range(10)
    ]
    usual += [event(f"s{n}", "scan.ports", "it-1", "it-2", 11 * n + 5) for n in range(20)]
    return [
        *usual,
        event("a", "artefact.transfer", "stranger", "10.0.5.1", 0.3, source="new", shift="out", verdict="unknown"),
    ]


def correlator(events=(), drifts=(), facts=(), **more):
    made = Correlator(
        Graph(EDGES), {"line/flow": "line", "line/heat": "line"}, {"pump": {"version", "lineage", "relation"}}, **more
    )
    made.events(events)
    made.drifts(drifts)
    made.facts(facts)
    return made


DRIFTS = [drift(), drift(stream="output given inputs", kind="relation")]
FACTS = [Fact(NOW - HOUR // 10, "pump", "version", "changed")]


def test_an_exchanged_model_is_named_with_its_event_term_by_term():
    (incident,) = correlator(swap(), DRIFTS, FACTS).judge(NOW + DAY)
    assert incident.cause == "model_swap" and incident.level == "incident" and incident.probability > 0.9
    first = incident.suspects[0]
    assert first.event.event_id == "a" and incident.alert_ids == ("a",)
    assert math.isclose(sum(first.terms.values()), first.score, abs_tol=1e-9)
    tables = factory()
    hypothesis = next(h for h in tables.hypotheses if h.name == "model_swap")
    assert first.terms["prior"] == math.log(hypothesis.prior)
    assert first.terms["type"] == hypothesis.types[tables.types.index("artefact")]
    assert first.terms["reach host"] == hypothesis.reaches[REACHES.index("host")]
    assert first.terms["verdict unknown"] == hypothesis.marks["verdict"][MARKS["verdict"].index("unknown")]
    assert first.terms["drift version changed"] == hypothesis.features["version"][FEATURES["version"].index("changed")]
    # λ of a type seen once, that once being this event: the factory's rate over the watched hours, times how usual
    # its marks and reach are.
    at = tables.types.index("artefact")
    hours = (NOW + DAY - (NOW - 290 * HOUR)) / HOUR
    rate = tables.background.rates[at] * 48 / (hours + 48)
    share = tables.background.reaches[at][REACHES.index("host")]
    for mark, value in {"source": "new", "ticket": "no", "shift": "out", "verdict": "unknown", "chain": "0"}.items():
        share *= tables.background.marks[mark][at][MARKS[mark].index(value)]
    assert math.isclose(first.terms["rarity"], -math.log(rate * share), rel_tol=1e-9)


def test_an_incident_says_what_an_analyst_needs():
    (incident,) = correlator(swap(), DRIFTS, FACTS).judge(NOW + DAY)
    assert "stranger" in incident.title and "pump" in incident.title
    assert incident.severity == "critical" and "AML.T0018" in incident.techniques
    assert [row["what"] for row in incident.timeline] == ["event", "drift"]
    assert incident.blast_radius == ("scada",) and "registry" in incident.runbook
    assert any("the registry does not know the artefact" in text for text in incident.speaks_for)
    assert any("reference inputs" in text for text in incident.would_settle)
    assert abs(sum(incident.causes.values()) - 1) < 0.01 and set(incident.causes) <= set(CAUSES)
    json.dumps([incident.causes, incident.timeline])


def test_approved_work_is_not_an_incident():
    lawful = event(
        "a", "artefact.transfer", "registry", "10.0.5.1", 0.3, source="approved", ticket="yes", verdict="approved"
    )
    covered = [*FACTS, Fact(NOW, "pump", "change", "covered")]
    (incident,) = correlator([*swap()[:-1], lawful], DRIFTS, covered).judge(NOW + DAY)
    assert incident.level == "note" and incident.cause == "benign_process" and incident.probability < 0.1
    assert incident.alert_ids == ("a",)  # as the lawful explanation


def test_a_change_of_the_site_covers_what_lies_upstream():
    approved = Changes([Change("C-7", NOW - 2 * HOUR, NOW + HOUR, ("10.0.1.0/24",), ("write",))])
    elsewhere = Changes([Change("C-8", NOW - 2 * HOUR, NOW + HOUR, ("10.9.0.0/16",), ())])
    chances = [
        correlator(swap(), DRIFTS, FACTS, changes=c).judge(NOW + DAY)[0].probability
        for c in (approved, elsewhere, None)
    ]
    assert chances[0] < chances[1] == chances[2]


def test_what_is_linked_moves_together_in_a_real_change():
    moved = [drift("", "line/flow", "input"), drift(shape="step")]
    alone = correlator(drifts=moved).judge(NOW + DAY)[0]
    together = correlator(drifts=[*moved, drift("", "line/heat", "input")]).judge(NOW + DAY)[0]
    assert together.probability < alone.probability and together.cause == "benign_process"


def test_a_difference_between_source_and_model_speaks_of_manipulation():
    moved = [drift("", "line/flow", "input"), drift()]
    events = [*swap()[:-1], event("m", "arp.change", "stranger", "10.0.1.9", 0.4, source="new")]
    plain = correlator(events, moved).judge(NOW + DAY)[0]
    seen = correlator(events, moved, [Fact(NOW, "pump", "sides", "differ")]).judge(NOW + DAY)[0]
    assert seen.cause == "input_manipulation" and seen.probability > plain.probability
    assert seen.suspects[0].event.event_id == "m"


def test_a_new_source_of_training_data_names_poisoning():
    began = NOW - 6 * DAY
    poison = Event(
        "p", began, "historian.write", "stranger", "historian", "", {"source": "new", "ticket": "no", "shift": "out"}
    )
    retrained = event("a", "artefact.transfer", "registry", "10.0.5.1", 0.3, source="approved", verdict="approved")
    events = [*swap()[:-1], poison, retrained]
    blind = correlator(events, DRIFTS, FACTS).judge(NOW + DAY)[0]
    told = correlator(events, DRIFTS, [*FACTS, Fact(began, "pump", "lineage", "new_source")]).judge(NOW + DAY)[0]
    assert told.probability > blind.probability and told.cause == "data_poisoning"
    assert told.suspects[0].event.event_id == "p"


def test_an_incident_keeps_its_id_while_evidence_arrives():
    made = correlator(swap()[:-1], DRIFTS[:1])
    (early,) = made.judge(NOW + HOUR)
    assert made.judge(NOW + HOUR) == []
    made.events(swap()[-1:])
    made.drifts(DRIFTS[1:])
    made.facts(FACTS)
    (late,) = made.judge(NOW + 2 * HOUR)
    assert late.incident_id == early.incident_id and late.probability > early.probability
    assert len(late.drift_ids) == 2


def test_models_with_one_root_are_one_incident():
    graph = Graph([*EDGES, ("10.0.5.1", "fan", "host")])
    made = Correlator(graph)
    made.events(swap())
    made.drifts([*DRIFTS, drift("fan", since=NOW + HOUR // 3)])
    (incident,) = made.judge(NOW + DAY)
    assert incident.models == ("fan", "pump") and len(incident.drift_ids) == 3


def test_reach_in_the_graph():
    graph = Graph(EDGES)
    assert graph.reach("pump") == {
        "10.0.5.1": "host", "line/flow": "feed", "10.0.1.1": "feed", "registry": "supply", "trainer": "training",
        "historian": "training", "10.0.1.9": "upstream", "scada": "downstream",
    }  # fmt: skip
    assert graph.above(["line/flow"]) == {"line/flow": "moved", "10.0.1.1": "moved", "10.0.1.9": "above"}
    with pytest.raises(ValueError, match="there is no edge 'love'"):
        graph.add("a", "b", "love")


def simulated(seed, stress=None, order=None):
    made = plant(seed, stress or Stress(incidents=12))
    one = Correlator(made.graph, made.linked, made.watched)
    shuffle = order or (lambda rows: rows)
    one.events(shuffle(made.events))
    one.drifts(shuffle(made.drifts))
    one.facts(shuffle(made.facts))
    return made, one


def test_the_same_evidence_in_any_order_is_the_same_incidents():
    rng = random.Random(4)
    expected = simulated(7)[1].judge(NOW + 30 * DAY)
    assert len(expected) > 3
    assert simulated(7, order=lambda rows: rng.sample(rows, len(rows)))[1].judge(NOW + 30 * DAY) == expected


def test_a_snapshot_goes_on_where_it_was_taken():
    made, through = simulated(8)
    half = len(made.events) // 2
    parted = Correlator(made.graph, made.linked, made.watched)
    parted.events(made.events[:half])
    parted.drifts(made.drifts[:3])
    parted.judge(made.events[half].ts)
    state = json.loads(json.dumps(parted.snapshot()))
    restored = Correlator()
    restored.restore(state)
    assert json.loads(json.dumps(restored.snapshot())) == state
    for one in (parted, restored):
        one.events(made.events[half:])
        one.drifts(made.drifts[3:])
        one.facts(made.facts)
    now = T0 + DAYS * DAY
    assert restored.incidents(now) == parted.incidents(now) == through.incidents(now)


def test_evidence_is_bounded(monkeypatch):
    monkeypatch.setattr("detectors.correlate.correlator.EVENTS", 10)
    made = correlator(swap(), DRIFTS, FACTS)
    (incident,) = made.judge(NOW + DAY)
    assert made.counters()["events"] == 10 and made.counters()["evicted"] == 21
    assert incident.alert_ids == ("a",)  # the newest are kept
    assert made.judge(NOW + 100 * DAY) == [] and made.counters()["drifts"] == 0


def test_ten_thousand_alerts_with_a_hundred_drifts_in_a_second():
    rng = random.Random(5)
    kinds = ["new_writer.write", "scan.ports", "remote.session", "artefact.transfer", "publisher.new", "arp.change"]
    models = [f"model-{n}" for n in range(20)]
    graph = Graph(
        [(f"plc-{n}", f"s{n}", "data") for n in range(60)] + [(f"s{n}", models[n % 20], "data") for n in range(60)]
    )
    made = Correlator(graph)
    made.events(
        Event(
            str(n),
            NOW - rng.randrange(20 * DAY),
            rng.choice(kinds),
            f"h{rng.randrange(300)}",
            f"plc-{rng.randrange(60)}",
        )
        for n in range(10_000)
    )
    made.drifts(drift(rng.choice(models), since=NOW - n * 4 * HOUR) for n in range(100))
    begun = time.process_time()
    found = made.judge(NOW + DAY)
    assert time.process_time() - begun < 1.0
    assert 80 <= sum(len(i.drift_ids) for i in found) == 100


def test_tables_and_words_are_whole():
    tables = factory()
    for h in tables.hypotheses:
        assert 0.99 < float(np.exp(h.types).sum()) < 1.01 and 0.99 < float(np.exp(h.reaches).sum()) < 1.01
        for name, silent in SILENT.items():
            assert h.features[name][FEATURES[name].index(silent)] == 0.0  # says nothing
        assert set(FEATURES) == set(h.features) and set(MARKS) == set(h.marks)
    assert {h.cause for h in tables.hypotheses} == set(CAUSES) - {"network_only"}
    says = words()["says"]
    for name, values in {**FEATURES, **MARKS}.items():
        for value in values:
            known = value != SILENT.get(name) and f"{name} {value}" not in ("verdict none", "shape rate", "shape mix")
            assert (f"{name} {value}" in says) == known, (name, value)
    assert set(words()["techniques"]) == set(words()["names"]) == set(CAUSES)
    types = {*words()["types"].values(), *words()["refined"].values(), "other"}
    assert types - {SYMPTOM} == set(tables.types)
    for told in words()["facts"].values():
        feature, value = told.split(" ")
        assert value in FEATURES[feature]
    assert type_of("new_writer.write") == "write" and type_of("scan.hosts.slow") == "scan" and type_of("x.y") == "other"


def test_every_kind_of_the_catalogue_is_of_a_type():
    """By its own name or its detector's: a new detector is sorted in by a line in `kinds.toml`, not forgotten."""
    named = words()["types"]
    for entry in catalogue.entries():
        detector = entry.id.partition(".")[0]
        assert entry.id in named or detector in named, f"{entry.id}: neither it nor {detector!r} is in kinds.toml"
        assert type_of(entry.id) in {*factory().types, SYMPTOM}


def test_what_kinds_toml_names_exists():
    kinds = {entry.id for entry in catalogue.entries()}
    detectors = {kind.partition(".")[0] for kind in kinds}
    for name in [*words()["facts"], *(key.partition(" ")[0] for key in words()["refined"])]:
        assert name in kinds
    for name in words()["types"]:
        assert "." not in name or name in kinds or name in SIMULATED or name.partition(".")[0] not in detectors, name


def test_the_curve_rises_and_is_bounded_by_its_lapses():
    tables = factory()
    odds = [calibrated(x, tables) for x in (-100, -5, -1, 0, 1, 5, 100)]
    assert odds == sorted(odds)
    assert 0.005 < probability(odds[0]) < 0.1 and 0.9 < probability(odds[-1]) < 0.999


def test_a_quiet_site_lowers_the_share_of_attacks():
    tables = factory()
    quiet, busy = share_here([-3.0] * 40, tables), share_here([3.0] * 40, tables)
    assert quiet < 0.7 * tables.share < tables.share < busy
    assert share_here([], tables) == pytest.approx(tables.share)
