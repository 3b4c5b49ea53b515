"""What a store holds, table by table in all formats. An embedded one is read by a process of its own, as chDB wants it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from sensor.store import open_reading

TABLES = (
    "modbus", "dnp3", "opcua", "mqtt", "flows", "sightings", "tag_values", "behaviours", "assets", "captures",
    "alerts", "health", "protocol_minutes", "talker_hours",
)  # fmt: skip
FORMATS = ("JSONEachRow", "CSVWithNames", "JSONCompactEachRowWithNames")
Dump = dict[tuple[str, str], bytes]


def dumped(location: str) -> Dump:
    with closing(open_reading(location, "driftspan")) as store:
        asked = [(table, fmt) for table in TABLES for fmt in FORMATS]
        return {(table, fmt): b"".join(store.query(f"SELECT * FROM {table} ORDER BY ALL", fmt)) for table, fmt in asked}


def dumped_apart(folder: Path, location: str) -> Dump:
    command = [sys.executable, "-m", "tests.clickhouse.dump", str(folder / location)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, check=True, timeout=300)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {(table, fmt): base64.b64decode(found) for table, fmt, found in rows}


if __name__ == "__main__":
    for (table, fmt), found in dumped(sys.argv[1]).items():
        sys.stdout.write(json.dumps([table, fmt, base64.b64encode(found).decode()]) + "\n")
