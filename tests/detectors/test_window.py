import numpy as np
import pyarrow as pa
import pytest

from detectors.memory import Ids, Memo
from detectors.sessions import Sessions
from detectors.window import Table, Window
from tests.detectors.build import T0, flow, rows, window


class Stream:
    """As the engine's tables: nothing but the Arrow stream."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested: object = None) -> object:
        return self._table.__arrow_c_stream__(requested)


def test_columns_of_a_stream():
    table = Table(
        Stream(rows("flows", flow("10.0.0.1", "10.0.0.2", "modbus"), flow("fd00::1", "10.0.0.2", "dnp3", encrypted=1)))
    )
    assert len(table) == 2 and table.has("capture") and not table.has("nothing")
    assert table.numbers("dst_port").tolist() == [502, 20000]
    assert table.numbers("encrypted").tolist() == [0, 1] and table.valid("encrypted").tolist() == [False, True]
    assert table.numbers("first_ts").tolist() == [T0, T0]
    assert table.addresses("src_ip").shape == (2, 16) and table.ip("src_ip", 1)[0] == 0xFD
    codes, names = table.codes("app")
    assert [names[c] for c in codes] == ["modbus", "dnp3"]
    assert table.where("app", ("dnp3",)).tolist() == [False, True]
    assert (table.text("app", 1), table.text("info", 1), table.text("src_mac", 0)) == ("dnp3", "", "")


@pytest.mark.parametrize("start", [0, 1, 2])
def test_slices_and_chunks_read_alike(start):
    given = rows(
        "flows",
        *(flow("10.0.0.1", "10.0.0.2", app, info=f"ü{n}", encrypted=n % 2 or None) for n, app in enumerate("abca")),
    )
    whole = Table(given.slice(start))
    parts = Table(pa.concat_tables([given.slice(start, 1), given.slice(start + 1)]))
    for table in (whole, parts):
        assert [table.text("info", n) for n in range(4 - start)] == [f"ü{n}" for n in range(start, 4)]
        assert table.numbers("frame").tolist() == list(range(start + 1, 5))
        assert table.numbers("encrypted").tolist() == [n % 2 for n in range(start, 4)]
        assert [table.codes("app")[1][c] for c in table.codes("app")[0]] == list("abca")[start:]
    assert whole.stable("app").tolist() == parts.stable("app").tolist()


def test_booleans_nulls_and_plain_texts():
    table = Table(pa.table({
        "flag": pa.array([True, None, False, True]).slice(1), "name": pa.array(["x", None, "x"]),
        "coded": pa.array(["p", None, "p"]).dictionary_encode(), "large": pa.array(["q", "", None], pa.large_utf8()),
        "ip": pa.array([b"a" * 16, None, b"b" * 16], pa.binary(16)),
    }))  # fmt: skip
    assert table.numbers("flag").tolist() == [0, 0, 1]
    for column in ("name", "coded"):
        codes, names = table.codes(column)
        assert [names[c] for c in codes] == [["x", "", "x"], ["p", "", "p"]][column == "coded"]
        assert table.text(column, 1) == ""
    assert [table.text("large", n) for n in range(3)] == ["q", "", ""]
    assert table.ip("ip", 1) == bytes(16)


def test_no_table_has_no_rows_and_every_column():
    empty = Window({}, 0, 1)["flows"]
    assert len(empty) == 0 and not empty.has("app")
    assert empty.numbers("x").tolist() == [] and empty.where("x", ("y",)).tolist() == []
    assert empty.addresses("x").shape == (0, 16) and empty.stable("x").tolist() == []


def test_a_missing_column_is_an_error():
    with pytest.raises(KeyError):
        window(flows=[flow("10.0.0.1", "10.0.0.2")])["flows"].numbers("nothing")


def sessions(*given):
    return Sessions(window(flows=given))


def test_sessions_group_flows():
    same = [flow("10.0.0.1", "10.0.0.2", "modbus", flow_id=n, ts=n, frame=10 * n) for n in (3, 1, 2)]
    found = sessions(*same, flow("10.0.0.1", "10.0.0.3", "modbus", flow_id=9))
    at = [found.session(n).dst[-1] for n in range(len(found))].index(2)
    assert len(found) == 2 and found.flows[at] == 3
    assert (found.first_ts[at] - T0, found.last_ts[at] - T0, found.frame[at]) == (10**9, 3 * 10**9, 10)


def test_a_flow_written_twice_counts_once_and_an_old_one_not():
    twice = [flow("10.0.0.1", "10.0.0.2", "modbus", flow_id=1, ts=1, last_ts=n) for n in (2, 5)]
    old = flow("10.0.0.1", "10.0.0.2", "modbus", flow_id=2, first_ts=-60, ts=3)
    assert sessions(*twice, old).flows == [2 - 1]


def test_keys_are_the_same_in_every_window():
    one = sessions(flow("10.0.0.1", "10.0.0.2", "modbus"), flow("10.0.0.1", "10.0.0.0", "dnp3"))
    two = sessions(flow("10.0.0.9", "10.0.0.2", "x"), flow("10.0.0.1", "10.0.0.0", "dnp3", ts=5, flow_id=77))
    assert len(set(one.keys) & set(two.keys)) == 1


def test_memo_forgets_the_oldest_generation_only():
    memo = Memo(2)
    memo.put(b"a", "1")
    memo.put(b"b", "2")
    memo.put(b"c", "3")
    assert memo.get(b"a") == "1"  # and is young again
    memo.put(b"d", "4")
    assert [memo.get(k) for k in (b"a", b"b", b"d")] == ["1", None, "4"] and len(memo) <= 4
    copy = Memo(2)
    copy.restore(memo.snapshot())
    assert copy.snapshot() == memo.snapshot()


def test_ids_tell_what_is_new():
    ids = Ids(4)
    assert ids.fresh(np.array([1, 5, 2**64 - 1], np.uint64)) == [0, 1, 2]
    assert ids.fresh(np.array([1, 3, 2**64 - 1], np.uint64)) == [1]
    assert ids.fresh(np.array([7, 8], np.uint64)) == [0, 1]
    assert ids.fresh(np.array([1, 5, 9], np.uint64)) == [2] and len(ids) <= 8
