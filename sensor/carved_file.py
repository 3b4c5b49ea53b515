"""A file that packets carried, out of the captures: what carried it is dissected again, its bytes kept."""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sensor import carved, carving
from sensor.alerts import ask
from sensor.case_name import LIVE
from sensor.chosen import FIRST
from sensor.errors import InputError
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sensor.store import Reading

MOST_BYTES = 2 << 30  # of a file: it is held in memory
_HASH = re.compile(r"[0-9a-f]{8,64}")
_BEFORE = 60 * 10**9  # nanoseconds in which what announced a transfer is looked for first
_AFTER = 10**10


def carve(store: Reading, given: str, case: str | None, output: Path, *, force: bool) -> dict[str, object]:
    """InputError where there is no such file, or its bytes are not to be had."""
    seen = _seen(store, given, case)
    data = next((data for row in seen for data in _attempts(store, row)), None)
    if data is None:
        raise InputError(f"file {seen[0]['sha256']}: its packets do not give its bytes: carve its flow instead")

    def write(file: IO[bytes]) -> carved.Written:
        told = carved.Written()
        told.size, told.sha256 = file.write(data), hashlib.sha256(data).hexdigest()
        return told

    told = carved.into(output, write, force=force)
    row = seen[0]
    return {"file": str(output), "bytes": told.size, "sha256": told.sha256, "name": row["name"], "path": row["path"],
            "mime": row["mime"], "model_format": row["model_format"], "carrier": row["carrier"],
            "src_ip": row["src_ip"], "dst_ip": row["dst_ip"], "case": row["case_id"]}  # fmt: skip


def _seen(store: Reading, given: str, case: str | None) -> list[dict[str, Any]]:
    if _HASH.fullmatch(given) is None:
        raise InputError(f"--file {given!r} is no SHA-256; give all of it, or its first 8 digits and more")
    where = f" AND case_id = {quote(case)}" if case else f" AND case_id != {quote(LIVE)}"
    rows = ask(
        store,
        "SELECT case_id, sha256, size, name, path, mime, model_format, carrier, capture, src_ip, dst_ip,"
        " hex(src_ip) AS src, hex(dst_ip) AS dst, toUnixTimestamp64Nano(first_ts) AS first_ns,"
        " toUnixTimestamp64Nano(ts) AS last_ns FROM files"
        f" WHERE startsWith(sha256, {quote(given)}){where} ORDER BY size, ts LIMIT 100",
    )
    if not rows:
        raise InputError(f"no file {given!r} was seen whole; 'driftspan query \"SELECT * FROM files\"' lists them")
    if len({row["sha256"] for row in rows}) > 1:
        raise InputError(f"{given!r} begins the hashes of several files; write more of it")
    if int(rows[0]["size"]) > MOST_BYTES:
        raise InputError(f"the file has {rows[0]['size']} bytes, at most {MOST_BYTES} are carved; use --flow")
    return rows


def _attempts(store: Reading, row: dict[str, Any]) -> Iterator[bytes]:
    """From shortly before it began; then from the beginning, as a connection may be older than what it carries."""
    pair = (bytes.fromhex(row["src"]), bytes.fromhex(row["dst"]))
    last = int(row["last_ns"]) + _AFTER
    for first in (int(row["first_ns"]) - _BEFORE, FIRST):
        wanted = carving.Wanted(first, last, pairs=(pair,))
        if (data := _content(store, row, wanted)) is not None:
            yield data
            return


def _content(store: Reading, row: dict[str, Any], wanted: carving.Wanted) -> bytes | None:
    from parsers import Engine

    captures = carving.found(store, row["case_id"], wanted)
    names = [carving.name_of(capture) for capture in captures]
    with tempfile.TemporaryDirectory(prefix="driftspan-") as folder:
        path = Path(folder) / "carrier.pcapng"
        with path.open("wb") as file:
            carved.pcapng(file, carving.packets(captures, wanted), names, "driftspan", {})
        engine = Engine([path], limits={"kept_file_bytes": int(row["size"]) * 4 + (1 << 20)})
        digest = bytes.fromhex(row["sha256"])
        while (window := engine.next()) is not None:
            for found, data in window.files:
                if found == digest:
                    return data
    return None
