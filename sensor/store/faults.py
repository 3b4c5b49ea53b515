"""chDB's errors as sentences: the first line, without the stack and the version."""

from __future__ import annotations

import re

from sensor.errors import DriftspanError, InputError, StoreError

_CODE = re.compile(r"Code: (\d+)\.")
_PREFIX = re.compile(r"^(?:Failed to create connection: )?(?:Code: \d+\. |DB::Exception: )*")
_TAIL = re.compile(r"(?:[\s.]*\((?:version [^)]*|[A-Z_]+)\)\.?)+\s*$")
_WHERE = re.compile(r"[:\s]*(?:\(in file/uri [^)]*\)|While executing).*", re.DOTALL)
_STACK = re.compile(r",? ?Stack trace.*", re.DOTALL)

# https://clickhouse.com: ErrorCodes.cpp
_NO_SPACE = {"243"}  # NOT_ENOUGH_SPACE
_LIMITS = {"159", "241"}  # TIMEOUT_EXCEEDED, MEMORY_LIMIT_EXCEEDED
_READONLY = "164"
# CHECKSUM_DOESNT_MATCH, TOO_LARGE_SIZE_COMPRESSED, CANNOT_DECOMPRESS, CORRUPTED_DATA, or what follows from them
_DAMAGED = {"40", "103", "271", "246"}
_PART = "while reading from part"


def first_line(error: Exception) -> str:
    """What ClickHouse says, in one line."""
    text = _STACK.sub("", str(error)).strip()
    text = _WHERE.sub("", _TAIL.sub("", text))
    text = _PREFIX.sub("", text)
    return " ".join(text.split())[:500].rstrip(". ") or type(error).__name__


def of_question(error: Exception) -> DriftspanError:
    """The failure of a user's SQL."""
    text = str(error)
    found = _CODE.search(text)
    code = found[1] if found else ""
    if code in _LIMITS:
        return StoreError(f"the query was stopped: {first_line(error)}")
    if code == _READONLY:
        return InputError("this SQL would change something or reach outside the store; only reading is allowed")
    if code in _DAMAGED or _PART in text:
        mend = "replay its captures into a new store, or bring back a copy"
        return StoreError(f"a part of the store is damaged: {first_line(error)}; {mend}")
    return InputError(f"the SQL was refused: {first_line(error)}")


def of_store(error: Exception, doing: str) -> StoreError:
    """The failure of our own work on the store."""
    text = str(error)
    found = _CODE.search(text)
    if (found and found[1] in _NO_SPACE) or "No space left" in text:
        return StoreError(f"{doing}: the disk is full; free some space and try again")
    return StoreError(f"{doing}: {first_line(error)}")
