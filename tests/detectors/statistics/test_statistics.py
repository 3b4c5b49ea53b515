"""The models by themselves; what detectors make of them is tested with the detectors."""

import json

import numpy as np
import pytest

from detectors.statistics.anchor import DAY, Anchor
from detectors.statistics.continuity import BLIND, Continuity
from detectors.statistics.hashing import hash64
from detectors.statistics.histogram import BINS, FULL, Histograms
from detectors.statistics.layer import SCALES, Layer
from detectors.statistics.store import Store

KEY = np.array([7], dtype=np.uint64)


def keys(*numbers):
    return np.array(numbers, dtype=np.uint64)


class TestStore:
    def test_full_it_forgets_who_was_seen_longest_ago(self):
        store = Store({"x": (np.int64, ())}, limit=10)
        store.at(keys(*range(1, 9)), 1)
        store.at(keys(1, 2), 2)
        store.at(keys(*range(20, 25)), 3)
        assert len(store) <= 10 and store.evicted
        assert (store.find(keys(1, 2, 20, 24)) >= 0).all() and store.find(keys(3))[0] == -1

    def test_more_than_the_limit_at_once(self):
        store = Store({"x": (np.int64, ())}, limit=4)
        rows, new = store.at(keys(*range(1, 11)), 1)
        assert len(store) == 4 and (rows >= 0).sum() == new.sum() == 4 and store.evicted == 6

    def test_rows_that_come_are_empty_whoever_had_the_place(self):
        store = Store({"x": (np.int64, ())}, limit=4)
        store.at(keys(1, 2, 3, 4), 1)
        store["x"][:] = 5
        rows, _ = store.at(keys(9), 2)
        assert store["x"][rows].tolist() == [0]

    def test_a_snapshot_is_json_and_holds_all(self):
        store, other = (Store({"x": (np.float32, (2, 3))}) for _ in range(2))
        rows, _ = store.at(keys(5, 3, 9), 4)
        store["x"][rows] = np.arange(18).reshape(3, 2, 3)
        other.restore(json.loads(json.dumps(store.snapshot())))
        assert (other["x"] == store["x"]).all() and other.find(keys(9)) == store.find(keys(9))
        with pytest.raises(ValueError, match="missing or unknown"):
            Store({"y": (np.int64, ())}).restore(store.snapshot())


class TestHistograms:
    def made(self):
        flat = np.zeros((5, 2))
        flat[1] = 1.0
        return Histograms(np.zeros((2, BINS), np.uint16), *flat[:4], np.zeros(2, np.int32))

    def test_every_value_stays_counted_however_far_they_lie_apart(self):
        histograms, dice = self.made(), np.random.default_rng(1)
        for spread in (1.0, 30.0, 5000.0, 3e7):
            for _ in range(200):
                histograms.learn(np.array([0, 1]), dice.normal(0, spread, 2))
        assert histograms.counts.sum(axis=1).tolist() == histograms.total.tolist() == [800, 800]
        assert histograms.seen(np.array([0]), histograms.low[:1])[0] > 0

    def test_rare_is_surprising_and_far_outside_more_so(self):
        histograms = self.made()
        for n in range(1000):
            histograms.learn(np.array([0]), np.array([5.0 if n % 100 else 9.0]))
        cells = np.array([0, 0, 0, 0])
        score = histograms.surprisal(cells, np.array([5.0, 9.0, 7.0, 109.0]))
        assert score[0] < 0.1 and 4 < score[1] < 5 and 7 < score[2] < 8
        assert score[3] == pytest.approx(score[2] * 26, rel=1e-3)

    def test_counts_are_halved_before_they_overflow(self):
        histograms = self.made()
        histograms.counts[0, 0], histograms.total[0] = FULL - 1, FULL - 1
        histograms.learn(np.array([0]), np.array([0.0]))
        assert histograms.counts[0, 0] == histograms.total[0] == FULL // 2


class TestLayer:
    def feed(self, layer, amounts, start=0, live=False):
        verdicts = []
        for n, amount in enumerate(amounts):
            layer.settle(keys())
            rows, _, _ = layer.begin(KEY, np.array([[float(amount)]]), start + n)
            verdicts.append(layer.judge(rows, np.array([[float(amount)]]), floor=9.0, margin=2.0, live=live))
        return verdicts

    def test_learns_then_judges_and_does_not_follow(self):
        layer, dice = Layer(1), np.random.default_rng(1)
        assert not any(v.alarm[0] for v in self.feed(layer, dice.integers(8, 13, 300)))
        told = self.feed(layer, [60] * 50, 300, live=True)
        assert all(v.alarm[0] for v in told)
        assert (told[0].low[0], told[0].high[0], told[0].seen[0], told[0].scale[0]) == (8, 12, 60, 0)
        assert not self.feed(layer, [10] * 10, 400, live=True)[-1].alarm[0]

    def test_a_creep_below_the_threshold_moves_no_range(self):
        layer, dice = Layer(1), np.random.default_rng(1)
        self.feed(layer, dice.integers(8, 13, 300))
        creeping = self.feed(layer, np.repeat(np.arange(13, 40), 10), 300, live=True)
        assert layer.store["high"][0, 0, 0] <= 13 and creeping[-1].alarm[0]

    def test_less_than_usual_only_where_it_is_asked_for(self):
        for both, expected in (((True,), True), ((False,), False)):
            layer, dice = Layer(1, both), np.random.default_rng(1)
            self.feed(layer, dice.integers(900, 905, 300))
            assert self.feed(layer, [1], 300, live=True)[0].alarm[0] == expected

    def test_goes_on_from_a_snapshot(self):
        dice = np.random.default_rng(1)
        amounts = [*dice.integers(8, 13, 400).tolist(), 60, 9, 70]
        layer, other = Layer(1), Layer(1)
        self.feed(layer, amounts[:200])
        other.restore(json.loads(json.dumps(layer.snapshot())))
        self.feed(layer, amounts[200:], 200, live=True)
        self.feed(other, amounts[200:], 200, live=True)
        assert layer.snapshot() == other.snapshot()

    def test_many_streams_are_judged_each_by_its_own(self):
        layer, dice = Layer(2), np.random.default_rng(1)
        names = keys(*range(1, 101))
        for n in range(200):
            x = np.stack([np.arange(100) * 10 + dice.integers(0, 3, 100), dice.integers(0, 3, 100)], axis=1)
            layer.settle(keys())
            rows, _, _ = layer.begin(names, x, n)
            layer.judge(rows, x, floor=9.0, margin=2.0, live=False)
        x[3] = x[90]
        layer.settle(keys())
        verdict = layer.judge(layer.begin(names, x, 200)[0], x, floor=9.0, margin=2.0)
        assert np.flatnonzero(verdict.alarm).tolist() == [3]
        assert len(SCALES) == layer.store["low"].shape[2]


class TestAnchor:
    def drift(self, rate, days, seed, streams=40, commissioning=7):
        """Share of streams that were reported, and how far each had moved by then, in spreads of a window. Every five
        minutes one window of a signal that remembers nine tenths of its last ten seconds, with a daily cycle."""
        dice, anchor, names = np.random.default_rng(seed), Anchor(1, commissioning), keys(*range(1, streams + 1))
        keep, state, first = 0.9**30, dice.standard_normal(streams), {}
        phase = dice.uniform(0, 2 * np.pi, streams)
        for step in range((days + 1) * 288):
            day = step / 288
            state = keep * state + np.sqrt(1 - keep * keep) * dice.standard_normal(streams)
            moved = rate * max(0.0, day - commissioning)
            x = 50 + 3 * (state + np.sin(2 * np.pi * day + phase) + moved)
            rows, drift = anchor.take(names, x[:, None], step * (DAY // 288))
            for row in rows[np.abs(drift[:, 0]) >= 1.0].tolist():
                first.setdefault(row, moved)
        return len(first) / streams, list(first.values())

    def test_five_hundredths_a_day_are_seen_before_half_a_spread(self):
        share, moved = self.drift(0.05, 7 + 10, seed=1)
        assert share == 1.0 and max(moved) <= 0.5

    def test_a_month_without_drift_says_nothing(self):
        share, _ = self.drift(0.0, 7 + 30, seed=2)
        assert share <= 0.05

    def test_what_hardly_varies_is_not_reported_for_one_more(self):
        anchor = Anchor(1, 3)
        for window in range(24 * 20):
            x = np.array([[1.0 if window == 24 * 10 else 0.0]])
            _, drift = anchor.take(KEY, x, window * DAY // 24)
            assert not (np.abs(drift) >= 1).any()


def test_continuity():
    seen = Continuity()
    assert not seen.broken(10, 20) and not seen.broken(20, 30)
    assert seen.broken(31 + BLIND, 41 + BLIND) and not seen.broken(41 + BLIND, 51 + BLIND)
    assert seen.broken(10, 20), "time went back"


def test_hashes_tell_columns_and_rows_apart():
    a, b = keys(1, 2, 1), keys(2, 1, 2)
    assert hash64(a, b)[0] == hash64(a, b)[2] != hash64(a, b)[1] and hash64(a, b)[0] != hash64(b, a)[0]
    text = np.frombuffer(b"0123456789ab" * 2, dtype=np.uint8).reshape(2, 12)
    assert hash64(text)[0] == hash64(text)[1] != hash64(text[:, :11])[0]
