"""The embedded store itself. A process can open one chDB path only, so these share a store and differ in cases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from sensor.errors import InputError, StoreError
from sensor.store import CaptureFacts, Reading, Store, open_reading, open_store
from sensor.store.rows import ndjson, run_id, seconds

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


@pytest.mark.parametrize("most_streamed", [0, 1000])
def test_every_kind_of_column_arrives_as_it_is(store: Store, reading: Reading, monkeypatch, most_streamed: int) -> None:
    monkeypatch.setattr("sensor.store.chdb_store.MOST_STREAMED", most_streamed)
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


@pytest.mark.parametrize("most_streamed", [0, 1000])
def test_bytes_of_the_wire_are_kept(store: Store, reading: Reading, monkeypatch, most_streamed: int) -> None:
    monkeypatch.setattr("sensor.store.chdb_store.MOST_STREAMED", most_streamed)
    store.begin_case(f"bytes{most_streamed}", [CaptureFacts("c2", "x.pcap")])
    table = pa.table(
        {
            "ts": pa.array([TS], pa.timestamp("ns", "UTC")),
            "payload": pa.array([b"\xff\x00\xfe"], pa.binary()),
            "topic": pa.array(["a\x1b[2J"]).dictionary_encode(),
        }
    )
    store.append("mqtt", table)
    store.flush()
    [row] = rows(reading, f"SELECT hex(payload) AS h, payload, topic FROM mqtt WHERE case_id = 'bytes{most_streamed}'")
    assert (row["h"], row["topic"]) == ("FF00FE", "a\x1b[2J")


@pytest.mark.parametrize("most_streamed", [0, 1000])
def test_a_column_that_the_store_lacks_is_said(store: Store, monkeypatch, most_streamed: int) -> None:
    monkeypatch.setattr("sensor.store.chdb_store.MOST_STREAMED", most_streamed)
    store.begin_case("lack", [CaptureFacts("c3", "x.pcap")])
    store.append("modbus", pa.table({"ts": pa.array([TS], pa.timestamp("ns", "UTC")), "nonsense": pa.array([1])}))
    with pytest.raises(StoreError, match=r"modbus.*nonsense"):
        store.flush()


def test_large_tables_are_written_before_the_end(store: Store, reading: Reading, monkeypatch) -> None:
    monkeypatch.setattr("sensor.store.chdb_store.BATCH_ROWS", 100)
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
    store.record_verdict("alerts", said)
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
        store.record_verdict(case, said | {"ts": TS + number, "action": action, "expiry": expiry})
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
            store._migrate("driftspan")  # type: ignore[attr-defined]
    finally:
        session.run("DELETE FROM migrations WHERE number = 999")


def test_a_server_is_not_spoken_to_yet() -> None:
    for opening in (lambda where: open_store(where, "d", "s"), lambda where: open_reading(where, "d")):
        with pytest.raises(InputError, match="not supported yet"):
            opening("clickhouse://user:secret@host:9000/db")


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
