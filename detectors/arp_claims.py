"""Who says by ARP that an address is theirs. For `spoofing`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from detectors import address
from detectors.sessions import capture_of

if TYPE_CHECKING:
    from detectors.learning import Learning
    from detectors.novelty import Novelty
    from detectors.window import Window

ADDRESSES = 1 << 14  # whose hardware address is remembered; the one that was new longest ago leaves
CLAIMS = 4096  # looked at in one window, and as many addresses that somebody asked for in it
OWNED = 64  # addresses remembered of one hardware address
# Virtual addresses of redundant routers (VRRP, RFC 5798; HSRP): they move by design.
_VIRTUAL = ("00:00:5e:00:01:", "00:00:5e:00:02:", "00:00:0c:07:ac:", "00:00:0c:9f:f")

_ASKS = "request for "  # of an ARP packet's value, before the address

Place = tuple[int, int, str]  # time, frame, capture
Address = tuple[int, bytes]  # VLAN, IP address


class Claim(NamedTuple):
    """Of one window: the hardware address `mac` named itself the owner of an address."""

    first: Place
    address: Address
    mac: str
    last_ts: int
    packets: int
    answers: int  # of which nobody had to be asked anything: gratuitous claims, and replies beyond what was asked


class Move(NamedTuple):
    """An address that went to another hardware address. `before`: who had it; `others`: further addresses the new one
    claims; `back`: the old one still says that it is its."""

    claim: Claim
    before: str
    others: tuple[bytes, ...]
    back: bool


@dataclass(slots=True)
class _Holder:
    known: list[str]  # those that may have it, the first that was seen in front
    moved: str = ""  # who took the address away, as far as that was reported


class Claims:
    def __init__(self, known: Novelty, learning: Learning) -> None:
        self._known, self._learning = known, learning
        self._holders: dict[Address, _Holder] = {}
        self._owned: dict[tuple[int, str], list[bytes]] = {}
        self._now: dict[tuple[Address, str], list[Any]] = {}
        self._asked: dict[tuple[int, str], int] = {}  # VLAN and address: how often somebody asked for it
        self.overflow = 0

    def gather(self, window: Window) -> None:
        table = window["sightings"]
        if not len(table):
            return
        ips, vlans = table.addresses("ip"), table.numbers("vlan")
        ts, frames = table.numbers("ts"), table.numbers("frame")
        for row in table.where("source", ("arp",)).nonzero()[0].tolist():
            mac = table.text("mac", row)
            if not mac or mac.startswith(_VIRTUAL):
                continue
            key = ((int(vlans[row]), ips[row].tobytes()), mac)
            place = (int(ts[row]), int(frames[row]), capture_of(table, row))
            kept = self._now.get(key)
            if kept is None:
                if len(self._now) >= CLAIMS:
                    self.overflow += 1
                    continue
                kept = self._now[key] = [place, place[0], 0, 0]
            kept[0], kept[1], kept[2] = min(kept[0], place), max(kept[1], place[0]), kept[2] + 1
            value = table.text("value", row)
            kept[3] += not value.startswith("request")
            if value.startswith(_ASKS) and (
                (asked := (key[0][0], value.removeprefix(_ASKS))) in self._asked or len(self._asked) < CLAIMS
            ):
                self._asked[asked] = self._asked.get(asked, 0) + 1

    def claims(self) -> list[Claim]:
        """Of the window that is whole, the earliest first."""
        made = []
        for (at, mac), (first, last, packets, answers) in self._now.items():
            asked = self._asked.get((at[0], address.text(at[1])), 0)
            made.append(Claim(first, at, mac, last, packets, max(0, answers - asked)))
        self._now.clear()
        self._asked.clear()
        return sorted(made)

    def owned(self, vlan: int, mac: str) -> list[bytes]:
        """Addresses this hardware address claimed, the earliest first."""
        return self._owned.get((vlan, mac), [])

    def move(self, claim: Claim) -> Move | None:
        """What a claim changes, if it is to be told; else it is remembered."""
        holder = self._holders.get(claim.address)
        if holder is None:
            if len(self._holders) >= ADDRESSES:
                del self._holders[next(iter(self._holders))]
                self.overflow += 1
            self._holders[claim.address] = _Holder([claim.mac])
            self._own(claim)
            return None
        vlan, ip = claim.address
        if claim.mac in holder.known:
            if holder.moved and holder.moved != claim.mac:  # the true owner speaks after it was reported gone
                return Move(claim._replace(mac=holder.moved), claim.mac, self._others(vlan, holder.moved, ip), True)
            return None
        others = self._others(vlan, claim.mac, ip)
        self._own(claim)
        key = b"\0".join((b"arp", vlan.to_bytes(2, "big"), ip, claim.mac.encode()))
        fresh = self._known.fresh(key, ip, f"address taken over by {claim.mac}")
        if fresh:
            self._known.report(key, "moved")
            holder.moved = claim.mac
        elif not self._known.told(key):
            holder.known = [*holder.known[-3:], claim.mac]  # learnt: both may have it
            return None
        return Move(claim, holder.known[0], others, False)

    def _others(self, vlan: int, mac: str, ip: bytes) -> tuple[bytes, ...]:
        return tuple(other for other in self.owned(vlan, mac) if other != ip)

    def _own(self, claim: Claim) -> None:
        vlan, ip = claim.address
        if (vlan, claim.mac) not in self._owned and len(self._owned) >= ADDRESSES:
            del self._owned[next(iter(self._owned))]
            self.overflow += 1
        owned = self._owned.setdefault((vlan, claim.mac), [])
        if ip not in owned and len(owned) < OWNED:
            owned.append(ip)

    def sizes(self) -> dict[str, int]:
        return {"addresses": max(len(self._holders), len(self._owned)), "claims": max(len(self._now), len(self._asked))}

    def snapshot(self) -> dict[str, Any]:
        """Between two windows."""
        holders = [[v, ip.hex(), h.known, h.moved] for (v, ip), h in self._holders.items()]
        owned = [[v, mac, [ip.hex() for ip in ips]] for (v, mac), ips in self._owned.items()]
        return {"holders": holders, "owned": owned, "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        self._holders = {
            (v, bytes.fromhex(ip)): _Holder(list(known), moved) for v, ip, known, moved in state["holders"]
        }
        self._owned = {(v, mac): [bytes.fromhex(ip) for ip in ips] for v, mac, ips in state["owned"]}
        self.overflow = state["overflow"]
