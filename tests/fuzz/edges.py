"""What reads bytes of others in Python. Each edge takes any bytes and lets out only its own sentences.

Beside other exceptions two things are findings: more CPU time than a second for 64 KiB, and a refusal that is no
sentence of one line.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sensor import manifest
from sensor.api import posted
from sensor.config import parse
from sensor.errors import InputError
from sensor.intake.lines import DRIFT, INFERENCE, Batch
from sensor.store import guard

KEY = Path(__file__).parents[1] / "sensor" / "signing" / "signer.pub"
SECONDS, BYTES = 1.0, 1 << 16
NOW = 1_767_600_000_000_000_000

Edge = Callable[[bytes], None]


class FindingError(AssertionError):
    """Something that no input may do."""


def said(error: InputError) -> None:
    text = str(error)
    if not text.strip() or "\n" in text or "Traceback" in text:
        raise FindingError(f"no sentence of one line: {text!r}")


def configuration(data: bytes) -> None:
    try:
        parse(data.decode(), "driftspan.toml")
    except UnicodeDecodeError:
        return
    except InputError as error:
        said(error)


def bodies(data: bytes) -> None:
    """What is posted to /api/v1/drift and /api/v1/inference, in each form."""
    for kind in (DRIFT, INFERENCE):
        for media in ("application/json", "application/x-ndjson", ""):
            found = posted.read(kind, data, media, NOW, "model")
            if not isinstance(found, Batch):
                raise FindingError(f"no records: {found!r}")
            for reject in found.rejects:
                said(InputError(reject.said))


def sql(data: bytes) -> None:
    text = data.decode(errors="replace")
    for check in (guard.check_reading, guard.check_condition):
        try:
            allowed = check(text)
        except InputError as error:
            said(error)
            continue
        names = [word.lower() for kind, word in guard.tokens(allowed) if kind == "word"]
        if check is guard.check_reading and "outfile" in names and "into" in names:
            at = names.index("into")
            if names[at : at + 2] == ["into", "outfile"]:
                raise FindingError(f"INTO OUTFILE is let through: {text!r}")


def manifests(data: bytes) -> None:
    """A file that says it is a signed manifest, and the statement in one whose signature holds."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        for trust in (manifest.Trust(key=str(KEY)), manifest.Trust(certificate=str(KEY.with_name("authority.pem")))):
            try:
                manifest.read(file.name, trust)
            except InputError as error:
                said(error)
    try:
        manifest._statement("model.sig", manifest._json(data, "model.sig"), "key")
    except InputError as error:
        said(error)


EDGES: dict[str, Edge] = {edge.__name__: edge for edge in (configuration, bodies, sql, manifests)}


def run(edge: Edge, data: bytes) -> None:
    begun = time.thread_time()
    edge(data)
    took, may = time.thread_time() - begun, SECONDS * max(1.0, len(data) / BYTES)
    if took > may:
        raise FindingError(f"{len(data)} bytes took {took:.2f} s of CPU time, more than {may:.1f}")
