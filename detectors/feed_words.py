"""How what feeds a model is said: its protection, its models, its sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.behaviours import Behaviour
    from detectors.book import Cause

_NEVER = ("modbus", "dnp3")  # protocols in which nobody can prove who he is


def protection(b: Behaviour, logins: Mapping[tuple[bytes, bytes, str], tuple[int, bool]]) -> list[str]:
    """What the feed lacks. It was read, so it is in the clear; `logins`: whether who opened the session proved who he
    is, where that was seen."""
    lacks = ["without encryption"]
    login = logins.get((b.client, b.server, b.protocol))
    if b.protocol in _NEVER or (login is not None and not login[1]):
        lacks.append("without authentication")
    return lacks


def models_of(models: tuple[str, ...]) -> str:
    return f"model{'s' if len(models) > 1 else ''} {', '.join(models)}" if models else "a model"


def altered_summary(cause: Cause) -> str:
    sources, readers, where = (cause.sets[name] for name in ("sources", "readers", "where"))
    return (
        f"{cause.count} messages of {cause.facts['topic']} that {', '.join(sources)} sent reached {', '.join(readers)} "
        f"with other values ({cause.facts['example']}): changed {' and '.join(where)} {cause.facts['broker']}"
    )
