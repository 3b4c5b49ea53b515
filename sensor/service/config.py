"""`[log]` and `[metrics]`: how a program that goes on for years is heard and measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.config_read import Reader, unknown

if TYPE_CHECKING:
    from sensor.config import Config

FORMATS = ("console", "json")
LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class LogSection:
    """`format`: console, sentences for people, or json, an object a line. `level`: this one and graver."""

    format: str = "console"
    level: str = "info"


@dataclass(frozen=True, slots=True)
class MetricsSection:
    """`listen`: address and port of Prometheus' page; `textfile`: file for node_exporter. Empty: none."""

    listen: str = ""
    textfile: str = ""


def check(reader: Reader, config: Config) -> None:
    for key, known in (("format", FORMATS), ("level", LEVELS)):
        value = getattr(config.log, key)
        if value not in known:
            raise reader.error(("log", key), unknown(f"{key} of the log", value, known))
    if config.metrics.listen:
        try:
            address(config.metrics.listen)
        except ValueError as error:
            raise reader.error(("metrics", "listen"), str(error)) from None
    if config.metrics.textfile and not config.metrics.textfile.endswith(".prom"):
        message = "textfile must end in .prom: node_exporter reads no others"
        raise reader.error(("metrics", "textfile"), message)
    if config.metrics.textfile and not Path(config.metrics.textfile).name.removesuffix(".prom"):
        raise reader.error(("metrics", "textfile"), "textfile names no file")


def address(text: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:9642` or `[::1]:9642`; ValueError says what is wrong with it."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise ValueError(f'{text!r} is no address with a port, as in "127.0.0.1:9642"')
    return host, int(port)
