"""Growth of flows: by their last row, also where a window holds several; what is kept is bounded and small."""

import numpy as np
import pytest

from detectors import volumes
from detectors.volumes import Growth, Volumes
from tests.detectors.build import flow, window

HEADERS = 52  # of the one packet that each row here counts


def row(number, out, back=0, at=0.0, first=0.0):
    flows = {"transport": "tcp", "packets_out": 1, "packets_in": 1, "flow_id": number}
    return flow("10.0.1.1", "10.0.1.2", **flows, bytes_out=HEADERS + out, bytes_in=HEADERS + back, ts=first,
                first_ts=first, last_ts=at)  # fmt: skip


def grown(kept: Volumes, *rows) -> list[tuple[int, int, bool]]:
    table = window(flows=rows)["flows"]
    found: list[Growth] = list(kept.grown(table, np.ones(len(table), dtype=bool)))
    return [(growth.out, growth.back, growth.began) for growth in found]


def test_a_flow_grows_by_what_its_row_has_more_than_the_one_before():
    kept = Volumes()
    assert grown(kept, row(1, 100, 10, at=1), row(2, 7, at=2)) == [(100, 10, True), (7, 0, True)]
    assert grown(kept, row(2, 7, 5, at=11), row(1, 150, 10, at=12)) == [(0, 5, False), (50, 0, False)]
    assert grown(kept, row(1, 40, 11, at=21)) == [(0, 1, False)]  # a count that falls is no growth


def test_rows_of_one_window_grow_by_each_other_in_the_order_of_time():
    assert grown(Volumes(), row(1, 150, at=3), row(2, 9, at=2), row(1, 100, at=1)) == [
        (100, 0, True), (9, 0, True), (50, 0, False),
    ]  # fmt: skip


def test_an_id_that_comes_again_later_is_another_flow():
    kept = Volumes()
    grown(kept, row(1, 100, at=1))
    assert grown(kept, row(1, 20, at=12, first=11)) == [(20, 0, True)]


def test_it_goes_on_from_a_snapshot():
    kept, again = Volumes(), Volumes()
    grown(kept, *(row(number, number) for number in range(1, 50)))
    again.restore(kept.snapshot())
    later = [row(number, 2 * number, at=11) for number in range(30, 70)]
    assert grown(again, *later) == grown(kept, *later)
    assert again.snapshot() == kept.snapshot()


def test_what_is_kept_is_bounded_and_the_older_half_leaves(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(volumes, "FLOWS", 10)
    kept = Volumes()
    for number in range(1, 26):
        grown(kept, row(number, 100), row(1000, 5))
        assert len(kept) <= 20
    # One that goes on is kept; of the others those of the last two generations.
    assert grown(kept, row(1000, 5), row(1, 100), row(25, 100)) == [(100, 0, True), (0, 0, False), (0, 0, False)]
