"""What a picture of the process asks the store."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sensor.forensics.commanded import POINT, REGISTER, access, points, registers
from sensor.forensics.scope import one_of
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sensor.forensics.process import Wanted

_NANO = "toUnixTimestamp64Nano"
_MOST_ROWS = 400_000  # of a line
_CLOCK = 100  # values that only ever grow are a clock or a counter
_TAGS = 3  # that were commanded, of those that nobody asked for


def moment(nanoseconds: int) -> str:
    return f"fromUnixTimestamp64Nano({nanoseconds}, 'UTC')"


def within(wanted: Wanted, column: str = "ts") -> str:
    return (
        f"case_id = {quote(wanted.case)} AND {column} >= {moment(wanted.since)} AND {column} < {moment(wanted.until)}"
    )


def _ends(wanted: Wanted, *columns: str) -> str:
    if not wanted.hosts:
        return "1"
    among = f"({', '.join(f'toIPv6({quote(host)})' for host in wanted.hosts)})"
    return f"({' OR '.join(f'{column} IN {among}' for column in columns)})"


def servers(wanted: Wanted, tags: Iterable[str]) -> str:
    return (
        f"SELECT DISTINCT dst_ip AS host, tag FROM tag_values WHERE {within(wanted)} AND {one_of('tag', tags)}"
        f" AND {_ends(wanted, 'src_ip', 'dst_ip')} ORDER BY tag, host"
    )


def moved(wanted: Wanted, most: int) -> str:
    """By how far the mean went from before the event to after it, in standard deviations of the whole stretch."""
    at = moment(wanted.at)
    return (
        "SELECT dst_ip AS host, tag,\n"
        f"  abs(avgIf(value, ts >= {at}) - avgIf(value, ts < {at})) / stddevPop(value) AS far\n"
        f"FROM tag_values WHERE {within(wanted)} AND isNotNull(value) AND {_ends(wanted, 'src_ip', 'dst_ip')}\n"
        f"GROUP BY host, tag HAVING countIf(ts < {at}) > 0 AND countIf(ts >= {at}) > 0 AND stddevPop(value) > 0\n"
        f"  AND NOT (count() >= {_CLOCK} AND uniqExact(value) > 0.9 * uniqExact(ts)"
        " AND corr(toFloat64(toUnixTimestamp64Nano(ts)), assumeNotNull(value)) > 0.999)\n"
        f"ORDER BY far DESC, host, tag LIMIT {max(1, most)}"
    )


def commanded_tags(wanted: Wanted) -> str:
    """Registers, coils and points that were written, those by the fewest hosts first: what is rare is what one looks
    for."""
    return (
        "SELECT host, tag FROM (\n"
        "  SELECT dst_ip AS host, src_ip AS by, concat('u', toString(unit_id), if(function_code IN (5, 15), '/coil/',\n"
        "    '/holding_register/'), toString(ifNull(write_address, address))) AS tag, ts FROM modbus\n"
        f"  WHERE {within(wanted)} AND function_code IN (5, 6, 15, 16, 22, 23)\n"
        f"    AND {_ends(wanted, 'src_ip', 'dst_ip')}\n"
        "  UNION ALL\n"
        "  SELECT dst_ip, src_ip, concat(toString(link_dst), if(g = 41, '/analog_output/', '/binary_output/'),\n"
        "    toString(i)), ts FROM dnp3 ARRAY JOIN `points.group` AS g, `points.index` AS i\n"
        f"  WHERE {within(wanted)} AND from_master AND g IN (12, 41) AND {_ends(wanted, 'src_ip', 'dst_ip')}\n"
        "  UNION ALL\n"
        "  SELECT dst_ip, src_ip, node, ts FROM opcua ARRAY JOIN `items.node_id` AS node\n"
        f"  WHERE {within(wanted)} AND service = 'Write' AND {_ends(wanted, 'src_ip', 'dst_ip')}\n"
        f") GROUP BY host, tag ORDER BY uniqExact(by) DESC, count(), host, tag LIMIT {_TAGS}"
    )


def reported(wanted: Wanted, host: str, tag: str) -> str:
    """As the client has it that hears it most: each has its own changes. The value before comes first."""
    mine = f"tag = {quote(tag)} AND dst_ip = toIPv6({quote(host)})"
    case = f"case_id = {quote(wanted.case)}"
    hears = (
        f"src_ip = (SELECT src_ip FROM tag_values WHERE {within(wanted)} AND {mine} GROUP BY src_ip"
        " ORDER BY count() DESC, src_ip LIMIT 1)"
    )
    return (
        f"SELECT t, value FROM (\n  SELECT toInt64({wanted.since}) AS t, argMax(value, ts) AS value FROM tag_values\n"
        f"  WHERE {case} AND ts < {moment(wanted.since)} AND {mine} AND {hears} HAVING count() > 0\n"
        "  UNION ALL\n"
        f"  SELECT {_NANO}(ts) AS t, value FROM tag_values\n  WHERE {within(wanted)} AND {mine} AND {hears}\n"
        f") ORDER BY t LIMIT {_MOST_ROWS}"
    )


def commanded(wanted: Wanted, host: str, tag: str) -> str:
    """Empty: nothing of this name can be commanded."""
    where = f"{within(wanted)} AND dst_ip = toIPv6({quote(host)})"
    if found := REGISTER.fullmatch(tag):
        place = f"{found[3]} - ifNull(write_address, address) + 1"
        return (
            f"SELECT {_NANO}(ts) AS t, toFloat64(values[{place}]) AS value, src_ip AS by FROM modbus\n"
            f"WHERE {where} AND {registers(found)} AND length(values) >= {place} ORDER BY t"
        )
    if found := POINT.fullmatch(tag):
        return (
            f"SELECT {_NANO}(ts) AS t, arrayFirst((v, i) -> i = {found[3]}, `points.value`, `points.index`) AS value,\n"
            f"  src_ip AS by FROM dnp3\nWHERE {where} AND from_master AND {points(found)}\n"
            f"  AND {access('dnp3', 'function')} ORDER BY t"
        )
    if re.match(r"(ns=\d+;|nsu=)?[isgb]=", tag):
        return (
            f"SELECT {_NANO}(ts) AS t, toFloat64OrNull(arrayFirst((v, n) -> n = {quote(tag)}, `items.value`,"
            " `items.node_id`)) AS value,\n"
            f"  src_ip AS by FROM opcua\nWHERE {where} AND service = 'Write' AND has(`items.node_id`, {quote(tag)})"
            " ORDER BY t"
        )
    return ""


def outputs(wanted: Wanted) -> str:
    models = "" if wanted.models is None else f" AND {one_of('model_id', wanted.models)}"
    return (
        f"SELECT {_NANO}(ts) AS t, model_id, model_version, tag, toFloat64OrNull(output) AS value FROM inference_log\n"
        f"WHERE {within(wanted)}{models} AND isFinite(ifNull(toFloat64OrNull(output), nan)) ORDER BY t, model_id, tag"
        f" LIMIT {_MOST_ROWS}"
    )


def events(wanted: Wanted) -> str:
    """Alerts from medium on, incidents, drift of models, model files on the wire; the gravest first."""
    started = f"case_id = {quote(wanted.case)} AND {{0}} >= {moment(wanted.since)} AND {{0}} < {moment(wanted.until)}"
    alerts = started.format("first_ts")
    return (
        "SELECT * FROM (\n"
        f"  SELECT {_NANO}(first_ts) AS t, 'alert' AS kind, toString(a.severity) AS severity,\n"
        "    toInt8(a.severity) AS rank, concat(a.kind, ': ', summary) AS what, alert_id AS id FROM alerts AS a\n"
        f"  WHERE {alerts} AND a.severity >= 'medium'\n"
        "  UNION ALL\n"
        f"  SELECT {_NANO}(since), 'drift', '', 3, concat('drift: ', summary), drift_id FROM drift\n"
        f"  WHERE {started.format('since')} AND drift.kind != 'missing'\n"
        "  UNION ALL\n"
        f"  SELECT {_NANO}(first_ts), 'file', '', if(registry_verdict = 'unknown', 3, 1), concat(carrier,\n"
        "    if(upload, ' upload of ', ' download of '), name, if(registry_verdict = '', '', concat(' (',\n"
        "    registry_verdict, ')'))), sha256 FROM files\n"
        f"  WHERE {started.format('first_ts')} AND model_format != ''\n"
        ") ORDER BY rank DESC, t, what"
    )
