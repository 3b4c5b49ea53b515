"""Statements of any migration, as a cluster wants them."""

from __future__ import annotations

import pytest

from sensor.store import keeping, migrate
from sensor.store.server import layout
from sensor.store.server.layout import Table


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("CREATE TABLE IF NOT EXISTS t\n(\n    a UInt8\n)\nENGINE = MergeTree\nORDER BY a SETTINGS x = 1",
         "ENGINE = ReplicatedMergeTree('/clickhouse/driftspan/c/{shard}/d_local/t-0011', '{replica}')\nORDER BY a SETTINGS x = 1"),
        ("CREATE TABLE t (a UInt8) ENGINE=ReplacingMergeTree(a, b) ORDER BY a",
         "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/driftspan/c/{shard}/d_local/t-0011', '{replica}', a, b) ORDER BY a"),
        ("CREATE TABLE `t` (a UInt8) engine = SummingMergeTree() ORDER BY a",
         "ENGINE = ReplicatedSummingMergeTree('/clickhouse/driftspan/c/{shard}/d_local/t-0011', '{replica}') ORDER BY a"),
        ("CREATE MATERIALIZED VIEW IF NOT EXISTS v ENGINE = AggregatingMergeTree ORDER BY a AS SELECT 1 AS a FROM t",
         "ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/driftspan/c/{shard}/d_local/v-0011', '{replica}') ORDER BY a AS SELECT 1 AS a FROM t"),
    ],
)  # fmt: skip
def test_engines_are_replicated_under_a_path_of_their_own(statement, wanted) -> None:
    assert layout.replicated(statement, "c", "d_local", 11).endswith(wanted)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS b String",
        "CREATE MATERIALIZED VIEW IF NOT EXISTS v TO t AS SELECT a FROM u",
        "CREATE OR REPLACE VIEW v AS SELECT a FROM u",
        "DROP TABLE IF EXISTS t SYNC",
        "CREATE TABLE t (a UInt8) ENGINE = Memory",
        "CREATE TABLE t (a UInt8) ENGINE = ReplicatedMergeTree('/p', '{replica}') ORDER BY a",
    ],
)
def test_all_else_stays_as_it_is(statement) -> None:
    assert layout.replicated(statement, "c", "d", 11) == statement


def test_every_table_of_every_migration_is_replicated() -> None:
    paths = []
    for number, _, sql in migrate.available():
        for statement in layout.statements(migrate.statements(sql), number):
            made = layout.replicated(statement, "c", "d", number)
            assert "MergeTree" not in made.replace("Replicated", "\0").split("\0")[0].rpartition("ENGINE")[2], made
            if made != statement:
                paths.append(made.partition("MergeTree('")[2].partition("'")[0])
            elif statement.startswith("CREATE TABLE"):
                raise AssertionError(statement)
    assert len(paths) == len(set(paths)) > 20


def test_the_shard_is_the_sensors_unless_others_replace_the_row() -> None:
    columns = frozenset(("sensor", "case_id", "ts"))
    assert layout.key(Table("modbus", "MergeTree", "case_id, ts", columns)) == "cityHash64(sensor)"
    flows = Table("flows", "ReplicatedReplacingMergeTree", "case_id, capture, flow_id", columns)
    assert layout.key(flows) == "cityHash64(sensor)"
    incidents = Table("incident_rows", "ReplacingMergeTree", "case_id, incident_id", columns)
    assert layout.key(incidents) == "cityHash64(case_id, incident_id)"
    assert layout.key(Table("migrations", "ReplacingMergeTree", "number", frozenset())) == "cityHash64(number)"
    assert layout.key(Table("odd", "MergeTree", "a", frozenset("a"))) == "rand()"


def test_views_gather_what_they_join() -> None:
    select = (
        "SELECT * FROM d_local.a AS a FINAL LEFT JOIN (SELECT x FROM d_local.b) AS b ON a.x = b.x"
        " INNER JOIN d_local.c ON 1 LEFT ARRAY JOIN tags AS tag ARRAY JOIN y WHERE z IN (SELECT z FROM d_local.e)"
        " AND q NOT IN (1, 2)"
    )
    assert layout.view("v", select, "d") == (
        "CREATE OR REPLACE VIEW d.`v` AS SELECT * FROM d.a AS a FINAL GLOBAL LEFT JOIN (SELECT x FROM d.b) AS b ON a.x = b.x"
        " GLOBAL INNER JOIN d.c ON 1 LEFT ARRAY JOIN tags AS tag ARRAY JOIN y WHERE z GLOBAL IN (SELECT z FROM d.e)"
        " AND q NOT IN (1, 2)"
    )
    again = layout.view("v", layout.view("v", select, "d").partition(" AS ")[2], "d")
    assert again == layout.view("v", select, "d")


def test_parts_are_as_large_as_asked_for() -> None:
    statement = "PARTITION BY (case_id, toYYYYMM(ts))"
    assert keeping.partitioned(statement, "month") == statement
    assert keeping.partitioned(statement, "day") == "PARTITION BY (case_id, toYYYYMMDD(ts))"
    assert keeping.partitioned(statement, "week") == "PARTITION BY (case_id, toMonday(ts))"
