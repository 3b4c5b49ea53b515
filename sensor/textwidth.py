"""Text from the wire on a terminal: made harmless, and as wide as the terminal shows it."""

from __future__ import annotations

import re
import unicodedata

# Control characters, also those of the C1 set, can drive a terminal; format characters reorder or hide
# text; surrogates and private ones show as anything.
_UNSAFE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_LATIN_END = 0x180
_ALSO = "\u2013\u2014\u2019\u201c\u201d\u2026"  # dashes, quotes, ellipsis
_PLAIN = re.compile(r"[\x20-\x7e]*")
_CONTROL_BYTES = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")


def safe(text: str) -> str:
    """The text with everything unprintable written out."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(_written_out(char) if unicodedata.category(char) in _UNSAFE else char for char in text)


def _written_out(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def latin(text: str) -> str:
    """The text with what common fonts have no picture of written out."""
    text = text.replace("\u2192", "->")
    return "".join(c if ord(c) < _LATIN_END or c in _ALSO else f"\\u{ord(c):04x}" for c in text)


def safe_bytes(data: bytes) -> bytes:
    """The same for lines of output that are already encoded: line feeds stay."""
    return _CONTROL_BYTES.sub(lambda m: b"\\x%02x" % m[0][-1], data)


def width(text: str) -> int:
    """Columns that a terminal uses for a safe text."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def padded(text: str, columns: int) -> str:
    """The text in at least so many columns."""
    return text + " " * (columns - width(text))


def fitted(text: str, columns: int) -> str:
    """The text in exactly so many columns: cut with an ellipsis, or filled with blanks."""
    used = width(text)
    if used <= columns:
        return padded(text, columns)
    kept, used = [], 0
    for char in text:
        wide = _columns(char)
        if used + wide > columns - 1:
            break
        kept.append(char)
        used += wide
    return "".join(kept) + "…" + " " * (columns - 1 - used)
