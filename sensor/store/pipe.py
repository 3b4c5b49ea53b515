"""A pipe that a thread fills while the engine reads it as a file."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SIZE = 1 << 20  # bytes between both sides: large enough that neither waits for every write of the other


@contextlib.contextmanager
def readable(data: Iterable[bytes]) -> Iterator[str]:
    """The path of a file that holds the data once. What goes wrong with the data is raised at the end."""
    reading, writing = os.pipe()
    with contextlib.suppress(OSError):  # a smaller pipe is slower and nothing else
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _SIZE)
    failed: list[BaseException] = []
    feeder = threading.Thread(target=_feed, args=(writing, data, failed), name="pipe")
    feeder.start()
    try:
        yield f"/proc/self/fd/{reading}"
    finally:
        os.close(reading)
        feeder.join()
    if failed:
        raise failed[0]


def _feed(writing: int, data: Iterable[bytes], failed: list[BaseException]) -> None:
    try:
        with open(writing, "wb", buffering=0) as file:
            for piece in data:
                rest = memoryview(piece)
                while rest:
                    rest = rest[file.write(rest) :]
    except BrokenPipeError:  # the reader has failed and says so itself
        pass
    except BaseException as error:  # noqa: BLE001  raised by the thread that waits for this one
        failed.append(error)
