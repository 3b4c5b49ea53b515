"""Messages of the topics that feed models, or that models speak on, as they pass the broker; and who logged in how."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.behaviours import Behaviours
from detectors.feed_legs import PAYLOAD, Altered, Legs, Message
from detectors.feeds_of import name_of
from detectors.memory import Memo, latest
from detectors.outputs.selectors import covers
from detectors.sessions import capture_of

if TYPE_CHECKING:
    from detectors.models import Models
    from detectors.window import Table, Window

ROLES = 4096  # (client, broker, topic) of which it is known whether the client sends or gets
TOPICS = 4096  # of which it is known whether they are wanted
LOGINS = 4096  # sessions of which it is known whether anybody proved who he is
WAITING = 8192  # messages of one window
_SENDS, _GETS = 1, 2
Login = tuple[bytes, bytes, str]  # client, server, protocol
Role = tuple[bytes, bytes, str]  # client, broker, topic


class Messages:
    """`logins`: when a session was opened, and whether with a name, a certificate or a signature."""

    def __init__(self, models: Models) -> None:
        texts = [tag for source in models.sources for tag in source.tags]
        texts += [text for model in models.all for text in (*model.inputs, *model.outputs)]
        self._filters = tuple(sorted({name.name for name in map(name_of, texts) if name.protocol == "mqtt"}))
        self._wanted = Memo(TOPICS)
        self._roles: dict[Role, tuple[int, int]] = {}  # what the client does there, and when it was seen last
        self._new: list[tuple[bytes, bytes, str, Message]] = []
        self._legs = Legs()
        self.logins: dict[Login, tuple[int, bool]] = {}
        self._left_out = 0

    @property
    def overflow(self) -> int:
        return self._left_out + self._legs.overflow

    def gather(self, window: Window) -> None:
        self._log_ins(window)
        if not self._filters:
            return
        table = window["mqtt"]
        rows = np.flatnonzero(table.where("packet", ("PUBLISH",)) & table.where("topic", self._is_wanted))
        if len(rows):
            self._take(table, rows)
        self._learn_roles(window)

    def _is_wanted(self, topic: str) -> bool:
        key = blake2b(topic.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        known = self._wanted.get(key)
        if known is None:
            known = "yes" if any(covers(pattern, topic) for pattern in self._filters) else ""
            self._wanted.put(key, known)
        return bool(known)

    def _take(self, table: Table, rows: Any) -> None:
        payloads = table.column("payload").take(rows).to_pylist()
        columns = [table.numbers(name)[rows].tolist() for name in ("ts", "frame", "retain", "payload_cut")]
        for row, payload, ts, frame, retained, cut in zip(rows.tolist(), payloads, *columns, strict=True):
            if retained or cut:
                continue  # sent long ago; or more of it than can be compared
            if len(self._new) >= WAITING:
                self._left_out += 1
                continue
            digest = blake2b(payload, digest_size=8).digest()
            client, server = table.ip("src_ip", row), table.ip("dst_ip", row)
            kept = payload if len(payload) <= PAYLOAD else b""
            message = Message(ts, digest, client, frame, capture_of(table, row), kept, sent=False)
            self._new.append((client, server, table.text("topic", row), message))

    def _learn_roles(self, window: Window) -> None:
        """A message does not say in which direction it went; its behaviour does, and comes with the window's end."""
        behaviours = window.derive(Behaviours)
        for at in behaviours.where("operation", ("publish", "deliver")).tolist():
            b = behaviours.row(at)
            if self._is_wanted(b.object):
                key = b.client, b.server, b.object
                does = _SENDS if b.operation == "publish" else _GETS
                before, last = self._roles.get(key, (0, 0))
                self._roles[key] = before | does, max(last, b.last_ts)

    def _log_ins(self, window: Window) -> None:
        table = window["mqtt"]
        for row in np.flatnonzero(table.where("packet", ("CONNECT",))).tolist() if len(table) else ():
            self._login(table, row, "mqtt", bool(table.numbers("username_seen")[row]))
        table = window["opcua"]
        for row in np.flatnonzero(table.where("service", ("ActivateSession",))).tolist() if len(table) else ():
            proven = table.text("identity_token", row) not in ("", "anonymous")
            self._login(table, row, "opcua", proven or table.text("security_mode", row).lower().startswith("sign"))

    def _login(self, table: Table, row: int, protocol: str, proven: bool) -> None:
        key = table.ip("src_ip", row), table.ip("dst_ip", row), protocol
        login = int(table.numbers("ts")[row]), proven
        self.logins[key] = max(login, self.logins.get(key, login))

    def settle(self, end: int) -> list[Altered]:
        """At the end of a window: messages that a reader got otherwise than they were sent."""
        for client, server, topic, message in self._new:
            does = self._roles.get((client, server, topic), (0, 0))[0]
            if does in (_SENDS, _GETS):  # of a client that does both nobody knows which this is
                self._legs.add((server, topic), message._replace(sent=does == _SENDS))
        self._new.clear()
        self._roles = latest(self._roles, ROLES, lambda role: role[1])
        self.logins = latest(self.logins, LOGINS, lambda login: login[0])
        return self._legs.settle(end)

    def sizes(self) -> dict[str, int]:
        held = {"roles": len(self._roles), "logins": len(self.logins), "messages": self._legs.size}
        return held | {"topics": len(self._wanted), "waiting_messages": len(self._new)}

    def snapshot(self) -> dict[str, Any]:
        roles = [[c.hex(), s.hex(), topic, *role] for (c, s, topic), role in sorted(self._roles.items())]
        logins = [[c.hex(), s.hex(), protocol, *login] for (c, s, protocol), login in sorted(self.logins.items())]
        return {"roles": roles, "logins": logins, "legs": self._legs.snapshot(), "left_out": self._left_out}

    def restore(self, state: dict[str, Any]) -> None:
        self._roles = {
            (bytes.fromhex(c), bytes.fromhex(s), topic): (does, ts) for c, s, topic, does, ts in state["roles"]
        }
        self.logins = {
            (bytes.fromhex(c), bytes.fromhex(s), protocol): (ts, proven)
            for c, s, protocol, ts, proven in state["logins"]
        }
        self._legs.restore(state["legs"])
        self._left_out = state["left_out"]
