"""The one shape of all rows of a timeline."""

from __future__ import annotations

from sensor.store.literal import quote

COLUMNS = (
    "at", "until", "kind", "severity", "src_ip", "dst_ip", "what", "count", "id", "capture", "frame", "case_id",
)  # fmt: skip


def shape(
    kind: str, source: str, *, what: str, at: str = "min(ts)", until: str = "max(ts)", severity: str = "''",
    ends: tuple[str, str] = ("src_ip", "dst_ip"), count: str = "count()", identity: str = "''",
    capture: str = "any(x.capture)", frame: str = "min(x.frame)", group: str = "",
) -> str:  # fmt: skip
    columns = (
        f"SELECT toDateTime64({at}, 9, 'UTC') AS at, toDateTime64({until}, 9, 'UTC') AS until, {quote(kind)} AS kind,\n"
        f"  toString({severity}) AS severity, {ends[0]} AS src_ip, {ends[1]} AS dst_ip, {what} AS what,\n"
        f"  toUInt64({count}) AS count, toString({identity}) AS id, toString({capture}) AS capture,\n"
        f"  toUInt64({frame}) AS frame, any_case AS case_id"
    )
    grouped = f"\nGROUP BY {group}" if group else ""
    return columns.replace("any_case", "any(x.case_id)" if group else "x.case_id") + f"\nFROM ({source}) AS x" + grouped


def bucket(fold: int, time: str, frame: str) -> str:
    return f"toStartOfInterval(toDateTime({time}, 'UTC'), INTERVAL {fold} SECOND)" if fold else f"{time}, {frame}"
