"""`init query alerts flows assets show doctor` as a user meets them."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from sensor import config
from tests.sensor.conftest import Program, modbus_reads, write_pcap


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A store with two cases; reading it changes nothing, so the tests share it."""
    program = Program(tmp_path_factory.mktemp("filled"))
    one = write_pcap(program.folder / "one.pcap", modbus_reads(30))
    two = write_pcap(program.folder / "two.pcap", modbus_reads(20, host=2))
    program.rows("replay", one)
    program.rows("replay", two)
    return program


def test_init_writes_a_configuration_that_loads(driftspan, tmp_path) -> None:
    done = driftspan("init", "--dir", "new/folder")
    assert (done.returncode, done.stdout) == (0, "new/folder/driftspan.toml\n")
    loaded = config.load(tmp_path / "new/folder/driftspan.toml")
    assert loaded.store == config.StoreSection()
    assert "--force" in driftspan.refused("init", "--dir", "new/folder")
    (tmp_path / "new/folder/driftspan.toml").write_text("broken")
    assert driftspan("init", "--dir", "new/folder", "--force").returncode == 0
    assert config.load(tmp_path / "new/folder/driftspan.toml") == loaded
    (tmp_path / "file").write_text("")
    assert "is a file" in driftspan.refused("init", "--dir", "file")
    assert "cannot be written" in driftspan.refused("init", "--dir", "/proc/nowhere", status=1)


def test_query_in_every_format(filled) -> None:
    sql = "SELECT case_id, count() AS n, any(dst_ip) AS ip FROM modbus GROUP BY case_id ORDER BY case_id"
    assert filled("query", sql, "--format", "ndjson").stdout.splitlines() == [
        '{"case_id":"one","n":30,"ip":"::ffff:10.1.1.1"}',
        '{"case_id":"two","n":20,"ip":"::ffff:10.1.1.2"}',
    ]
    assert filled("query", sql, "--format", "csv").stdout.splitlines()[:2] == [
        '"case_id","n","ip"', '"one",30,"::ffff:10.1.1.1"',
    ]  # fmt: skip
    assert filled("query", sql, "--format", "table").stdout.splitlines() == [
        "case_id   n  ip", "───────  ──  ────────", "one      30  10.1.1.1", "two      20  10.1.1.2",
    ]  # fmt: skip
    assert filled("query", sql).stdout.startswith("{")  # no terminal: for a program
    assert filled("query", "-", input=sql).stdout.startswith("{")


def test_a_terminal_gets_a_table(filled) -> None:
    screen, keyboard = pty.openpty()
    command = [sys.executable, "-m", "sensor", "query", "SELECT '\x1b[2Jx' AS hostile"]
    process = subprocess.Popen(command, cwd=filled.folder, stdout=keyboard, stderr=subprocess.PIPE)
    os.close(keyboard)
    shown = b""
    try:
        while piece := os.read(screen, 65536):
            shown += piece
    except OSError:  # the other end is closed
        pass
    assert process.wait() == 0
    process.stderr.close()
    os.close(screen)
    assert shown.decode().split() == ["hostile", "─" * 8, "\\x1b[2Jx"]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["query", "SELEKT 1"], 2, "only SELECT"),
        (["query", "SELECT nonsense FROM modbus"], 2, "nonsense"),
        (["query", "DROP TABLE modbus"], 2, "only SELECT"),
        (["query", "SELECT file('/etc/passwd')"], 2, "outside the store"),
        (["query", "SELECT 1", "--store", "nowhere"], 2, "there is no store"),
        (["query", "SELECT 1", "--store", "one.pcap"], 2, "is a file"),
        (["query", "SELECT 1", "--store", "."], 2, "holds no store"),
        (["query", "SELECT 1", "--store", ""], 2, "path is empty"),
        (["query", "SELECT 1", "--store", "mysql://h"], 2, "there is no kind of store 'mysql://'"),
        (["query", "SELECT 1", "--store", "clickhouse://h:port"], 2, "is no host and port"),
        (["query", "SELECT 1", "--config", "none.toml"], 2, "there is no such file"),
        (["replay", "one.pcap", "--store", "one.pcap"], 2, "is a file"),
        (["replay", "one.pcap", "--store", "."], 2, "other files"),
        (["replay", "one.pcap", "--store", "/proc/nowhere"], 1, "cannot be made"),
        (["alerts", "--since", "soon"], 2, "is no time"),
        (["alerts", "--where", "1) OR (1"], 2, "one condition"),
        (["alerts", "--where", "1; SELECT 2"], 2, "one condition"),
        (["alerts", "--where", ""], 2, "one condition"),
        (["alerts", "--where", "nonsense = 1"], 2, "nonsense"),
        (["flows", "--limit", "-1"], 2, "--limit"),
        (["show", "zz"], 2, "is no alert_id"),
        (["show", "00000000"], 2, "there is no alert"),
    ],
)
def test_what_cannot_be_is_one_sentence(filled, arguments, status, words) -> None:
    assert words in filled.refused(*arguments, status=status)


def test_nothing_can_be_written_by_a_query(filled, tmp_path) -> None:
    target = tmp_path / "out"
    for sql in (
        f"SELECT 1 INTO OUTFILE '{target}'",
        "INSERT INTO modbus (unit_id) VALUES (1)",
        "SELECT 1; ALTER TABLE modbus DELETE WHERE 1",
        f"INSERT INTO FUNCTION file('{target}') SELECT 1",
    ):
        filled.refused("query", sql)
    assert not target.exists()
    assert filled.rows("query", "SELECT count() AS n FROM modbus") == [{"n": 50}]


def test_lists_are_filtered(filled) -> None:
    assert len(filled.rows("flows")) == 2
    assert [row["case_id"] for row in filled.rows("flows", "--case", "two")] == ["two"]
    assert len(filled.rows("flows", "--limit", 1)) == 1
    assert len(filled.rows("flows", "--where", "dst_port = 502 OR 1 -- x")) == 2
    assert filled.rows("flows", "--where", "src_ip = toIPv6('10.1.0.2')")[0]["case_id"] == "two"
    assert filled.rows("flows", "--until", "2025-01-01") == []
    assert len(filled.rows("flows", "--since", "2025-01-01", "--until", "2030-01-01T00:00Z")) == 2
    assert {row["ip"] for row in filled.rows("assets", "--case", "one")} == {"::ffff:10.1.0.1", "::ffff:10.1.1.1"}
    alerts = filled.rows("alerts")
    assert alerts
    assert {row["status"] for row in alerts} == {"open"}
    ranked = ["info", "low", "medium", "high", "critical"]
    for severity in ranked:
        worse = [a for a in alerts if ranked.index(a["severity"]) >= ranked.index(severity)]
        assert len(filled.rows("alerts", "--severity", severity)) == len(worse)


def test_a_long_table_says_that_it_is_cut(filled) -> None:
    done = filled("flows", "--format", "table", "--limit", "1")
    assert (len(done.stdout.splitlines()), done.stderr) == (3, "")
    assert "10.1.1." in done.stdout
    assert "::ffff" not in done.stdout


def test_one_alert_whole(filled) -> None:
    [alert, *_] = filled.rows("alerts", "--case", "one")
    done = filled("show", alert["alert_id"][:12], "--format", "table")
    assert done.returncode == 0, done.stderr
    for part in (alert["title"], alert["alert_id"], "Evidence", "What it means", "What to do", "one.pcap", "frames"):
        assert part in done.stdout
    [whole] = filled.rows("show", alert["alert_id"], "--case", "one")
    assert whole["evidence"] == orjson.loads(alert["evidence"])
    assert whole["catalogue"]["meaning"]
    assert whole["capture_path"].endswith("one.pcap")
    assert filled("show", alert["alert_id"], "--format", "csv").stdout.startswith("sensor,case_id,ts,")


def test_an_alert_of_several_cases_wants_one(driftspan, capture) -> None:
    driftspan.rows("replay", capture, "--case", "a")
    driftspan.rows("replay", capture, "--case", "b")
    [alert, *_] = driftspan.rows("alerts", "--case", "a")
    assert "several cases (a, b)" in driftspan.refused("show", alert["alert_id"])
    assert driftspan.rows("show", alert["alert_id"], "--case", "b")[0]["case_id"] == "b"


def test_doctor_says_what_is_there(filled, tmp_path) -> None:
    found = {row["check"]: row for row in filled.rows("doctor")}
    assert found["store"]["found"].endswith("2 cases of 2 captures")
    assert {found[name]["state"] for name in ("package chdb", "engine", "configuration", "disk")} <= {"ok", "note"}
    assert found["tshark"]["state"] == ("ok" if shutil.which("tshark") else "note")
    (tmp_path / "bad.toml").write_text("[nonsense]\n")
    done = filled("doctor", "--config", tmp_path / "bad.toml", "--format", "ndjson")
    assert done.returncode == 1
    bad = [orjson.loads(line) for line in done.stdout.splitlines() if '"bad"' in line]
    assert [row["check"] for row in bad] == ["configuration"]
    assert "bad.toml:1" in bad[0]["found"]


def test_a_store_in_use_names_its_user(driftspan, make_capture) -> None:
    capture = make_capture("slow.pcap", 100, every=1.0)
    command = [sys.executable, "-m", "sensor", "replay", str(capture), "--store", "s", "--pace", "2"]
    process = subprocess.Popen(command, cwd=driftspan.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(driftspan.folder / "s" / "status")
        for arguments in (["query", "SELECT 1", "--store", "s"], ["replay", capture, "--store", "s"]):
            message = driftspan.refused(*arguments, status=1)
            assert f"process {process.pid} (" in message
            assert "has this store open" in message
    finally:
        process.kill()
        process.wait()


def wait_for(path: Path) -> None:
    """Until the file is there and locked."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and str(path.stat().st_ino) in Path("/proc/locks").read_text():
            return
        time.sleep(0.05)
    pytest.fail(f"{path} did not appear")


def test_a_full_disk_is_one_sentence(driftspan, make_capture) -> None:
    """On a disk of a megabyte: a store fits, the rows do not."""
    disk = driftspan.folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk can be mounted by root only")
    try:
        message = driftspan.refused("replay", make_capture("large.pcap", 3000), "--store", disk / "s", status=1)
    finally:
        subprocess.run(["umount", disk], check=True)
    assert "the disk is full" in message
