"""What happened, of whatever kind, in one order: one question to the store that gives rows of one shape.

What repeats itself is folded: rows of a kind, between the same hosts, of the same object, that begin in the same
stretch of time (`fold` seconds) are one row, with their number.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sensor.alerts import ask
from sensor.forensics.commanded import REGISTER, commands
from sensor.forensics.rows import bucket, shape
from sensor.forensics.scope import one_of
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sensor.forensics.scope import Scope
    from sensor.store import Reading

_STEPS = (60, 300, 600, 1800, 3600, 4 * 3600, 86400)
_SHORT = 900  # seconds in which nothing is folded
_ROWS = 30  # that a repeated thing is folded into, at most, where nobody said otherwise


def statement(scope: Scope, kinds: Iterable[str] = (), fold: int = 0, limit: int = 0) -> str:
    """The SQL. `kinds`: of KINDS, none: all that the scope has. `limit` 0: all rows."""
    wanted = tuple(kinds) or tuple(KINDS)
    parts = [part for kind in wanted if (part := KINDS[kind](scope, fold))]
    if not parts:
        nothing = _anomalies(replace(scope, tags=None), fold)  # the columns all the same
        parts = [f"SELECT * FROM ({nothing}) WHERE 0"]
    union = "\nUNION ALL\n".join(parts)
    return f"SELECT * FROM (\n{union}\n)\nORDER BY at, kind, src_ip, dst_ip, what, id" + (
        f"\nLIMIT {limit}" if limit else ""
    )


def fold_of(store: Reading, scope: Scope) -> int:
    """Seconds to fold by, from how long the scope is."""
    where = scope.where("first_ts", "last_ts", scope.ends())
    since, until = scope.since or "min(first_ts)", scope.until or "max(last_ts)"
    sql = f"SELECT dateDiff('second', {since}, {until}) AS seconds, count() AS n FROM flows WHERE {where}"
    [found] = ask(store, sql)
    seconds = int(found["seconds"]) if int(found["n"]) else 0
    if seconds <= _SHORT:
        return 0
    return next((step for step in _STEPS if seconds <= step * _ROWS), _STEPS[-1])


def _sessions(scope: Scope, fold: int) -> str:
    """Attempts that nobody answered are one row a source, whomever it tried: a scan is one thing."""
    if scope.tags is not None and not scope.hosts:
        return ""
    opened = "(packets_in > 0 AND state NOT IN ('attempt', 'rejected'))"
    source = (
        f"SELECT *, {opened} AS opened, if(app = '', if(service = '', transport, service), app) AS protocol,\n"
        "    if(opened, dst_ip, toIPv6('::')) AS whom, if(opened, dst_port, 0) AS port,\n"
        "    if(opened, protocol, '') AS by\n"
        f"  FROM flows WHERE {scope.where('first_ts', 'last_ts', scope.ends())}"
    )
    times = "if(count() > 1, concat(', ', toString(count()), ' sessions'), '')"
    seen = "if(max(credentials) != '', concat(', credentials seen: ', max(credentials)), '')"
    held = (
        f"concat(any(protocol), if(any(port) > 0, concat(' on port ', toString(any(port))), ''), {times}, ', ',"
        " formatReadableSize(sum(bytes_out)), ' out, ', formatReadableSize(sum(bytes_in)), ' in',"
        f" if(any(midstream), ', begun before the capture', ''), {seen})"
    )
    tried = (
        "concat(toString(count()), if(count() = 1, ' attempt', ' attempts'), ' without an answer or refused: ',"
        " toString(uniqExact(x.dst_ip)), if(uniqExact(x.dst_ip) = 1, ' host, ', ' hosts, '),"
        " toString(uniqExact(dst_port)),"
        " if(uniqExact(dst_port) = 1, ' port', ' ports'), ' (',"
        " arrayStringConcat(arraySlice(arraySort(groupUniqArray(protocol)), 1, 6), ', '), ')')"
    )
    return shape(
        "session", source, what=f"if(opened, {held}, {tried})", at="min(first_ts)", until="max(last_ts)",
        ends=("src_ip", "if(uniqExact(x.dst_ip) = 1, any(x.dst_ip), toIPv6('::'))"),
        group=f"src_ip, opened, whom, port, by, {bucket(fold, 'first_ts', 'x.frame')}",
    )  # fmt: skip


def _values(scope: Scope, fold: int) -> str:
    """How a tag went in each stretch: first and last value, and what lay between. Tags that a model reads are asked for
    by name; the hosts that send them need not be the model's."""
    chosen = one_of("tag", scope.tags) if scope.tags is not None else ""
    if scope.tags == ():
        return ""
    ends = scope.ends() if scope.tags is None or scope.models is None else ""
    source = f"SELECT * FROM tag_values WHERE {scope.where('ts', 'ts', ends, chosen)}"
    number = (
        "concat(toString(round(argMin(value, ts), 4)), if(count() = 1, '', concat(' → ',"
        " toString(round(argMax(value, ts), 4)), ', between ', toString(round(min(value), 4)), ' and ',"
        " toString(round(max(value), 4)), ' in ', toString(count()), ' changes')))"
    )
    words = (
        "concat(substringUTF8(argMin(text, ts), 1, 80), if(count() = 1, '', concat(' → ',"
        " substringUTF8(argMax(text, ts), 1, 80))))"
    )
    bad = "if(argMax(quality, ts) IN ('', 'good'), '', concat(' (', toString(argMax(quality, ts)), ')'))"
    what = f"concat(tag, ': ', if(isNull(max(value)), {words}, {number}), {bad})"
    return shape(
        "value", source, what=f"ifNull({what}, tag)", group=f"src_ip, dst_ip, tag, {bucket(fold, 'ts', 'x.frame')}"
    )


def _files(scope: Scope, fold: int) -> str:
    if scope.tags is not None and not scope.hosts:
        return ""
    source = f"SELECT * FROM files WHERE {scope.where('first_ts', 'ts', scope.ends())}"
    what = (
        "concat(any(carrier), if(any(upload), ' upload of ', ' download of '), if(any(name) = '', 'a file', any(name)),"
        " ', ',"
        " formatReadableSize(any(size)), if(any(model_format) = '', '', concat(', a model (', any(model_format), ')')),"
        " if(any(registry_verdict) = '', '', concat(', ', any(registry_verdict))), ', SHA-256 ', sha256)"
    )
    return shape(
        "file", source, what=what, at="min(first_ts)", identity="sha256", frame="min(first_frame)",
        group=f"src_ip, dst_ip, sha256, upload, {bucket(fold, 'ts', 'x.frame')}",
    )  # fmt: skip


def _alerts(scope: Scope, _: int) -> str:
    of_ids = one_of("alert_id", scope.alerts) if scope.alerts is not None else ""
    of_hosts = scope.ends() if scope.alerts is None else ""
    named = [f"position(evidence, {quote(name)}) > 0" for name in _names(scope)] if scope.alerts is None else []
    about = f"({' OR '.join(filter(None, [of_hosts, *named]))})" if of_hosts or named else ""
    if scope.tags and not scope.models:
        about = f"({' OR '.join(named)})" + (f" AND {of_hosts}" if of_hosts else "")
    source = f"SELECT * FROM alerts WHERE {scope.where('first_ts', 'last_ts', of_ids, about)}"
    return shape(
        "alert", source, what="concat(x.kind, ': ', summary)", at="first_ts", until="last_ts", severity="x.severity",
        count="x.count", identity="alert_id", capture="x.capture", frame="if(empty(frames), 0, frames[1])",
    )  # fmt: skip


def _names(scope: Scope) -> tuple[str, ...]:
    """As they stand in the JSON of evidence."""
    names = [*(scope.models or ())] or [*(scope.tags or ())]
    names += [
        f"{found[2]} {found[3]}" for name in names if (found := REGISTER.fullmatch(name))
    ]  # as `behaviours` has it
    return tuple('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' for name in names)


def _drift(scope: Scope, _: int) -> str:
    if scope.drift is not None:
        wanted = one_of("drift_id", scope.drift)
    elif scope.models is not None:
        wanted = one_of("model_id", scope.models)
    elif scope.tags is not None:
        wanted = one_of("stream", scope.tags)
    elif scope.hosts:
        speaks = f"SELECT model_id FROM inference_log WHERE case_id = {quote(scope.case)} AND {scope.ends()}"
        wanted = f"model_id IN ({speaks})"
    else:
        wanted = ""
    source = (
        f"SELECT *, if(since > ts - INTERVAL 30 DAY, since, ts) AS begun FROM drift WHERE {scope.where('since', 'ts')}"
    )
    source += f" AND {wanted}" if wanted else ""
    return shape(
        "drift", source, what="concat(x.kind, ' of ', model_id, ': ', summary)", at="begun",
        until="if(returned > begun, returned, greatest(begun, ts))", count="1", identity="drift_id",
        capture="''", frame="0", ends=("toIPv6('::')", "toIPv6('::')"),
    )  # fmt: skip


def _incidents(scope: Scope, _: int) -> str:
    if scope.incidents is not None:
        wanted = one_of("incident_id", scope.incidents)
    elif scope.models is not None:
        wanted = f"hasAny(models, [{', '.join(map(quote, scope.models))}])"
    elif scope.hosts or scope.tags is not None:
        touched = (
            f"SELECT alert_id FROM alert_rows WHERE case_id = {quote(scope.case)}"
            f" AND {scope.ends() if scope.hosts else '0'}"
        )
        wanted = f"hasAny(alert_ids, (SELECT groupArray(alert_id) FROM ({touched})))"
    else:
        wanted = ""
    begun = "if(first_ts > last_ts - INTERVAL 30 DAY, first_ts, last_ts)"
    source = f"SELECT *, {begun} AS begun FROM incidents WHERE {scope.where('first_ts', 'last_ts', wanted)}"
    return shape(
        "incident", source, what="x.title", at="begun", until="last_ts", severity="x.severity", identity="incident_id",
        count="length(alert_ids) + length(drift_ids)", capture="''", frame="0", ends=("toIPv6('::')", "toIPv6('::')"),
    )  # fmt: skip


def _outputs(scope: Scope, fold: int) -> str:
    if scope.models is not None:
        wanted = one_of("model_id", scope.models)
    elif scope.tags is not None:
        wanted = one_of("tag", scope.tags)
    else:
        wanted = scope.ends()
    source = f"SELECT *, toFloat64OrNull(output) AS number FROM inference_log WHERE {scope.where('ts', 'ts', wanted)}"
    what = (
        "concat(model_id, ' ', model_version, ' says ', tag, ': ', if(isNull(max(number)),"
        " substringUTF8(argMax(output, ts), 1, 80), concat('mean ', toString(round(avg(number), 4)), ', between ',"
        " toString(round(min(number), 4)), ' and ', toString(round(max(number), 4)), ', ',"
        " toString(count()), ' outputs')))"
    )
    return shape(
        "output", source, what=f"ifNull({what}, model_id)", ends=("src_ip", "dst_ip"),
        group=f"src_ip, dst_ip, model_id, model_version, tag, {bucket(fold, 'ts', 'x.frame')}",
    )  # fmt: skip


def _anomalies(scope: Scope, fold: int) -> str:
    if scope.tags is not None and not scope.hosts:
        return ""
    source = f"SELECT * FROM anomalies WHERE {scope.where('ts', 'ts', scope.ends())}"
    return shape(
        "anomaly",
        source,
        what="concat(protocol, ' ', x.kind, ': ', substringUTF8(any(detail), 1, 160))",
        group=f"src_ip, dst_ip, protocol, x.kind, {bucket(fold, 'ts', 'x.frame')}",
    )


KINDS: dict[str, Callable[[Scope, int], str]] = {
    "incident": _incidents, "alert": _alerts, "drift": _drift, "command": commands, "file": _files,
    "session": _sessions, "output": _outputs, "value": _values, "anomaly": _anomalies,
}  # fmt: skip
