"""A server that tests share, each in a database of its own, and what an embedded store holds after the same replay."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.clickhouse.dump import Dump, dumped_apart
from tests.clickhouse.engine import PACKAGE, Engine, free_port, library
from tests.sensor.conftest import Program, capture, driftspan, make_capture

__all__ = ["Program", "capture", "driftspan", "make_capture"]
PCAPS = Path(__file__).parents[2] / "pcaps"
CLUSTER = "plant"
_NUMBERS = count(1)


@pytest.fixture
def engine(shared_engine: Engine) -> Engine:
    """As a service manager keeps it: such a process may end when a client is killed, as tests before this one do."""
    shared_engine.revive()
    return shared_engine


@pytest.fixture(scope="session")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    needed()
    made = Engine(tmp_path_factory.mktemp("clickhouse")).start()
    yield made
    made.stop()


@pytest.fixture
def shards(shared_shards: list[Engine]) -> list[Engine]:
    for one in shared_shards:
        one.revive()
    return shared_shards


@pytest.fixture(scope="session")
def shared_shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Engine]]:
    """Two machines that know one another as a cluster of two shards, and the first of them as one of one."""
    needed()
    ports = [(free_port(), free_port()) for _ in range(2)]
    more = f"<remote_servers>{cluster(CLUSTER, ports)}{cluster('begun', ports[:1])}</remote_servers>"
    made = [Engine(tmp_path_factory.mktemp("shard"), more, *pair) for pair in ports]
    try:
        yield [one.start() for one in made]
    finally:
        for one in made:
            one.stop()


def needed() -> None:
    if library() is None:
        pytest.skip(f"no server: {PACKAGE} cannot be fetched with npm")


def cluster(name: str, ports: list[tuple[int, int]]) -> str:
    host = "<host>127.0.0.1</host><port>{}</port><user>default</user>"
    one = "<shard><internal_replication>true</internal_replication><replica>" + host + "</replica></shard>"
    return f"<{name}>{''.join(one.format(native) for native, _ in ports)}</{name}>"


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program keeps beside itself where the store is on a server is this test's own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def database() -> str:
    return f"d{next(_NUMBERS)}"


@pytest.fixture
def url(engine: Engine, database: str) -> str:
    return engine.url(database)


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Dump:
    made = Program(tmp_path_factory.mktemp("embedded"))
    made.rows("replay", PCAPS / "demo.pcap", "--store", "s", "--case", "demo")
    return dumped_apart(made.folder, "s")
