"""A server that tests share, each in a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.clickhouse.engine import PACKAGE, Engine, library
from tests.sensor.conftest import Program, capture, driftspan, make_capture

__all__ = ["Program", "capture", "driftspan", "make_capture"]
_NUMBERS = count(1)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if library() is None:
        pytest.skip(f"no server: {PACKAGE} cannot be fetched with npm")
    made = Engine(tmp_path_factory.mktemp("clickhouse")).start()
    yield made
    made.stop()


@pytest.fixture
def database() -> str:
    return f"d{next(_NUMBERS)}"


@pytest.fixture
def url(engine: Engine, database: str) -> str:
    return engine.url(database)


PCAPS = Path(__file__).parents[2] / "pcaps"
