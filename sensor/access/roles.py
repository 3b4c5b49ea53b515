"""Roles, permissions, and the scopes of tokens: tables, and nothing else decides."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


class Role(StrEnum):
    VIEWER = "viewer"
    ANALYST = "analyst"
    ENGINEER = "engineer"
    ADMIN = "admin"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """`OPEN`: for everybody, logged in or not. `OWN`: one's own session, password and second factor."""

    OPEN = "open"
    OWN = "own"
    SEE = "see"
    QUERY = "query"
    EVIDENCE = "evidence"
    VERDICT = "verdict"
    RUNBOOK = "runbook"
    TUNE = "tune"
    MODELS = "models"
    INTAKE = "intake"
    TOKENS = "tokens"
    USERS_SEE = "users.see"
    USERS = "users"
    ACCESS_LOG = "access_log"


class Scope(StrEnum):
    """What a token is for. It never may more than whoever made it."""

    READ = "read"
    INTAKE = "intake"
    EVIDENCE = "evidence"
    WORK = "work"
    MODELS = "models"
    AUDIT = "audit"


_P = Permission
_VIEWER = frozenset({_P.OPEN, _P.OWN, _P.SEE, _P.TOKENS})
_ANALYST = _VIEWER | {_P.QUERY, _P.EVIDENCE, _P.VERDICT, _P.RUNBOOK}
_ENGINEER = _ANALYST | {_P.TUNE, _P.INTAKE}
_ADMIN = _ENGINEER | {_P.MODELS, _P.USERS_SEE, _P.USERS, _P.ACCESS_LOG}
_AUDITOR = frozenset({_P.OPEN, _P.OWN, _P.SEE, _P.QUERY, _P.EVIDENCE, _P.USERS_SEE, _P.ACCESS_LOG})

ROLES = {
    Role.VIEWER: _VIEWER,
    Role.ANALYST: _ANALYST,
    Role.ENGINEER: _ENGINEER,
    Role.ADMIN: _ADMIN,
    Role.AUDITOR: _AUDITOR,
}
SCOPES = {
    Scope.READ: frozenset({_P.SEE, _P.QUERY}),
    Scope.INTAKE: frozenset({_P.INTAKE}),
    Scope.EVIDENCE: frozenset({_P.EVIDENCE}),
    Scope.WORK: frozenset({_P.VERDICT, _P.RUNBOOK, _P.TUNE}),
    Scope.MODELS: frozenset({_P.MODELS}),
    Scope.AUDIT: frozenset({_P.ACCESS_LOG, _P.USERS_SEE}),
}


def allowed(role: Role, permission: Permission, scopes: Collection[Scope] | None = None) -> bool:
    """`scopes`: of the token that was shown; None: a person's session. A token never makes users or tokens."""
    if permission == Permission.OPEN:
        return True
    if permission not in ROLES[role]:
        return False
    return scopes is None or any(permission in SCOPES[scope] for scope in scopes)
