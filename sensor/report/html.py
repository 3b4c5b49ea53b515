"""Blocks as one HTML file: no script, nothing fetched, readable on paper."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from sensor.report import Code, Figure, Heading, Mark, Note, Paragraph, Table
from sensor.textwidth import safe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sensor.report import Block

# The page itself forbids what it does not do, whatever a cell holds.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?")
_SHORT, _WORD = 18, 32  # characters of a cell, and of one that is a single word, which stay on one line
_STYLE = """
:root { --ink: #1b2733; --soft: #5b6b7a; --line: #d5dde4; --bad: #b3261e; --good: #1f6f43; --gap: #8a5a00; }
body { font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: var(--ink); margin: 0 auto;
  max-width: 1120px; padding: 2rem 1.5rem 4rem; }
h1 { font-size: 1.9rem; margin: 0 0 .5rem; }
h2 { font-size: 1.35rem; margin: 2.4rem 0 .6rem; padding-bottom: .25rem; border-bottom: 2px solid var(--ink); }
h3 { font-size: 1.08rem; margin: 1.8rem 0 .4rem; }
p { margin: .4rem 0; max-width: 80ch; }
.mark { border-left: 4px solid var(--soft); padding: .35rem .8rem; margin: .6rem 0; background: #f6f8fa; }
.mark.bad { border-color: var(--bad); background: #fcefee; } .mark.bad b { color: var(--bad); }
.mark.good { border-color: var(--good); background: #eef7f1; } .mark.good b { color: var(--good); }
.mark.gap { border-color: var(--gap); background: #fdf6e7; } .mark.gap b { color: var(--gap); }
.wide { overflow-x: auto; margin: .7rem 0; }
table { border-collapse: collapse; font-size: .86rem; min-width: 40%; }
caption { text-align: left; color: var(--soft); padding-bottom: .25rem; }
th { text-align: left; background: #eef2f5; border-bottom: 2px solid var(--line); white-space: nowrap; }
th, td { padding: .3rem .65rem; vertical-align: top; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.t { white-space: nowrap; }
tr.bad td:first-child { box-shadow: inset 3px 0 var(--bad); }
tr.good td:first-child { box-shadow: inset 3px 0 var(--good); }
tr.gap td:first-child { box-shadow: inset 3px 0 var(--gap); }
.note { color: var(--soft); font-size: .82rem; margin: .1rem 0; }
figure { margin: 1rem 0; break-inside: avoid; }
figure svg { width: 100%; height: auto; max-width: 1120px; }
figcaption { color: var(--soft); font-size: .86rem; }
details { margin: .5rem 0; font-size: .86rem; } summary { color: var(--soft); cursor: pointer; }
pre { background: #f6f8fa; border: 1px solid var(--line); padding: .6rem .8rem; overflow-x: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; font: .82rem/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
@media print { @page { size: A4; margin: 14mm; } body { font-size: 10pt; max-width: none; padding: 0; }
  h2, h3 { break-after: avoid; } tr, .mark, pre { break-inside: avoid; } thead { display: table-header-group; }
  .mark, th { print-color-adjust: exact; -webkit-print-color-adjust: exact; } details > pre { display: block; } }
"""


def page(blocks: Iterable[Block]) -> str:
    blocks = list(blocks)
    title = next((b.text for b in blocks if isinstance(b, Heading) and b.level == 1), "")
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{_text(title)}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width">\n<style>{_STYLE}</style>\n</head>\n<body>\n'
        f"{body(blocks)}\n</body>\n</html>\n"
    )


def body(blocks: Iterable[Block]) -> str:
    """The report without the page around it, for a page of somebody else's: classes, and no style."""
    return "\n".join(map(_block, blocks))


def _block(block: Block) -> str:  # noqa: PLR0911  one a kind of block
    match block:
        case Heading(level, text):
            return f"<h{level}>{_text(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{_text(text)}</p>"
        case Note(text):
            return f'<p class="note">{_text(text)}</p>'
        case Mark(tone, label, text):
            return f'<div class="mark {tone}"><b>{_text(label)}</b> {_text(text)}</div>'
        case Table():
            return _table(block)
        case Figure():
            drawn = block.svg[block.svg.index("<svg") :]
            return f"<figure>{drawn}<figcaption>{_text(block.caption)}</figcaption></figure>"
        case Code(text, caption):
            code = f"<pre>{escape(chr(10).join(map(safe, text.splitlines())))}</pre>"
            return f"<details open><summary>{_text(caption)}</summary>{code}</details>" if caption else code


def _table(table: Table) -> str:
    numbers = [' class="n"' if at in table.right else "" for at in range(len(table.columns))]
    head = "".join(f"<th{n}>{_text(name)}</th>" for name, n in zip(table.columns, numbers, strict=True))
    head = f"<thead><tr>{head}</tr></thead>\n" if any(table.columns) else ""
    tones = table.tones or ("plain",) * len(table.rows)
    lines = []
    for row, tone in zip(table.rows, tones, strict=True):
        cells = "".join(f"<td{n or _fixed(c)}>{_text(c)}</td>" for c, n in zip(row, numbers, strict=True))
        lines.append(f'<tr class="{tone}">{cells}</tr>')
    caption = f"<caption>{_text(table.caption)}</caption>" if table.caption else ""
    return f'<div class="wide"><table>{caption}{head}<tbody>\n{chr(10).join(lines)}\n</tbody></table></div>'


def _fixed(cell: str) -> str:
    """Times, addresses and single words are not broken over lines."""
    whole = len(cell) <= _SHORT or (len(cell) <= _WORD and " " not in cell) or _TIME.fullmatch(cell)
    return ' class="t"' if whole else ""


def _text(text: str) -> str:
    return escape(" ".join(safe(part) for part in text.split()))
