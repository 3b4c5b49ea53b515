"""Two machines as a cluster: one sensor's rows on one of them, answers over both."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from sensor.case_name import LIVE
from sensor.spool import Batch
from sensor.store import CaptureFacts, Layout, open_reading, open_store
from sensor.store.migrate import available
from tests.clickhouse.conftest import CLUSTER, PCAPS
from tests.clickhouse.dump import dumped
from tests.clickhouse.traffic import tables

ROOT = Path(__file__).parents[2]


def configured(program, name: str) -> str:
    path = program.folder / f"{name}.toml"
    path.write_text(f'[sensor]\nname = "{name}"\n[store]\ncluster = "{CLUSTER}"\nreplicated = false\n')
    return str(path)


def asked(url: str, sql: str) -> list[dict[str, object]]:
    with closing(open_reading(url, "")) as store:
        return [json.loads(line) for line in b"".join(store.query(sql, "JSONEachRow")).splitlines()]


def test_replayed_twice_it_is_as_an_embedded_store_is(driftspan, embedded, shards, database) -> None:
    first, second = (one.url(database) for one in shards)
    for url in (first, second):
        driftspan.rows("replay", PCAPS / "demo.pcap", "--store", url, "--case", "demo",
                       "--config", configured(driftspan, "driftspan"))  # fmt: skip
    assert dumped(first) == dumped(second) == embedded
    lies = asked(first, "SELECT DISTINCT _shard_num AS shard FROM modbus")
    assert len(lies) == 1, "one sensor's rows stay together"
    alert = driftspan.rows("alerts", "--store", second)[0]["alert_id"]
    driftspan.rows("mute", alert, "--store", first, "--config", configured(driftspan, "office"))
    states = {row["alert_id"]: row["status"] for row in driftspan.rows("alerts", "--status", "all", "--store", second)}
    assert [identity for identity, status in states.items() if status == "muted"] == [alert]


def test_rows_that_others_replace_are_seen_once(shards, database) -> None:
    url, layout = shards[0].url(database), Layout(CLUSTER, replicated=False)
    names = [f"sensor {number}" for number in range(8)]
    for version, name in enumerate(names, 1):
        with closing(open_store(url, "", name, layout)) as store:
            store.record("incident_rows", "live", [{"incident_id": "a" * 32, "version": version, "severity": "low"}])
            store.record("health", "live", [{"counter": "packets", "value": version}])
    assert asked(url, "SELECT incident_id, sensor FROM incidents") == [{"incident_id": "a" * 32, "sensor": names[-1]}]
    assert asked(url, "SELECT uniqExact(_shard_num) AS n, sum(value) AS s FROM health") == [{"n": 2, "s": 36}]
    assert asked(
        url, "SELECT max(n) AS n FROM (SELECT sensor, uniqExact(_shard_num) AS n FROM health GROUP BY sensor)"
    ) == [{"n": 1}]


def test_a_batch_that_comes_again_is_there_once(shards, database, tmp_path) -> None:
    """Whichever machine it is given to."""
    [rows], layout = tables(tmp_path, 50)["modbus"], Layout(CLUSTER, replicated=False)
    payload = rows.native({"sensor": "s", "case_id": LIVE})
    for server in (*shards, *shards):
        with closing(open_store(server.url(database), "", "s", layout)) as store:
            store.deliver(Batch("modbus", tuple(rows.column_names), "Native", 50, payload, "the-same"))
    assert asked(shards[0].url(database), "SELECT count() AS n FROM modbus") == [{"n": 50}]


OPENING = """
import sys
from sensor.store import Layout, open_store
open_store(sys.argv[1], "", sys.argv[2], Layout(sys.argv[3], replicated=False)).close()
"""


def test_many_begin_at_once_and_one_migrates(engine, shards, database) -> None:
    for servers, cluster in ((shards, CLUSTER), ([engine], "")):
        urls = [servers[number % len(servers)].url(database) for number in range(6)]
        opening = [
            subprocess.Popen([sys.executable, "-c", OPENING, url, f"s{n}", cluster], cwd=ROOT, stderr=subprocess.PIPE)
            for n, url in enumerate(urls)
        ]
        said = [process.communicate(timeout=240)[1].decode() for process in opening]
        assert [process.returncode for process in opening] == [0] * 6, said
        counted = "SELECT count() AS n, uniqExact(number) AS m FROM migrations"
        for server in servers:
            place = f"{database}_local" if cluster else database
            n, m = server.ask(f"SELECT count(), uniqExact(number) FROM {place}.migrations").split()
            assert int(n) == int(m) == len(available()), counted
            assert server.ask(f"EXISTS TABLE {place}.migrating").strip() == "0"


def test_a_machine_that_comes_later_gets_the_tables(shards, database) -> None:
    url = shards[0].url(database)
    with closing(open_store(url, "", "s", Layout("begun", replicated=False))) as store:
        store.begin_case("c", [CaptureFacts("1" * 32, "c.pcap")])
    assert shards[1].ask(f"SELECT count() FROM system.tables WHERE database = '{database}_local'").strip() == "0"
    for number in range(8):
        with closing(open_store(url, "", f"s{number}", Layout(CLUSTER, replicated=False))) as store:
            store.record("verdicts", "", [{"alert_id": "ab", "action": "learn"}])
    assert asked(url, "SELECT uniqExact(_shard_num) AS n, count() AS c FROM verdicts") == [{"n": 2, "c": 8}]
    assert asked(url, "SELECT id FROM captures") == [{"id": "1" * 32}]
