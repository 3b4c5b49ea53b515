"""One export: what, in which format, which way. `[[export]]` and the command line both say it so."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.errors import InputError
from sensor.export import formats
from sensor.export.ways.syslog import Trust
from sensor.service.credentials import credential

if TYPE_CHECKING:
    from sensor.export.source import Wanted
    from sensor.export.ways import Way

VARIABLE = "DRIFTSPAN_WEBHOOK_SECRET"
_SHORTEST = 16  # characters of a secret


@dataclass(frozen=True, slots=True)
class Job:
    """One of `output`, `syslog` and `webhook` says where to."""

    name: str
    to: str
    wanted: Wanted
    output: str = ""
    syslog: str = ""
    webhook: str = ""
    trust: Trust = field(default_factory=Trust)
    secret_file: str = ""

    def way(self, *, follow: bool) -> Way:
        """InputError says what is wrong with it. Nothing is connected yet."""
        if self.syslog:
            from sensor.export.ways.syslog import Syslog, target

            return Syslog(target(self.syslog), self.trust)
        if self.webhook:
            from sensor.export.ways.webhook import Webhook

            return Webhook(self.webhook, secret(self.secret_file), self.trust)
        from sensor.export.ways.file import Lines

        return Lines(self.output or "-", append=follow)


def secret(path: str) -> bytes:
    """Of the file, the environment or a credential of the service; empty: nothing is signed."""
    found, source = os.environ.get(VARIABLE, "").strip(), f"the variable {VARIABLE}"
    if path:
        found, source = _of_file(Path(path)), path
    elif not found:
        found, source = credential("webhook_secret"), "the credential webhook_secret"
    if found and len(found) < _SHORTEST:
        raise InputError(f"{source}: a secret has at least {_SHORTEST} characters")
    return found.encode()


def _of_file(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            mode = os.fstat(handle.fileno()).st_mode
            line = handle.readline(4096).decode().strip()
    except OSError as error:
        raise InputError(f"{path}: the secret cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text; its first line is the secret") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"{path}: others may read this secret; chmod 600 mends that")
    if not line:
        raise InputError(f"{path}: its first line is empty; it is the secret")
    return line


def check(job: Job) -> None:
    """What must be known before anything begins; `stix` needs its library."""
    if job.to == "stix":
        from sensor.export import stix

        stix.library()
    if job.to not in formats.NAMES:
        raise InputError(f"there is no format {job.to!r}; there are {', '.join(formats.NAMES)}")
