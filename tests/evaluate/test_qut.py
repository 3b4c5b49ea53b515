"""The reader of the QUT counts and its scorer."""

from __future__ import annotations

import pytest

from tests.evaluate import qut
from tests.evaluate.qut import Attack, Score

here = pytest.mark.skipif(not qut.FOLDER.is_dir(), reason="the QUT counts are not here")


def test_windows_of_an_attack() -> None:
    assert list(Attack(916.0, 918.5, "nmap").windows) == [91, 92]
    assert list(Attack(918.0, 940.0, "x").windows) == [91, 92, 93, 94, 95]


def test_episodes() -> None:
    assert qut.episodes([], 30) == 0
    assert qut.episodes([5, 6, 20, 50, 81], 30) == 2


def test_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qut, "events", lambda _: (Attack(100, 119, "a"), Attack(500, 505, "b")))
    score = Score(windows=100)
    score.add("day", [3, 11, 12, 90])
    assert (score.events, score.hit, score.true, score.false) == (2, 1, 1, 2)
    assert score.delays == (20.0,)


@here
@pytest.mark.corpus
def test_what_is_there() -> None:
    assert len(qut.days()) == 12
    assert sum(len(qut.events(day)) for day in qut.days()) == 476
    rows = list(qut.windows(qut.LEARN))
    assert [number for number, _ in rows] == list(range(8640))
    assert rows[0][1] == {
        "master_arp": 2, "master_dnp3": 6, "master_goose": 32, "master_tcp": 8, "slave_arp": 0, "slave_dnp3": 6,
        "slave_goose": 32, "slave_tcp": 8, "dnp3_between": 0, "tcp_between": 0, "bare_tcp": 2,
    }  # fmt: skip


@here
@pytest.mark.corpus
def test_a_plain_limit_finds_most_and_alarms_too_much() -> None:
    """Twice the largest value of two clean days: what a model has to beat."""
    clean = [features for day in (qut.LEARN, qut.CALIBRATE) for _, features in qut.windows(day)]
    limits = {name: 2 * max(abs(row[name]) for row in clean) for name in clean[0]}
    found = qut.score(lambda day: [any(abs(row[n]) > limits[n] for n in row) for _, row in qut.windows(day)])
    assert found.events == 476
    assert found.hit > 150
    assert found.days == pytest.approx(12)
