"""Line numbers of keys in a TOML text, which tomllib does not give.

Only a text that tomllib has accepted is scanned, so the scanner need not find errors: it follows
brackets and strings just far enough to know which lines start a key and which are inside a value.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
_KEY_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")
_TOKEN = re.compile(r'"""|\'\'\'|"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*|[\[\]{}]')


def key_lines(text: str) -> dict[Path, int]:
    """1-based line of every section and key by path: `("zone", 1, "cidrs")` is of the second `[[zone]]`."""
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    section: Path = ()
    depth, quote = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if depth == 0 and not quote:
            header = _HEADER.match(line)
            if header is not None and line.lstrip().startswith("["):
                section = _section(header[1] == "[[", _key(header[2])[0], counts)
                lines.setdefault(section, number)
                continue
            parts, end = _key(line)
            for length in range(1, len(parts) + 1):
                lines.setdefault((*section, *parts[:length]), number)
            depth, quote = _follow(line[end:], depth, quote)
        else:
            depth, quote = _follow(line, depth, quote)
    return lines


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of the path, or of the nearest thing around it that has one; 0: none."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 0


def _key(text: str) -> tuple[list[str], int]:
    """The parts of a dotted key at the start of the text, and where it ends."""
    parts: list[str] = []
    position = 0
    while (match := _KEY_PART.match(text, position)) is not None:
        parts.append(next(group for group in match.groups() if group is not None))
        position = match.end()
        if text[position : position + 1] != ".":
            break
        position += 1
    return parts, position


def _section(repeated: bool, parts: list[str], counts: dict[Path, int]) -> Path:
    """The path of a header. A table below a repeated one belongs to its latest entry."""
    path: Path = ()
    for place, part in enumerate(parts, start=1):
        path = (*path, part)
        if repeated and place == len(parts):
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _follow(line: str, depth: int, quote: str) -> tuple[int, str]:
    """Depth of open brackets and the open multi-line quote after a line."""
    position = 0
    while position < len(line):
        if quote:
            end = line.find(quote, position)
            if end < 0:
                return depth, quote
            position, quote = end + 3, ""
            continue
        token = _TOKEN.search(line, position)
        if token is None or token[0].startswith("#"):
            break
        position = token.end()
        if token[0] in ('"""', "'''"):
            quote = token[0]
        elif token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
    return depth, quote
