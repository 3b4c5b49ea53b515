"""Blocks as PDF, through ReportLab: A4, numbered pages, tables that go on over pages with their head."""

from __future__ import annotations

import io
from html import escape
from typing import TYPE_CHECKING, Any

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Image, LongTable, SimpleDocTemplate, Spacer, TableStyle, XPreformatted
from reportlab.platypus import Paragraph as Flow

from sensor.report import Code, Figure, Heading, Mark, Note, Paragraph, Table
from sensor.textwidth import latin, safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sensor.report import Block

_PAGE = landscape(A4)
_MARGIN = 15 * mm
_WIDTH = _PAGE[0] - 2 * _MARGIN
_HIGHEST = 150 * mm  # of a picture: its caption is on the same page
_INK, _SOFT, _LINE, _SHADE = (colors.HexColor(c) for c in ("#1b2733", "#5b6b7a", "#d5dde4", "#eef2f5"))
_TONES = {"bad": ("#b3261e", "#fcefee"), "good": ("#1f6f43", "#eef7f1"), "gap": ("#8a5a00", "#fdf6e7"),
          "plain": ("#5b6b7a", "#f6f8fa")}  # fmt: skip
_NARROWEST = 4  # characters that every column has room for
_SHORT = 19  # characters of a cell that are not broken, where there is room: a time, an address
_LONGEST = 90  # characters of a cell that still widen its column
_MOST_CELL = 600  # characters of a cell: one that fills a page cannot be broken over two


def document(blocks: Iterable[Block], *, made: str) -> bytes:
    """`made`: the time that stands in the file; the same blocks and time give the same bytes."""
    for name, file in (("Body", "Vera"), ("Bold", "VeraBd"), ("BodyItalic", "VeraIt")):
        pdfmetrics.registerFont(TTFont(name, f"{file}.ttf"))
    pdfmetrics.registerFontFamily("Body", normal="Body", bold="Bold", italic="BodyItalic", boldItalic="Bold")
    blocks = list(blocks)
    title = next((b.text for b in blocks if isinstance(b, Heading) and b.level == 1), "")
    out = io.BytesIO()
    made_by = SimpleDocTemplate(
        out, pagesize=_PAGE, leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=_MARGIN, bottomMargin=18 * mm,
        title=_shown(title), author="driftspan", subject=made, invariant=1,
    )  # fmt: skip

    def foot(canvas: Any, page: Any) -> None:
        canvas.setFont("Body", 7)
        canvas.setFillColor(_SOFT)
        canvas.drawString(_MARGIN, 10 * mm, f"{_shown(title)} · {made}")
        canvas.drawRightString(_PAGE[0] - _MARGIN, 10 * mm, f"page {page.page}")

    made_by.build([flow for block in blocks for flow in _flows(block)], onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


def _style(name: str, size: float, **more: Any) -> ParagraphStyle:
    return ParagraphStyle(name, fontName="Body", fontSize=size, leading=size * 1.4, textColor=_INK, **more)


_STYLES = {
    "h1": _style("h1", 19, spaceAfter=8), "h2": _style("h2", 13.5, spaceBefore=14, spaceAfter=5, keepWithNext=1),
    "h3": _style("h3", 10.5, spaceBefore=10, spaceAfter=3, keepWithNext=1), "p": _style("p", 8.5, spaceAfter=3),
    "cell": _style("cell", 7, splitLongWords=1), "n": _style("n", 7, alignment=2),
    "code": ParagraphStyle("code", fontName="Courier", fontSize=6.6, leading=8.6, textColor=_INK, spaceAfter=4,
                           backColor=colors.HexColor("#f6f8fa"), borderPadding=3, leftIndent=3, spaceBefore=4),
    "note": ParagraphStyle("note", fontName="Body", fontSize=7, leading=9, textColor=_SOFT, spaceBefore=3),
}  # fmt: skip


def _flows(block: Block) -> Iterator[Any]:
    match block:
        case Heading(level, text):
            yield Flow(f"<b>{_text(text)}</b>", _STYLES[f"h{level}"])
        case Paragraph(text):
            yield Flow(_text(text), _STYLES["p"])
        case Note(text):
            yield Flow(_text(text), _STYLES["note"])
        case Mark(tone, label, text):
            ink, paper = _TONES[tone]
            style = ParagraphStyle("mark", parent=_STYLES["p"], backColor=colors.HexColor(paper), borderPadding=4,
                                   leftIndent=5, spaceBefore=6, spaceAfter=8, keepWithNext=1)  # fmt: skip
            yield Flow(f'<font color="{ink}"><b>{_text(label)}</b></font> {_text(text)}', style)
        case Table():
            if block.caption:
                yield Flow(_text(block.caption), _STYLES["note"])
            yield _table(block)
            yield Spacer(1, 5)
        case Figure():
            yield _picture(block)
            yield Flow(_text(block.caption), _STYLES["note"])
            yield Spacer(1, 5)
        case Code(text, caption):
            if caption:
                yield Flow(_text(caption), _STYLES["note"])
            lines = "\n".join(piece for line in text.splitlines() for piece in _cut(latin(safe(line))))
            yield XPreformatted(escape(lines), _STYLES["code"])


def _picture(figure: Figure) -> Image:
    """As wide as the page, unless it were higher than it."""
    made = Image(io.BytesIO(figure.png), hAlign="LEFT")
    scale = min(_WIDTH / made.imageWidth, _HIGHEST / made.imageHeight)
    made.drawWidth, made.drawHeight = made.imageWidth * scale, made.imageHeight * scale
    return made


def _table(table: Table) -> LongTable:
    styles = [_STYLES["n" if at in table.right else "cell"] for at in range(len(table.columns))]
    head = [Flow(f"<b>{_text(name)}</b>", style) for name, style in zip(table.columns, styles, strict=True)]
    rows = [[Flow(_text(c[:_MOST_CELL]), s) for c, s in zip(row, styles, strict=True)] for row in table.rows]
    headed = int(any(table.columns))
    lines = [head, *rows] if headed else rows
    made = LongTable(lines, colWidths=_widths(table), repeatRows=headed, hAlign="LEFT")
    look: list[Any] = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE), ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ("LEFTPADDING", (0, 0), (-1, -1), 4), ("RIGHTPADDING", (0, 0), (-1, -1), 4),
    ]  # fmt: skip
    if headed:
        look.append(("BACKGROUND", (0, 0), (-1, 0), _SHADE))
    for number, tone in enumerate(table.tones, headed):
        if tone != "plain":
            look.append(("LINEBEFORE", (0, number), (0, number), 2, colors.HexColor(_TONES[tone][0])))
    made.setStyle(TableStyle(look))
    return made


def _widths(table: Table) -> list[float]:
    """By the longest cell of each column: as wide as that when all fit. When not, what is short keeps its width as far
    as there is room, and the rest is shared in proportion."""
    wanted = [
        min(_LONGEST, max(_NARROWEST, len(name) + 2, *(len(row[at]) for row in table.rows)))
        for at, name in enumerate(table.columns)
    ]
    points = [4.3 * count + 10 for count in wanted]
    if sum(points) <= _WIDTH:
        return points
    kept = [min(width, 4.3 * _SHORT + 10) for width in points]
    if sum(kept) >= _WIDTH:
        return [width * _WIDTH / sum(points) for width in points]
    share = (_WIDTH - sum(kept)) / (sum(points) - sum(kept))
    return [least + (width - least) * share for least, width in zip(kept, points, strict=True)]


def _cut(line: str, columns: int = 185) -> Sequence[str]:
    return [line[at : at + columns] for at in range(0, len(line), columns)] or [""]


def _shown(text: str) -> str:
    return latin(" ".join(safe(part) for part in text.split()))


def _text(text: str) -> str:
    return escape(_shown(text))
