"""Somebody who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensor.access.roles import allowed

if TYPE_CHECKING:
    from sensor.access.roles import Permission, Role, Scope


@dataclass(frozen=True, slots=True)
class Who:
    """`via`: `session`, `token`, or `command` of a shell. `scopes` None: not narrowed. `csrf`: of the session, to be
    sent back with every request that changes something. `must`: what has to be done before anything else: empty, or
    `password`."""

    name: str
    role: Role
    via: str
    scopes: frozenset[Scope] | None = None
    csrf: str = ""
    must: str = ""

    def may(self, permission: Permission) -> bool:
        return allowed(self.role, permission, self.scopes)
