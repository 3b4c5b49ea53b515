import json
from importlib.metadata import EntryPoint

import pyarrow as pa
import pytest

from detectors import catalogue, registry, tables
from detectors.address import text
from detectors.base import Detector
from detectors.new_writer import Settings
from detectors.pipeline import Pipeline
from detectors.zones import Policy, Zone
from tests.detectors import battery
from tests.detectors.build import SECOND, T0, act, flow, rows

POLICY = Policy([Zone("cell", 1, ("10.0.1.0/24",)), Zone("office", 4, ("10.0.9.0/24",), kind="it")])


def given(*windows):
    for w in windows:
        at = w.pop("at")
        yield {name: rows(name, *r) for name, r in w.items()}, T0 + round(at * SECOND), T0 + round((at + 10) * SECOND)


def run(pipeline, windows):
    return [pipeline.observe(*one, True) for one in given(*windows)]


def test_alerts_are_complete_and_in_order():
    pipeline = Pipeline(POLICY, {}, "sensor-1", "case-7")
    [alerts] = run(
        pipeline, [{"at": 0, "flows": [flow("10.0.9.5", "10.0.1.10", "modbus"), flow("10.0.9.5", "10.0.1.11", "ftp")]}]
    )
    assert sorted(a.kind for a in alerts) == [
        "boundary.it_ot",
        "boundary.it_ot",
        "cleartext.login",
        "cleartext.protocol",
    ]
    for alert in alerts:
        assert (alert.sensor, alert.case_id, alert.src_zone, alert.dst_zone) == ("sensor-1", "case-7", "office", "cell")
        assert alert.title and alert.summary and alert.techniques and alert.controls
    assert [a.severity for a in alerts] == ["high", "medium", "medium", "medium"]  # of the same time
    assert pipeline.counters()["alerts.boundary.it_ot"] == 2
    assert [text(row.ip) for row in pipeline.assets()] == ["10.0.1.10", "10.0.1.11", "10.0.9.5"]


def test_no_alert_before_a_windows_last_part():
    pipeline = Pipeline(POLICY, {})
    [(made, start, end)] = given({"at": 0, "flows": [flow("10.0.9.5", "10.0.1.10", "modbus")]})
    assert pipeline.observe(made, start, end, False) == []
    assert len(pipeline.observe({}, start, end, True)) == 2


def test_a_run_stopped_and_resumed_says_the_same():
    windows = battery.windows(5, 6)
    through, before, after = (Pipeline(Policy(), {}) for _ in range(3))
    expected = [*run(through, [dict(w) for w in windows]), through.finish(), through.assets()]
    got = run(before, [dict(w) for w in windows[:3]])
    after.restore(json.loads(json.dumps(before.snapshot())))
    got += [*run(after, [dict(w) for w in windows[3:]]), after.finish(), after.assets()]
    assert got == expected
    # Which sessions the inventory looked at is not part of a snapshot: a second look adds nothing.
    differ = {name for name, count in through.counters().items() if count != after.counters()[name]}
    assert differ <= {"assets.sessions"}


def test_settings():
    assert "scan" not in Pipeline(POLICY, {"scan": {"enabled": False}}).detectors
    with pytest.raises(ValueError, match=r"\[detectors.scan\]: there is no setting 'prots'; there are .*ports"):
        Pipeline(POLICY, {"scan": {"prots": 3}})
    with pytest.raises(ValueError, match=r"\[detectors.scann\]: there is no such detector"):
        registry.check({"scann": {}})
    for section, words in (
        ({"ports": "many"}, "int is expected"), ({"ports": True}, "int is expected"), ({"ports": -1}, "negative"),
        ({"enabled": "no"}, "true or false"), ({"ignore": "10.0.0.1"}, "a list is expected"), ({"ignore": [7]}, "a host's address is expected"),
        ({"ignore": ["10.0.0"]}, r"\[detectors.scan\] ignore: '10.0.0' is no address"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            registry.check({"scan": section})
    registry.check({"scan": {"seconds": 60, "ignore": ["10.0.0.1"], "enabled": False}, "cleartext": {}})


class Custom(Detector):
    """A detector of another package."""

    name = "custom"
    kinds = ("custom.thing",)
    reads = ("flows",)
    settings_class = Settings
    entries = (
        catalogue.Entry("custom.thing", "A thing", "low", "m", "a", "c", ("T0846",), ("SR 6.2",), ("SI-4",), ("-",), "x", "y"),
    )  # fmt: skip

    def gather(self, window):
        if window.start > T0:
            raise RuntimeError("tripped over its own feet")
        self.book.cause("custom.thing", (1,))[1].seen(len(window["flows"]), window.start, window.start)


@pytest.fixture
def custom(monkeypatch):
    point = EntryPoint("custom", f"{__name__}:Custom", registry.GROUP)
    monkeypatch.setattr(registry, "installed", lambda: {"custom": point})
    yield point
    catalogue._added.clear()
    catalogue.entry.cache_clear()


def test_a_detector_of_another_package_runs_and_when_it_raises_is_switched_off(custom):
    pipeline = Pipeline(POLICY, {"custom": {"late_share": 0.5}})
    plain = {"flows": [flow("10.0.1.5", "10.0.1.10", "modbus", ts=11)]}
    first, second, third = run(pipeline, [{"at": at, **plain} for at in (0, 10, 20)])
    assert [a.title for a in first] == ["A thing", "OT protocol without encryption or authentication"]
    assert second == third == []
    assert pipeline.notes()[0] == "detector custom was switched off: RuntimeError: tripped over its own feet"
    assert pipeline.counters()["detectors.failed"] == 1


def test_a_detector_that_cannot_be_loaded_is_said(monkeypatch):
    broken = {name: EntryPoint(name, value, registry.GROUP) for name, value in
              (("gone", "no_such_module:X"), ("wrong", "json:dumps"), ("other", f"{__name__}:Custom"))}  # fmt: skip
    monkeypatch.setattr(registry, "installed", lambda: broken)
    pipeline = Pipeline(POLICY, {})
    assert set(pipeline.failures) == {"gone", "wrong", "other"} and len(pipeline.detectors) == len(registry.BUILTIN)


def test_a_table_without_its_columns_switches_detectors_off_and_says_so():
    pipeline = Pipeline(POLICY, {})
    assert pipeline.observe({"tls": pa.table({"ts": [1]})}, T0, T0 + SECOND, True) == []
    told = pipeline.notes()
    assert "detector cleartext was switched off: KeyError: 'Field \"version_number\" does not exist in schema'" in told
    assert all("was switched off" in note for note in told) and len(told) == len(pipeline.failures)


def test_inferred_zones_and_unfinished_learning_are_said():
    pipeline = Pipeline(Policy(), {})
    run(pipeline, [{"at": 0, "behaviours": [act("10.0.1.5", "10.0.1.10", "modbus", "x", "write")]}])
    assert [note.split(":")[0] for note in pipeline.notes()] == [
        "no zones are configured",
        "still learning at the end (needs 6 windows without anything new or 300 s)",
    ]


def test_arrow_tables_for_the_store():
    pipeline = Pipeline(POLICY, {}, "s", "c")
    [found] = run(pipeline, [{"at": 0, "flows": [flow("10.0.9.5", "10.0.1.10", "modbus", frame=9)]}])
    table = tables.alerts(found)
    evidence = dict(zip(table["kind"].to_pylist(), map(json.loads, table["evidence"].to_pylist()), strict=True))
    assert evidence["cleartext.protocol"]["clients"] == ["10.0.9.5"] and len(evidence) == 2
    assert table["frames"][0].as_py() == [9] and table["ts"].type == pa.timestamp("ns", tz="UTC")
    assert tables.alerts([]).schema == table.schema
    assets = tables.assets(pipeline.assets())
    assert assets.num_rows == 2 and assets["zone"].to_pylist() == ["cell", "office"]
    assert tables.assets([]).schema == assets.schema
