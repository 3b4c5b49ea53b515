"""Learning from clean captures, and baselines in files: whole, altered, of another configuration."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from tests.evaluate.packets import times
from tests.sensor.conftest import Program

PCAPS = Path(__file__).parents[2] / "pcaps"
CLEAN, ATTACK = PCAPS / "normal_plant.pcap", PCAPS / "rogue_writer.pcap"
POLICY = ("--config", PCAPS / "plant.toml")
ALERTS = "SELECT * EXCEPT (case_id) FROM alerts WHERE case_id = '{}' ORDER BY alert_id"


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A baseline of the clean plant, and the attack judged by it in three ways."""
    program = Program(tmp_path_factory.mktemp("taught"))
    [learnt] = program.rows("replay", "--learn-from", CLEAN, "--save-baseline", "plant.baseline", *POLICY)
    assert learnt["packets"] == len(times(CLEAN))
    assert learnt["known"] > 0
    assert not (program.folder / "driftspan-store").exists(), "learning alone makes no store"
    program.rows("replay", ATTACK, "--baseline", "plant.baseline", "--case", "file", *POLICY)
    program.rows("replay", ATTACK, "--learn-from", CLEAN, "--case", "direct", "--workers", "2", *POLICY)
    program.rows("replay", ATTACK, "--case", "untaught", *POLICY)
    return program


def test_a_file_teaches_what_the_capture_does(taught: Program) -> None:
    by_file, directly = (taught.rows("query", ALERTS.format(case)) for case in ("file", "direct"))
    assert by_file == directly
    assert "new_writer.write" in {row["kind"] for row in by_file}
    kinds = {"file": set(), "untaught": set()}
    for case, found in kinds.items():
        found |= {
            row["kind"]
            for row in taught.rows("alerts", "--case", case)
            if not orjson.loads(row["evidence"]).get("while_learning")
        }
    assert "new_writer.write" in kinds["file"]


def test_what_was_learnt_from_is_not_stored(taught: Program) -> None:
    first = taught.rows("query", "SELECT case_id, count() AS n FROM modbus GROUP BY case_id ORDER BY case_id")
    assert first == [{"case_id": case, "n": 463} for case in ("direct", "file", "untaught")]
    assets = taught.rows("query", "SELECT case_id, groupArray(ip) AS ips FROM assets GROUP BY case_id ORDER BY case_id")
    assert assets[0]["ips"] == assets[1]["ips"] == assets[2]["ips"], "hosts of the clean capture alone are not listed"
    captures = taught.rows("query", "SELECT DISTINCT path FROM captures")
    assert [Path(str(row["path"])).name for row in captures] == ["rogue_writer.pcap"]
    spans = taught.rows("query", "SELECT min(first_seen) >= (SELECT min(first_ts) FROM captures) AS ok FROM assets")
    assert spans == [{"ok": 1}]


def test_the_summary_says_how_far_learning_came(taught: Program) -> None:
    sql = "SELECT case_id, value FROM health WHERE counter = 'learning.mode' ORDER BY case_id"
    modes = {row["case_id"]: row["value"] for row in taught.rows("query", sql)}
    assert (modes["direct"], modes["file"]) == (2, 2)
    assert modes["untaught"] < 2


def test_a_baseline_is_the_same_every_time(taught: Program) -> None:
    taught.rows("replay", "--learn-from", CLEAN, "--save-baseline", "again.baseline", *POLICY)
    assert (taught.folder / "again.baseline").read_bytes() == (taught.folder / "plant.baseline").read_bytes()
    grown = taught.rows(
        "replay", "--baseline", "again.baseline", "--learn-from", ATTACK, "--save-baseline", "grown.baseline", *POLICY
    )
    assert grown[0]["packets"] == len(times(ATTACK))
    [summary] = taught.rows("replay", ATTACK, "--baseline", "grown.baseline", "--store", "grown", *POLICY)
    assert summary["learning"] == "operational"
    kinds = {row["kind"] for row in taught.rows("alerts", "--store", "grown")}
    assert not {kind for kind in kinds if str(kind).startswith("new_writer")}, "a baseline can be learnt on"


def test_what_a_grave_alert_points_at_is_not_learnt_and_shown(taught: Program) -> None:
    """Without its policy the plant looks as if IT reached its controllers: a grave rule."""
    done = taught("replay", "--learn-from", PCAPS / "it_to_plc.pcap", "--save-baseline", "poisoned.baseline")
    assert done.returncode == 0, done.stderr
    assert "because a grave alert points at it" in done.stderr
    assert "not learnt of 10." in done.stderr


def altered(change: Callable[[bytes, bytes], tuple[bytes, bytes]]) -> Callable[[Path], None]:
    """Changes head and state of a baseline and packs it again."""

    def apply(path: Path) -> None:
        head, _, state = gzip.decompress(path.read_bytes()).partition(b"\n")
        path.write_bytes(gzip.compress(b"\n".join(change(head, state))))

    return apply


def head_with(**values: object) -> Callable[[Path], None]:
    return altered(lambda head, state: (orjson.dumps(orjson.loads(head) | values), state))


def checksummed(state: bytes) -> Callable[[Path], None]:
    from hashlib import sha256

    digest = sha256(state).hexdigest()
    return altered(lambda head, _: (orjson.dumps(orjson.loads(head) | {"sha256": digest}), state + b"\n"))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.unlink(), "there is no such baseline"),
        (lambda path: path.write_bytes(path.read_bytes()[:500]), "breaks off"),
        (lambda path: path.write_bytes(b""), "is no baseline of driftspan"),
        (lambda path: path.write_bytes(b"hello"), "is no baseline of driftspan"),
        (lambda path: path.write_bytes(gzip.compress(b"hello")), "is no baseline of driftspan"),
        (lambda path: path.write_bytes(gzip.compress(b"[1]\n{}")), "is no baseline of driftspan"),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be read"),
        (
            altered(lambda head, state: (head, state.replace(b"new_writer", b"old_writer"))),
            "does not match its checksum",
        ),
        (head_with(version=1), "of version 1, this program knows 2"),
        (head_with(format="other"), "is no baseline of driftspan"),
        (head_with(configuration={}), "another configuration (other detectors, "),
        (checksummed(b"{}"), "another version of the detectors"),
        (checksummed(b"[]"), "another version of the detectors"),
    ],
)
def test_a_baseline_that_cannot_be_used(taught: Program, tmp_path: Path, spoil, words: str) -> None:
    path = tmp_path / "spoilt.baseline"
    shutil.copy(taught.folder / "plant.baseline", path)
    spoil(path)
    message = taught.refused("replay", ATTACK, "--baseline", path, "--store", tmp_path / "s", *POLICY)
    assert message.startswith(f"{path}: ")
    assert words in message


def test_a_baseline_of_another_configuration(taught: Program) -> None:
    message = taught.refused("replay", ATTACK, "--baseline", "plant.baseline", "--case", "x")
    assert "another configuration (other zones and conduits)" in message
    text = (PCAPS / "plant.toml").read_text() + "\n[capture]\nwindow_seconds = 5\n[detectors.scan]\nports = 99\n"
    (taught.folder / "other.toml").write_text(text)
    message = taught.refused("replay", ATTACK, "--baseline", "plant.baseline", "--config", "other.toml")
    assert "(other detectors, window_seconds)" in message


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ([], 2, "name a CAPTURE"),
        (["--learn-from", CLEAN], 2, "name a CAPTURE"),
        (["--baseline", "plant.baseline"], 2, "name a CAPTURE"),
        ([ATTACK, "--save-baseline", "x.baseline"], 2, "--save-baseline needs --learn-from"),
        (["-", "--learn-from", "-"], 2, "only once"),
        ([ATTACK, "--learn-from", "none.pcap"], 2, "none.pcap"),
        (["--learn-from", CLEAN, "--save-baseline", "nowhere/x"], 2, "no directory 'nowhere'"),
        (["--learn-from", CLEAN, "--save-baseline", "."], 2, "is a directory"),
        (["--learn-from", CLEAN, "--save-baseline", "/proc/x"], 1, "cannot be written"),
    ],
)
def test_options_that_make_no_sense(taught: Program, arguments, status: int, words: str) -> None:
    assert words in taught.refused("replay", *arguments, *POLICY, status=status)


def test_changes_are_checked_before_anything_is_stored(driftspan: Program, capture) -> None:
    (driftspan.folder / "driftspan.toml").write_text("[alerting]\nchanges = ['changes.csv']\n")
    assert "changes.csv: there is no such file" in driftspan.refused("replay", capture)
    assert "changes.csv: there is no such file" in driftspan("doctor", "--format", "ndjson").stdout
    (driftspan.folder / "changes.csv").write_text("id,start,end\nC1,2026-03-02,2026-03-01\n")
    assert driftspan.refused("replay", capture).startswith("changes.csv:2: ")
    assert not (driftspan.folder / "driftspan-store").exists()
    (driftspan.folder / "changes.csv").write_text("id,start,end\nC1,2026-03-01,2026-03-02\n")
    driftspan.rows("replay", capture)


def test_what_was_learnt_is_told_in_sentences(taught: Program) -> None:
    rows = taught.rows("baseline", "plant.baseline", *POLICY)
    polls = [row for row in rows if row["kind"] == "poll"]
    values = [row for row in rows if row["kind"] == "value"]
    assert any(row["protocol"] == "modbus" and str(row["learnt"]).startswith("every ") for row in polls)
    assert any(row["what"] == "plant/line1/telemetry#vibration" and " to " in str(row["learnt"]) for row in values)
    [host] = {str(row["client"]) for row in polls if row["protocol"] == "modbus"} & {"10.10.0.10", "10.30.0.10"} or {""}
    some = taught.rows("baseline", "plant.baseline", "--host", host or polls[0]["client"], "--kind", "poll", *POLICY)
    assert 0 < len(some) < len(rows)


def test_what_was_kept_out_is_told(taught: Program) -> None:
    taught("replay", "--learn-from", PCAPS / "it_to_plc.pcap", "--save-baseline", "suspect.baseline")
    kept_out = taught.rows("baseline", "suspect.baseline", "--kind", "quarantined")
    assert kept_out
    assert all("a grave alert points at" in str(row["learnt"]) for row in kept_out)


def test_a_baseline_that_is_not_there_is_said(taught: Program) -> None:
    done = taught("baseline", *POLICY)
    assert done.returncode == 2
    assert "no sensor has saved what it learnt there" in done.stderr
    assert taught("baseline", "plant.baseline", "--host", "nobody", *POLICY).returncode == 2
