"""The embedded store itself. A process can open one chDB path only, so these share a store and differ in cases."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from detectors.pipeline import Pipeline
from detectors.zones import Policy, Zone
from parsers import Engine
from sensor.errors import InputError, StoreError
from sensor.further_columns import extended
from sensor.store import CaptureFacts, Layout, Reading, Store, migrate, open_store
from sensor.store.chdb_session import Session
from sensor.store.chdb_writing import prepare
from sensor.store.rows import ndjson, run_id, seconds

PCAPS = Path(__file__).parents[2] / "pcaps"
MAPPED = bytes(10) + b"\xff\xff"
TS = 1_760_000_000_123_456_789


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store") / "s"


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    opened = open_store(str(folder), "driftspan", "tests")
    yield opened
    opened.close()


@pytest.fixture
def reading(store: Store, folder: Path) -> Iterator[Reading]:
    """A second connection beside the writer's."""
    opened = Reader(folder)
    yield opened
    opened.close()


class Reader:
    """What `open_reading` opens, without its look at the lock, which this process holds itself."""

    def __init__(self, folder: Path) -> None:
        from sensor.store import chdb_reading

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(chdb_reading, "check_existing", lambda _: None)
            self._inner = chdb_reading.ChdbReading(folder, "driftspan")

    def query(self, sql: str, fmt: str):
        return self._inner.query(sql, fmt)

    def close(self) -> None:
        self._inner.close()


def rows(store: Reading, sql: str) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in b"".join(store.query(sql, "JSONEachRow")).splitlines()]


def dnp3(count: int, capture: str, start: int = 0) -> pa.Table:
    """Every kind of column: nested lists, flags as numbers, absent numbers, dictionaries, addresses, times."""
    frames = list(range(start + 1, start + count + 1))
    return pa.table(
        {
            "capture": pa.array([capture] * count).dictionary_encode(),
            "ts": pa.array([TS + frame for frame in frames], pa.timestamp("ns", "UTC")),
            "src_ip": pa.array([MAPPED + b"\n\0\0\1"] * count, pa.binary(16)),
            "dst_ip": pa.array([bytes(15) + b"\1"] * count, pa.binary(16)),
            "frame": pa.array(frames, pa.uint64()),
            "from_master": pa.array([frame % 2 for frame in frames], pa.uint8()),
            "iin": pa.array([None if frame % 2 else frame for frame in frames], pa.uint16()),
            "function": pa.array([f"f{frame % 3}" for frame in frames]).dictionary_encode(),
            "objects": pa.array([["1:2", "30:é"]] * count, pa.list_(pa.string())),
            "points.group": pa.array([[1, 30]] * count, pa.list_(pa.uint8())),
            "points.variation": pa.array([[2, 5]] * count, pa.list_(pa.uint8())),
            "points.index": pa.array([[0, 70000]] * count, pa.list_(pa.uint32())),
            "points.value": pa.array([[1.0, -0.5]] * count, pa.list_(pa.float64())),
            "points.flags": pa.array([[1, 129]] * count, pa.list_(pa.uint8())),
            "points.time": pa.array([[0, TS]] * count, pa.list_(pa.timestamp("ns", "UTC"))),
            "points.status": pa.array([[255, 0]] * count, pa.list_(pa.uint8())),
            "points.text": pa.array([["", "x"]] * count, pa.list_(pa.string())),
        }
    )


def test_every_kind_of_column_arrives_as_it_is(store: Store, reading: Reading) -> None:
    store.begin_case("columns", [CaptureFacts("c1", "x.pcap")])
    store.append("dnp3", dnp3(1, "c1"))
    store.append("dnp3", dnp3(1, "c1", start=1))
    assert rows(reading, "SELECT count() AS n FROM dnp3 WHERE case_id = 'columns'") == [{"n": 0}]
    store.flush()
    first, second = rows(reading, "SELECT * FROM dnp3 WHERE case_id = 'columns' ORDER BY frame")
    assert first["sensor"] == "tests"
    assert first["ts"] == "2025-10-09 08:53:20.123456790"
    assert (first["src_ip"], first["dst_ip"]) == ("::ffff:10.0.0.1", "::1")
    assert (first["from_master"], second["from_master"]) == (True, False)
    assert (first["iin"], second["iin"]) == (None, 2)
    assert (first["function"], second["function"]) == ("f1", "f2")
    assert first["objects"] == ["1:2", "30:é"]
    assert (first["points.index"], first["points.value"]) == ([0, 70000], [1.0, -0.5])
    assert first["points.time"] == ["1970-01-01 00:00:00.000000000", "2025-10-09 08:53:20.123456789"]


def test_bytes_of_the_wire_are_kept(store: Store, reading: Reading) -> None:
    store.begin_case("bytes", [CaptureFacts("c2", "x.pcap")])
    table = pa.table(
        {
            "ts": pa.array([TS], pa.timestamp("ns", "UTC")),
            "payload": pa.array([b"\xff\x00\xfe"], pa.binary()),
            "topic": pa.array(["a\x1b[2J"]).dictionary_encode(),
        }
    )
    store.append("mqtt", table)
    store.flush()
    [row] = rows(reading, "SELECT hex(payload) AS h, payload, topic FROM mqtt WHERE case_id = 'bytes'")
    assert (row["h"], row["topic"]) == ("FF00FE", "a\x1b[2J")


def test_a_column_that_the_store_lacks_is_said(store: Store) -> None:
    store.begin_case("lack", [CaptureFacts("c3", "x.pcap")])
    store.append("modbus", pa.table({"ts": pa.array([TS], pa.timestamp("ns", "UTC")), "nonsense": pa.array([1])}))
    with pytest.raises(StoreError, match=r"modbus.*nonsense"):
        store.flush()


def test_large_tables_are_written_before_the_end(store: Store, reading: Reading, monkeypatch) -> None:
    monkeypatch.setattr("sensor.store.case_store.BATCH_ROWS", 100)
    store.begin_case("batch", [CaptureFacts("c4", "x.pcap")])
    for start in range(0, 250, 50):
        store.append("dnp3", dnp3(50, "c4", start))
    assert rows(reading, "SELECT count() AS n FROM dnp3 WHERE case_id = 'batch'") == [{"n": 200}]
    store.flush()
    assert rows(reading, "SELECT count() AS n FROM dnp3 WHERE case_id = 'batch'") == [{"n": 250}]


def test_beginning_a_case_again_deletes_what_its_captures_left(store: Store, reading: Reading) -> None:
    a, b = CaptureFacts("ca", "a.pcap"), CaptureFacts("cb", "b.pcap")
    store.begin_case("again", [a, b])
    store.append("dnp3", dnp3(5, "ca"))
    store.append("dnp3", dnp3(7, "cb"))
    store.upsert("alert_rows", [alert()])
    store.finish_case({"ca": {"packets": 5}, "cb": {"packets": 7}})
    store.begin_case("other", [a])
    store.append("dnp3", dnp3(5, "ca"))
    store.flush()
    assert store.begin_case("again", [a]) == 5 + 1  # the alert came of both
    count = (
        "SELECT case_id, capture, count() AS n FROM dnp3 WHERE case_id IN ('again', 'other') GROUP BY ALL ORDER BY ALL"
    )
    assert rows(reading, count) == [
        {"case_id": "again", "capture": "cb", "n": 7},
        {"case_id": "other", "capture": "ca", "n": 5},
    ]
    assert rows(reading, "SELECT count() AS n FROM alerts WHERE case_id = 'again'") == [{"n": 0}]
    assert rows(reading, "SELECT id, packets, finished FROM captures WHERE case_id = 'again' ORDER BY id") == [
        {"id": "ca", "packets": 0, "finished": False},
        {"id": "cb", "packets": 7, "finished": True},
    ]


def alert(**changed: object) -> dict[str, object]:
    row: dict[str, object] = {
        "ts": TS, "alert_id": "a1", "detector": "d", "kind": "d.k", "title": "t", "severity": "high",
        "confidence": 0.5, "src_ip": MAPPED + b"\n\0\0\1", "dst_ip": bytes(16), "summary": "it's \\ \n",
        "evidence": {"b": (1, 2), "a": {"x"}, "ip": MAPPED + b"\n\0\0\2"}, "techniques": ("T0855",),
        "frames": (1, 2**40), "count": 3, "first_ts": TS, "last_ts": TS,
    }  # fmt: skip
    return row | changed


def test_alerts_replace_their_earlier_state_and_carry_verdicts(store: Store, reading: Reading) -> None:
    store.begin_case("alerts", [CaptureFacts("c5", "x.pcap")])
    store.upsert("alert_rows", [alert()])
    store.upsert("alert_rows", [alert(count=9, last_ts=TS + 5), alert(alert_id="a2", severity="low")])
    query = "SELECT * FROM alerts WHERE case_id = 'alerts' ORDER BY alert_id"
    first, second = rows(reading, query)
    assert (first["count"], first["last_ts"]) == (9, "2025-10-09 08:53:20.123456794")
    assert first["summary"] == "it's \\ \n"
    assert orjson.loads(first["evidence"]) == {"a": ["x"], "b": [1, 2], "ip": "10.0.0.2"}
    assert (first["frames"], first["src_ip"], first["dst_ip"]) == ([1, 2**40], "::ffff:10.0.0.1", "::")
    assert (first["status"], second["status"]) == ("open", "open")
    said = {"ts": TS, "alert_id": "a1", "action": "close", "analyst": "x", "expiry": 0, "last_seen": TS + 5, "note": ""}
    store.record("verdicts", "alerts", [said])
    assert [row["status"] for row in rows(reading, query)] == ["closed", "open"]
    store.upsert("alert_rows", [alert(count=10, last_ts=TS + 6)])
    assert [row["status"] for row in rows(reading, query)] == ["open", "open"], "it went on"
    far = 4_000_000_000 * 10**9
    for number, (case, action, expiry, status) in enumerate(
        (
            ("", "learn", 0, "learned"),
            ("elsewhere", "unlearn", 0, "learned"),
            ("alerts", "mute", far, "muted"),
            ("", "mute", TS, "open"),  # it is over, and what was said before does not come back
            ("", "learn", far, "learned"),
            ("alerts", "unlearn", 0, "open"),
        ),
        start=1,
    ):
        store.record("verdicts", case, [said | {"ts": TS + number, "action": action, "expiry": expiry}])
        assert rows(reading, query)[0]["status"] == status, number
    assert rows(reading, "SELECT count() AS n FROM verdicts WHERE alert_id = 'a1'") == [{"n": 7}]
    store.upsert("alert_rows", [alert(alert_id="a2", severity="low", suppressed="by rule")])
    assert [(row["status"], row["status_note"]) for row in rows(reading, query)][1] == ("muted", "by rule")
    worse = rows(reading, "SELECT alert_id FROM alerts WHERE case_id = 'alerts' AND severity >= 'medium'")
    assert worse == [{"alert_id": "a1"}]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT nonsense FROM modbus", "nonsense"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELECT 1 +", "Syntax error"),
        ("SELECT 1 SETTINGS readonly = 0", "only reading"),
        ("SELECT * FROM merge('a', 'b')", "refused"),
    ],
)
def test_sql_that_is_wrong(reading: Reading, sql: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        list(reading.query(sql, "JSONEachRow"))
    assert "\n" not in str(caught.value)
    assert "DB::Exception" not in str(caught.value)


def test_numbers_of_sixty_four_bits_are_numbers(reading: Reading) -> None:
    assert rows(reading, "SELECT toUInt64(-1) AS a, nan AS b, [NULL, 1] AS c") == [
        {"a": 2**64 - 1, "b": None, "c": [None, 1]}
    ]


def test_a_large_answer_comes_in_pieces_and_may_be_left(reading: Reading) -> None:
    pieces = reading.query("SELECT number FROM numbers(1000000)", "JSONEachRow")
    assert len(next(pieces)) < 3_000_000
    pieces.close()
    assert rows(reading, "SELECT 1 AS x") == [{"x": 1}]


@pytest.mark.parametrize(
    ("fmt", "names"),
    [("CSVWithNames", b'"it\n""s""","n"\n'), ("JSONCompactEachRowWithNames", b'["it\\n\\"s\\"", "n"]\n')],
)
def test_the_names_stand_before_the_first_block_only(reading: Reading, fmt: str, names: bytes) -> None:
    sql = "SELECT 'x' AS `it\n\"s\"`, number AS n FROM numbers(200000)"
    pieces = list(reading.query(sql, fmt))
    assert len(pieces) > 1
    answer = b"".join(pieces)
    assert answer.startswith(names)
    assert answer.count(b"\n") == 200_000 + names.count(b"\n")


def test_a_store_of_a_newer_program_is_refused(store: Store, folder: Path) -> None:
    session = store._session  # type: ignore[attr-defined]
    session.run("INSERT INTO migrations (number, name) VALUES (999, 'later')")
    try:
        with pytest.raises(StoreError, match="newer driftspan"):
            Reader(folder)
        with pytest.raises(StoreError, match="newer driftspan"):
            prepare(session, "driftspan", Layout())
    finally:
        session.run("DELETE FROM migrations WHERE number = 999")


@pytest.mark.parametrize("workers", [1, 2])
def test_blocks_of_the_packet_path_say_what_its_arrow_tables_say(store: Store, reading: Reading, workers: int) -> None:
    names = set()
    for case in ("blocks", "arrow"):
        store.begin_case(f"{case}{workers}", [CaptureFacts("c7", "x.pcap")])
        for capture in ("demo.pcap", "fuzzed_modbus.pcap", "old_tls.pcap", "dnp3_file.pcap"):
            engine = Engine([PCAPS / capture], workers=workers)
            while (window := engine.next()) is not None:
                for name, table in window.tables.items():
                    store.append(name, table if case == "blocks" else pa.table(table))
                    names.add(name)
        store.flush()
    assert len(names) == 11
    for name in names:
        both = rows(
            reading,
            f"SELECT case_id, count() AS n, sum(cityHash64(toString(tuple(* EXCEPT case_id)))) AS digest FROM {name}"
            f" WHERE case_id IN ('blocks{workers}', 'arrow{workers}') GROUP BY ALL",
        )
        assert len(both) == 2, name
        assert both[0]["n"], name
        assert both[0] | {"case_id": ""} == both[1] | {"case_id": ""}, name


@pytest.mark.parametrize("workers", [1, 2])
def test_zones_are_columns_of_flows(store: Store, reading: Reading, workers: int) -> None:
    store.begin_case(f"zones{workers}", [CaptureFacts("c8", "x.pcap")])
    window = Engine([PCAPS / "demo.pcap"], window_seconds=3600, workers=workers).next()
    assert window is not None
    flows = window.tables["flows"]
    networks = ("10.0.0.0/11", "10.32.0.0/11", "10.64.0.0/10", "10.128.0.0/9", "192.168.0.0/16", "172.16.0.0/12")
    policy = Policy(tuple(Zone(f"z{number}", 1, (cidr,)) for number, cidr in enumerate(networks)))
    pipeline = Pipeline(policy, {})
    store.append("flows", extended("flows", flows, pipeline))
    store.flush()
    got = rows(reading, f"SELECT src_ip, dst_ip, src_zone, dst_zone FROM flows WHERE case_id = 'zones{workers}'")
    assert len(got) > 20
    assert len({row["src_zone"] for row in got} | {row["dst_zone"] for row in got}) > 1
    for row in got:
        for side in ("src", "dst"):
            ip = ipaddress.IPv6Address(str(row[f"{side}_ip"])).packed
            assert row[f"{side}_zone"] == pipeline.zone(ip), row


def test_words_must_fit_the_rows() -> None:
    window = Engine([PCAPS / "demo.pcap"]).next()
    assert window is not None
    flows = window.tables["flows"]
    for keys, texts in ((b"", ["a"]), (bytes(4 * len(flows) + 1), ["a"]), (bytes(4 * len(flows)), [])):
        with pytest.raises(ValueError, match="is wanted for each of"):
            flows.native({}, {"x": (keys, texts)})


@pytest.fixture
def older(store: Store) -> Iterator[Session]:
    """A database of the first schema beside the store's own, with two changes of values."""
    session: Session = store._session  # type: ignore[attr-defined]
    session.run("CREATE DATABASE older")
    session.use("older")
    session.run(migrate.LEDGER)
    [(_, name, sql), *_] = migrate.available()
    for statement in migrate.statements(sql):
        session.run(statement)
    session.run(f"INSERT INTO migrations (number, name) VALUES (1, '{name}')")
    session.run(
        "INSERT INTO tag_values (case_id, ts, src_ip, frame, source, tag, value, text, quality) VALUES"
        " ('c', 1.5, '::1', 3, 'mqtt', 'a', 2.5, '', 'good'), ('c', 2.5, '::2', 4, 'mqtt', 'b', NULL, 'open', 'bad')"
    )
    yield session
    session.use("driftspan")
    session.run("DROP DATABASE older SYNC")


CHANGES = (
    "SELECT toUnixTimestamp64Nano(ts), src_ip, frame, source, tag, value, text, quality FROM tag_values ORDER BY ts"
)


def test_an_older_store_keeps_its_values_through_a_kill_at_any_place(older: Session) -> None:
    before = older.run(CHANGES)
    assert before.count("\n") == 2
    kind = "SELECT engine FROM system.tables WHERE database = 'older' AND name = 'tag_values'"
    [folding] = [sql for _, name, sql in migrate.available() if name.endswith("_tag_changes")]
    steps = list(migrate.statements(folding))
    for killed_after in range(1, len(steps) + 1):
        for step in steps[:killed_after]:
            older.run(step)
        assert older.run(CHANGES) == before, steps[killed_after - 1]
    assert older.run(kind) == "View\n"
    migrate.migrate(older.run, migrate.applied(older.run))
    assert older.run(CHANGES) == before
    assert older.number("SELECT max(number) FROM migrations") == migrate.newest()
    assert "copy" not in older.run("SHOW TABLES")


def test_changes_of_a_message_are_rows_of_the_view(store: Store, reading: Reading) -> None:
    store.begin_case("changes", [CaptureFacts("c6", "x.pcap")])
    store.append(
        "tag_changes",
        pa.table(
            {
                "ts": pa.array([TS, TS + 1], pa.timestamp("ns", "UTC")),
                "quality": pa.array(["good", "bad"]),
                "tags": pa.array([["a", "b"], ["c", "d"]]),
                "values": pa.array([[1.5, 2.5], [None, 3.0]], pa.list_(pa.float64())),
                "texts": pa.array([[], ["open", ""]], pa.list_(pa.string())),
            }
        ),
    )
    store.flush()
    assert rows(reading, "SELECT tag, value, text, quality FROM tag_values WHERE case_id = 'changes' ORDER BY tag") == [
        {"tag": "a", "value": 1.5, "text": "", "quality": "good"},
        {"tag": "b", "value": 2.5, "text": "", "quality": "good"},
        {"tag": "c", "value": None, "text": "open", "quality": "bad"},
        {"tag": "d", "value": 3.0, "text": "", "quality": "bad"},
    ]


def test_data_that_breaks_off_is_said(store: Store) -> None:
    def broken() -> Iterator[bytes]:
        yield b'{"ts":"1.000000001"}\n'
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        store._session.insert("health", ["ts"], broken(), "JSONEachRow")  # type: ignore[attr-defined]


def test_rows_that_are_wrong_are_said(store: Store) -> None:
    wrong = [
        b'{"ts":"1.000000001","value":"many"}\n'
    ] * 100_000  # more than a pipe holds: the writer must not wait for ever
    with pytest.raises(StoreError, match="rows for 'health' cannot be written"):
        store._session.insert("health", ["ts", "value"], wrong, "JSONEachRow")  # type: ignore[attr-defined]


def test_rows_are_exact() -> None:
    assert seconds(TS) == "1760000000.123456789"
    assert seconds(5) == "0.000000005"
    assert ndjson([{"ts": 1, "ip": bytes(15) + b"\1"}]) == b'{"ts":"0.000000001","ip":"::1"}\n'
    assert run_id(["a", "b"]) == run_id(["b", "a"]) != run_id(["a"])
