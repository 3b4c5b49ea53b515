"""Which hosts speak for a client identifier, and which publish to a topic. For `spoofing`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from detectors import address

if TYPE_CHECKING:
    from detectors.behaviours import Behaviour
    from detectors.novelty import Novelty

NAMES = 1 << 14  # identifiers and topics of which the hosts are remembered; the oldest leaves
HOSTS = 4  # remembered of one: what has more than one is shared


class Usurped(NamedTuple):
    """`host` used a name (`kind`: takeover or two_publishers) that so far `owner` alone used."""

    kind: str
    behaviour: Behaviour
    owner: bytes
    fresh: bool


class Identities:
    def __init__(self, known: Novelty) -> None:
        self._known = known
        self._hosts: dict[bytes, list[bytes]] = {}
        self.overflow = 0

    def judge(self, b: Behaviour) -> list[Usurped]:
        """One behaviour of MQTT: names of others that it uses. Connects are asked for in every window."""
        found = []
        if b.unit and b.operation in ("connect", "publish"):
            found.append(self._use("takeover", b, b"\0".join((b"id", b.server, b.unit.encode()))))
        if b.operation == "publish" and b.object:
            found.append(self._use("two_publishers", b, b"\0".join((b"topic", b.server, b.object.encode()))))
        return [usurped for usurped in found if usurped is not None]

    def _use(self, kind: str, b: Behaviour, name: bytes) -> Usurped | None:
        hosts = self._hosts.get(name)
        if hosts is None:
            if len(self._hosts) >= NAMES:
                del self._hosts[next(iter(self._hosts))]
                self.overflow += 1
            self._hosts[name] = [b.client]
            return None
        if b.client in hosts:
            return None
        key = b"\0".join((kind.encode(), name, b.client))
        fresh = self._known.fresh(key, b.client, f"{b.unit} from {address.text(b.client)}")
        if fresh and len(hosts) == 1:
            self._known.report(key, kind)
        elif not self._known.told(key):
            if len(hosts) < HOSTS:  # learnt, or one more of many: the name is shared
                self._hosts[name] = [*hosts, b.client]
            return None
        return Usurped(kind, b, hosts[0], fresh)

    def __len__(self) -> int:
        return len(self._hosts)

    def snapshot(self) -> dict[str, Any]:
        """Between two windows."""
        hosts = [[name.hex(), [host.hex() for host in hosts]] for name, hosts in self._hosts.items()]
        return {"hosts": hosts, "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        self._hosts = {bytes.fromhex(name): [bytes.fromhex(h) for h in hosts] for name, hosts in state["hosts"]}
        self.overflow = state["overflow"]
