"""Detections that people write: Sigma rules, asked of the store's tables as SQL."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SigmaSection:
    """`[sigma]`. `enabled`: rules run after each replay and, live, every `minutes`. `rules`: files and directories of
    the user's. `shipped`: whether ours run too. `off`: ids of rules that do not."""

    enabled: bool = False
    rules: tuple[str, ...] = ()
    shipped: bool = True
    minutes: int = 5
    off: tuple[str, ...] = field(default_factory=tuple)
