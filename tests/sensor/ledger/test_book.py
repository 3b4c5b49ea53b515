"""Every record has its leaf, each once, whatever happens to the process between the two."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

import orjson
import pytest

from tests.sensor.ledger.conftest import HEAD, ROOT, STORE, write

# The process ends itself at the n-th insert: before it, or behind it, when what it wrote is there and nobody knows.
DYING = """
store = opened()
inner, left = store._session.insert, [{at}]
def insert(*told, **more):
    left[0] -= 1
    if left[0] == 0 and not {behind}:
        os._exit(7)
    inner(*told, **more)
    if left[0] == 0:
        os._exit(7)
store._session.insert = insert
if {at} == 3:
    from sensor.ledger.state import Files
    Files.done = lambda _: os._exit(7)
store.record("verdicts", "c", [filled.verdict(100), filled.verdict(101)])
"""
DELIVERY = """
from sensor.spool import Batch
from sensor.store.rows import ndjson
store = opened()
store.expect_tokens()
rows = [filled.alert(n, 5) | {"sensor": "s", "case_id": "live", "run": "r"} for n in (1, 2, 3)]
batch = Batch("alert_rows", tuple(rows[0]), "JSONEachRow", 3, ndjson(rows), "spool-000000000001-0-records-abcd-0")
"""


def sound(program) -> dict[str, int]:
    done = program("ledger", "verify", "--format", "ndjson")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = map(orjson.loads, done.stdout.splitlines())
    return {row["stream"]: row["records"] for row in rows if "stream" in row}


def sizes(program) -> dict[str, int]:
    """Leaves of each stream, as the log's directory has them."""
    files = (program.folder / f"{STORE}-ledger").glob("*.json")
    return {path.stem: orjson.loads(path.read_bytes())["size"] for path in files if path.stem != "log"}


@pytest.mark.parametrize(("at", "behind"), [(1, False), (1, True), (2, True), (3, True)])
def test_a_killed_process_leaves_no_record_without_a_leaf(site, at: int, behind: bool) -> None:
    """At 1 rows are written, at 2 their leaves, at 3 all that lacks is that the directory says so."""
    before = sizes(site)
    write(site.folder, DYING.format(at=at, behind=behind), status=7)
    done = site("ledger", "verify", "--format", "ndjson")
    assert done.returncode == 0, "what is under way is no tampering: " + done.stdout
    assert "the last write to verdicts was cut off" in done.stderr
    site.rows("learn", "0" * 31 + "5")
    assert sound(site)["verdicts"] == before["verdicts"] + 3, "what was begun is there, and once"


@pytest.mark.parametrize("kill", ["inner", "leaves"])
def test_a_delivery_that_comes_again_has_its_leaves_once(site, kill: str) -> None:
    before = sizes(site)
    dying = {"inner": "table == 'alert_rows'", "leaves": "table == 'ledger_leaves'"}[kill]
    ending = f"""
inner = store._session.insert
def insert(table, *told, **more):
    inner(table, *told, **more)
    if {dying}:
        os._exit(7)
store._session.insert = insert
store.deliver(batch)
"""
    write(site.folder, DELIVERY + ending, status=7)
    write(site.folder, DELIVERY + "store.deliver(batch)\nstore.deliver(batch)\nstore.close()\n")
    assert sound(site) == before | {"alerts": before["alerts"] + 3}
    [told] = site.rows("query", "SELECT count() AS n FROM alert_rows WHERE case_id = 'live'")
    assert told == {"n": 3}


def test_killed_at_any_moment(site) -> None:
    script = """
store = opened(interval=1.0)
for n in range(10_000):
    store.record("verdicts", "c", [filled.verdict(n) | {"note": f"{sys.argv[1]} {n}"}])
    print(n, flush=True)
"""
    dice = random.Random(3)
    said = 0
    for turn in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", HEAD + script, str(turn)],
            cwd=site.folder,
            env={"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(dice.uniform(0.05, 0.6))
        child.send_signal(signal.SIGKILL)
        said += 1 + len(child.communicate()[0].splitlines())
        assert child.returncode == -signal.SIGKILL
    site.rows("learn", "0" * 31 + "5")
    leaves = sound(site)["verdicts"]
    [told] = site.rows(
        "query",
        "SELECT count() AS n, uniqExact(note) AS notes FROM verdicts WHERE note != '' AND note NOT LIKE 'because%'",
    )
    assert said <= told["notes"] == told["n"] <= said + 3, "what was acknowledged is there, once"
    assert leaves == 8 + told["n"] + 1


def test_leaves_that_this_log_did_not_seal_are_not_taken_over(site) -> None:
    before = sizes(site)
    forged = "INSERT INTO ledger_leaves SELECT * REPLACE (leaf_index + 1 AS leaf_index) FROM ledger_leaves WHERE stream = 'verdicts' ORDER BY leaf_index DESC LIMIT 1"
    write(site.folder, f"store = opened()\nstore._session.run({forged!r})\nstore.close()\n")
    said = site("learn", "0" * 31 + "5")
    assert "1 leaves of the stream verdicts were not written by this log" in said.stderr
    done = site("ledger", "verify", "--format", "ndjson")
    assert done.returncode == 1
    rows = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert ("inserted", "verdicts", before["verdicts"]) in [(row["result"], row["stream"], row["leaf"]) for row in rows]


def test_a_removal_on_purpose_is_told_from_one_that_is_not(site) -> None:
    delete = "store._session.run(\"DELETE FROM {} WHERE case_id = 'c'\")\n"
    tables = ("alert_rows", "incident_rows", "inference_log", "runbook_steps", "verdicts")
    deletes = "".join(map(delete.format, tables))
    write(
        site.folder, "store = opened()\nstore.remove('c', who='ann', why='case closed')\n" + deletes + "store.close()\n"
    )
    done = site("ledger", "verify", "--format", "ndjson")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "alerts of case 'c' that were written before were removed by ann at 20" in done.stderr
    assert "case closed" in done.stderr
    delete = "for table in ('verdicts', 'custody'):\n    store._session.run(f'DELETE FROM {table} WHERE 1')\n"
    write(site.folder, f"store = opened()\n{delete}store.close()\n")
    done = site("ledger", "verify", "--format", "ndjson")
    assert done.returncode == 1
    assert {(row["result"], row["case"], row["stream"]) for row in map(orjson.loads, done.stdout.splitlines())} == {
        ("removed", "", "verdicts"),
        ("removed", "c", "custody"),
    }, "custody outlives its case"


def test_rows_whose_time_has_run_out_are_not_missed(site) -> None:
    layout = 'ChdbStore(Path("driftspan-store"), "driftspan", "s", Layout(keep_alert_days=30))'
    live = "rows = [filled.alert(n, 0) | {'ts': filled.START * 10**9} for n in (40, 41)]\n"
    write(
        site.folder,
        f"store = {layout}\n{live}store.record('alert_rows', 'live', rows)\nstore._session.run('OPTIMIZE TABLE alert_rows FINAL')\nstore.close()\n",
    )
    done = site("ledger", "verify", "--format", "ndjson")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 records of alerts are gone because the store keeps them only so long" in done.stderr
