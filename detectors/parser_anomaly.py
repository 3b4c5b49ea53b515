"""Bursts of messages that contradict their protocol.

Detects: many malformed messages between two hosts within a period; overlapping fragments or segments with
different content, or streams that can be read two ways; answers without a question; codes that the standard reserves;
other protocols on a protocol's own port; a dissector of this program that failed on what it was sent.
Why it matters: fuzzing, exploits and evasion look like this; so do broken devices, which matter as well.
Evidence: kinds of oddity with their counts, some details (field, offset, reason), first frames.
False positives: vendor dialects; captures with packets missing; one-sided taps.
Techniques: T0814, T0866, T0830, T1692.002, T0885 by kind, in the catalogue.
Fires on: pcaps/fuzzed_modbus.pcap, pcaps/overlap.pcap, pcaps/spoofed_answers.pcap,
pcaps/modbus_unit_scan.pcap, pcaps/wrong_port.pcap
Silent on: pcaps/normal_plant.pcap
Cost: numpy over the anomalies of a window; a few dictionary entries for each pair of hosts that has any.
Blind when: the oddity is below the threshold, or the application does not care about malformed input.

One alert a pair of hosts, protocol and kind of alert, never one a packet. Holes in the capture and what
follows from them (resynchronising, truncation by the snap length) are the sensor's own affair: they are
in the health counters, and here they only lower the confidence.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors import address
from detectors.answers import answered_pairs
from detectors.base import SECOND, Detector
from detectors.sessions import capture_of, pairs

if TYPE_CHECKING:
    from detectors.window import Window

PAIRS = 4096  # pairs of hosts followed at a time; the one quiet for longest leaves
DETAIL_LENGTH = 200  # characters kept of a detail

_KIND = {
    "malformed": "malformed",
    "message_too_long": "malformed",
    "trailing_bytes": "malformed",
    "too_many_items": "malformed",
    "unknown_code": "reserved_code",
    "bad_length": "malformed",
    "crc": "malformed",
    "overlap_conflict": "evasion",
    "fragment_overlap": "evasion",
    "ambiguous_stream": "evasion",
    "bad_checksum": "evasion",
    "out_of_window": "evasion",
    "data_after_end": "evasion",
    "urgent_data": "evasion",
    "unexpected_protocol": "wrong_port",
    "syn_inside": "malformed",
    "wrong_direction": "malformed",
    "second_connect": "malformed",
    "unknown_alias": "malformed",
    "select_mismatch": "unsolicited",
    "unsolicited_response": "unsolicited",
    "dissector_failed": "failure",
}
_WEIGHT = {"ambiguous_stream": 2}  # one such row stands for a whole stream that can be read two ways

# What follows from missing packets or from the sensor's own limits.
_ELSEWHERE = frozenset(("default_credentials",))  # what other detectors tell
_LOSS = frozenset(
    (
        "gap",
        "resynchronised",
        "truncated",
        "fragment_incomplete",
        "pending_full",
        "transport_sequence",
        "sequence_gap",
        "chunk_abort",
        "chunks_full",
        "tags_full",
        "compressed",
    )
)

_ALERTS = ("malformed", "evasion", "unsolicited", "reserved_code", "wrong_port", "failure")
_UNASKED = "parser_anomaly.unsolicited"

Pair = tuple[str, bytes, bytes, str]  # kind of alert, client, server, protocol


@dataclass(frozen=True, slots=True)
class Settings:
    """Messages of a pair of hosts within `seconds` that make a burst."""

    seconds: float = 60.0
    malformed: int = 5
    evasion: int = 2
    unsolicited: int = 10
    reserved_code: int = 5
    wrong_port: int = 1
    failure: int = 1
    ignore: tuple[str, ...] = ()  # kinds of oddity, as the table `anomalies` names them


class ParserAnomaly(Detector):
    name = "parser_anomaly"
    kinds = tuple(f"parser_anomaly.{k}" for k in _ALERTS)
    reads = ("anomalies",)
    settings_class = Settings
    settings: Settings

    def __init__(self, settings: Any, site: Any) -> None:
        super().__init__(settings, site)
        # Of each pair, by window: oddities with their counts, first and last time, and where each was first.
        self._recent: dict[Pair, list[dict[str, Any]]] = {}
        self._now: dict[Pair, dict[str, Any]] = {}
        self._lossy: set[bytes] = set()  # client and server between which bytes are missing in this window

    def gather(self, window: Window) -> None:
        table = window["anomalies"]
        if not len(table):
            return
        kinds, names = table.codes("kind")
        protocols, protocol_names = table.codes("protocol")
        wanted = table.where("kind", lambda kind: kind not in self.settings.ignore and kind not in _ELSEWHERE)
        for pair in pairs(table, wanted, kinds, protocols):
            oddity = names[int(kinds[pair.row])]
            if oddity in _LOSS:
                self._lossy.add(pair.src + pair.dst)
                continue
            # A kind the table does not know yet is some way of being malformed.
            alert = f"parser_anomaly.{_KIND.get(oddity, 'malformed')}"
            key = (alert, pair.src, pair.dst, protocol_names[int(protocols[pair.row])])
            if key not in self._now and len(self._now) >= PAIRS:
                self.overflow += pair.rows
                continue
            entry = self._now.setdefault(key, {"oddities": {}, "places": {}, "first": pair.first_ts, "last": 0})
            entry["oddities"][oddity] = entry["oddities"].get(oddity, 0) + pair.rows
            entry["first"] = min(entry["first"], pair.first_ts)
            entry["last"] = max(entry["last"], pair.last_ts)
            detail = table.text("detail", pair.row)[:DETAIL_LENGTH]
            place = [pair.first_ts, int(table.numbers("frame")[pair.row]), capture_of(table, pair.row), detail]
            entry["places"][oddity] = min(place, entry["places"].get(oddity, place))

    def judge(self, window: Window) -> None:
        for key, entry in self._now.items():
            self._recent.setdefault(key, []).append(entry | {"new": True})
        # An answer too many beside the true one is a second answer, which `spoofing` tells.
        unasked = {key[1:3] for key in self._now if key[0] == _UNASKED}
        second = answered_pairs(window, unasked) if unasked else set()
        horizon = window.end - int(self.settings.seconds * SECOND)
        for key in sorted(self._recent):
            entries = [entry for entry in self._recent[key] if entry["last"] >= horizon]
            self._recent[key] = entries
            if not entries:
                del self._recent[key]
            elif sum(map(_weight, entries)) >= getattr(self.settings, key[0].split(".")[1]):
                severity = (
                    "" if key[0] != _UNASKED or key not in self._now else "low" if key[1:3] in second else "medium"
                )
                self._report(key, entries, severity)
        if len(self._recent) > PAIRS:
            quiet = sorted(self._recent, key=lambda k: (self._recent[k][-1]["last"], k))
            for key in quiet[: len(self._recent) - PAIRS]:
                del self._recent[key]
        self._now.clear()
        self._lossy.clear()

    def _report(self, key: Pair, entries: list[dict[str, Any]], severity: str) -> None:
        kind, src, dst, protocol = key
        confidence = 0.4 if src + dst in self._lossy else 0.8
        _, cause = self.book.cause(
            kind, (src, dst, protocol), protocol=protocol, severity=severity, confidence=confidence
        )
        cause.between(0, src, dst)
        counts = Counter(cause.facts.get("oddities", {}))
        for entry in entries:
            if not entry.pop("new", False):
                continue  # its messages are in the alert already
            cause.seen(sum(entry["oddities"].values()), entry["first"], entry["last"])
            counts.update(entry["oddities"])
            for oddity, (ts, frame, capture, detail) in entry["places"].items():
                cause.shown(ts, frame, capture)
                cause.add("details", [f"{oddity}: {detail}"])
        cause.facts |= {"oddities": dict(sorted(counts.items())), "bytes_missing": confidence < 0.8}
        told = ", ".join(f"{count} {oddity}" for oddity, count in sorted(counts.items()))
        between = f"{address.text(src)} and {address.text(dst)}" if src != dst else "hosts that cannot be told"
        cause.summary = f"{between}: {protocol or 'packets'} with {told}"

    def sizes(self) -> dict[str, int]:
        held = {"pairs": len(self._recent), "lossy": len(self._lossy)}
        return super().sizes() | held | {"windows": max(map(len, self._recent.values()), default=0)}

    def snapshot(self) -> dict[str, Any]:
        recent = [[k, a.hex(), b.hex(), p, entries] for (k, a, b, p), entries in self._recent.items()]
        return super().snapshot() | {"recent": recent, "overflow": self.overflow}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self.overflow = state["overflow"]
        self._recent = {
            (k, bytes.fromhex(a), bytes.fromhex(b), p): [dict(e) for e in entries]
            for k, a, b, p, entries in state["recent"]
        }


def _weight(entry: dict[str, Any]) -> int:
    return sum(count * _WEIGHT.get(oddity, 1) for oddity, count in entry["oddities"].items())
