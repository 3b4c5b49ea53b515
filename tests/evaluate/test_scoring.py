"""What counts as found, and what as false."""

from __future__ import annotations

from pathlib import Path

import pytest

from detectors import address
from detectors.alert import Alert
from tests.evaluate import scoring
from tests.evaluate.data import SECOND, Event, Part, Run
from tests.evaluate.judge import Judged, Seen
from tests.evaluate.scoring import Score, Windows

GUEST, PLC, HMI = (address.parse(ip) for ip in ("10.30.0.77", "10.40.0.11", "10.30.0.10"))
WRITE = Event("write", 100 * SECOND, 120 * SECOND, frozenset(["new_writer.write"]), frozenset(["assets.new"]), False,
              frozenset([GUEST, PLC]))  # fmt: skip


def seen(kind: str = "new_writer.write", *seconds: float, severity: str = "high", src: bytes = GUEST) -> Seen:
    first, last = int(seconds[0] * SECOND), int(seconds[-1] * SECOND)
    alert = Alert(f"{kind}{seconds}", kind.partition(".")[0], kind, "", severity, 1.0, src, bytes(16), "modbus", "", 1,
                  first, last)  # fmt: skip
    return Seen(alert, [(int(s * SECOND), (int(s) // 10 + 1) * 10 * SECOND) for s in seconds])


def score(*alerts: Seen, events: tuple[Event, ...] = (WRITE,), **of_run: object) -> Score:
    run = Run("r", Part(Path("r.pcap")), events, **of_run)  # type: ignore[arg-type]
    total = Score()
    total.add(Judged(run, list(alerts), messages=1000, windows=[(0, 300 * SECOND)]))
    return total


def test_an_alert_of_the_kind_in_time_finds_it() -> None:
    found = score(seen("new_writer.write", 103, 108))
    assert (found.hit, found.true, found.false) == (1, 1, 0)
    assert found.findings[0].delay == 10.0


@pytest.mark.parametrize(
    "alert",
    [
        seen("scan.ports", 103),  # another kind
        seen("new_writer.write", 50),  # before
        seen("new_writer.write", 50, 110),  # begun before: no fruit of this event
        seen("new_writer.write", 190),  # after the grace
        seen("new_writer.write", 110, src=HMI),  # of another host
    ],
)
def test_what_does_not_find_it_is_false(alert: Seen) -> None:
    found = score(alert)
    assert (found.hit, found.true, found.false) == (0, 0, 1)
    assert found.missed == ["r: write"]


def test_an_amount_counted_from_before_is_no_false_alarm() -> None:
    amount = seen("new_writer.write", 45, 108)
    amount.moments = [(ts, 110 * SECOND) for ts, _ in amount.moments]
    assert score(amount).hit == 1


def test_soon_after_is_in_time() -> None:
    assert score(seen("new_writer.write", 150)).hit == 1


def test_what_is_true_besides_counts_for_nothing() -> None:
    found = score(seen("assets.new", 105, severity="medium"))
    assert (found.hit, found.true, found.false) == (0, 0, 0)
    assert score(seen("assets.new", 50, severity="medium")).false == 1


def test_low_and_standing_alerts_are_not_false_but_silent_ones_are() -> None:
    low, standing = seen("boundary.conduit", 50, severity="low"), seen("cleartext.login", 50, severity="medium")
    assert score(low).false == 0
    assert score(low, silent=("boundary",)).false == 1
    assert score(standing).false == 1
    assert score(standing, standing=frozenset(["cleartext.login"])).false == 0


def test_what_is_not_asked_for_is_neither_missed_nor_false() -> None:
    quiet = Event("q", 100 * SECOND, 120 * SECOND, frozenset(), frozenset(["a.x"]))
    found = score(seen("a.x", 105), seen("b.y", 105), events=(quiet,))
    assert (found.events, found.true, found.false) == (0, 0, 1)


def test_hosts_that_were_not_recorded_are_not_missed() -> None:
    gone = seen("assets.vanished", 105, severity="medium", src=HMI)
    assert score(gone).false == 1
    assert score(gone, absent=frozenset([HMI])).false == 0


def test_every_kind_may_be_wanted() -> None:
    both = Event("b", 100 * SECOND, 120 * SECOND, frozenset(["a.x", "b.y"]), every=True)
    assert score(seen("a.x", 105), events=(both,)).hit == 0
    found = score(seen("a.x", 105), seen("b.y", 118), events=(both,))
    assert found.hit == 1
    assert found.delays == [20.0]


def test_an_alert_of_one_event_does_not_find_the_next() -> None:
    again = Event("again", 125 * SECOND, 130 * SECOND, WRITE.expected, hosts=WRITE.hosts)
    assert score(seen("new_writer.write", 110, 122), events=(WRITE, again)).missed == ["r: again"]
    assert score(seen("new_writer.write", 110, 126), events=(WRITE, again)).hit == 2


def test_runs_are_judged_where_they_were_moved() -> None:
    moved = score(seen("new_writer.write", 100 + 86400))
    assert moved.hit == 0
    run = Run("r", Part(Path("r.pcap"), 86400 * SECOND), (WRITE,))
    total = Score()
    total.add(Judged(run, [seen("new_writer.write", 100 + 86400)], windows=[(0, 300 * SECOND)]))
    assert total.hit == 1


def test_windows() -> None:
    judged = Judged(Run("r", Part(Path("r.pcap"))), [seen("x.y", 5, 25)], windows=[(n * SECOND, (n + 10) * SECOND) for n in (0, 10, 20, 30)])  # fmt: skip
    total = Windows()
    total.add(judged, {10 * SECOND, 20 * SECOND})
    assert (total.attacked, total.hit, total.clean, total.false) == (2, 1, 2, 1)


def test_the_grace_is_stated() -> None:
    assert scoring.GRACE == 60 * SECOND


def test_how_soon_is_measured_from_the_first_thing_shown() -> None:
    alert = seen("new_writer.write", 112, 118)
    alert.alert.evidence.clear()
    assert score(alert).soon.figures() == {"rules": {"alerts": 1, "median_s": 8.0, "within_window": 1.0}}


@pytest.mark.parametrize(("told", "share"), [(110, 1.0), (125, 0.0)])
def test_periods_are_counted_until_it_is_told(told: int, share: float) -> None:
    gone = seen("period.missing", 100)
    gone.alert.evidence["period_seconds"] = 1.0
    gone.moments = [(gone.alert.first_ts, told * SECOND)]
    periods = score(gone).soon.figures()["periodicity"]
    assert (periods["median_periods"], periods["within_window"]) == (told - 100, share)


def test_a_run_without_an_attack_is_to_raise_nothing() -> None:
    loud = score(seen("scan.ports", 50, severity="medium"), seen("scan.ports", 60, severity="low"), events=())
    assert (loud.look_alikes, loud.false) == ({"r": 1}, 1)
