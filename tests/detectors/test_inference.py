"""A host's log against the network: a model that says a value each two seconds, from what it read a moment before."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from detectors import comparison
from detectors.arrived import HostOutput
from detectors.inference import Inference
from detectors.models import Model
from tests.detectors.build import SECOND, T0, detector, step, window

EDGE, BROKER, SENSOR = "10.0.2.3", "10.0.2.9", "10.0.1.7"
WEAR = Model("wear", (EDGE,), ("plant/telemetry",), ("plant/wear",))
LENGTH = 300  # seconds
RNG = random.Random("inference")
READ = [round(3.5 + RNG.random(), 3) for _ in range(LENGTH)]
SAID = [round(RNG.random(), 4) for _ in range(LENGTH)]


def message(ts: float, topic: str, payload: Any, src: str = EDGE) -> dict[str, Any]:
    return {
        "ts": ts, "src_ip": src, "dst_ip": BROKER, "dst_port": 1883, "packet_type": 3, "packet": "PUBLISH", "topic": topic,
        "payload": json.dumps(payload).encode(), "flow_id": len(topic), "frame": 1 + round(ts * 10),
    }  # fmt: skip


def wire() -> list[dict[str, Any]]:
    made = []
    for at in range(0, LENGTH, 2):
        made.append(message(at, "plant/telemetry", {"vibration": READ[at], "mode": "auto"}, SENSOR))
        made.append(message(at + 0.4, "plant/wear", {"score": SAID[at], "version": "1.4"}))
    return made


def host(offset: float = 0.0) -> list[HostOutput]:
    return [
        HostOutput(T0 + round((at + 0.3 + offset) * SECOND), "wear", SAID[at], model_version="1.4",
                   inputs={"vibration": READ[at]}, place=f"wear.jsonl:{at // 2 + 1}")
        for at in range(0, LENGTH, 2)
    ]  # fmt: skip


def at(log: list[HostOutput], second: int) -> int:
    return second // 2


def judged(messages: list[dict[str, Any]], log: list[HostOutput], **settings: object) -> tuple[list[Any], Inference]:
    made = detector(Inference, models=[WEAR], **settings)
    made.hears = lambda one: [line for line in log if (one.start <= line.ts or one.start == T0) and line.ts < one.end]  # type: ignore[attr-defined]
    last = {}
    for begin in range(0, LENGTH, 10):
        found = [m for m in messages if begin <= m["ts"] < begin + 10]
        for alert in step(made, window(begin, mqtt=found)):
            last[alert.alert_id] = alert
    made.site.arrived.take((), [line for line in log if line.ts >= T0 + LENGTH * SECOND])
    for alert in made.finish():
        last[alert.alert_id] = alert
    return sorted(last.values(), key=lambda a: (a.kind, a.alert_id)), made  # type: ignore[return-value]


@pytest.mark.parametrize("offset", [0.0, 0.9, -7.25, 40.0, -170.0, 250.0])
def test_two_accounts_that_agree_say_nothing_whatever_the_clocks(offset) -> None:
    alerts, made = judged(wire(), host(offset))
    assert alerts == []
    counters = made.counters()
    assert counters["agreed"] >= LENGTH // 2 - 1 - (abs(offset) // 2 if offset < 0 else 0)
    assert counters.get("differs", 0) == counters.get("unlogged", 0) == counters.get("unseen", 0) == 0
    assert made._models["wear"].offset == pytest.approx((offset - 0.1) * SECOND, abs=SECOND / 5)
    notes = [note for note in made.notes() if "clock of the host" in note]
    assert len(notes) == (abs(offset - 0.1) >= 1)
    if notes:
        assert f"{abs(offset - 0.1):.1f} s {'ahead of' if offset > 0 else 'behind'} the wire's" in notes[0]


@pytest.mark.parametrize("offset", [0.0, -40.0, 25.0])
def test_an_output_that_the_log_denies(offset) -> None:
    log = host(offset)
    log[at(log, 100)] = replace(log[at(log, 100)], value=7.5)
    messages = wire()
    alerts, _ = judged(messages, log)
    [alert] = alerts
    assert (alert.kind, alert.severity, alert.count, alert.protocol) == ("inference.disagreement", "high", 1, "")
    assert alert.src_ip.endswith(bytes([10, 0, 2, 3])) and alert.frames == (1005,)
    assert alert.first_ts == T0 + round(100.4 * SECOND)
    assert alert.summary.startswith(
        f"The network shows output {SAID[100]:g} of model wear at 2023-11-14T22:15:00Z, its host's own log says 7.5 "
        "(wear.jsonl:51)"
    )
    assert alert.evidence["differ"] == 1 and alert.evidence["agreed"] > 40
    assert alert.evidence["clock_offset_seconds"] == pytest.approx(offset - 0.1, abs=0.2)


def test_an_input_that_the_log_says_otherwise() -> None:
    log = host()
    log[at(log, 60)] = replace(log[at(log, 60)], inputs={"vibration": 9.9})
    alerts, _ = judged(wire(), log)
    [alert] = alerts
    assert alert.evidence["what"] == alert.evidence["target"].join(("input ", "")) == "input plant/telemetry#vibration"
    assert "its host's own log says 9.9 (wear.jsonl:31)" in alert.summary
    assert alert.severity == "high"


def test_an_input_on_the_network_that_the_log_never_had() -> None:
    """Somebody publishes a reading between two true ones: the host's log has those and not this."""
    messages = [*wire(), message(101.0, "plant/telemetry", {"vibration": 77.0}, "10.0.9.9")]
    alerts, _ = judged(messages, host())
    [alert] = alerts
    assert alert.kind == "inference.disagreement"
    assert "The network shows input plant/telemetry#vibration 77 of model wear" in alert.summary
    assert "has no such value" in alert.summary


def test_a_version_that_the_log_says_otherwise() -> None:
    log = host()
    log[50:53] = [replace(line, model_version="1.5") for line in log[50:53]]
    [alert] = judged(wire(), log)[0]
    assert (alert.count, alert.evidence["what"]) == (3, "version")
    assert "version 1.4 of model wear" in alert.summary and "says 1.5" in alert.summary


def test_outputs_that_the_log_lacks_and_that_the_network_lacks() -> None:
    log = [line for n, line in enumerate(host()) if n not in (40, 41, 90)]
    messages = [m for m in wire() if not (200 <= m["ts"] <= 206 and m["topic"] == "plant/wear")]
    alerts, _ = judged(messages, log, time_tolerance=0.5)
    kinds = {alert.kind: alert for alert in alerts}
    assert set(kinds) == {"inference.unlogged", "inference.unseen"}
    assert kinds["inference.unlogged"].count == 3
    assert (
        "3 outputs of model wear that the network shows its host's own log does not have"
        in kinds["inference.unlogged"].summary
    )
    assert kinds["inference.unseen"].count == 3
    assert [r.split(": ")[1].split(" ")[0] for r in kinds["inference.unlogged"].evidence["records"]] == [
        f"{SAID[n]:.6g}" for n in (80, 82, 180)
    ]


def test_a_log_of_samples_is_none_that_lacks() -> None:
    alerts, made = judged(wire(), host()[::5], time_tolerance=0.5)
    assert alerts == []
    assert any("taken for a log of samples" in note for note in made.notes())


def test_a_log_in_other_units_is_doubted_once() -> None:
    log = [replace(line, value=float(line.value) * 100) for line in host()]  # type: ignore[arg-type]
    alerts, made = judged(wire(), log)
    [alert] = [a for a in alerts if a.evidence.get("what") == "output"]
    assert (alert.severity, alert.confidence) == ("medium", 0.4)
    assert "may be in other units" in alert.summary
    assert any("look at units and fields" in note for note in made.notes())


def test_what_the_network_rounds_agrees() -> None:
    log = [replace(line, value=float(line.value) + 0.00004) for line in host()]  # type: ignore[arg-type]
    assert judged(wire(), log)[0] == []


def test_a_log_of_a_model_that_the_network_does_not_show() -> None:
    log = [replace(line, model_id="other") for line in host()]
    alerts, made = judged(wire(), log)
    assert alerts == []
    assert any("the network showed no output of it" in note for note in made.notes())


def test_a_log_read_twice_is_one_log() -> None:
    log = host()
    log[at(log, 100)] = replace(log[at(log, 100)], value=7.5)
    once = judged(wire(), log)[0]
    assert judged(wire(), log + [replace(line, place="copy") for line in log])[0][0].count == once[0].count == 1


def test_memory_is_bounded(monkeypatch) -> None:
    for name, limit in (("WAITING", 40), ("READINGS", 30), ("STREAMS", 2)):
        monkeypatch.setattr(comparison, name, limit)
    messages = [message(t / 10, "plant/telemetry", {f"x{t}": 1}) for t in range(500)]
    _, made = judged(wire() + messages, host(), patience=10_000.0)
    held = made._models["wear"]
    assert held.size() <= 40 + 40 + 2 * 30
    assert made.counters()["unjudged"] > 0
    json.dumps(made.snapshot())
