"""Captures to typed rows: the thin Python face of the packet path, which is Rust.

`Engine` reads captures and hands out windows of Arrow tables; see `_native.pyi` for the contract.
"""

from parsers._native import (
    CaptureError,
    Engine,
    Found,
    Readings,
    Recorder,
    Selection,
    Table,
    Window,
    anomaly_kinds,
    drop_privileges,
    frames_at,
    give_up_calls,
    give_up_files,
    keep_listening,
    limits,
    listen,
    packets_of,
    scan,
    schema,
    tag_numbers,
)

__all__ = [
    "CaptureError",
    "Engine",
    "Found",
    "Readings",
    "Recorder",
    "Selection",
    "Table",
    "Window",
    "anomaly_kinds",
    "drop_privileges",
    "frames_at",
    "give_up_calls",
    "give_up_files",
    "keep_listening",
    "limits",
    "listen",
    "packets_of",
    "scan",
    "schema",
    "tag_numbers",
]
