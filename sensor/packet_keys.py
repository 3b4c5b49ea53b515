"""Keys that an investigator has: tshark takes what was encrypted apart with them."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sensor.errors import InputError

# The labels of NSS key logs (draft-ietf-tls-keylogfile), and those before TLS 1.3.
_TLS = re.compile(
    rb"^(RSA|CLIENT_RANDOM|EXPORTER_SECRET|EARLY_EXPORTER_SECRET|(CLIENT|SERVER)_(EARLY_TRAFFIC|HANDSHAKE_TRAFFIC|"
    rb"TRAFFIC)_SECRET(_\d+)?) +[0-9a-fA-F]+ +[0-9a-fA-F]+",
    re.MULTILINE,
)
# As UA stacks write them: client_iv_<channel>_<token>: <hexadecimal digits>
_OPCUA = re.compile(rb"^(client|server)_(iv|key|siglen|sig)_\d+_\d+ *: *[0-9a-fA-F]+", re.MULTILINE)
_LOOKED_AT = 1 << 20  # bytes
_SETTING = re.compile(r"^#?(opcua\.[\w.]*key[\w.]*):", re.MULTILINE)
_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Keys:
    """Absolute paths; empty: none."""

    tls: str = ""
    opcua: str = ""

    @classmethod
    def of(cls, tls: str | None, opcua: str | None) -> Keys:
        """InputError for a file that holds no keys, or keys that this tshark cannot use."""
        if opcua is not None:
            _opcua_setting()
        return cls(
            _checked(tls, _TLS, "TLS sessions, as SSLKEYLOGFILE makes one"),
            _checked(opcua, _OPCUA, "OPC UA channels, as UA stacks write one"),
        )

    @property
    def files(self) -> list[str]:
        return [path for path in (self.tls, self.opcua) if path]

    def options(self) -> list[str]:
        """For tshark."""
        told = ["-o", f"tls.keylog_file:{self.tls}"] if self.tls else []
        return told + (["-o", f"{_opcua_setting()}:{self.opcua}"] if self.opcua else [])


def _checked(path: str | None, wanted: re.Pattern[bytes], what: str) -> str:
    if path is None:
        return ""
    try:
        with Path(path).open("rb") as file:
            start = file.read(_LOOKED_AT)
    except OSError as error:
        raise InputError(f"{path}: the keys cannot be read: {error.strerror}") from None
    if wanted.search(start) is None:
        raise InputError(f"{path}: holds no keys; it must be a key log of {what}")
    return str(Path(path).absolute())


def _opcua_setting() -> str:
    try:
        told = subprocess.run(
            ["tshark", "-G", "currentprefs"],  # noqa: S607  as everywhere: the one that is on the path
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        ).stdout.decode(errors="replace")
    except (OSError, subprocess.SubprocessError):
        raise InputError("tshark is not installed, or does not run; install Wireshark's tshark to use keys") from None
    found = _SETTING.search(told)
    if found is None:
        raise InputError("this tshark cannot read keys of OPC UA: Wireshark 4.4 or newer is needed; TLS keys work")
    return found[1]
