"""A drift alert in words and numbers: which stream, since when, how much, against what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.drift.episode import ts
from detectors.drift.profile import BLOCK
from detectors.drift.rows import DriftAlert, drift_id

if TYPE_CHECKING:
    from detectors.drift.episode import Episode
    from detectors.drift.mix import Mix
    from detectors.drift.stream import Stream

_DETECTOR = {
    "level": "cusum", "spread": "cusum_spread", "anchor": "cusum_daily", "frozen": "standstill", "missing": "silence",
    "mix": "chi2_hourly",
}  # fmt: skip
_SAID = {
    "step": "stepped", "ramp": "has been moving slowly", "variance": "changed its spread", "frozen": "stands still",
    "mode_switch": "jumps between two levels", "periodic": "began to oscillate", "missing": "is silent",
    "rate": "comes at another rate", "mix": "gives another mix of classes", "unknown": "changed",
}  # fmt: skip


def when(at: int) -> str:
    """Nanoseconds since the epoch as UTC, to the second."""
    return f"{np.datetime_as_string(np.datetime64(at, 'ns'), unit='s')}Z"


def lasting(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{seconds / 60:.0f} min"


def of_stream(stream: Stream, episode: Episode, now: int) -> DriftAlert:
    """The row of an episode of a stream of numbers."""
    track = stream.tracks.get("rate" if episode.kind == "rate" else "level")
    still = episode.kind in ("frozen", "missing")
    if still:
        since = low = high = now - round(episode.statistic * 1e9) if not episode.since else ts(episode.since)
        baseline, current = f"at most {lasting(episode.threshold)}", f"{lasting(episode.statistic)}"
    elif track is None:
        raise ValueError(f"{stream.name}: an episode of a stream that is not watched")
    else:
        since, low, high = ts(episode.since), ts(episode.low), ts(episode.high) + BLOCK
        usual = track.profile.medians[(episode.alarm // 12) % 24] + track.centre
        of = "learnt for less than two days" if track.short else f"{track.profile.kind} daily profile"
        baseline = f"{usual:.4g} ± {track.sigma:.3g} ({of})"
        current = f"{usual + episode.magnitude * track.sigma:.4g}, {episode.magnitude:+.1f} sd"
        if episode.shape in ("variance", "periodic"):
            current = f"spread {episode.magnitude:+.1f} sd"
    alarm = ts(episode.alarm) + BLOCK
    identity = drift_id(stream.model_id, stream.name, episode.kind, ts(episode.alarm))
    row = (episode, identity, stream.model_id, stream.name)
    return _row(*row, baseline, current, (since, low, high), alarm if not still else now, None)


def of_mix(mix: Mix, episode: Episode) -> DriftAlert:
    """The row of a changed mix of classes."""
    total = max(1, sum(mix.seen.values()))
    usual = dict(zip([*mix.labels, "(never seen)"], mix.shares[mix.hour % 24], strict=True))
    seen = {name: count / total for name, count in mix.seen.items()}
    moved = sorted(seen.keys() | usual.keys(), key=lambda name: (-abs(seen.get(name, 0) - usual.get(name, 0)), name))[
        :3
    ]
    baseline = ", ".join(f"{name} {usual.get(name, 0):.0%}" for name in moved)
    current = ", ".join(f"{name} {seen.get(name, 0):.0%}" for name in moved)
    spans = (ts(episode.since), ts(episode.low), ts(episode.high) + 12 * BLOCK)
    identity = drift_id(mix.model_id, mix.name, "class_mix", ts(episode.alarm))
    alarm = ts(episode.alarm) + 12 * BLOCK
    return _row(episode, identity, mix.model_id, mix.name, baseline, current, spans, alarm, mix.p_value)


def _row(
    episode: Episode, identity: str, model: str, stream: str, baseline: str, current: str, spans: tuple[int, int, int],
    alarm: int, p_value: float | None,
) -> DriftAlert:  # fmt: skip
    since, low, high = spans
    window = f"{when(low)} to {when(high)}"
    told = f"{stream} of {model} {_SAID[episode.shape]} since {when(since)}: {current}, usual is {baseline}"
    if episode.returned:
        told += f"; back inside the usual at {when(episode.returned)}"
    return DriftAlert(
        drift_id=identity, ts=alarm, model_id=model, kind=episode.kind, detector=_DETECTOR[episode.by],
        statistic=round(episode.statistic, 4), threshold=round(episode.threshold, 4), p_value=p_value,
        baseline=baseline, current=current, window=window, stream=stream, shape=episode.shape,
        magnitude=round(episode.magnitude, 3), since=since, since_low=low, since_high=high,
        returned=episode.returned, summary=told,
    )  # fmt: skip
