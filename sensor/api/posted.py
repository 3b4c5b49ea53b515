"""Bodies of POST requests → records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor.intake import documents
from sensor.intake.lines import Batch, of_line, of_whole

if TYPE_CHECKING:
    from sensor.intake.lines import Reject

MOST_BYTES = 8 << 20
MOST_RECORDS = 20_000
MOST_SAID = 100  # of what is wrong with a body
LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")


def read(kind: str, body: bytes, content_type: str, received: int, model_id: str) -> Batch:
    """One document, a list of them, or one a line: as the type of the content says, else as the body looks."""
    media = content_type.partition(";")[0].strip().lower()
    if media in LINES or (media != "application/json" and not _is_json(body)):
        found = Batch()
        for number, line in enumerate(body.split(b"\n"), 1):
            found.add(of_line(kind, line, f"line {number}", received, model_id))
        return found
    return of_whole(kind, body, "body", received, model_id)


def _is_json(body: bytes) -> bool:
    try:
        documents.parsed(body)
    except ValueError:
        return False
    return True


def is_syntax(reject: Reject) -> bool:
    """Whether it is no JSON at all; else it is no record."""
    return reject.reason.startswith("is no JSON")
