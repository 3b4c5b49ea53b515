"""Reports as files: which format, and where to."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.errors import DriftspanError, InputError
from sensor.output import chosen_format
from sensor.report import Figure

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Sequence

    from sensor.report import Block

ENDINGS = {".md": "markdown", ".markdown": "markdown", ".html": "html", ".htm": "html", ".pdf": "pdf"}


def format_of(asked: str | None, output: str | None, usual: str, more: Sequence[str] = ()) -> str:
    """`asked` with --format, else what the ending of `output` tells, else `usual`. `more`: endings beside those of
    reports, which are the names of their formats."""
    if asked is not None:
        fmt = asked
    elif output is None:
        fmt = usual
    else:
        fmt = (ENDINGS | {f".{name}": name for name in more}).get(Path(output).suffix.lower(), "")
        if not fmt:
            raise InputError(f"{output}: the ending tells no format; name it with --format, or end in .html")
    if fmt in ("pdf", "png") and output is None and sys.stdout.isatty():
        raise InputError(f"a {fmt.upper()} is nothing for a terminal; name a file with --output")
    return fmt


def rows_or_report(arguments: Namespace, rows: Sequence[str]) -> str:
    """Of commands that give rows, on stdout alone, or a report: HTML where nothing tells."""
    if arguments.format is None and arguments.output is None:
        return chosen_format(None)
    fmt = format_of(arguments.format, arguments.output, "html")
    if arguments.output is not None and fmt in rows:
        raise InputError(f"--output is for reports; send {fmt} to a file with '>'")
    return fmt


def rendered(blocks: Iterable[Block], fmt: str, made: str, output: str | None = None) -> bytes:
    """As `markdown`, `html` or `pdf`. Markdown has its figures in files beside `output`; on stdout, inside."""
    blocks = list(blocks)
    if fmt == "pdf":
        try:
            from sensor.report import pdf
        except ModuleNotFoundError as error:
            raise needs(error, "a PDF") from None
        return pdf.document(blocks, made=made)
    from sensor.report import html, markdown

    return (html.page(blocks) if fmt == "html" else markdown.written(blocks, _figures(blocks, output))).encode()


def needs(error: ModuleNotFoundError, what: str) -> DriftspanError:
    return DriftspanError(f"{what} needs {error.name}, which is not installed: pip install 'driftspan[report]'")


def _figures(blocks: Iterable[Block], output: str | None) -> dict[str, str]:
    """Name of each figure: where the text finds it."""
    figures = [block for block in blocks if isinstance(block, Figure)]
    if output is None:
        return {f.name: f"data:image/png;base64,{base64.b64encode(f.png).decode()}" for f in figures}
    places = {}
    for figure in figures:
        path = Path(output).with_name(f"{Path(output).stem}-{figure.name}.png")
        write(str(path), figure.png)
        places[figure.name] = path.name
    return places


def write(output: str | None, data: bytes) -> None:
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        Path(output).write_bytes(data)
    except OSError as error:
        raise DriftspanError(f"{output}: cannot be written: {error.strerror}") from None


def told(output: str | None) -> None:
    """Says where the result is."""
    if output is not None:
        sys.stdout.write(f"{output}\n")
