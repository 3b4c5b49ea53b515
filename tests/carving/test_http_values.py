"""Values in HTTP bodies of JSON, from packets to rows."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from tests.carving.carriers import answer, opened
from tests.carving.net import Wire
from tests.golden import corpus

CAPTURES = pathlib.Path(__file__).parents[2] / "pcaps"
JSON = "Content-Type: application/json"


def says(body: str) -> bytes:
    return answer(body.encode(), JSON, f"Content-Length: {len(body)}")


def changes(path: pathlib.Path, **options: Any) -> list[tuple[str, float | str]]:
    rows = corpus.rows(path, **options).get("tag_values", [])
    http = sorted((row for row in rows if row["source"] == "http"), key=lambda row: (row["frame"], row["tag"]))
    return [(row["tag"], row["text"] if row["value"] is None else row["value"]) for row in http]


@pytest.mark.parametrize("workers", [1, 3])
def test_polls_and_predictions(tmp_path: pathlib.Path, workers: int) -> None:
    """Each poll opens a connection of its own: what did not change is not told again."""
    wire = Wire()
    for temperature in (21.5, 21.5, 22.0):
        talk = opened(wire, 8080)
        talk.client(b"GET /api/tags/temp?key=hunter2 HTTP/1.1\r\nHost: plc\r\n\r\n")
        talk.server(says(f'{{"value": {temperature}, "unit": "C"}}'))
        talk.close()
    asked = '{"instances": [[0.5, 3.0]], "api_key": "hunter2"}'
    head = f"POST /v1/models/wear:predict HTTP/1.1\r\nHost: edge\r\n{JSON}\r\nContent-Length: {len(asked)}\r\n\r\n"
    talk = opened(wire, 8501)
    talk.client((head + asked).encode())
    talk.server(says('{"predictions": [{"label": "worn", "score": 0.97}]}'))
    wire.write(tmp_path / "polls.pcap")
    assert changes(tmp_path / "polls.pcap", workers=workers) == [
        ("/api/tags/temp#unit", "C"),
        ("/api/tags/temp#value", 21.5),
        ("/api/tags/temp#value", 22.0),
        ("POST /v1/models/wear:predict#instances[0][0]", 0.5),
        ("POST /v1/models/wear:predict#instances[0][1]", 3.0),
        ("/v1/models/wear:predict#predictions[0].label", "worn"),
        ("/v1/models/wear:predict#predictions[0].score", 0.97),
    ]


def test_what_the_registry_of_the_plant_says() -> None:
    """Real web server and client: the newest model by name, version and hash, once for each who asks."""
    told = changes(CAPTURES / "model_swap.pcap")
    assert {tag for tag, _ in told} == {f"/models/pump-wear/latest.json#{key}" for key in ("file", "sha256", "version")}
    assert len(told) <= 6, "one row a change, not one a request"
