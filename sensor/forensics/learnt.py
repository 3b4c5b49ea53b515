"""A case against what a sensor learnt: hosts, conversations, behaviours and ranges of values that a baseline does not
know, as rows of the shape of a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detectors import address
from detectors.statistics import words
from sensor.alerts import ask
from sensor.forensics.compare_values import TOLERANCE
from sensor.forensics.differences import COLUMNS
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from detectors.pipeline import Pipeline
    from sensor.store import Reading

    Row = dict[str, Any]

_NAMED = 4
_NONE = "1970-01-01 00:00:00.000000000"


def questions(case: str, host: str = "") -> dict[str, str]:
    """What is asked of the case, by aspect."""
    mine = f"case_id = {quote(case)}"

    def about(*columns: str) -> str:
        if not host:
            return mine
        return f"{mine} AND ({' OR '.join(f'{column} = toIPv6({quote(host)})' for column in columns)})"

    return {
        "asset": "SELECT ip, any(zone) AS zone, any(vendor) AS vendor, min(first_seen) AS first,"
        " max(a.last_seen) AS last"
        f" FROM assets AS a WHERE {about('ip')} GROUP BY ip ORDER BY ip",
        "behaviour": "SELECT behaviour_id, any(client_ip) AS client, any(server_ip) AS server,"
        " any(b.protocol) AS protocol, any(b.unit) AS unit, any(b.operation) AS operation, any(b.access) AS access,"
        " any(b.object) AS object,"
        " sum(b.count) AS n, min(ts) AS first, max(b.last_ts) AS last, argMin(b.capture, ts) AS of,"
        f" argMin(b.frame, ts) AS at FROM behaviours AS b WHERE {about('client_ip', 'server_ip')} GROUP BY behaviour_id"
        " ORDER BY first, behaviour_id",
        "value": "SELECT src_ip, dst_ip, tag, min(value) AS low, max(value) AS high, count() AS n, min(ts) AS first,"
        " max(ts) AS last, argMin(v.capture, ts) AS of, argMin(v.frame, ts) AS at"
        f" FROM tag_values AS v WHERE {about('src_ip', 'dst_ip')} AND isNotNull(value)"
        " GROUP BY src_ip, dst_ip, tag ORDER BY dst_ip, tag, src_ip",
    }  # fmt: skip


def compare(store: Reading, case: str, pipeline: Pipeline, aspects: Iterable[str] = (), host: str = "",
            *, gone: bool = True) -> list[Row]:  # fmt: skip
    """`pipeline`: one that a baseline was restored into."""
    asked = questions(case, host)
    wanted = tuple(aspects) or tuple(asked)
    found: list[Row] = []
    for aspect, judge in _JUDGES.items():
        if aspect in wanted:
            found += judge(ask(store, asked[aspect]), pipeline, host)
    return [row for row in found if gone or row["change"] != "gone"]


def _row(aspect: str, change: str, **more: Any) -> Row:
    plain: Row = dict.fromkeys(COLUMNS, "") | {"first_ts": _NONE, "last_ts": _NONE, "count": 0, "frame": 0}
    return plain | {"aspect": aspect, "change": change} | more


def _seen(first: Row, rows: list[Row]) -> Row:
    return {
        "first_ts": first["first"], "last_ts": max(row["last"] for row in rows), "capture": first["of"],
        "frame": first["at"], "count": sum(row["n"] for row in rows),
    }  # fmt: skip


def _assets(rows: list[Row], pipeline: Pipeline, host: str) -> Iterator[Row]:
    met = (*pipeline.site.inventory.hosts(), *pipeline.site.learning.hosts())
    known = {address.text(ip) for ip in met}
    there = {_plain(row["ip"]) for row in rows}
    for row in rows:
        if _plain(row["ip"]) not in known:
            what = ", ".join(filter(None, (f"zone {row['zone']}" if row["zone"] else "", row["vendor"])))
            yield _row("asset", "new", host=_plain(row["ip"]), what=what, first_ts=row["first"], last_ts=row["last"])
    for other in sorted(known - there):
        if host in ("", other):
            yield _row("asset", "gone", host=other, what="not seen in the case")


def _behaviours(rows: list[Row], pipeline: Pipeline, _: str) -> Iterator[Row]:
    """Sessions are known with the conversation that they are of, everything else by itself."""
    known = pipeline.site.learning.novelty("baseline")
    news: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        client, server = (address.parse(_plain(row[end])) for end in ("client", "server"))
        session = row["access"] == "session"
        key = words.key(client, server, row["protocol"]) if session else int(row["behaviour_id"])
        if known.told(key) != "":
            group = (row["client"], row["protocol"], row["access"], row["operation"], row["unit"])
            news.setdefault(group, []).append(row)
    for (whose, protocol, access, operation, unit), found in news.items():
        what = [protocol, access if access in ("write", "control") else "", operation, f"unit {unit}" if unit else "",
                _some(row["object"] for row in found)]  # fmt: skip
        yield _row(
            "behaviour", "new", host=_plain(whose), peer=_some(_plain(row["server"]) for row in found),
            what=" ".join(filter(None, what)), before="0", after=str(sum(row["n"] for row in found)),
            **_seen(found[0], found),
        )  # fmt: skip


def _values(rows: list[Row], pipeline: Pipeline, host: str) -> Iterator[Row]:
    """A client's own range where it has learnt one: two may read a tag at different times of the process."""
    values: Any = pipeline.detectors.get("values")
    learnt = {(one.server, one.tag, one.client): one for one in (values.ranges() if values is not None else ())}
    tags = {(server, tag) for server, tag, _ in learnt}
    found: dict[tuple[str, str, str, str], list[Row]] = {}
    for row in rows:
        server, tag = _plain(row["dst_ip"]), row["tag"]
        one = learnt.get((server, tag, _plain(row["src_ip"])))
        if one is None and (server, tag) not in tags:
            found.setdefault((server, tag, "new", ""), []).append(row)
        elif one is not None:
            room = TOLERANCE * (one.high - one.low)
            if row["low"] < one.low - room or row["high"] > one.high + room:
                before = f"{one.low:.6g} to {one.high:.6g}"
                found.setdefault((server, tag, "outside", before), []).append(row)
    for (server, tag, change, before), heard in found.items():
        after = f"{min(row['low'] for row in heard):.6g} to {max(row['high'] for row in heard):.6g}"
        first = min(heard, key=lambda row: str(row["first"]))
        yield _row(
            "value", change, host=server, peer=_some(_plain(row["src_ip"]) for row in heard), what=tag, before=before,
            after=after, **_seen(first, heard),
        )  # fmt: skip
    there = {(_plain(row["dst_ip"]), row["tag"]) for row in rows}
    for server, tag in sorted(tags - there):
        if host in ("", server):
            yield _row("value", "gone", host=server, what=tag)


_JUDGES: dict[str, Callable[[list[Row], Pipeline, str], Iterator[Row]]] = {
    "asset": _assets, "behaviour": _behaviours, "value": _values,
}  # fmt: skip


def _some(texts: Iterable[str]) -> str:
    found = sorted(set(filter(None, texts)))
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more


def _plain(text: str) -> str:
    return text.removeprefix("::ffff:") if "." in text else text
