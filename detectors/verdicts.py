"""What people said of causes: learned (it is normal), muted (not now), closed (dealt with), or suppressed in general.

A verdict is about one `alert_id` and so about one cause, exactly. It hides an alert, it never unmakes one: the row is
stored as it would be without, so that taking the verdict back shows it whole. Of several verdicts on a cause the
latest counts, also where it takes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detectors.alert import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detectors.alert import Alert

STATUS = {"learn": "learned", "mute": "muted", "close": "closed"}
OPEN = "open"
HIDDEN = tuple(STATUS.values())


@dataclass(frozen=True, slots=True)
class Verdict:
    """`action`: `learn mute close unlearn`. Times are nanoseconds since the epoch: `expiry` when it ends (0: never),
    `last_seen` up to which the cause had been seen when it was closed."""

    alert_id: str
    action: str
    expiry: int = 0
    last_seen: int = 0

    def status(self, last_ts: int) -> str:
        """What it makes of an alert that was last seen then."""
        over = last_ts > self.last_seen if self.action == "close" else 0 < self.expiry <= last_ts
        return OPEN if over else STATUS.get(self.action, OPEN)


@dataclass(frozen=True, slots=True)
class Suppression:
    """Alerts that the configuration keeps quiet: all that is named must be equal. Addresses are 16 bytes, `::` is any;
    `until`: what is seen from then on is shown again (0: never)."""

    kind: str = ""
    src: bytes = NOWHERE
    dst: bytes = NOWHERE
    until: int = 0
    note: str = ""

    def covers(self, alert: Alert) -> bool:
        return (
            self.kind in ("", alert.kind)
            and self.src in (NOWHERE, alert.src_ip)
            and self.dst in (NOWHERE, alert.dst_ip)
            and (not self.until or alert.last_ts < self.until)
        )


class Verdicts:
    """`verdicts` in the order in which they were given."""

    def __init__(self, verdicts: Iterable[Verdict] = (), suppressions: Iterable[Suppression] = ()) -> None:
        self._verdicts = {verdict.alert_id: verdict for verdict in verdicts}
        self._suppressions = tuple(suppressions)

    def judge(self, alert: Alert) -> tuple[str, str]:
        """The alert's status, and the configuration's reason where that is what keeps it quiet. A verdict on the very
        cause goes before a rule that is about many."""
        verdict = self._verdicts.get(alert.alert_id)
        if verdict is not None and (status := verdict.status(alert.last_ts)) != OPEN:
            return status, ""
        for suppression in self._suppressions:
            if suppression.covers(alert):
                return "muted", suppression.note or "suppressed by the configuration"
        return OPEN, ""
