"""What all detectors of a pipeline share: where hosts are, what they are, how far learning has come, and
how many false alarms there may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from detectors.arrived import Arrived
from detectors.assets import Inventory
from detectors.budget import PER_DAY, Budget
from detectors.changes import Change, Changes
from detectors.learning import Learning, Settings
from detectors.models import DataSource, Model, Models
from detectors.outputs.observer import Observer
from detectors.places import Places, places

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detectors.window import Window
    from detectors.zones import Policy


@dataclass(frozen=True)
class Site:
    """Owned by the pipeline, which feeds it before the detectors see a window."""

    places: Places
    inventory: Inventory
    learning: Learning
    changes: Changes
    models: Models
    observer: Observer
    budget: Budget = field(default_factory=Budget)
    arrived: Arrived = field(default_factory=Arrived)

    def learn(self, window: Window) -> None:
        """A part of a window, before any detector sees it."""
        self.places.learn(window)
        self.inventory.learn(window)
        self.learning.observe(window)
        self.observer.learn(window)

    def snapshot(self) -> dict[str, Any]:
        return {
            "places": self.places.snapshot(),
            "inventory": self.inventory.snapshot(),
            "learning": self.learning.snapshot(),
            "budget": self.budget.snapshot(),
            "observer": self.observer.snapshot(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.places.restore(state["places"])
        self.inventory.restore(state["inventory"])
        self.learning.restore(state["learning"])
        self.budget.restore(state["budget"])
        self.observer.restore(state["observer"])


def site(
    policy: Policy,
    settings: Settings | None = None,
    changes: Iterable[Change] = (),
    models: Iterable[Model] = (),
    false_alarms: float = PER_DAY,
    sources: Iterable[DataSource] = (),
) -> Site:
    """A site of which nothing has been seen yet. `false_alarms`: a day, of all that judges by what is usual."""
    where = places(policy)
    learning, budget = Learning(settings or Settings()), Budget(false_alarms)
    known = Models(models, sources)
    return Site(where, Inventory(where), learning, Changes(changes), known, Observer(known), budget)
