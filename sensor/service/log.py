"""What the program says while it goes on, on stderr: sentences, or an object of JSON a line.

Commands that end by themselves speak in sentences to whoever called them. `configure` is for those that stay: from then
on what any part of the process says goes through structlog, errors that end it included. Text of the wire is made
harmless, secrets are blotted out, and under systemd each line bears its priority, so that `journalctl -p` finds it.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any

from sensor.textwidth import safe

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from sensor.service.config import LogSection

    Event = MutableMapping[str, Any]

_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3}  # syslog's
_SECRET = re.compile(
    r"(?P<url>\w[\w+.-]*://[^\s:/@]*:)[^\s@]+(?=@)"
    r"|(?P<bearer>\bbearer\s+)[^\s\"']+"
    r"|(?P<named>\b(?:password|passwd|secret|token|api[_-]?key)\b(?:[\"']\s*:\s*|\s*=\s*)[\"']?)[^\s\"'&,;]+",
    re.IGNORECASE,
)
_say: Callable[[str, str, dict[str, object]], None] | None = None


def configure(section: LogSection, program: str = "driftspan") -> None:
    """Everything this process says from now on is logged as the section has it, under the program's name."""
    import structlog

    global _say  # noqa: PLW0603  a process has one log
    last: list[Any] = [structlog.processors.JSONRenderer() if section.format == "json" else _sentence]
    if _is_journal():
        last.append(_with_priority)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _guarded,
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(section.level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    log = structlog.get_logger(program=program)
    _say = lambda level, text, facts: getattr(log, level)(text, **facts)  # noqa: E731


def say(text: str, level: str = "info", **facts: object) -> None:
    """A sentence; `facts` stand beside it where the log is JSON."""
    if _say is not None:
        _say(level, text, facts)
        return
    sys.stderr.write(f"driftspan: {safe(redacted(text))}\n")
    sys.stderr.flush()


def redacted(text: str) -> str:
    """The text without what looks like a secret. What is said names none; what others say is passed on."""
    return _SECRET.sub(lambda m: f"{m['url'] or m['bearer'] or m['named']}***", text)


def _guarded(_: object, __: str, event: Event) -> Event:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = safe(redacted(value))
    return event


def _sentence(_: object, __: str, event: Event) -> str:
    return f"{event['program']}: {event['event']}"


def _with_priority(_: object, level: str, line: str) -> str:
    return f"<{_PRIORITY.get(level, 6)}>{line}"


def _is_journal() -> bool:
    """Whether stderr is the journal's stream, as systemd says it (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        device, inode = map(int, os.environ.get("JOURNAL_STREAM", "").split(":"))
        facts = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return (facts.st_dev, facts.st_ino) == (device, inode)
