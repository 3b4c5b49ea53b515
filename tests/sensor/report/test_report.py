"""Blocks in each format; whatever stands in a cell, it stays a text."""

from __future__ import annotations

import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from sensor.report import Code, Heading, Mark, Paragraph, Table, html, markdown, pdf

HOSTILE = [
    "<script>alert(1)</script>", "a | b", "[x](javascript:y)", "`code` *bold* _it_", "\x1b[2J\u202eevil", "'\"&amp;",
    "line\nbreak", "```", "![i](http://h/x)",
]  # fmt: skip
BLOCKS = [
    Heading(1, "Report <b>"),
    Paragraph("A text & more."),
    Mark("bad", "Observed violation of", "SR 5.1"),
    Table(("name", "n"), tuple((text, "1") for text in HOSTILE), (1,), ("bad",) * len(HOSTILE), "A caption"),
    Table(("", ""), (("key", "value"),)),
    Code("SELECT '```' AS x\nFROM flows -- <script>", "Asked"),
]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_holds_no_tag_of_the_wires() -> None:
    reader = Tags()
    reader.feed(html.page(BLOCKS))
    assert not reader.tags & {"script", "b/", "a", "img", "link", "iframe"}
    assert "<script>alert(1)</script>" in reader.text
    assert "\\x1b[2J\\u202eevil" in reader.text
    assert "default-src 'none'" in html.page(BLOCKS)


def test_markdown_holds_no_markup_of_the_wires() -> None:
    text = markdown.written(BLOCKS)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len(HOSTILE) + 3
    assert all(line.replace("\\|", "").count("|") == 3 for line in rows)
    assert "\\<script\\>" in text
    assert "\\[x\\](javascript" in text
    assert "````sql" in text, "a fence that the code does not end"


def test_a_pdf_is_the_same_twice_and_holds_its_text(tmp_path) -> None:
    data = pdf.document(BLOCKS, made="2026-01-01T00:00:00Z")
    assert data == pdf.document(BLOCKS, made="2026-01-01T00:00:00Z")
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext here (poppler-utils)")
    (tmp_path / "r.pdf").write_bytes(data)
    text = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "r.pdf", "-"], capture_output=True, check=True
    ).stdout.decode()
    assert "<script>alert(1)</script>" in text
    assert "SELECT '```' AS x" in text
    assert "page 1" in text


def test_a_cell_that_fills_pages_and_a_table_of_many_pages() -> None:
    rows = tuple((str(n), "x" * 5000, "wo rd " * 2000) for n in range(60))
    data = pdf.document([Heading(1, "t"), Table(("n", "long", "words"), rows)], made="")
    assert data.startswith(b"%PDF-")
