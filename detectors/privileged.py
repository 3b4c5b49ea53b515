"""Uses of a plant host that need somebody's approval: remote sessions, engineering writes, models put in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from detectors.behaviours import Behaviours
from detectors.model_names import named_models, uploads
from detectors.remote import REMOTE
from detectors.sessions import Sessions, capture_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.assets import Inventory
    from detectors.window import Window


class Use(NamedTuple):
    """`action` as approved changes name it: `session write control deploy`. `told`: what the client did, as a verb."""

    ts: int
    last: int
    src: bytes
    dst: bytes
    protocol: str
    action: str
    told: str
    times: int
    frame: int
    capture: str


def uses(window: Window, inventory: Inventory) -> Iterator[Use]:
    """Those that began in the window, in no order; writes and commands are those of engineering stations only."""
    found = window.derive(Sessions)
    for at in range(len(found)):
        if found.flows[at]:
            s = found.session(at)
            if s.protocol in REMOTE and s.opened:
                place = found.frame[at], found.capture(at)
                yield Use(found.first_ts[at], found.last_ts[at], s.src, s.dst, s.protocol, "session",
                          "opened a session to", found.flows[at], *place)  # fmt: skip
    behaviours = window.derive(Behaviours)
    roles: dict[bytes, bool] = {}
    for at in behaviours.where("access", ("write", "control")).tolist():
        b = behaviours.row(at)
        if b.client not in roles:
            roles[b.client] = "engineering" in inventory.roles(b.client)
        if roles[b.client]:
            verb = "wrote to" if b.access == "write" else "commanded"
            yield Use(
                b.ts, b.last_ts, b.client, b.server, b.protocol, b.access, verb, b.occurrences, b.frame, b.capture
            )
    table = window["flows"]
    for row in window.derive(named_models).tolist():
        if uploads(table.text("info", row)):
            times = int(table.numbers("first_ts")[row]), int(table.numbers("last_ts")[row])
            ends = table.ip("src_ip", row), table.ip("dst_ip", row)
            frame = int(table.numbers("frame")[row])
            yield Use(*times, *ends, "http", "deploy", "put a model on", 1, frame, capture_of(table, row))
