"""What the programs of a run give up for good, and the places that the sensor still needs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.service.log import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sensor.config import Config

# The system's own: libraries, time zones, names of users, what the kernel tells of processes and processors.
SYSTEM = (
    "/usr", "/lib", "/lib64", "/proc", "/sys/devices", "/sys/class/net", "/dev/urandom", "/etc/ld.so.cache",
    "/etc/localtime", "/etc/timezone", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group", "/etc/os-release",
)  # fmt: skip
NOWHERE = "/dev/null"


def confine(role: str) -> None:
    """Gives up system calls, in all threads; a kernel that cannot keep that is said, and the program goes on."""
    from parsers import give_up_calls

    try:
        give_up_calls(role)
    except OSError as error:
        say(f"system calls cannot be given up here ({error}): the {role} keeps them", "warning")


def confine_files(read: Iterable[Path], write: Iterable[Path], what: str) -> None:
    """Gives up all other files, TCP connections and signals to others, in this thread and those that it begins.

    Directories of `write` must exist."""
    from parsers import give_up_files

    try:
        whole = give_up_files(read=[*_code(), *read], write=[*write, Path(NOWHERE)], run=[])
    except OSError as error:
        say(f"files cannot be given up here ({error}): the {what} keeps them", "warning")
        return
    if not whole:
        say(f"this kernel's Landlock cannot keep all that the {what} gives up; seccomp does its part", "info")


def _code() -> Iterator[Path]:
    """Where Python and its packages lie; some are read only when they are needed."""
    yield from map(Path, SYSTEM)
    for name in {sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path}:
        yield Path(name or ".").absolute()


def read_by(config: Config, path: Path | None) -> Iterator[Path]:
    """Files that a running sensor reads, as folders where they may be replaced."""
    named = [*config.alerting.changes, *config.intake.drift, *config.intake.inference]
    for model in config.models:
        manifests = (model.manifest,) if isinstance(model.manifest, str) else model.manifest
        named += [*manifests, model.manifest_key, model.manifest_certificate]
    if path is not None:
        yield path.absolute().parent
    for name in filter(None, named):
        place = Path(name).absolute()
        yield place if place.is_dir() else place.parent


def written_by(config: Config, *folders: Path) -> Iterator[Path]:
    """Directories that a running sensor writes to, made where they are not there yet."""
    if config.metrics.textfile:
        folders += (Path(config.metrics.textfile).absolute().parent,)
    for folder in folders:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:  # whoever writes there says so
            continue
        yield folder
