"""A baseline on disk: what a pipeline learnt, and under which configuration.

Two lines of JSON under gzip: a head with format version, digests of what the state depends on and the checksum of the
second line, and the state itself. A file that is not exactly what was written, or was written under another
configuration, is refused: what was learnt under other zones or windows would judge wrongly and say nothing.
"""

from __future__ import annotations

import gzip
import os
import zlib
from dataclasses import asdict
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

from sensor.errors import DriftspanError, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from detectors.pipeline import Pipeline
    from sensor.config import Config

FORMAT = "driftspan baseline"
VERSION = 2
MOST_BYTES = 2 * 1024**3  # unpacked
_LEVEL = 6
_AGAIN = "learn again with --learn-from and --save-baseline"


def save(path: Path, pipeline: Pipeline, config: Config, level: int = _LEVEL) -> int:
    """Writes the file whole or not at all; gives its size in bytes. `level`: of compression, 1 to 9."""
    state = orjson.dumps(pipeline.snapshot())
    head = {
        "format": FORMAT,
        "version": VERSION,
        "configuration": digests(config, pipeline),
        "sha256": sha256(state).hexdigest(),
    }
    data = gzip.compress(orjson.dumps(head) + b"\n" + state + b"\n", level, mtime=0)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise DriftspanError(f"{path}: the baseline cannot be written: {error.strerror}") from None
    return len(data)


def restore(path: Path, pipeline: Pipeline, config: Config) -> None:
    """Puts the pipeline where the file's was. InputError for a file that is not whole or not of this configuration."""
    head, state = _parts(path)
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise InputError(f"{path}: is no baseline of driftspan")
    if head.get("version") != VERSION:
        raise InputError(
            f"{path}: is a baseline of version {head.get('version')}, this program knows {VERSION}; {_AGAIN}"
        )
    if head.get("sha256") != sha256(state).hexdigest():
        raise InputError(f"{path}: was altered or damaged: its content does not match its checksum; {_AGAIN}")
    then, now = head.get("configuration"), digests(config, pipeline)
    other = sorted(what for what in now if not isinstance(then, dict) or then.get(what) != now[what])
    if other:
        raise InputError(f"{path}: was learnt under another configuration (other {', '.join(other)}); {_AGAIN}")
    try:
        pipeline.restore(orjson.loads(state))
    except (KeyError, TypeError, ValueError, AttributeError):  # the checksum is right: another program wrote it
        raise InputError(f"{path}: was written by another version of the detectors; {_AGAIN}") from None


def _parts(path: Path) -> tuple[Any, bytes]:
    try:
        with gzip.open(path) as handle:
            data = handle.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such baseline; --learn-from and --save-baseline write one") from None
    except EOFError:
        raise InputError(f"{path}: breaks off, the baseline is not whole; {_AGAIN}") from None
    except (gzip.BadGzipFile, zlib.error):
        raise InputError(f"{path}: is no baseline of driftspan, or it was damaged") from None
    except OSError as error:
        raise InputError(f"{path}: the baseline cannot be read: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: is too large for a baseline")
    head, _, state = data.partition(b"\n")
    try:
        return orjson.loads(head), state.removesuffix(b"\n")
    except orjson.JSONDecodeError:
        raise InputError(f"{path}: is no baseline of driftspan") from None


def digests(config: Config, pipeline: Pipeline) -> dict[str, str]:
    """Of each part of the configuration that the state depends on."""
    parts: dict[str, object] = {
        "zones and conduits": [*map(asdict, config.zones), *map(asdict, config.conduits)],
        "window_seconds": config.capture.window_seconds,
        "vlan_in_key": config.capture.vlan_in_key,
        "false_alarms_per_day": config.alerting.false_alarms_per_day,
        "detectors": {name: config.detectors.get(name, {}) for name in pipeline.detectors},
    }
    return {
        what: sha256(orjson.dumps(part, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16] for what, part in parts.items()
    }
