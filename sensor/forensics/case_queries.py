"""The questions of a case's report, as they stand in it: whoever doubts a figure asks the store the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensor.store.literal import quote

if TYPE_CHECKING:
    from sensor.forensics.scope import Scope

_TIME = "toString(toDateTime({}, 'UTC'))"
_SHOWN_ALERTS = "status != 'learned' AND severity >= 'medium'"


def numbers(scope: Scope) -> str:
    """What the summary is made of, a row a figure."""
    seen, of_alerts, at = (
        scope.where("first_ts", "last_ts"),
        scope.where("first_ts", "last_ts"),
        scope.where("ts", "ts"),
    )
    figures = (
        ("first packet", _TIME.format("min(first_ts)"), f"flows WHERE {seen}"),
        ("last packet", _TIME.format("max(last_ts)"), f"flows WHERE {seen}"),
        ("hosts", "toString(uniqExact(ip))", f"assets WHERE {scope.where('first_seen', 'last_seen')}"),
        ("flows", "toString(count())", f"flows WHERE {seen}"),
        ("changes of values", "toString(count())", f"tag_values WHERE {at}"),
        ("files", "toString(count())", f"files WHERE {at}"),
        ("alerts", "toString(count())", f"alerts WHERE {of_alerts}"),
        ("alerts of high severity and above", "toString(count())", f"alerts WHERE {of_alerts} AND severity >= 'high'"),
        ("drift", "toString(count())", f"drift WHERE {scope.where('since', 'ts')}"),
        ("incidents", "toString(count())", f"incidents WHERE {of_alerts} AND level = 'incident'"),
    )
    parts = (
        f"SELECT {number} AS no, {quote(what)} AS what, {value} AS value FROM {source}"
        for number, (what, value, source) in enumerate(figures, 1)
    )
    union = "\nUNION ALL ".join(parts)
    return f"SELECT what, value FROM (\n{union}\n) ORDER BY no"


def incidents(scope: Scope) -> str:
    return (
        "SELECT * FROM incidents\n"
        f"WHERE {scope.where('first_ts', 'last_ts')} AND level != 'note'\n"
        "ORDER BY toInt8(severity) DESC, probability DESC, incident_id"
    )


def alert_kinds(scope: Scope) -> str:
    return (
        "SELECT toString(max(a.severity)) AS worst, kind, any(title) AS title, count() AS alerts,\n"
        "  sum(a.count) AS times,\n"
        f"  {_TIME.format('min(a.first_ts)')} AS first, {_TIME.format('max(a.last_ts)')} AS last,\n"
        "  arraySlice(arraySort(groupUniqArray(src_ip)), 1, 4) AS sources,\n"
        "  arraySlice(arraySort(groupUniqArray(dst_ip)), 1, 4) AS targets\n"
        f"FROM alerts AS a WHERE {scope.where('first_ts', 'last_ts')}\n"
        "GROUP BY kind ORDER BY max(a.severity) DESC, first, kind"
    )


def captures(scope: Scope) -> str:
    return (
        "SELECT path, id, format, bytes, packets, truncated_packets AS cut,\n"
        f"  {_TIME.format('c.first_ts')} AS first, {_TIME.format('c.last_ts')} AS last,\n"
        "  if(finished, 'whole', 'not read to its end') AS state, sensor\n"
        f"FROM captures AS c WHERE {scope.where('first_ts', 'last_ts')} AND packets > 0 ORDER BY c.first_ts, path"
    )


def slices(scope: Scope) -> str:
    """Packets of alerts that were kept."""
    return (
        "SELECT alert_id, kind, evidence_file AS file, evidence_packets AS packets, evidence_sha256 AS sha256\n"
        f"FROM alerts WHERE {scope.where('first_ts', 'last_ts')} AND evidence_file != ''\n"
        "ORDER BY first_ts, alert_id"
    )


def files(scope: Scope) -> str:
    return (
        f"SELECT {_TIME.format('f.first_ts')} AS at, src_ip AS source, dst_ip AS target, carrier,\n"
        "  if(upload, 'upload', 'download') AS way, name, size, model_format AS format, registry_verdict AS verdict,\n"
        "  sha256, frame\n"
        f"FROM files AS f WHERE {scope.where('first_ts', 'ts')} ORDER BY f.first_ts, sha256"
    )


def frames(scope: Scope) -> str:
    """Which packets decided: alerts of medium severity and above."""
    return (
        "SELECT alert_id, kind, toString(a.severity) AS severity, capture, length(frames) AS frames,\n"
        "  arrayStringConcat(arraySlice(arraySort(a.frames), 1, 12), ' ') AS first_frames\n"
        f"FROM alerts AS a WHERE {scope.where('first_ts', 'last_ts')} AND {_SHOWN_ALERTS} AND notEmpty(a.frames)\n"
        "ORDER BY first_ts, alert_id"
    )


def techniques(scope: Scope) -> str:
    return (
        "SELECT arrayJoin(techniques) AS technique, any(attack_version) AS matrix, count() AS alerts,\n"
        "  toString(max(a.severity)) AS worst, arraySort(groupUniqArray(kind)) AS kinds,\n"
        f"  {_TIME.format('min(a.first_ts)')} AS first\n"
        f"FROM alerts AS a WHERE {scope.where('first_ts', 'last_ts')} AND {_SHOWN_ALERTS}\n"
        "GROUP BY technique ORDER BY first, technique"
    )


def controls(scope: Scope) -> str:
    return (
        "SELECT arrayJoin(controls) AS control, count() AS alerts, toString(max(a.severity)) AS worst,\n"
        "  arraySort(groupUniqArray(kind)) AS kinds\n"
        f"FROM alerts AS a WHERE {scope.where('first_ts', 'last_ts')} AND {_SHOWN_ALERTS}\n"
        "GROUP BY control ORDER BY control"
    )


def losses(scope: Scope) -> str:
    """What the sensor did not see, so that silence is not taken for peace."""
    return (
        f"SELECT counter, sum(value) AS value, {_TIME.format('min(h.ts)')} AS first,\n"
        f"  {_TIME.format('max(h.ts)')} AS last\n"
        f"FROM health AS h WHERE {scope.where('ts', 'ts')} AND (startsWith(counter, 'dropped.') OR counter IN\n"
        "  ('gaps', 'gap_bytes', 'cut_packets', 'bad_packets', 'late_packets', 'unknown_link', 'malformed',\n"
        "   'panics'))\n"
        "GROUP BY counter HAVING value > 0 ORDER BY counter"
    )


def unsettled(scope: Scope) -> str:
    """Grave alerts that nobody said anything of."""
    return (
        "SELECT toString(a.severity) AS severity, kind, alert_id, summary\n"
        f"FROM alerts AS a WHERE {scope.where('first_ts', 'last_ts')} AND status = 'open' AND a.severity >= 'high'\n"
        "ORDER BY a.severity DESC, first_ts, alert_id"
    )


def said(scope: Scope) -> str:
    """What analysts said of alerts."""
    return (
        "SELECT status, kind, count() AS alerts, status_by AS by, status_note AS note\n"
        f"FROM alerts WHERE {scope.where('first_ts', 'last_ts')} AND status != 'open'\n"
        "GROUP BY status, kind, by, note ORDER BY status, kind, by, note"
    )
