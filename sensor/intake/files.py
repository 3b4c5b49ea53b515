"""Files and directories of documents, read whole: for a replay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sensor.errors import InputError
from sensor.intake.lines import LONGEST_LINE, Batch, model_of, of_line, of_whole

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

WHOLE = ".json"
LINES = (".jsonl", ".ndjson", ".log")
MOST_BYTES = 64 << 20  # of a file that is one document
MOST_FILES = 10_000  # of one directory


def expanded(paths: Iterable[str]) -> list[Path]:
    """The files, those of a directory by name; each once. InputError for what is not there or holds none."""
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = sorted(entry for entry in path.iterdir() if entry.is_file() and entry.suffix in (WHOLE, *LINES))
            if not inside:
                endings = ", ".join((WHOLE, *LINES))
                raise InputError(f"{path}: this directory holds no file that ends in {endings}")
            found |= dict.fromkeys(inside[:MOST_FILES])
        elif path.exists():
            found[path] = None
        else:
            raise InputError(f"{path}: there is no such file or directory")
    return list(found)


def read(kind: str, path: Path, models: Collection[str] = ()) -> Iterator[Batch]:
    """The records of a file, a batch a line, or one of the whole file. InputError if it cannot be read.

    A report that says no time of its own has that of a file which is nothing else; in a file of lines it is refused.
    """
    model = model_of(path.name, models)
    try:
        if path.suffix == WHOLE:
            yield _whole(kind, path, model)
            return
        with path.open("rb") as handle:
            number = 0
            while line := handle.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
                    _skip_line(handle)
                yield of_line(kind, line, f"{path}:{number}", None, model)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def _whole(kind: str, path: Path, model: str) -> Batch:
    with path.open("rb") as handle:
        data = handle.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: is larger than {MOST_BYTES >> 20} MiB; write a record a line (.jsonl)")
    return of_whole(kind, data, str(path), path.stat().st_mtime_ns, model)


def _skip_line(handle: object) -> None:
    while (piece := handle.readline(LONGEST_LINE)) and not piece.endswith(b"\n"):  # type: ignore[attr-defined]
        pass
