from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from sensor.service.log import redacted

SCRIPT = """
import sys
from sensor.service.config import LogSection
from sensor.service.log import configure, say
if sys.argv[1] != "none":
    configure(LogSection(sys.argv[1], sys.argv[2]), "driftspan keeper")
say("topic \\x1b[2Jplant/\\u202eexe was refused", "warning", host="10.1.0.5")
say("clickhouse://ops:hunter2@db:9000 does not answer")
"""


def said(*words: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("words", [("none",), ("console", "info")])
def test_sentences_are_harmless_and_tell_no_secret(words: tuple[str, ...]) -> None:
    program = "driftspan" if words[0] == "none" else "driftspan keeper"
    assert said(*words).splitlines() == [
        f"{program}: topic \\x1b[2Jplant/\\u202eexe was refused",
        f"{program}: clickhouse://ops:***@db:9000 does not answer",
    ]


def test_json_is_an_object_a_line() -> None:
    first, second = map(json.loads, said("json", "info").splitlines())
    assert first["event"] == "topic \\x1b[2Jplant/\\u202eexe was refused"
    assert (first["level"], first["program"], first["host"]) == ("warning", "driftspan keeper", "10.1.0.5")
    assert first["timestamp"].endswith("Z")
    assert second["event"] == "clickhouse://ops:***@db:9000 does not answer"


def test_what_is_below_the_level_is_not_said() -> None:
    assert len(said("json", "warning").splitlines()) == 1
    assert said("console", "error") == ""


def test_the_journal_gets_priorities(tmp_path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        facts = os.fstat(file.fileno())
        stream = f"{facts.st_dev}:{facts.st_ino}"
        command = [sys.executable, "-c", SCRIPT, "console", "info"]
        subprocess.run(command, stderr=file, check=True, env={**os.environ, "JOURNAL_STREAM": stream})
    assert [line[:3] for line in log.read_text().splitlines()] == ["<4>", "<6>"]
    assert not said("console", "info", JOURNAL_STREAM=stream).startswith("<"), "another's stream"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Authorization: Bearer abc.def-1 was refused", "Authorization: Bearer *** was refused"),
        ("password=hunter2&user=x", "password=***&user=x"),
        ('{"token": "abc"}', '{"token": "***"}'),
        ("etc/token: others may read it", "etc/token: others may read it"),
        ("https://host/path is away", "https://host/path is away"),
        ("the token cannot be read: Permission denied", "the token cannot be read: Permission denied"),
    ],
)
def test_redacted(text: str, wanted: str) -> None:
    assert redacted(text) == wanted
