"""Cases through the program itself: captures with their hashes, who did what, replay, and nothing left in the end."""

from __future__ import annotations

import hashlib
import os
import shutil

import pytest

from tests.sensor.conftest import modbus_reads, write_pcap

TABLES = ("modbus", "flows", "behaviours", "frame_index", "captures", "case_captures", "alert_rows", "health", "assets")


@pytest.fixture
def folder(tmp_path):
    """Three rotated captures and a note beside them."""
    made = tmp_path / "rotated"
    made.mkdir()
    packets = modbus_reads(60)
    for number in range(3):
        write_pcap(made / f"part{number}.pcap", packets[number * 40 : number * 40 + 40])
    (made / "README.txt").write_text("from the firewall")
    return made


def counts(driftspan, case: str) -> dict[str, int]:
    sql = ", ".join(f"(SELECT count() FROM {table} WHERE case_id = '{case}') AS {table}" for table in TABLES)
    [row] = driftspan.rows("query", f"SELECT {sql}")
    return row


def test_a_case_is_added_to_replayed_and_taken_away(driftspan, folder) -> None:
    driftspan.rows("case", "new", "break-in", "--title", "pump 4", "--by", "ann")
    added = driftspan("case", "add", "break-in", folder, "--by", "ann", "--note", "from the mirror port")
    assert added.returncode == 0, added.stderr
    assert "README.txt" in added.stderr
    shown = driftspan.rows("case", "show", "break-in")
    assert [row["packets"] for row in shown] == [40, 40, 40]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.pcap"))]
    assert [row["sha256"] for row in shown] == digests
    assert shown[1]["gap_seconds"] == pytest.approx(0.09, abs=0.001)

    [summary] = driftspan.rows("case", "replay", "break-in", "--by", "bob")
    assert (summary["packets"], summary["modbus"], summary["flows"]) == (120, 60, 1)
    custody = driftspan.rows("case", "show", "break-in", "--custody")
    assert [(row["who"], row["what"]) for row in custody] == [
        ("ann", "case.new"), *[("ann", "capture.add")] * 3, ("bob", "case.replay"),
    ]  # fmt: skip
    assert counts(driftspan, "break-in")["modbus"] == 60

    refused = driftspan("case", "delete", "break-in")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    driftspan.rows("case", "delete", "break-in", "--yes")
    assert set(counts(driftspan, "break-in").values()) == {0}
    assert driftspan.rows("case", "list") == []
    told = driftspan.rows("query", "SELECT what FROM custody WHERE case_id = 'break-in' ORDER BY ts")
    assert [row["what"] for row in told][-2:] == ["case.delete", "case.deleted"]
    assert driftspan("ledger", "verify").returncode == 0
    assert len(list(folder.glob("*.pcap"))) == 3


def test_what_changed_or_is_gone_is_refused_before_anything_is_stored(driftspan, folder) -> None:
    driftspan.rows("case", "new", "c")
    driftspan.rows("case", "add", "c", folder)
    part = folder / "part1.pcap"
    kept, stamp = part.read_bytes(), part.stat()
    part.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    os.utime(part, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # nothing but the content tells
    done = driftspan("case", "replay", "c")
    assert done.returncode == 2
    assert "part1.pcap: changed since it was added" in done.stderr
    part.unlink()
    done = driftspan("case", "replay", "c")
    assert done.returncode == 2
    assert "part1.pcap: not there any more" in done.stderr
    assert counts(driftspan, "c")["modbus"] == 0


def test_a_closed_case_takes_nothing_until_it_is_opened_again(driftspan, folder, capture) -> None:
    driftspan.rows("case", "new", "c")
    assert driftspan("case", "close", "c").returncode == 0
    done = driftspan("case", "add", "c", capture)
    assert done.returncode == 2
    assert "is closed" in done.stderr
    assert driftspan("case", "reopen", "c").returncode == 0
    assert len(driftspan.rows("case", "add", "c", capture, folder)) == 4
    again = driftspan("case", "add", "c", shutil.copy(capture, folder / "again.pcap"))
    assert "has the same content as" in again.stderr


def test_a_deletion_that_was_interrupted_is_finished_by_the_next_command(driftspan, folder) -> None:
    driftspan.rows("case", "new", "c")
    driftspan.rows("case", "add", "c", folder)
    driftspan.rows("case", "replay", "c")
    code = (
        "import os, sys; from sensor.store.case_store import CaseStore; real = CaseStore._delete; n = []\n"
        "def die(self, table, condition):\n"
        "    n.append(table)\n"
        "    return os._exit(9) if len(n) == 8 else real(self, table, condition)\n"
        "CaseStore._delete = die\n"
        "from sensor.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    assert driftspan.python(code, "case", "delete", "c", "--yes").returncode == 9
    listed = driftspan("case", "list", "--format", "ndjson")
    assert "half taken away" in listed.stderr
    again = driftspan("case", "new", "other")
    assert "it is finished now" in again.stderr
    assert set(counts(driftspan, "c").values()) == {0}


def test_a_clock_that_was_wrong_is_put_right(driftspan, capture) -> None:
    driftspan.rows("case", "new", "c")
    [added] = driftspan.rows("case", "add", "c", capture, "--clock", "3600.5")
    driftspan.rows("case", "replay", "c")
    driftspan.rows("replay", capture, "--case", "plain")
    [row] = driftspan.rows(
        "query",
        "SELECT dateDiff('millisecond', (SELECT min(ts) FROM modbus WHERE case_id = 'plain'),"
        " (SELECT min(ts) FROM modbus WHERE case_id = 'c')) AS shift",
    )
    assert row["shift"] == 3_600_500
    assert added["clock_seconds"] == 3600.5
