"""The measures of one stream under watch: alarms become episodes, which are told, return, or settle as a new level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.drift.episode import Episode
from detectors.drift.profile import BLOCK, PER_DAY

if TYPE_CHECKING:
    from detectors.drift.track import Track

RECENT = PER_DAY * 3 // 2  # deviations kept: a day after an alarm what was before it is still there
JUST = 4  # blocks that tell a return from a further change


class Watch:
    """`tracks`, `recent` and `over` go by measure; `open` also holds the episodes `frozen` and `missing`. `kind`: what
    the alerts of the level are called."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.tracks: dict[str, Track] = {}
        self.recent: dict[str, list[tuple[int, float]]] = {}
        self.open: dict[str, Episode] = {}
        self.over: dict[str, Episode] = {}  # the last of each measure that returned

    def _judge(self, measure: str, block: int, value: float) -> list[Episode]:
        track = self.tracks[measure]
        alarm = track.step(block, value)
        rests = self.recent.setdefault(measure, [])
        rests.append((block, track.rest + track.offset))
        del rests[:-RECENT]
        episode = self.open.get(measure)
        if episode is None:
            return [self._again(measure, block) or self._alarm(measure, track, alarm, block)] if alarm else []
        if episode.back(track.sd) or (episode.settled and alarm and episode.back(track.sd, JUST)):
            self.over[measure] = self.open.pop(measure)
            episode.returned = (block + 1) * BLOCK
            track.offset = 0.0
            track.reset()
            return [episode]
        if alarm == "level" and episode.by == "spread":  # a ramp widens the spread before the level is sure
            self._charge(episode, track, "level")
            return [episode]
        if episode.settled and alarm:
            return [self._alarm(measure, track, alarm, block)]
        news = episode.due(block)
        if news and not episode.settled:
            episode.measure(track.sd, track.sigma, track.phi)
        if not episode.settled and block - episode.alarm >= PER_DAY and episode.shape in ("step", "ramp"):
            self._settle(episode, track)
        return [episode] if news else []

    def _again(self, measure: str, block: int) -> Episode | None:
        """A drift that was over less than a day ago and is back is still the same one."""
        episode = self.over.pop(measure, None)
        if episode is None or block - episode.returned // BLOCK >= PER_DAY:
            return None
        track = self.tracks[measure]
        episode.returned, episode.rests = 0, self.recent[measure]
        episode.measure(track.sd, track.sigma, track.phi)
        self.open[measure] = episode
        return episode

    def _settle(self, episode: Episode, track: Track) -> None:
        """A drift that lasts a day: from now on a change away from its own level is one of its own."""
        episode.settled = True
        if episode.by != "spread":
            track.offset = float(np.mean([rest for _, rest in episode.rests[-PER_DAY // 2 :]]))
            track.rest = 0.0
        track.reset()

    def _alarm(self, measure: str, track: Track, by: str, block: int) -> Episode:
        kind = {"level": self.kind, "inner": self.kind, "rate": "rate"}[measure]
        made = Episode(kind, by, block, 0.0, 0.0, rests=self.recent[measure], offset=track.offset)
        self._charge(made, track, by)
        if measure == "inner":
            made.shape = "variance"
        elif measure == "rate":
            made.shape = "rate"
        self.open[measure] = made
        return made

    def _charge(self, episode: Episode, track: Track, by: str) -> None:
        """The sum that alarms says since when, and how the episode is measured."""
        sums = {"level": track.cusum, "spread": track.spread, "anchor": track.anchor}[by]
        up = sums.high >= sums.low
        episode.by, episode.began = by, sums.high_from if up else sums.low_from
        episode.statistic, episode.threshold = max(sums.high, sums.low), sums.h
        episode.measure(track.sd, track.sigma, track.phi)
