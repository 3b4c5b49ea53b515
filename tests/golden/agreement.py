"""Our rows held against tshark's messages, capture by capture."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.golden import corpus

if TYPE_CHECKING:
    import pathlib
    from types import ModuleType

Messages = dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]]


@dataclass
class Count:
    truth: int = 0
    agreed: int = 0
    missing: int = 0
    extra: int = 0
    differing: Counter[str] = field(default_factory=Counter)
    examples: list[Any] = field(default_factory=list)

    def __add__(self, other: Count) -> Count:
        return Count(
            self.truth + other.truth,
            self.agreed + other.agreed,
            self.missing + other.missing,
            self.extra + other.extra,
            self.differing + other.differing,
        )

    @property
    def differences(self) -> int:
        """Messages that only one side has, or that both have with different fields."""
        return self.truth - self.agreed + self.extra

    @property
    def percent(self) -> float:
        """Share of all messages of either side on which both agree."""
        return 100 * self.agreed / max(1, self.truth + self.extra)


class Judge:
    """The comparison itself is that of the corpus's own tool; only rows come in without a store between."""

    def __init__(self, tool: pathlib.Path) -> None:
        self.tool = _load(tool)
        self.tool.ask = lambda _command, rows, _case, table: rows.get(table, [])
        self.columns = {table: _selected(sql) for table, sql in self.tool.SQL.items()}

    def truths(self) -> list[pathlib.Path]:
        return sorted(corpus.HOME.rglob("*.tshark.tsv*"))

    def compare(self, truth_file: pathlib.Path) -> dict[str, Count]:
        capture = capture_of(truth_file)
        base = self.tool.base_truth(capture)
        truth: Messages = self.tool.truth_messages(base or truth_file)
        rows = corpus.rows(capture, wanted=self.columns, columns=self.columns)
        ours: Messages = self.tool.our_messages(None, rows, None, sorted({p.split()[0] for p in truth}))
        if base:  # the same messages in other packets
            truth, ours = self.tool.without_frames(truth), self.tool.without_frames(ours)
        return {
            protocol: self._count(truth.get(protocol, []), ours.get(protocol, []))
            for protocol in sorted(truth.keys() | ours.keys())
        }

    def _count(self, truth: list[Any], ours: list[Any]) -> Count:
        agreed, missing, extra, differing, examples = self.tool.compare(truth, ours)
        return Count(len(truth), agreed, missing, extra, differing, examples)


def capture_of(truth_file: pathlib.Path) -> pathlib.Path:
    return truth_file.with_name(truth_file.name.split(".tshark.tsv")[0])


def _load(tool: pathlib.Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("agree", tool)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _selected(sql: str) -> list[str]:
    names = re.search(r"SELECT (.*?) FROM", sql)
    assert names
    return [name.strip() for name in names[1].split(",")]
