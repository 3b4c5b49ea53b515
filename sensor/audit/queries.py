"""The questions of an audit, as they stand in its report: whoever doubts a finding asks the store the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

# Nobody's zone: multicast, broadcast, and addresses that are none yet.
_HOSTS = (
    "dst_ip NOT BETWEEN toIPv6('224.0.0.0') AND toIPv6('255.255.255.255') AND dst_ip < toIPv6('ff00::')"
    " AND src_ip NOT IN (toIPv6('::'), toIPv6('0.0.0.0'))"
)
_PROTOCOL = "if(app = '', service, app)"
CREDENTIALS = ("cleartext.credentials", "cleartext.login", "credentials.cleartext", "credentials.default")
MODELS = ("artefacts.unknown", "artefacts.revoked", "artefacts.changed", "artefacts.contradiction",
          "artefacts.dangerous_pickle", "artefacts.not_inspectable", "models.candidate")  # fmt: skip
LOST = ("gaps", "gap_bytes", "cut_packets", "bad_packets", "panics", "late_packets", "unknown_link", "malformed",
        "conflicts", "anomalies_unwritten")  # fmt: skip
SILENCE = 5  # minutes without a packet that are worth a line
ATTEMPTS = 3  # packets after which a flow without an answer is one-sided, and no attempt


@dataclass(frozen=True, slots=True)
class Scope:
    """`since`, `until`: SQL times; empty: all. `case` empty: all."""

    case: str = ""
    since: str = ""
    until: str = ""

    def where(self, first: str = "first_ts", last: str = "last_ts", *more: str) -> str:
        found = [f"case_id = {quote(self.case)}"] if self.case else []
        found += [f"{last} >= {self.since}"] if self.since else []
        found += [f"{first} < {self.until}"] if self.until else []
        return " AND ".join([*found, *more]) or "true"


def _kinds(kinds: Iterable[str]) -> str:
    return f"kind IN ({', '.join(map(quote, kinds))})"


def span(scope: Scope) -> str:
    return (
        "SELECT toString(toDateTime(min(first_ts), 'UTC')) AS first,\n"
        f"  toString(toDateTime(max(last_ts), 'UTC')) AS last, count() AS flows,\n"
        f"  arraySort(groupUniqArray(sensor)) AS sensors\nFROM flows WHERE {scope.where()}"
    )


def captures(scope: Scope) -> str:
    return (
        "SELECT sensor, case_id AS case, path AS source, format, packets, truncated_packets AS cut,\n"
        "  toString(toDateTime(first_ts, 'UTC')) AS first, toString(toDateTime(last_ts, 'UTC')) AS last,\n"
        "  if(finished, 'whole', 'not ended') AS state\n"
        f"FROM captures WHERE {scope.where()}\nORDER BY first_ts, path"
    )


def zones(scope: Scope) -> str:
    return (
        "SELECT zone, if(any(purdue_level) < 0, NULL, any(purdue_level)) AS level, count() AS hosts,\n"
        "  countIf(zone_inferred) AS inferred,\n"
        "  arrayStringConcat(arraySort(groupUniqArrayArray(protocols)), ', ') AS protocols\n"
        f"FROM assets WHERE {scope.where('first_seen', 'last_seen')}\nGROUP BY zone ORDER BY level, zone"
    )


def crossings(scope: Scope) -> str:
    return (
        f"SELECT src_zone, dst_zone, {_PROTOCOL} AS protocol, count() AS flows,\n"
        "  countIf(state NOT IN ('attempt', 'rejected')) AS opened, uniqExact(src_ip, dst_ip) AS pairs,\n"
        "  sum(bytes_out + bytes_in) AS bytes,\n"
        "  countIf(encrypted = 1) AS encrypted_flows, countIf(encrypted = 0) AS clear_flows,\n"
        "  toString(toDateTime(min(first_ts), 'UTC')) AS first, toString(toDateTime(max(last_ts), 'UTC')) AS last\n"
        f"FROM flows WHERE {scope.where('first_ts', 'last_ts', 'src_zone != dst_zone', _HOSTS)}\n"
        "GROUP BY src_zone, dst_zone, protocol ORDER BY src_zone, dst_zone, protocol"
    )


def boundary(scope: Scope, low: Iterable[str], high: Iterable[str]) -> str:
    """`low`: zones below the enterprise, `high`: those of it and beyond."""
    below, above = (f"({', '.join(map(quote, names)) or quote('-')})" for names in (low, high))
    crosses = f"((src_zone IN {below} AND dst_zone IN {above}) OR (src_zone IN {above} AND dst_zone IN {below}))"
    return (
        "SELECT toString(src_ip) AS source, toString(dst_ip) AS target, src_zone, dst_zone,\n"
        f"  {_PROTOCOL} AS protocol, count() AS flows,\n"
        "  countIf(state NOT IN ('attempt', 'rejected')) AS opened, sum(bytes_out + bytes_in) AS bytes,\n"
        "  toString(toDateTime(min(first_ts), 'UTC')) AS first\n"
        f"FROM flows WHERE {scope.where('first_ts', 'last_ts', crosses, _HOSTS)}\n"
        "GROUP BY src_ip, dst_ip, src_zone, dst_zone, protocol ORDER BY src_ip, dst_ip, protocol"
    )


def tls(scope: Scope) -> str:
    return (
        "SELECT f.src_zone AS src_zone, f.dst_zone AS dst_zone, t.version AS version, count() AS handshakes,\n"
        "  uniqExact(t.src_ip, t.dst_ip) AS pairs, countIf(t.self_signed) AS self_signed\n"
        f"FROM (SELECT * FROM tls WHERE {scope.where('ts', 'ts')}) AS t\n"
        "LEFT JOIN (SELECT DISTINCT case_id, capture, flow_id, src_zone, dst_zone FROM flows) AS f\n"
        "  ON t.case_id = f.case_id AND t.capture = f.capture AND t.flow_id = f.flow_id\n"
        "GROUP BY src_zone, dst_zone, version ORDER BY src_zone, dst_zone, version"
    )


def opcua(scope: Scope) -> str:
    return (
        "SELECT toString(dst_ip) AS server, security_policy AS policy, security_mode AS mode, count() AS messages,\n"
        "  uniqExact(src_ip) AS clients\n"
        f"FROM opcua WHERE {scope.where('ts', 'ts', quote('OPN') + ' = message_type')}\n"
        "GROUP BY server, policy, mode ORDER BY server, policy, mode"
    )


def alerts(scope: Scope, condition: str) -> str:
    return (
        "SELECT kind, toString(src_ip) AS source, toString(dst_ip) AS target, src_zone, dst_zone, protocol,\n"
        "  toString(max(severity)) AS worst, count() AS alerts, sum(count) AS times,\n"
        "  toString(toDateTime(min(first_ts), 'UTC')) AS first, any(status) AS status\n"
        f"FROM alerts WHERE {scope.where('first_ts', 'last_ts', condition)}\n"
        "GROUP BY kind, src_ip, dst_ip, src_zone, dst_zone, protocol ORDER BY kind, source, target"
    )


def credentials(scope: Scope) -> str:
    return alerts(scope, _kinds(CREDENTIALS))


def crossing_alerts(scope: Scope) -> str:
    return alerts(scope, "startsWith(kind, 'boundary')")


def model_alerts(scope: Scope) -> str:
    return alerts(scope, _kinds(MODELS))


def mirror_alerts(scope: Scope) -> str:
    return alerts(scope, "startsWith(kind, 'mirror.')")


def artefacts(scope: Scope) -> str:
    return (
        "SELECT sha256, any(name) AS name, any(model_format) AS format, registry_verdict AS verdict,\n"
        "  toString(src_ip) AS source, toString(dst_ip) AS target, count() AS times,\n"
        "  toString(toDateTime(min(ts), 'UTC')) AS first\n"
        f"FROM files WHERE {scope.where('ts', 'ts', quote('') + ' != model_format')}\n"
        "GROUP BY sha256, registry_verdict, src_ip, dst_ip ORDER BY first, sha256"
    )


def losses(scope: Scope) -> str:
    wanted = f"(startsWith(counter, 'dropped.') OR counter IN ({', '.join(map(quote, LOST))}))"
    return (
        "SELECT sensor, case_id AS case, counter, sum(value) AS value, count() AS minutes,\n"
        "  toString(toDateTime(min(ts), 'UTC')) AS first, toString(toDateTime(max(ts), 'UTC')) AS last\n"
        f"FROM health WHERE {scope.where('ts', 'ts', wanted)}\n"
        "GROUP BY sensor, case, counter HAVING value > 0 ORDER BY sensor, case, counter"
    )


def one_sided(scope: Scope) -> str:
    return (
        f"SELECT src_zone, dst_zone, {_PROTOCOL} AS protocol, count() AS flows,\n"
        f"  countIf(packets_in = 0 AND packets_out > {ATTEMPTS} OR packets_out = 0 AND packets_in > {ATTEMPTS})\n"
        "    AS one_sided,\n"
        "  countIf(midstream) AS joined_midway, sum(gaps) AS gaps, sum(gap_bytes) AS missing_bytes\n"
        f"FROM flows WHERE {scope.where('first_ts', 'last_ts', quote('tcp') + ' = lower(transport)')}\n"
        "GROUP BY src_zone, dst_zone, protocol HAVING one_sided > 0 OR gaps > 0\n"
        "ORDER BY one_sided DESC, missing_bytes DESC, src_zone, dst_zone, protocol"
    )


def silences(scope: Scope) -> str:
    return (
        "SELECT sensor, case, toString(toDateTime(before, 'UTC')) AS from, toString(toDateTime(ts, 'UTC')) AS to,\n"
        "  dateDiff('minute', before, ts) AS minutes\n"
        "FROM (\n"
        "  SELECT sensor, case_id AS case, ts,\n"
        "    lagInFrame(ts, 1, ts) OVER (PARTITION BY sensor, case_id ORDER BY ts\n"
        "      ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before\n"
        "  FROM (SELECT DISTINCT sensor, case_id, ts FROM health\n"
        f"    WHERE {scope.where('ts', 'ts', quote('packets') + ' = counter')})\n"
        f")\nWHERE dateDiff('minute', before, ts) > {SILENCE} ORDER BY sensor, case, before"
    )


def exceptions(scope: Scope) -> str:
    return (
        "SELECT status, kind, toString(src_ip) AS source, toString(dst_ip) AS target, status_by AS by,\n"
        "  status_note AS note, toString(max(severity)) AS worst, count() AS alerts\n"
        f"FROM alerts WHERE {scope.where('first_ts', 'last_ts', quote('open') + ' != status')}\n"
        "GROUP BY status, kind, src_ip, dst_ip, by, note ORDER BY status, kind, source, target"
    )


def controls(scope: Scope) -> str:
    return (
        "SELECT arrayJoin(controls) AS control, count() AS alerts, uniqExact(kind) AS kinds,\n"
        "  toString(max(severity)) AS worst, countIf(status = 'open') AS open\n"
        f"FROM alerts WHERE {scope.where()}\nGROUP BY control ORDER BY control"
    )
