"""Events of Zeek's DNP3 analyser, one a line: `name, whether the master's, values`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.golden.expected.compare import Rows, multisets

if TYPE_CHECKING:
    import pathlib

    from tests.golden.corpus import Row


def readable(path: pathlib.Path) -> bool:
    return path.name == "output" and "dnp3" in path.parent.name


def differences(path: pathlib.Path, rows: Rows) -> list[str]:
    events = [line.split(", ") for line in path.read_text().splitlines() if line.startswith("dnp3_")]
    fragments = [row for row in rows.get("dnp3", []) if row["app_function"] is not None]
    requests = [(*map(int, event[2:4]), None) for event in events if event[0].endswith("_request_header")]
    replies = [tuple(map(int, event[2:5])) for event in events if event[0].endswith("_response_header")]
    codes = [divmod(int(event[2]), 256) for event in events if event[0] == "dnp3_object_header"]
    named = [tuple(map(int, name.split(":"))) for row in fragments for name in row["objects"]]
    headers = [(control(row), row["app_function"], row["iin"]) for row in fragments]
    return multisets("headers", requests + replies, headers) + multisets("objects", codes, named)


def control(row: Row) -> int:
    """Put the application control octet together again (IEEE 1815 clause 4.2.2.4)."""
    bits = (row["fir"], row["fin"], row["con"], row["uns"])
    return int(sum(bool(bit) << (7 - at) for at, bit in enumerate(bits))) | int(row["app_seq"])
