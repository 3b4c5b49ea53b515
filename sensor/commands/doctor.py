"""`driftspan doctor`: what the program needs here, whether it is there, and what to do."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import closing
from dataclasses import asdict
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING

from sensor import changes_file, config
from sensor.commands import doctor_interface
from sensor.commands.common import location
from sensor.commands.finding import Finding
from sensor.errors import FAILED, DriftspanError
from sensor.output import chosen_format, show_rows
from sensor.store.server.place import is_server

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterator, Sequence

_PACKAGES = ("chdb", "pyarrow", "numpy", "orjson")
_LITTLE = 2 * 1024**3  # bytes free under which a long capture may not fit
_TSHARK_SECONDS = 20


def run(arguments: Namespace) -> int:
    findings = list(_examine(arguments))
    show_rows([asdict(finding) for finding in findings], chosen_format(arguments.format))
    return FAILED if any(finding.state == "bad" for finding in findings) else 0


def _examine(arguments: Namespace) -> Iterator[Finding]:
    yield from (_package(name) for name in _PACKAGES)
    yield _guarded("engine", _engine)
    loaded = config.Config()
    path = config.find(arguments.config)
    try:
        loaded = config.load(path)
        config.check_detectors(loaded, path)
        changes_file.load(loaded.alerting.changes)
        yield Finding("configuration", "ok", str(path) if path else "none: every value is the default")
    except DriftspanError as error:
        yield Finding("configuration", "bad", str(error), "mend the line that is named")
    where = location(arguments, loaded)
    yield _guarded("store", lambda: _store(where, loaded.store.database))
    yield _guarded("disk", lambda: _disk(Path() if is_server(where) else Path(where)))
    yield _guarded("tshark", _tshark)
    yield from _listening(arguments.interface or list(loaded.capture.interfaces), loaded.capture)


def _listening(interfaces: Sequence[str], capture: config.CaptureSection) -> Iterator[Finding]:
    try:
        yield from doctor_interface.of_machine(capture)
        for name in interfaces:
            yield from doctor_interface.of_interface(name, capture)
    except (OSError, KeyError, ValueError, StopIteration) as error:
        yield Finding(
            "live capture", "bad", f"the kernel does not tell: {error}", "live capture needs Linux with /proc and /sys"
        )


def _guarded(check: str, examine: Callable[[], Finding]) -> Finding:
    try:
        return examine()
    except (DriftspanError, OSError, ImportError, subprocess.SubprocessError) as error:
        return Finding(check, "bad", f"{error}", "mend what is said")


def _package(name: str) -> Finding:
    try:
        import_module(name)
        return Finding(f"package {name}", "ok", metadata.version(name))
    except ImportError as error:
        return Finding(f"package {name}", "bad", str(error), f"install it: pip install {name}")


def _engine() -> Finding:
    engine = import_module("parsers")
    return Finding("engine", "ok", f"{len(engine.schema())} tables, {len(engine.limits())} limits")


def _store(where: str, database: str) -> Finding:
    from sensor.store import open_reading

    if not is_server(where) and not Path(where).exists():
        return Finding("store", "ok", f"{where}: not made yet", "driftspan replay CAPTURE makes it")
    with closing(open_reading(where, database)) as store:
        answer = b"".join(store.query("SELECT uniqExact(case_id), count() FROM captures", "TabSeparated"))
    cases, captures = answer.split()
    return Finding("store", "ok", f"{where}: {cases.decode()} cases of {captures.decode()} captures")


def _disk(where: Path) -> Finding:
    place = next(folder for folder in (where.absolute(), *where.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    text = f"{free / 1024**3:.1f} GiB free at {place}"
    if free < _LITTLE:
        return Finding("disk", "note", text, "free some space, or put the store elsewhere with --store")
    return Finding("disk", "ok", text)


def _tshark() -> Finding:
    program = shutil.which("tshark")
    if program is None:
        return Finding("tshark", "note", "not found", "install Wireshark's tshark to see packets dissected")
    done = subprocess.run(  # noqa: S603  the path of a program, no shell
        [program, "--version"], capture_output=True, text=True, timeout=_TSHARK_SECONDS, check=False
    )
    if done.returncode:
        return Finding("tshark", "note", f"{program} does not run", "reinstall it")
    return Finding("tshark", "ok", (done.stdout.splitlines() or [""])[0])
