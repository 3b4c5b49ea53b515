"""Where slices get their packets from: the ring of a live run, or the captures of a replay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parsers import packets_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parsers import Engine, Found, Recorder
    from sensor.evidence.scope import Question


class Ring:
    group = 8

    def __init__(self, recorder: Recorder, engine: Engine) -> None:
        self._recorder, self._captures = recorder, captures_of(engine)

    def captures(self) -> list[tuple[str, str]]:
        return self._captures

    def select(self, questions: Sequence[Question]) -> list[Found]:
        return self._recorder.select(questions)


class Captures:
    """Read once more for every group."""

    group = 32

    def __init__(self, engine: Engine) -> None:
        self._captures = captures_of(engine)

    def captures(self) -> list[tuple[str, str]]:
        return self._captures

    def select(self, questions: Sequence[Question]) -> list[Found]:
        return packets_of([path for _, path in self._captures], questions)


def captures_of(engine: Engine) -> list[tuple[str, str]]:
    """Asked before the engine begins: it answers nothing else while it listens."""
    return [(str(facts["id"]), str(facts["path"])) for facts in engine.captures()]
