"""What is new is found by the parts that tables write, on a real store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sensor.console import hunt, queries
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
    assert queries.open_alerts(reading, "news", over) == {"high": 1, "low": 1}, (
        "learned and suppressed ones are not open"
    )


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
