"""The unit of systemd, for the program that is installed here."""

from __future__ import annotations

import shutil
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.config import SYSTEM
from sensor.errors import DriftspanError

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "driftspan.service"
STORE = "/var/lib/driftspan/store"
_SHIPPED = "/opt/driftspan/bin/driftspan"
_HIDDEN = (Path("/home"), Path("/root"), Path("/run/user"))  # from a service with ProtectHome


def program() -> Path:
    """The command as it is installed; DriftspanError where it cannot be found."""
    beside = Path(sys.executable).with_name("driftspan")
    found = str(beside) if beside.exists() else shutil.which("driftspan")
    if found is None:
        raise DriftspanError("the command driftspan is not installed here: pip install it, as docs/install.md says")
    return Path(found).absolute()


def text(path: Path) -> str:
    """The unit with this path in it, quoted as systemd.service(5) wants it."""
    escaped = str(path).replace("\\", "\\\\").replace("%", "%%").replace('"', '\\"')
    quoted = f'"{escaped}"' if " " in escaped or '"' in escaped else escaped
    return files(__package__).joinpath(NAME).read_text().replace(_SHIPPED, quoted)


def advice(folder: Path) -> Iterator[str]:
    """What is left to do, as root."""
    path = program()
    if any(path.is_relative_to(hidden) for hidden in _HIDDEN):
        yield f"# {path} lies where a service sees nothing (ProtectHome): install driftspan into /opt/driftspan first."
    yield "# As root, where there is no user driftspan yet, then after every change of the unit:"
    yield "adduser --system --group --home /var/lib/driftspan --no-create-home driftspan"
    if folder.absolute() != SYSTEM.parent:
        yield f"install -D -m 640 -g driftspan {folder / SYSTEM.name} {SYSTEM}"
    yield f"install -m 644 {folder / NAME} /etc/systemd/system/{NAME}"
    yield "systemctl daemon-reload && systemctl enable --now driftspan"
