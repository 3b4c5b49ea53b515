"""`learn`, `mute`, `close`, `unlearn` as an analyst meets them, on the real store."""

from __future__ import annotations

import getpass
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.sensor.conftest import Program, alert_row, modbus_reads, write_alerts, write_pcap

LATER = "2200-01-01"


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A store with the same capture in the cases a and b."""
    program = Program(tmp_path_factory.mktemp("replayed"))
    write_pcap(program.folder / "plant.pcap", modbus_reads(30))
    for case in ("a", "b"):
        program.rows("replay", "plant.pcap", "--case", case)
    return program


@pytest.fixture
def program(replayed: Program, tmp_path: Path) -> Program:
    """A copy of it that a test may change."""
    for name in ("driftspan-store", "plant.pcap"):
        source = replayed.folder / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, symlinks=True)
        else:
            shutil.copy(source, tmp_path)
    return Program(tmp_path)


def statuses(program: Program) -> dict[str, str]:
    return {str(r["case_id"]): str(r["status"]) for r in program.rows("alerts", "--status", "all")}


def identity(program: Program) -> str:
    ids = {str(row["alert_id"]) for row in program.rows("alerts", "--status", "all")}
    assert len(ids) == 1, "the capture is made to show one cause"
    return ids.pop()


def test_learned_muted_closed_and_taken_back(program: Program) -> None:
    alert = identity(program)
    [said] = program.rows("learn", alert[:8], "--note", "it's ours;\n'quoted'", "--by", "Ada L.")
    assert (said["alert_id"], said["status"], said["case"], said["by"]) == (alert, "learned", "all", "Ada L.")
    assert statuses(program) == {"a": "learned", "b": "learned"}
    assert program.rows("alerts") == program.rows("alerts", "--status", "muted") == []
    assert len(program.rows("alerts", "--where", "status = 'learned'")) == 2, "asked for is listed"
    assert "1 more are learned, muted or closed" in program("alerts", "--case", "a", "--format", "table").stderr
    [shown] = program.rows("show", alert, "--case", "a")
    assert (shown["status_by"], shown["status_note"], shown["verdict"]) == ("Ada L.", "it's ours;\n'quoted'", "learn")

    [said] = program.rows("unlearn", alert)
    assert (said["status"], said["by"]) == ("open", getpass.getuser())
    assert statuses(program) == {"a": "open", "b": "open"}

    [said] = program.rows("mute", alert, "--case", "a", "--for", "8h")
    assert said["until"].endswith("Z")
    assert statuses(program) == {"a": "muted", "b": "open"}
    [said] = program.rows("close", alert, "--case", "b")
    assert statuses(program) == {"a": "muted", "b": "closed"}
    program.rows("unlearn", alert)  # in every case, whatever was said there
    assert statuses(program) == {"a": "open", "b": "open"}

    kept = program.rows("query", "SELECT action, case_id, analyst, note, expiry > ts AS ends FROM verdicts ORDER BY ts")
    assert [(row["action"], row["case_id"], row["ends"]) for row in kept] == [
        ("learn", "", 0), ("unlearn", "", 0), ("mute", "a", 1), ("close", "b", 0), ("unlearn", "", 0),
    ]  # fmt: skip
    assert (kept[0]["analyst"], kept[0]["note"]) == ("Ada L.", "it's ours;\n'quoted'")


def test_a_learned_cause_is_not_raised_by_later_replays(program: Program) -> None:
    alert = identity(program)
    program.rows("learn", alert, "--until", LATER)
    done = program("replay", "plant.pcap", "--case", "c", "--format", "ndjson")
    assert '"alerts":0,' in done.stdout
    assert "alerts that were stored but are not shown: 1 learned" in done.stderr
    assert statuses(program) == {"a": "learned", "b": "learned", "c": "learned"}
    severities = program.rows("query", "SELECT DISTINCT severity FROM alert_rows")
    assert len(severities) == 1, "the row is what it would be without the verdict"
    sql = "SELECT value FROM health WHERE counter = 'alerts_learned' AND case_id = 'c'"
    assert program.rows("query", sql) == [{"value": 1}]
    program.rows("unlearn", alert)
    [summary] = program.rows("replay", "plant.pcap", "--case", "c")
    assert summary["alerts"] == 1
    assert set(statuses(program).values()) == {"open"}


def test_a_verdict_on_one_case_leaves_others_alone(program: Program) -> None:
    alert = identity(program)
    program.rows("learn", alert, "--case", "a")
    [again] = program.rows("replay", "plant.pcap", "--case", "a")
    [other] = program.rows("replay", "plant.pcap", "--case", "c")
    assert (again["alerts"], other["alerts"]) == (0, 1)


def test_a_closed_cause_that_goes_on_is_open_again(program: Program) -> None:
    alert = identity(program)
    program.rows("close", alert, "--case", "a")
    [same] = program.rows("replay", "plant.pcap", "--case", "a")
    assert (same["alerts"], statuses(program)["a"]) == (0, "closed")
    write_pcap(program.folder / "plant.pcap", modbus_reads(60))
    [longer] = program.rows("replay", "plant.pcap", "--case", "a")
    assert (longer["alerts"], statuses(program)["a"]) == (1, "open")


def test_a_verdict_that_is_over_leaves_the_alert_open(program: Program) -> None:
    alert = identity(program)
    program.rows("mute", alert, "--for", "1s")
    subprocess.run(["sleep", "1.1"], check=True)
    assert set(statuses(program).values()) == {"open"}
    assert program.rows("replay", "plant.pcap", "--case", "c")[0]["alerts"] == 1
    assert "nothing to take back" in program.refused("unlearn", alert)


def test_the_configuration_keeps_quiet_what_it_names(program: Program) -> None:
    alert = identity(program)
    rule = "[[suppress]]\nkind = 'cleartext.protocol'\ndst = '10.1.1.1'\nnote = 'known since 2019'\n"
    (program.folder / "driftspan.toml").write_text(rule)
    [summary] = program.rows("replay", "plant.pcap", "--case", "a")
    assert summary["alerts"] == 0
    assert statuses(program) == {"a": "muted", "b": "open"}
    assert program.rows("show", alert, "--case", "a")[0]["status_note"] == "known since 2019"
    assert "[[suppress]]" in program.refused("unlearn", alert, "--case", "a")
    program.rows("learn", alert, "--case", "a")
    assert statuses(program)["a"] == "learned", "what was said of the very cause goes first"
    (program.folder / "driftspan.toml").write_text(rule + "until = 2020-01-01T00:00:00Z\n")
    program.rows("unlearn", alert, "--case", "a")
    assert program.rows("replay", "plant.pcap", "--case", "a")[0]["alerts"] == 1


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["learn", "zz"], 2, "is no alert_id"),
        (["learn", "abc"], 2, "is no alert_id"),
        (["learn", "00000000"], 2, "there is no alert '00000000'"),
        (["learn", "ID", "--case", "nowhere"], 2, "in case 'nowhere'"),
        (["learn", "ID", "--case", ""], 2, "--case"),
        (["learn", "ID", "--until", "2020-01-01"], 2, "is over already"),
        (["learn", "ID", "--until", "soon"], 2, "is no time"),
        (["mute", "ID", "--until", "8h"], 2, "write --for 8h"),
        (["mute", "ID", "--until", "9999-01-01"], 2, "too late for the store"),
        (["mute", "ID", "--for", "soon"], 2, "is no duration"),
        (["mute", "ID", "--for", "0h"], 2, "is no duration"),
        (["mute", "ID", "--for", "999999999w"], 2, "too long"),
        (["mute", "ID", "--for", "9999999w"], 2, "too l"),
        (["learn", "ID", "--by", " "], 2, "--by"),
        (["learn", "ID", "--by", "a\nb"], 2, "--by"),
        (["learn", "ID", "--note", "x" * 2001], 2, "--note"),
        (["unlearn", "ID"], 2, "nothing to take back"),
        (["close", "ID"], 2, "in several cases (a, b)"),
        (["learn", "ID", "--store", "nowhere"], 2, "there is no store"),
        (["learn", "ID", "--store", "."], 2, "holds no store"),
        (["learn", "ID", "--store", "plant.pcap"], 2, "is a file"),
        (["learn", "ID", "--store", "clickhouse://h?compress=1"], 2, "did you mean 'compression'"),
        (["learn", "ID", "--config", "none.toml"], 2, "no such file"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_changes_nothing(replayed, arguments, status, words) -> None:
    alert = identity(replayed)
    assert words in replayed.refused(*[alert if a == "ID" else a for a in arguments], status=status)
    assert replayed.rows("query", "SELECT count() AS n FROM verdicts") == [{"n": 0}]
    assert not (replayed.folder / "nowhere").exists()


def test_verdicts_in_the_wrong_order(program: Program) -> None:
    alert = identity(program)
    program.rows("learn", alert)
    assert "is learned already" in program.refused("close", alert, "--case", "a")
    program.rows("unlearn", alert)
    program.rows("close", alert, "--case", "a")
    assert "is closed already" in program.refused("close", alert, "--case", "a")


def test_an_ambiguous_id(driftspan: Program) -> None:
    write_alerts(driftspan.folder / "driftspan-store", [alert_row("abcd" + end * 28) for end in "12"])
    assert "begins several alert_ids" in driftspan.refused("learn", "abcd")
    assert driftspan.rows("learn", "abcd2")[0]["alert_id"] == "abcd" + "2" * 28


def test_a_store_that_cannot_be_written(replayed: Program, tmp_path: Path) -> None:
    """On a file system that is read-only."""
    alert, disk = identity(replayed), tmp_path / "disk"
    shutil.copytree(replayed.folder / "driftspan-store", disk, symlinks=True)
    mounted = subprocess.run(["mount", "--bind", disk, disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a disk can be made read-only by root only")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", disk], check=True)
        message = replayed.refused("learn", alert, "--store", disk, status=1)
        assert str(disk) in message
        assert "may not be read and written" in message
    finally:
        subprocess.run(["umount", disk], check=True)


def test_what_is_said_at_the_command_line_stands_in_the_access_log(program: Program) -> None:
    [first, *_] = program.rows("alerts", "--case", "a")
    identity = first["alert_id"]
    program.rows("mute", identity, "--for", "8h", "--note", "pump test", "--by", "ada")
    program.rows("unlearn", identity)
    program.rows("models", "add", "wear", "--host", "10.0.0.9")
    program.rows("models", "approve", "wear", "1.5", "--sha256", "2" * 64)
    program.rows("models", "undo", "wear", "--note", "too soon")
    sql = "SELECT seq, who, role, via, what, target, before, after FROM access_log ORDER BY seq"
    rows = program.rows("query", sql)
    user = getpass.getuser()
    assert [(row["who"], row["role"], row["via"]) for row in rows] == [(user, "admin", "command")] * 5
    what = ["verdict.say", "verdict.say", "models.add", "models.approve", "models.undo"]
    assert [(row["what"], row["target"]) for row in rows] == list(zip(what, [identity] * 2 + ["wear"] * 3, strict=True))
    before, after = ([json.loads(row[name]) for row in rows] for name in ("before", "after"))
    assert before[0] == {"status": "open", "verdict": ""} and before[1] == {"status": "muted", "verdict": "mute"}
    assert (after[0]["action"], after[0]["by"], after[0]["note"], after[1]["status"]) == (
        "mute",
        "ada",
        "pump test",
        "open",
    )
    assert before[3] == {"approved": []} and after[3]["version"] == "1.5"
    assert before[4] == {"action": "approve", "version": "1.5"} and after[4]["note"] == "too soon"
    assert program("ledger", "verify").returncode == 0
