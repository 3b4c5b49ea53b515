"""A heavy question holds nobody up, and what a page asks by itself keeps no session."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sensor.api.conftest import Server, configure
from tests.sensor.api.people import Person, admin

SECONDS = 6
HEAVY = "SELECT sum(sipHash64(number, toString(number))) AS n FROM system.numbers"  # never comes to an end


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Server, Person]]:
    folder = tmp_path_factory.mktemp("hunt")
    configure(folder, f"[console]\nquery_seconds = {SECONDS}\n")
    server = Server(folder, token="")
    yield folder, server, admin(server)
    assert server.end() == 0, server.said


def test_a_heavy_question_holds_up_no_page_and_is_stopped(served) -> None:
    _, _, person = served
    told: list[tuple[int, object, float]] = []

    def hunt() -> None:
        begun = time.monotonic()
        status, _, answer = person.ask("POST", "/api/v1/query", {"sql": HEAVY})
        told.append((status, answer, time.monotonic() - begun))

    assert person.ask("GET", "/console/overview")[0] == 200  # what the first page costs is no matter here
    asking = threading.Thread(target=hunt)
    asking.start()
    time.sleep(1.0)
    begun = time.monotonic()
    for path in ("/console/overview", "/api/v1/alerts", "/console/health"):
        assert person.ask("GET", path)[0] == 200
    assert not told, "the question was over too soon to show anything"
    took = time.monotonic() - begun
    asking.join()
    [(status, answer, lasted)] = told
    assert (status, "stopped" in str(answer)) == (503, True), answer
    assert took < lasted and SECONDS - 1 < lasted < SECONDS + 30


@pytest.mark.parametrize(
    ("sql", "limit", "columns", "types", "rows", "more"),
    [
        ("SELECT 1 AS one", 5, ["one"], ["UInt8"], 1, False),
        (
            "SELECT number AS n, toString(n) AS t FROM numbers(200000)",
            5_000,
            ["n", "t"],
            ["UInt64", "String"],
            5_000,
            True,
        ),
        ("SELECT 1 AS one WHERE 0 -- none", 5, ["one"], ["UInt8"], 0, False),
        ("EXISTS TABLE alert_rows", 5, ["result"], ["String"], 1, False),
        ("(SELECT 'a\nb' AS x) UNION ALL (SELECT 'c');", 5, ["x"], ["String"], 2, False),
    ],
)
def test_an_answer_has_its_names_and_types_once(served, sql, limit, columns, types, rows, more) -> None:
    _, _, person = served
    status, _, told = person.ask("POST", "/api/v1/query", {"sql": sql, "limit": limit})
    assert status == 200, told
    assert (told["columns"], told["types"], len(told["rows"]), told["more"]) == (columns, types, rows, more)


@pytest.mark.parametrize(
    ("path", "headers", "keeps"),
    [
        ("/console/overview", {"x_automatic": "1"}, False),
        ("/api/v1/alerts", {"x_automatic": "1"}, False),
        ("/console/overview", {}, True),
    ],
)
def test_what_a_page_asks_by_itself_keeps_no_session(served, path, headers, keeps) -> None:
    folder, _, person = served
    with sqlite3.connect(folder / "driftspan-store-console" / "access.db") as access:
        access.execute("UPDATE sessions SET used = used - 300")
        access.commit()
        [(before,)] = access.execute("SELECT max(used) FROM sessions")
        assert person.ask("GET", path, **headers)[0] == 200
        [(after,)] = access.execute("SELECT max(used) FROM sessions")
    assert (after > before) == keeps
