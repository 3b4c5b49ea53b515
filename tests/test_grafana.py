"""The dashboards: whole, and every panel's SQL asked of a store that the plant filled."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sensor.store.guard import check_reading

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "grafana"
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted((FOLDER / "dashboards").glob("*.json"))}
PANELS = [(name, panel) for name, board in BOARDS.items() for panel in board["panels"]]
# What the demonstration has nothing of.
MAY_BE_EMPTY = {
    "Incidents",
    "Drift of models",
    "Lost",
    "Oddities that parsers saw",
    "Messages that were broken",
    "Modbus without a good answer",
}
ASK = """
import json, sys
from pathlib import Path
from sensor.store.chdb_reading import ChdbReading
store = ChdbReading(Path("site"), "driftspan")
# As a user of Grafana's asks: replaced rows are seen unless the SQL says FINAL.
for sql in json.load(sys.stdin):
    answer = json.loads(b"".join(store.query(sql, "JSON", final=False)))
    print(json.dumps({"columns": {c["name"]: c["type"] for c in answer["meta"]}, "rows": answer["rows"], "data": answer["data"][:1]}))
"""


def replaced(sql: str) -> str:
    """Macros and variables as the data source writes them."""
    since, until = "toDateTime(1577836800)", "toDateTime(4102444800)"
    sql = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 >= {since} AND \1 <= {until}", sql)
    sql = re.sub(r"\$__timeInterval\((\w+)\)", r"toStartOfInterval(toDateTime(\1), INTERVAL 60 second)", sql)
    return sql.replace("${case:singlequote}", "'demo'")


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> list[dict]:
    folder = tmp_path_factory.mktemp("grafana")
    replay = [
        sys.executable,
        "-m",
        "sensor",
        "replay",
        str(ROOT / "pcaps" / "demo.pcap"),
        "--store",
        "site",
        "--case",
        "demo",
    ]
    subprocess.run(replay, cwd=folder, check=True, capture_output=True, timeout=300)
    asked = [replaced(panel["targets"][0]["rawSql"]) for _, panel in PANELS]
    asked += [replaced(board["templating"]["list"][0]["query"]) for board in BOARDS.values()]
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=folder,
        input=json.dumps(asked),
        text=True,
        check=True,
        capture_output=True,
        timeout=300,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_panel_is_answered(answers) -> None:
    assert len(answers) == len(PANELS) + len(BOARDS)
    for (name, panel), answer in zip(PANELS, answers, strict=False):
        where = f"{name}: {panel['title']}"
        assert answer["rows"] > 0 or panel["title"] in MAY_BE_EMPTY, where
        kinds = list(answer["columns"].values())
        if panel["type"] == "timeseries":
            assert next(iter(answer["columns"])) == "time" and kinds[0].startswith("DateTime"), where
            assert any(kind.removeprefix("Nullable(").startswith(("UInt", "Int", "Float")) for kind in kinds[1:]), where
        if panel["type"] == "stat":
            assert answer["rows"] == 1, where
    for answer in answers[len(PANELS) :]:
        assert answer["data"] == [{"case_id": "demo"}]


def test_dashboards_are_whole() -> None:
    source = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "driftspan.yaml").read_text())["datasources"][0]
    provider = yaml.safe_load((FOLDER / "provisioning" / "dashboards" / "driftspan.yaml").read_text())["providers"][0]
    assert provider["type"] == "file" and "password" not in source["jsonData"]
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS) == 3
    for name, board in BOARDS.items():
        panels = board["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels), name
        taken: set[tuple[int, int]] = set()
        for panel in panels:
            place = panel["gridPos"]
            assert place["x"] >= 0 and place["x"] + place["w"] <= 24
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, f"{name}: {panel['title']} lies on another"
            taken |= cells
            for target in panel["targets"]:
                assert target["datasource"] == panel["datasource"] == {"type": source["type"], "uid": source["uid"]}
                sql = check_reading(
                    target["rawSql"].replace("$", "_").replace("{", "").replace("}", "").replace(":", "_")
                )
                assert "_case_singlequote" in sql, f"{name}: {panel['title']} shows every case"
