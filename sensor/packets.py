"""The packets that decide an alert, dissected by tshark, where it, pyshark and the capture are at hand."""

from __future__ import annotations

import hashlib
import math
import os
import resource
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from sensor.packet_keys import Keys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_FRAMES = 8
SECONDS = 60
MEMORY = 4 * 1024**3  # bytes of address space
_CHILD = Path(__file__).with_name("packets_child.py")


def dissected(
    capture: str, identity: str, frames: Sequence[int], keys: Keys | None = None
) -> tuple[list[dict[str, Any]], str]:
    """The first few frames, and a sentence where they, or more of them, cannot be shown. `identity` empty: whatever the
    capture is."""
    return _shown(capture, frames, lambda: _altered(capture, identity) if identity else "", keys or Keys())


def of_slice(
    path: Path, digest: str, frames: Sequence[int], keys: Keys | None = None
) -> tuple[list[dict[str, Any]], str]:
    """The same of an alert's own slice, which must have this SHA-256."""
    return _shown(str(path), frames, lambda: _forged(path, digest), keys or Keys())


def _shown(
    capture: str, frames: Sequence[int], check: Callable[[], str], keys: Keys
) -> tuple[list[dict[str, Any]], str]:
    wanted = sorted({int(frame) for frame in frames})[:MOST_FRAMES]
    why = _missing(capture, wanted) or check()
    if why:
        return [], why
    try:
        found = _run(capture, wanted, keys)
    except (OSError, subprocess.SubprocessError, orjson.JSONDecodeError) as error:
        return [], f"tshark could not dissect {capture}: {_reason(error)}"
    rest = len(set(frames)) - len(wanted)
    return found, f"{rest} more frames are named above" if rest else ""


def _missing(capture: str, frames: list[int]) -> str:
    if not frames or not capture:
        return "the alert names no packets"
    if not Path(capture).is_file():
        return f"{capture} is not here any more; put the capture back to see its packets"
    if find_spec("pyshark") is None:
        return "pyshark is not installed; pip install 'driftspan[show]' to see packets dissected"
    if shutil.which("tshark") is None:
        return "tshark is not installed; install Wireshark's tshark to see packets dissected"
    return ""


def _forged(path: Path, digest: str) -> str:
    with path.open("rb") as file:
        same = hashlib.file_digest(file, "sha256").hexdigest() == digest
    return "" if same else f"{path} was altered: it has not the SHA-256 that the alert names; its packets would mislead"


def _altered(capture: str, identity: str) -> str:
    from parsers import CaptureError, Engine

    try:
        same = Engine([capture]).captures()[0]["id"] == identity
    except CaptureError as error:
        return str(error)
    return "" if same else f"{capture} is not what it was when it was replayed; its packets would mislead"


def _run(capture: str, frames: list[int], keys: Keys) -> list[dict[str, Any]]:
    # -P: modules are not looked for beside the script. The absolute path cannot be taken for an option.
    command = [sys.executable, "-P", str(_CHILD), str(Path(capture).absolute()), *map(str, frames), *keys.options()]
    with subprocess.Popen(  # noqa: S603  our own script, no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=_limit,  # noqa: PLW1509  no thread of ours runs by now that could hold a lock
    ) as child:
        try:
            out, complaint = child.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, "tshark", stderr=complaint)
    found: list[dict[str, Any]] = orjson.loads(out)
    return found


def _limit() -> None:
    most = {
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_CPU: math.ceil(SECONDS),
        resource.RLIMIT_FSIZE: 0,  # pipes alone are written to
        resource.RLIMIT_CORE: 0,
    }
    for what, limit in most.items():
        resource.setrlimit(what, (limit, limit))


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"it took longer than {SECONDS} s"
    complaint = getattr(error, "stderr", None) or b""
    last = complaint.decode(errors="replace").strip().splitlines()[-1:]
    return last[0][:300] if last else str(error)
