"""What the inventory keeps of one host."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_TEXTS, _ADDRESSES, _PLAIN = ("roles", "protocols"), ("servers", "tended"), ("first", "last", "written", "zone")


@dataclass(slots=True)
class Host:
    ip: bytes
    first: int
    last: int
    roles: set[str] = field(default_factory=set)
    protocols: set[str] = field(default_factory=set)
    servers: set[bytes] = field(default_factory=set)  # field devices it is a client of
    tended: set[bytes] = field(default_factory=set)  # hosts it logs on to
    facts: dict[str, tuple[int, str]] = field(default_factory=dict)  # when it was said last, and what
    written: int = 0
    zone: str = ""

    def fact(self, name: str) -> str:
        """What it said last; empty: nothing."""
        return self.facts.get(name, (0, ""))[1]

    def snapshot(self) -> dict[str, Any]:
        state: dict[str, Any] = {name: getattr(self, name) for name in _PLAIN}
        state |= {name: sorted(getattr(self, name)) for name in _TEXTS}
        state |= {name: [other.hex() for other in sorted(getattr(self, name))] for name in _ADDRESSES}
        return state | {"facts": {name: list(fact) for name, fact in self.facts.items()}}

    @classmethod
    def restored(cls, ip: bytes, kept: dict[str, Any]) -> Host:
        sets: dict[str, Any] = {name: set(kept[name]) for name in _TEXTS}
        sets |= {name: {bytes.fromhex(other) for other in kept[name]} for name in _ADDRESSES}
        facts = {name: (when, value) for name, (when, value) in kept["facts"].items()}
        return cls(ip, **(kept | sets | {"facts": facts}))
