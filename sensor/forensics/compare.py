"""One case against another: what is new in it, what is gone, what is other. A question an aspect, all of one shape.

`a` is what is compared with, `b` what is compared. Behaviours have the same id in every case, hosts are the same by
their address, values by server and tag. Things of one kind that a host does with many are one row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor.forensics.compare_values import values
from sensor.forensics.compare_versions import versions
from sensor.forensics.differences import CHANGE, ONLY_ONE, among, ip, row, sides, some
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TIMES, LEAST = 3, 20  # an amount is other from so many times as much or as little on, of so many at least
_PROTOCOL = "if(app = '', if(service = '', transport, service), app)"


def statement(a: str, b: str, aspects: Iterable[str] = (), host: str = "", *, gone: bool = True) -> str:
    """`host`: an address, empty: all. `gone`: what only `a` has as well."""
    parts = [ASPECTS[name](a, b, host) for name in tuple(aspects) or tuple(ASPECTS)]
    union = "\nUNION ALL\n".join(parts)
    order = ", ".join(map(quote, ASPECTS))
    return (
        f"SELECT * FROM (\n{union}\n)" + ("" if gone else "\nWHERE change != 'gone'") + f"\nORDER BY indexOf([{order}],"
        " aspect), change = 'gone', first_ts, host, peer, what"
    )


def _assets(a: str, b: str, host: str) -> str:
    source = (
        f"SELECT ip, {sides(a, b)}, min(first_seen) AS first, max(a.last_seen) AS last,\n"
        "    argMax(zone, a.last_seen) AS zone, argMax(vendor, a.last_seen) AS vendor,\n"
        "    argMax(mac, a.last_seen) AS mac,\n"
        "    arraySort(groupUniqArrayArray(roles)) AS roles, arraySort(groupUniqArrayArray(protocols)) AS protocols\n"
        f"  FROM assets AS a WHERE {among(a, b, host, 'ip')} GROUP BY ip {ONLY_ONE}"
    )
    what = (
        "arrayStringConcat(arrayFilter(t -> t != '', [if(zone = '', '', concat('zone ', zone)), mac, vendor,"
        " arrayStringConcat(roles, ' '), arrayStringConcat(protocols, ' ')]), ', ')"
    )
    return row("asset", CHANGE, source, host=ip("x.ip"), what=what, count="n_a + n_b")


def _conduits(a: str, b: str, host: str) -> str:
    """Pairs of zones between which a session of the protocol was opened, not only tried."""
    opened = "packets_in > 0 AND state NOT IN ('attempt', 'rejected')"
    source = (
        f"SELECT src_zone, dst_zone, {_PROTOCOL} AS protocol, {sides(a, b)}, min(first_ts) AS first,\n"
        f"    max(f.last_ts) AS last, groupUniqArray(concat({ip('src_ip')}, ' → ', {ip('dst_ip')})) AS pairs,\n"
        "    argMin(capture, first_ts) AS of, argMin(frame, first_ts) AS at\n"
        f"  FROM flows AS f WHERE {among(a, b, host, 'src_ip', 'dst_ip')} AND {opened} AND src_zone != dst_zone\n"
        f"  GROUP BY src_zone, dst_zone, protocol {ONLY_ONE}"
    )
    named = "if({0} = '', 'no zone', {0})"
    zones = f"concat({named.format('src_zone')}, ' → ', {named.format('dst_zone')}, ' by ', protocol)"
    return row(
        "conduit", CHANGE, source, peer=some("pairs"), what=zones, count="n_a + n_b", capture="of", frame="at"
    )  # fmt: skip


def _behaviours(a: str, b: str, host: str) -> str:
    """What was done: a row a client, protocol and operation, with whom and of what."""
    one = (
        "SELECT behaviour_id, any(client_ip) AS client, any(server_ip) AS server, any(b.protocol) AS protocol,\n"
        "      any(b.unit) AS unit, any(b.operation) AS operation, any(b.access) AS access, any(b.object) AS object,\n"
        f"      {sides(a, b, 'b.count')}, min(ts) AS first, max(b.last_ts) AS last, argMin(capture, ts) AS of,\n"
        "      argMin(frame, ts) AS at\n"
        f"    FROM behaviours AS b WHERE {among(a, b, host, 'client_ip', 'server_ip')} GROUP BY behaviour_id {ONLY_ONE}"
    )
    source = (
        f"SELECT {CHANGE} AS which, client, protocol, access, operation, unit, min(o.first) AS first,\n"
        f"    max(o.last) AS last, groupUniqArray({ip('server')}) AS servers, groupUniqArray(object) AS objects,\n"
        "    sum(n_a) AS m_a, sum(n_b) AS m_b, argMin(of, o.first) AS of, argMin(at, o.first) AS at\n"
        f"  FROM ({one}) AS o GROUP BY which, client, protocol, access, operation, unit"
    )
    what = (
        "arrayStringConcat(arrayFilter(t -> t != '', [protocol, if(access IN ('write', 'control'), access, ''),"
        f" operation, if(unit = '', '', concat('unit ', unit)), {some('objects')}]), ' ')"
    )
    return row(
        "behaviour", "which", source, host=ip("client"), peer=some("servers"), what=what, before="m_a", after="m_b",
        count="m_a + m_b", capture="of", frame="at",
    )  # fmt: skip


def _amounts(a: str, b: str, host: str) -> str:
    """Of what both did: how often an hour, where that is another number altogether."""
    hours = "greatest(1, (SELECT dateDiff('second', min(first_ts), max(last_ts)) FROM flows WHERE case_id = {})) / 3600"
    source = (
        "SELECT any(client_ip) AS client, any(server_ip) AS server, any(b.protocol) AS protocol,\n"
        "    any(b.unit) AS unit, any(b.operation) AS operation, any(b.object) AS object,\n"
        f"    {sides(a, b, 'b.count')}, minIf(ts, case_id = {quote(b)}) AS first,\n"
        f"    maxIf(b.last_ts, case_id = {quote(b)}) AS last,\n"
        f"    n_a / ({hours.format(quote(a))}) AS rate_a, n_b / ({hours.format(quote(b))}) AS rate_b\n"
        f"  FROM behaviours AS b WHERE {among(a, b, host, 'client_ip', 'server_ip')} GROUP BY behaviour_id\n"
        f"  HAVING n_a > 0 AND n_b > 0 AND greatest(n_a, n_b) >= {LEAST}\n"
        f"    AND greatest(rate_a / rate_b, rate_b / rate_a) >= {TIMES}"
    )
    what = (
        "arrayStringConcat(arrayFilter(t -> t != '', [protocol, operation, if(unit = '', '', concat('unit ', unit)),"
        " object]), ' ')"
    )
    return row(
        "amount", "if(rate_b > rate_a, 'more', 'less')", source, host=ip("client"), peer=ip("server"), what=what,
        before="concat(toString(round(rate_a, 2)), ' an hour')", after="concat(toString(round(rate_b, 2)), ' an hour')",
        count="n_b",
    )  # fmt: skip


def _alerts(a: str, b: str, host: str) -> str:
    """A row a kind and source, with all whom it was about."""
    one = (
        f"SELECT r.kind AS kind, r.src_ip AS src_ip, r.dst_ip AS dst_ip, {sides(a, b)}, min(first_ts) AS first,\n"
        "      max(r.last_ts) AS last, max(r.severity) AS worst, argMin(summary, first_ts) AS told,\n"
        "      argMin(r.capture, first_ts) AS of, argMin(if(empty(frames), 0, frames[1]), first_ts) AS at\n"
        f"    FROM alert_rows AS r WHERE {among(a, b, host, 'src_ip', 'dst_ip')}\n"
        f"    GROUP BY kind, src_ip, dst_ip {ONLY_ONE}"
    )
    source = (
        f"SELECT {CHANGE} AS which, kind, src_ip, min(o.first) AS first, max(o.last) AS last,\n"
        f"    toString(max(o.worst)) AS worst, groupUniqArray({ip('dst_ip')}) AS targets, sum(n_a + n_b) AS n,\n"
        "    argMin(told, o.first) AS told, argMin(of, o.first) AS of, argMin(at, o.first) AS at\n"
        f"  FROM ({one}) AS o GROUP BY which, kind, src_ip"
    )
    return row(
        "alert", "which", source, host=ip("x.src_ip"), peer=some("targets"), count="n", capture="of", frame="at",
        what="concat(worst, ' ', kind, ': ', told, if(n > 1, concat(' (and ', toString(n - 1), ' more)'), ''))",
    )  # fmt: skip


ASPECTS: dict[str, Callable[[str, str, str], str]] = {
    "alert": _alerts, "asset": _assets, "conduit": _conduits, "behaviour": _behaviours, "amount": _amounts,
    "value": values, "version": versions,
}  # fmt: skip
