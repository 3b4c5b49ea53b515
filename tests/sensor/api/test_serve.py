"""The API as a client meets it."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from typing import Any

import pytest

from sensor.api import posted
from tests.sensor.api.conftest import ROOT, TOKEN, WINDOW, Server, configure, program
from tests.sensor.intake.test_documents import AITF, EVIDENTLY, RECORD

DRIFT, INFERENCE = "/api/v1/drift", "/api/v1/inference"
PLAIN = {"model_id": "m", "kind": "output", "statistic": 3.5, "ts": "2026-03-01T12:00:00Z"}


def count(server: Server, name: str) -> int:
    return server.ask("GET", "/api/v1/health")[1]["rows"][name]


@pytest.mark.parametrize(("path", "record"), [(DRIFT, PLAIN), (INFERENCE, RECORD)])
def test_what_was_accepted_is_stored_and_nothing_twice(server, path, record) -> None:
    name = path.rpartition("/")[2]
    before = count(server, name)
    many = [record | {"model_id": f"{name}{n}"} for n in range(3)]
    assert server.ask("POST", path, many) == (200, {"new": 3, "known": 0})
    assert server.ask("POST", path, many[1]) == (200, {"new": 0, "known": 1})
    lines = "\n".join(json.dumps(row) for row in [*many, record | {"model_id": f"{name}3"}]) + "\n"
    assert server.ask("POST", path, lines, content_type="application/x-ndjson") == (200, {"new": 1, "known": 3})
    assert server.ask("POST", path, lines) == (200, {"new": 0, "known": 4})  # whatever a client calls it
    assert count(server, name) == before + 4


def test_the_row_says_what_was_posted(server) -> None:
    at = "2026-03-02T00:00:00Z"
    server.ask("POST", f"{DRIFT}?case=posted", AITF | {"ts": at, "aitf.drift.model_id": "of aitf"})
    status, rows = server.ask("GET", f"{DRIFT}?case=posted")
    assert status == 200
    [row] = rows
    assert (row["model_id"], row["source"], row["kind"], row["case_id"]) == ("of aitf", "external", "input", "posted")
    assert row["ts"] == "2026-03-02 00:00:00.000000000"
    assert server.ask("POST", f"{DRIFT}?model_id=pump", EVIDENTLY) == (200, {"new": 1, "known": 0})
    assert server.ask("GET", f"{DRIFT}?case=live&where=model_id%20=%20'pump'")[1][0]["stream"] == "flow"


@pytest.mark.parametrize("given", ["", "wrong", TOKEN[:-1], TOKEN + "x", "ümlaut"])
@pytest.mark.parametrize("path", [DRIFT, INFERENCE, "/api/v1/health", "/api/v1/alerts", "/api/v1/models"])
def test_without_the_token_there_is_nothing(server, path, given) -> None:
    headers = {"Authorization": f"Bearer {given}".encode().decode("latin-1")} if given else {}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST" if path in (DRIFT, INFERENCE) else "GET", path, "{}", headers)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert json.loads(answer.read()) == {"detail": "log in, or show a token: Authorization: Bearer TOKEN"}
    connection.close()


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        (DRIFT, "", 400, "the body is empty"),
        (DRIFT, "{", 400, "line 1: is no JSON"),
        (DRIFT, b"\xff\xfe", 400, "line 1: is no JSON"),
        (DRIFT, "[" * 100_000, 400, "is no JSON"),
        (INFERENCE, json.dumps(RECORD) + "\n{\n", 400, "line 2: is no JSON"),
        (DRIFT, {}, 422, "body: a drift alert names its model_id"),
        (DRIFT, 3, 422, "body: a drift alert is a table, not int"),
        (DRIFT, [PLAIN, PLAIN | {"statistic": None}], 422, "body[2]: statistic: a number is expected, not None"),
        (INFERENCE, [RECORD, {"model_id": "m"}], 422, 'body[2]: an inference record has a "ts"'),
        (INFERENCE, RECORD | {"ts": "soon"}, 422, "body: 'soon' is no moment"),
        (INFERENCE, f"{DRIFT}\n", 400, "line 1: is no JSON"),
    ],
)
def test_a_bad_body_is_refused_whole_with_a_sentence_each(server, path, body, status, said) -> None:
    before = count(server, "inference"), count(server, "drift")
    got, answer = server.ask("POST", path, body)
    assert got == status
    assert said in " ".join([answer["detail"], *answer["errors"]])
    assert (count(server, "inference"), count(server, "drift")) == before


def test_a_large_body_is_refused_before_it_is_read(server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("POST", DRIFT)
    connection.putheader("Authorization", f"Bearer {TOKEN}")
    connection.putheader("Content-Length", str(posted.MOST_BYTES + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
    pieces = (b" " * (1 << 20) for _ in range(10))  # of a body whose length nobody tells
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request("POST", DRIFT, pieces, {"Authorization": f"Bearer {TOKEN}"}, encode_chunked=True)
        assert connection.getresponse().status == 413
    except (BrokenPipeError, ConnectionResetError):
        pass  # the server hung up when it had enough
    finally:
        connection.close()
    many = "\n".join(json.dumps(RECORD | {"ts": 1_700_000_000 + n}) for n in range(posted.MOST_RECORDS + 1))
    assert server.ask("POST", INFERENCE, many)[0] == 413


@pytest.mark.parametrize(
    "query", ["alerts?limit=0", "alerts?limit=x", "alerts?since=soon", "alerts?where=1)%20or%20(1", "alerts?where=nothing=1",
              "drift?where=file('/etc/passwd')='x'", "alerts?severity=worst", "incidents?limit=100000"],
)  # fmt: skip
def test_bad_parameters_are_said(server, query) -> None:
    status, answer = server.ask("GET", f"/api/v1/{query}")
    assert status in (400, 422)
    assert answer["detail"]


def test_lists(server) -> None:
    status, rows = server.ask("GET", "/api/v1/alerts?case=swap&severity=high&limit=3")
    assert status == 200 and 0 < len(rows) <= 3
    assert {row["severity"] for row in rows} <= {"high", "critical"}
    assert server.ask("GET", "/api/v1/alerts?case=nothing") == (200, [])
    [model] = server.ask("GET", "/api/v1/models")[1]
    assert model["id"] == "pump-wear" and set(model["approved"]) == {"1.4.0", "1.5.0", "1.6.0"}
    assert server.ask("GET", "/api/v1/nothing")[0] == 404
    assert server.ask("DELETE", DRIFT)[0] == 405


def test_the_description_is_served_here_and_names_no_other_host(server) -> None:
    status, description = server.ask("GET", "/api/v1/openapi.json")
    assert status == 200
    assert {DRIFT, INFERENCE, "/api/v1/alerts"} <= set(description["paths"])
    assert {"200", "400", "401", "413", "422"} <= set(description["paths"][DRIFT]["post"]["responses"])
    assert "://" not in json.dumps(description)
    assert server.ask("GET", "/docs")[0] == server.ask("GET", "/redoc")[0] == 404


def test_drift_posted_from_outside_becomes_part_of_an_incident_within_a_window(server) -> None:
    """The plant's model was exchanged; another tool says that its output drifted half an hour later."""
    assert server.ask("GET", "/api/v1/incidents?case=swap") == (200, [])
    report = {"model_id": "pump-wear", "kind": "output", "statistic": 9.0, "threshold": 5.0, "ts": "2026-11-02T10:00:00Z",
              "since": "2026-11-02T09:14:00Z", "stream": "plant/line1/pump-wear/score"}  # fmt: skip
    begun = time.monotonic()
    assert server.ask("POST", f"{DRIFT}?case=swap", report) == (200, {"new": 1, "known": 0})
    found: list[Any] = []
    while not found and time.monotonic() - begun < 30:
        time.sleep(0.1)
        found = server.ask("GET", "/api/v1/incidents?case=swap")[1]
    took = time.monotonic() - begun
    [incident] = found
    [drift] = server.ask("GET", f"{DRIFT}?case=swap")[1]
    assert incident["drift_ids"] == [drift["drift_id"]]
    artefacts = server.ask("GET", "/api/v1/alerts?case=swap&where=kind='artefacts.unknown'")[1]
    assert {artefact["alert_id"] for artefact in artefacts} & set(incident["alert_ids"])
    assert incident["cause"] == "model_swap"
    assert took < WINDOW + 5, took  # the window, and a pass over the store on a busy machine
    assert server.ask("POST", f"{DRIFT}?case=swap", report) == (200, {"new": 0, "known": 1})
    time.sleep(2 * WINDOW)
    assert [row["incident_id"] for row in server.ask("GET", "/api/v1/incidents?case=swap")[1]] == [
        incident["incident_id"]
    ]


def test_the_store_has_one_owner_at_a_time(server, replayed: Path) -> None:
    done = program(replayed, "alerts")
    assert done.returncode == 1
    assert f"process {server.child.pid} " in done.stderr and "has this store open" in done.stderr


def test_the_token_is_nowhere_in_what_the_server_says(server) -> None:
    assert TOKEN not in "".join(server.said)


def test_a_server_that_is_told_to_end_keeps_what_it_answered_for(tmp_path) -> None:
    log, reports = tmp_path / "wear.jsonl", tmp_path / "drift"
    reports.mkdir()
    log.write_text(json.dumps(RECORD) + "\n")
    configure(tmp_path, f"[capture]\nwindow_seconds = 0.2\n[intake]\ninference = ['{log}']\ndrift = ['{reports}']\n")
    server = Server(tmp_path)
    try:
        assert server.ask("POST", INFERENCE, RECORD | {"output": 2})[0] == 200
        (reports / "m.jsonl").write_text(json.dumps(PLAIN) + "\nnonsense\n")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and (count(server, "drift"), count(server, "inference")) != (1, 2):
            time.sleep(0.1)
        assert (count(server, "drift"), count(server, "inference"), count(server, "rejected")) == (1, 2, 1)
    finally:
        assert server.end() == 0, server.said
    assert any(f"{reports / 'm.jsonl'}:2: is no JSON" in line for line in server.said)
    again = Server(tmp_path)
    try:
        time.sleep(1.0)  # the files are read again from their start
        assert (count(again, "drift"), count(again, "inference"), count(again, "rejected")) == (1, 2, 1)
    finally:
        assert again.end() == 0


@pytest.mark.parametrize(
    ("token", "said"),
    [("short", "at least 16 printable"), ("with space in it, long", "no space")],
)
def test_no_server_without_a_good_token(tmp_path, token, said, monkeypatch) -> None:
    monkeypatch.setenv("DRIFTSPAN_TOKEN", token)
    done = program(tmp_path, "serve", "--port", "0")
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert not token or token not in done.stderr
    assert not (tmp_path / "driftspan-store").exists()


def test_a_token_file_is_for_its_owner_only(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DRIFTSPAN_TOKEN", "")
    path = tmp_path / "token"
    path.write_text("0123456789abcdef0123456789\n")
    path.chmod(0o644)
    (tmp_path / "driftspan.toml").write_text(f"[console]\ntoken_file = '{path}'\n")
    done = program(tmp_path, "serve", "--port", "0")
    assert done.returncode == 2 and "others may read this token" in done.stderr
    path.chmod(0o600)
    server = Server(tmp_path, token="")
    try:
        assert server.ask("GET", "/api/v1/health", token="0123456789abcdef0123456789")[0] == 200
        taken = program(tmp_path, "serve", "--port", str(server.port))
        assert taken.returncode == 1 and "nothing can listen there" in taken.stderr
    finally:
        assert server.end() == 0


def test_the_source_of_the_routes_loads_nothing_from_elsewhere() -> None:
    for path in (ROOT / "sensor" / "api").glob("*.py"):
        assert "https://" not in path.read_text(), path
