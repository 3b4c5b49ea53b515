"""A case written up: its figures are those of the store, and each stands with its query."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess

import pytest

from tests.sensor.forensics.conftest import PCAPS


@pytest.fixture(scope="module")
def written(desk) -> str:
    done = desk("report", "swap", "--against", "clean", "--output", "r.md")
    assert done.stdout == "r.md\n", done.stderr
    return (desk.folder / "r.md").read_text()


def plain(text: str) -> str:
    return re.sub(r"\\([\\`*_{}\[\]<>#|~&!])", r"\1", text)


def test_every_part_is_there(written: str) -> None:
    for part in ("Summary", "Incidents", "Timeline", "The process", "Against case clean", "Evidence", "Techniques",
                 "Affected controls", "Open questions", "Appendix: the queries"):  # fmt: skip
        assert f"\n## {part}\n" in written, part


def test_figures_are_those_of_the_store(desk, written: str) -> None:
    counts = {
        "alerts": "alerts", "flows": "flows", "changes of values": "tag_values", "files": "files", "drift": "drift",
    }  # fmt: skip
    for name, table in counts.items():
        [row] = desk.rows("query", f"SELECT count() AS n FROM {table} WHERE case_id = 'swap'")
        assert f"| {name} | {row['n']:,} |" in plain(written), name


def test_every_query_of_the_appendix_can_be_asked_again(desk, written: str) -> None:
    queries = re.findall(r"```sql\n(.*?)\n```", written.split("## Appendix")[1], re.DOTALL)
    numbered = re.findall(r"^Query (\d+): ", written, re.MULTILINE)
    assert numbered == [str(n) for n in range(1, len(queries) + 1)]
    assert len(queries) > 15
    for sql in queries:
        done = desk("query", sql, "--format", "ndjson")
        assert done.returncode == 0, (sql, done.stderr)


def test_captures_are_named_with_the_sum_of_what_lies_there(written: str) -> None:
    assert hashlib.sha256((PCAPS / "model_swap.pcap").read_bytes()).hexdigest() in written


def test_artefacts_and_techniques_are_named(desk, written: str) -> None:
    for row in desk.rows("query", "SELECT DISTINCT sha256 FROM files WHERE case_id = 'swap'"):
        assert row["sha256"] in written
    for row in desk.rows(
        "query",
        "SELECT DISTINCT arrayJoin(techniques) AS t FROM alerts WHERE case_id = 'swap' AND severity >= 'medium'",
    ):
        assert row["t"] in written


def test_pictures_lie_beside_the_text(desk, written: str) -> None:
    names = re.findall(r"^!\[.*\]\((r-figure-\d\.png)\)$", written, re.MULTILINE)
    assert names
    assert all((desk.folder / name).read_bytes().startswith(b"\x89PNG") for name in names)


def test_as_page_and_on_paper(desk) -> None:
    assert desk("report", "writer", "--baseline", "plant.baseline", "--output", "w.html").returncode == 0
    page = (desk.folder / "w.html").read_text()
    assert "Against what was learnt" in page
    assert "<svg" in page and "<script" not in page
    assert desk("report", "writer", "--output", "w.pdf").returncode == 0
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext here (poppler-utils)")
    text = subprocess.run(["pdftotext", "-layout", desk.folder / "w.pdf", "-"], capture_output=True, check=True).stdout
    assert b"Report of case writer" in text
    assert b"Appendix: the queries" in text


def test_what_cannot_be_reported_is_said(desk) -> None:
    assert "there is no case 'nobody'" in desk.refused("report", "nobody")
    assert "not both" in desk.refused("report", "swap", "--against", "clean", "--baseline", "plant.baseline")
    assert "there is no case 'nobody'" in desk.refused("report", "swap", "--against", "nobody")
