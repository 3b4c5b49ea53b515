"""What is new is found by the parts that tables write, on a real store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sensor.alerts import ask
from sensor.console import hunt, open_alerts, queries
from sensor.console.news import News
from sensor.store import Store, open_store
from sensor.store.chdb_reading import ChdbReading

SECOND = 10**9
START = 1_790_000_000 * SECOND


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, ChdbReading]]:
    folder = tmp_path_factory.mktemp("news") / "s"
    store = open_store(str(folder), "driftspan", "tests")
    store.begin_case("news", ())
    reading = ChdbReading(folder, "driftspan", owned=True)
    yield store, reading
    reading.close()
    store.close()


def alert(number: int, severity: str = "high", **more: object) -> dict[str, object]:
    at = START + number * 60 * SECOND
    facts = {"ts": at, "alert_id": f"{number:032x}", "detector": "scan", "kind": "scan.ports", "title": "Port scan"}
    facts |= {"severity": severity, "confidence": 0.9, "src_ip": "10.0.0.1", "dst_ip": "10.0.0.2", "src_zone": "a"}
    facts |= {"summary": "s", "evidence": "{}", "count": 1, "first_ts": at, "last_ts": at}
    return facts | more


def test_only_what_came_since_the_last_look_is_told_and_once(opened):
    store, reading = opened
    news = News(reading)
    store.upsert("alert_rows", [alert(1)])
    assert news.look() == {}, "the first look learns"
    assert news.look() == {}
    store.upsert("alert_rows", [alert(2), alert(3, "low")])
    told = news.look()
    assert [row["alert_id"][-1] for row in told["alerts"]["rows"]] == ["2", "3"], "the gravest first"
    store.upsert("alert_rows", [alert(2, count=9, last_ts=START + 3600 * SECOND)])
    assert news.look()["alerts"]["rows"] == [], "another state of a known alert: pages look again, nobody is told"
    store.upsert("alert_rows", [alert(4, suppressed="by [[suppress]]")])
    assert news.look()["alerts"]["rows"] == []
    reading_only = news.look()
    assert reading_only == {}


def test_a_verdict_is_news_for_pages(opened):
    store, reading = opened
    news = News(reading)
    news.look()
    said = {
        "ts": START,
        "alert_id": f"{1:032x}",
        "action": "learn",
        "analyst": "a",
        "expiry": 0,
        "last_seen": 0,
        "note": "",
    }
    store.record("verdicts", "", [said])
    assert news.look() == {"alerts": {"rows": []}}
    over = queries.span(reading, "news", "all")
    found = open_alerts.opened(reading, "news", over)
    told = open_alerts.by_severity(reading, found)
    assert (told, found.exact) == ({"high": 1, "low": 1}, True), "learned and suppressed ones are not open"
    [kind], [source] = open_alerts.by_kind(reading, found), open_alerts.by_source(reading, found)
    assert (kind["kind"], kind["worst"], kind["n"]) == ("scan.ports", "high", 2)
    assert (source["host"], source["zone"], source["n"]) == ("::ffff:10.0.0.1", "a", 2)


def test_what_is_open_is_what_the_view_says(opened, monkeypatch):
    """Closed alerts that were seen again, verdicts of a case and of the store, the later of which counts."""
    store, reading = opened
    store.begin_case("open", ())
    hour = 3600 * SECOND
    for state in range(3):
        rows = [alert(n, ("low", "high")[(n + state) % 2], last_ts=START + (n + 60 * state) * hour) for n in range(40)]
        store.upsert("alert_rows", rows)
        store.flush()
    said = [
        (n, case, action, at, expiry, START + (n + 60 * seen) * hour if action == "close" else 0)
        for n, case, action, at, expiry, seen in [
            (1, "", "learn", 1, 0, 0), (2, "open", "mute", 1, 0, 0), (3, "open", "close", 1, 0, 2),
            (4, "open", "close", 1, 0, 1), (5, "", "mute", 1, START // 2, 0), (6, "", "mute", 1, 0, 0),
            (6, "open", "unlearn", 2, 0, 0), (7, "open", "mute", 1, 0, 0), (7, "", "unlearn", 2, 0, 0),
            (8, "news", "mute", 1, 0, 0), (9, "", "learn", 1, 2 * START, 0),
        ]
    ]  # fmt: skip
    for n, case, action, at, expiry, seen in said:
        row = {"ts": START + at, "alert_id": f"{n:032x}", "action": action, "analyst": "a", "note": ""}
        store.record("verdicts", case, [row | {"expiry": expiry, "last_seen": seen}])
    over = queries.span(reading, "open", "all")
    truth = ask(
        reading, "SELECT severity, count() AS n FROM alerts WHERE case_id = 'open' AND status = 'open' GROUP BY 1"
    )
    wanted = {row["severity"]: row["n"] for row in truth}
    assert sum(wanted.values()) == 40 - 4
    assert open_alerts.by_severity(reading, open_alerts.opened(reading, "open", over)) == wanted
    monkeypatch.setattr(open_alerts, "MOST", 10)
    told = open_alerts.opened(reading, "open", over)
    assert not told.exact and sum(open_alerts.by_severity(reading, told).values()) > 35


def test_a_span_of_old_rows_ends_with_them(opened):
    _, reading = opened
    over = queries.span(reading, "news", "24h")
    assert not over.now and over.end - over.last <= over.step
    assert sum(count for bars in queries.severity_bars(reading, "news", over).values() for _, count in bars) == 4
    assert queries.span(reading, "nothing", "1h").now


def test_the_questions_to_begin_with_are_asked_of_the_tables_there_are(opened):
    _, reading = opened
    for title, sql in hunt.examples():
        assert isinstance(b"".join(reading.query(sql, "JSONCompactStrings")), bytes), title
