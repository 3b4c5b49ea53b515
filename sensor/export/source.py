"""Records of a store, in order and in bounded memory, each with the flow that it is about."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from detectors.alert import SEVERITIES
from sensor.export import flows, record
from sensor.export.record import ALERT, DRIFT, DRIFT_SEVERITY, INCIDENT
from sensor.store.guard import check_reading
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from sensor.export.record import Flow, Record
    from sensor.store import Reading

PAGE = 1_000  # records that are held at once; a look for them costs nearly the same for few and for many


@dataclass(frozen=True, slots=True)
class Place:
    """`rows`: the table that is written, where what is new is found; `view`: what is exported of it."""

    view: str
    rows: str
    id: str
    first: str
    last: str


PLACES = {
    ALERT: Place("alerts", "alert_rows", "alert_id", "first_ts", "last_ts"),
    INCIDENT: Place("incidents", "incident_rows", "incident_id", "first_ts", "last_ts"),
    DRIFT: Place("drift", "drift", "drift_id", "since", "ts"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records. `where` is SQL that was checked, `since` and `until` are SQL of a time. `status` empty: all."""

    kinds: tuple[str, ...] = (ALERT, INCIDENT, DRIFT)
    since: str = ""
    until: str = ""
    severity: str = ""
    status: tuple[str, ...] = ()
    case: str = ""
    where: str = ""

    def conditions(self, kind: str) -> list[str]:
        place = PLACES[kind]
        found = [f"{place.last} >= {self.since}"] if self.since else []
        found += [f"{place.first} < {self.until}"] if self.until else []
        found += [f"case_id = {quote(self.case)}"] if self.case else []
        found += [f"({self.where}\n)"] if self.where else []
        if kind != DRIFT:
            found += [f"severity >= {quote(self.severity)}"] if self.severity else []
            found += [f"status IN ({', '.join(map(quote, self.status))})"] if self.status else []
        return found

    def takes(self, kind: str) -> bool:
        """Drift has no severity of its own, nor does anybody give verdicts on it."""
        if kind not in self.kinds:
            return False
        grave = not self.severity or SEVERITIES.index(DRIFT_SEVERITY) >= SEVERITIES.index(self.severity)
        return kind != DRIFT or grave


def pages(store: Reading, wanted: Wanted, beside: Reading) -> Iterator[list[Record]]:
    """All of them, oldest first, kind by kind: first their ids alone are put in order, for millions of whole rows
    have no room in memory. `beside`: the same store, which answers while `store` still does."""
    for kind, place in PLACES.items():
        if not wanted.takes(kind):
            continue
        where = " AND ".join(wanted.conditions(kind)) or "1"
        order = f"ORDER BY {place.last}, case_id, {place.id}"
        sql = f"SELECT case_id, {place.id} AS id FROM (SELECT * FROM {place.view} WHERE {where}) {order}"
        with closing(rows(store, check_reading(sql))) as found:
            while keys := [(row["case_id"], row["id"]) for row in islice(found, PAGE)]:
                of_page = f"(case_id, {place.id}) IN ({listed(keys)})"
                sql = f"SELECT * FROM {place.view} WHERE {of_page} {order}"
                yield made(beside, kind, list(rows(beside, sql)))


def listed(keys: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"({quote(case)}, {quote(identity)})" for case, identity in keys)


def made(store: Reading, kind: str, page: Sequence[Mapping[str, Any]]) -> list[Record]:
    """Records of rows, with what the store has beside them."""
    if kind == DRIFT:
        return [record.drift(row) for row in page]
    make: Callable[[Mapping[str, Any], Flow | None], Record] = record.alert if kind == ALERT else record.incident
    about = page if kind == ALERT else _first_alerts(store, page)
    found = flows.of(store, about)
    return [make(row, found.get(place)) for place, row in enumerate(page)]


def _first_alerts(store: Reading, incidents: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | None]:
    """Of each incident the alert that began it: it tells where on the network that was."""
    wanted = {(row["case_id"], row["alert_ids"][0]) for row in incidents if row["alert_ids"]}
    if not wanted:
        return [None] * len(incidents)
    keys = ", ".join(f"({quote(case)}, {quote(alert)})" for case, alert in sorted(wanted))
    columns = "case_id, alert_id, src_ip, dst_ip, protocol, capture, first_ts, last_ts"
    sql = f"SELECT {columns} FROM alert_rows WHERE (case_id, alert_id) IN ({keys}) ORDER BY last_ts"
    found = {(row["case_id"], row["alert_id"]): row for row in rows(store, sql, final=False)}
    return [found.get((row["case_id"], next(iter(row["alert_ids"]), ""))) for row in incidents]


def rows(store: Reading, sql: str, *, final: bool = True) -> Generator[dict[str, Any]]:
    """An answer's rows as they come."""
    with closing(store.query(sql, "JSONEachRow", final=final)) as pieces:
        yield from map(orjson.loads, _lines(pieces))


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from filter(None, whole)
    if rest:
        yield rest
