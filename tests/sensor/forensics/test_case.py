"""A case as Arrow tables and Parquet, and the example notebook. In processes of their own: an embedded store has one owner."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sensor.forensics import parquet, tables
from tests.sensor.forensics.conftest import ROOT

NOTEBOOK = ROOT / "docs" / "notebooks" / "case.ipynb"
SCRIPT = """
import pyarrow as pa
from sensor import Case
from sensor.errors import InputError

with Case("writer", store="site", config_file="driftspan.toml") as case:
    alerts = case.table("alerts", where="severity >= 'medium'")
    assert alerts.num_rows and set(alerts["severity"].to_pylist()) <= {"medium", "high", "critical"}
    assert alerts.schema.field("first_ts").type == pa.timestamp("ns", tz="UTC")
    assert "10.30.0.77" in alerts["src_ip"].to_pylist()
    many = case.query("SELECT number FROM numbers(300000)")
    assert many.num_rows == 300000 and many["number"].to_pylist()[-1] == 299999
    assert case.query("SELECT src_ip FROM flows WHERE 0").schema.names == ["src_ip"]
    frame = case.timeline(asset="10.30.0.77", kinds=["command"]).to_pandas()
    assert len(frame) and frame["at"].is_monotonic_increasing
    assert case.compare("clean", host="10.30.0.77", only_aspects=["asset"])["change"].to_pylist() == ["new"]
    values = case.values("u1/holding_register/50", host="10.40.0.11")
    assert values.num_rows and set(values["tag"].to_pylist()) == {"u1/holding_register/50"}
    slow, fast = case._store, case._arrow
    from sensor.forensics import tables
    sql = "SELECT * EXCEPT evidence FROM alerts WHERE case_id = 'writer' ORDER BY alert_id"
    assert tables.table(slow, sql, arrow=False).to_pylist() == tables.table(slow, sql).to_pylist()
    for wrong in (lambda: case.table("users"), lambda: case.table("modbus", where="1) OR (1"), lambda: case.compare("nobody"),
                  lambda: case.timeline(kinds=["noise"]), lambda: case.query("DROP TABLE flows")):
        try:
            wrong()
        except InputError:
            continue
        raise AssertionError(wrong)
print("all right")
"""


def run(folder, code: str, **more: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_case_hands_out_tables(desk) -> None:
    assert run(desk.folder, SCRIPT) == "all right\n"


def test_the_notebook_runs_and_holds_no_output(desk) -> None:
    book = json.loads(NOTEBOOK.read_text())
    cells = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    code = "\n".join("".join(cell["source"]) for cell in cells)
    seen = "\nassert len(by_kind) and len(writers) and len(new) and len(order) and len(moved)\nprint(len(order))\n"
    assert int(run(desk.folder, code + seen, CASE="writer", OTHER="clean", STORE="site")) > 0


def test_parquet_holds_what_the_store_holds(desk) -> None:
    done = desk("export", "--to", "parquet", "--case", "swap", "--output", "tables")
    assert done.returncode == 0, done.stderr
    files = {path.stem for path in (desk.folder / "tables").iterdir()}
    assert files == set(parquet.SPANS)
    for name in ("modbus", "flows", "alerts", "tag_values", "files"):
        [row] = desk.rows("query", f"SELECT count() AS n FROM {name} WHERE case_id = 'swap'")
        assert pq.read_metadata(desk.folder / "tables" / f"{name}.parquet").num_rows == row["n"], name
    read = pq.read_table(desk.folder / "tables" / "alerts.parquet")
    assert set(read["case_id"].to_pylist()) == {"swap"}
    assert not any(address.startswith("::ffff:") for address in read["src_ip"].to_pylist())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "parquet", "--case", "swap"), "--to parquet needs a directory"),
        (("--to", "parquet", "--case", "swap", "--tables", "users", "--output", "t"), "there is no table 'users'"),
        (("--to", "parquet", "--case", "swap", "--follow", "--output", "t"), "--to parquet writes files, once"),
        (("--to", "eve", "--tables", "modbus"), "--to parquet writes files, once"),
        (("--to", "parquet", "--output", "t"), "choose a case with --case"),
    ],
)
def test_what_cannot_be_exported_is_said(desk, arguments: tuple[str, ...], said: str) -> None:
    assert said in desk.refused("export", *arguments)


def test_types_of_a_server_are_known() -> None:
    assert tables._type("LowCardinality(Nullable(String))") == pa.string()
    assert tables._type("Array(UInt16)") == pa.list_(pa.uint16())
    assert tables._type("DateTime64(9, 'UTC')") == pa.timestamp("ns", tz="UTC")
