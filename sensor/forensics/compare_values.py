"""Values that one case has and another had not: beyond their range, of other tags, other texts."""

from __future__ import annotations

from sensor.forensics.differences import CHANGE, ONLY_ONE, among, ip, row, sides, some
from sensor.store.literal import quote

TOLERANCE = 0.05  # of the range in `a` that a value may lie beyond it
CLOCK = 100  # values that only ever grow are a clock or a counter


def values(a: str, b: str, host: str) -> str:
    return "\nUNION ALL\n".join((_beyond(a, b, host), _tags(a, b, host), _words(a, b, host)))


def _beyond(a: str, b: str, host: str) -> str:
    clock = f"n >= {CLOCK} AND uniqExact(value) = n AND argMin(value, ts) = low AND argMax(value, ts) = high"
    ranges = (
        "SELECT dst_ip, tag, min(value) AS low, max(value) AS high, count(value) AS n\n"
        f"    FROM tag_values WHERE case_id = {quote(a)} GROUP BY dst_ip, tag HAVING n > 0 AND NOT ({clock})"
    )
    room = f"{TOLERANCE} * (high - low)"
    ends = "" if not host else f" AND (v.dst_ip = toIPv6({quote(host)}) OR v.src_ip = toIPv6({quote(host)}))"
    source = (
        "SELECT v.dst_ip AS server, v.tag AS name, any(r.low) AS least, any(r.high) AS most, min(v.value) AS low_b,\n"
        "    max(v.value) AS high_b, count() AS n, min(v.ts) AS first, max(v.ts) AS last,\n"
        "    argMin(v.capture, v.ts) AS of, argMin(v.frame, v.ts) AS at, groupUniqArray(v.src_ip) AS heard\n"
        f"  FROM tag_values AS v INNER JOIN (\n    {ranges}\n  ) AS r ON v.dst_ip = r.dst_ip AND v.tag = r.tag\n"
        f"  WHERE v.case_id = {quote(b)} AND (v.value < r.low - {room} OR v.value > r.high + {room}){ends}\n"
        "  GROUP BY server, name"
    )
    between = "concat(toString(round(assumeNotNull({}), 4)), ' to ', toString(round(assumeNotNull({}), 4)))"
    return row(
        "value", "'outside'", source, host=ip("server"), peer=some(f"arrayMap(h -> {ip('h')}, heard)"), what="name",
        before=between.format("least", "most"), after=between.format("low_b", "high_b"), count="n", capture="of",
        frame="at",
    )  # fmt: skip


def _tags(a: str, b: str, host: str) -> str:
    one = (
        f"SELECT dst_ip, tag, any(v.source) AS source, {sides(a, b)}, min(ts) AS first, max(ts) AS last,\n"
        "      groupUniqArray(src_ip) AS heard, argMin(capture, ts) AS of, argMin(frame, ts) AS at\n"
        f"    FROM tag_values AS v WHERE {among(a, b, host, 'src_ip', 'dst_ip')} GROUP BY dst_ip, tag {ONLY_ONE}"
    )
    source = (
        f"SELECT {CHANGE} AS which, dst_ip AS server, source, min(o.first) AS first, max(o.last) AS last,\n"
        "    groupArray(tag) AS tags, groupUniqArrayArray(heard) AS heard, sum(n_a + n_b) AS n,\n"
        f"    argMin(of, o.first) AS of, argMin(at, o.first) AS at FROM ({one}) AS o GROUP BY which, server, source"
    )
    return row(
        "value", "which", source, host=ip("server"), peer=some(f"arrayMap(h -> {ip('h')}, heard)"),
        what=f"concat(x.source, if(length(tags) = 1, ' tag ', ' tags '), {some('tags')})", count="n", capture="of",
        frame="at",
    )  # fmt: skip


def _words(a: str, b: str, host: str) -> str:
    """Texts that a tag never said in `a`; not where it says another one every time."""
    there = f"SELECT DISTINCT dst_ip, tag, text FROM tag_values WHERE case_id = {quote(a)} AND text != ''"
    known = f"SELECT dst_ip, tag FROM tag_values WHERE case_id = {quote(a)} AND text != '' GROUP BY dst_ip, tag"
    known += " HAVING uniqExact(text) * 2 < count() OR uniqExact(text) <= 8"
    ends = "" if not host else f" AND (dst_ip = toIPv6({quote(host)}) OR src_ip = toIPv6({quote(host)}))"
    source = (
        "SELECT dst_ip AS server, tag AS name, groupUniqArray(substringUTF8(text, 1, 80)) AS texts, count() AS n,\n"
        "    min(ts) AS first, max(ts) AS last, argMin(capture, ts) AS of, argMin(frame, ts) AS at\n"
        f"  FROM tag_values WHERE case_id = {quote(b)} AND text != '' AND (dst_ip, tag) IN ({known})\n"
        f"    AND (dst_ip, tag, text) NOT IN ({there}){ends} GROUP BY server, name"
    )
    return row(
        "value", "'outside'", source, host=ip("server"), what="name", after=some("texts"), count="n", capture="of",
        frame="at",
    )  # fmt: skip
