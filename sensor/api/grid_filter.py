"""What an analyst wants to see of the alerts → conditions on `alert_grid`.

Verdicts are few beside alerts: those that hold are two lists, an id and the time up to which what was seen of it is
hidden, and each state of an alert is held against them.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensor.alerts import ask
from sensor.errors import InputError
from sensor.store.literal import quote
from sensor.when import literal

if TYPE_CHECKING:
    from sensor.store import Reading

STATUSES = {"learned": "learn", "muted": "mute", "closed": "close"}
_FOR_EVER = 2**63 - 1
_SEEN = "toUnixTimestamp64Nano(last_ts)"


@dataclass(frozen=True, slots=True)
class Filter:
    """None: any. `severity`: this and worse. `kind`: one, or a detector for all of its kinds. `host`: an address or a
    network, at either end; `zone` too. `text`: stands in title, summary or kind, in capitals or not."""

    status: str = "open"
    severity: str | None = None
    kind: str | None = None
    host: str | None = None
    zone: str | None = None
    protocol: str | None = None
    case: str | None = None
    sensor: str | None = None
    since: str | None = None
    until: str | None = None
    text: str | None = None


def conditions(store: Reading, wanted: Filter) -> tuple[list[str], list[str]]:
    """Those of the filter, and of its status. InputError for what makes no sense."""
    found = []
    for column, value in (("case_id", wanted.case), ("sensor", wanted.sensor), ("protocol", wanted.protocol)):
        found += [f"{column} = {quote(value)}"] if value is not None else []
    if wanted.severity is not None:
        found.append(f"severity >= {quote(wanted.severity)}")
    if wanted.kind is not None:
        kind = quote(wanted.kind)
        found.append(f"(kind = {kind} OR detector = {kind})")
    if wanted.host is not None:
        found.append(_host(wanted.host))
    if wanted.zone is not None:
        found.append(f"(src_zone = {quote(wanted.zone)} OR dst_zone = {quote(wanted.zone)})")
    if wanted.since is not None:
        found.append(f"last_ts >= {literal('since', wanted.since)}")
    if wanted.until is not None:
        found.append(f"first_ts < {literal('until', wanted.until)}")
    if wanted.text is not None and wanted.text.strip():
        found.append(f"words LIKE {quote('%' + _plain(wanted.text.strip().lower()) + '%')}")
    return found, _status(store, wanted.status)


def _plain(text: str) -> str:
    """Text in which LIKE finds no wildcard."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _host(given: str) -> str:
    return f"({within(given, 'src_ip')} OR {within(given, 'dst_ip')})"


def within(given: str, column: str) -> str:
    """The condition that an address is this one, or of this network. InputError: it is neither."""
    try:
        network = ipaddress.ip_network(given.strip(), strict=False)
    except ValueError:
        raise InputError(f"{given!r} is no address and no network") from None
    first, last = (quote(_as_ipv6(network[end])) for end in (0, -1))
    if first == last:
        return f"{column} = toIPv6({first})"
    return f"{column} BETWEEN toIPv6({first}) AND toIPv6({last})"


def _as_ipv6(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    return f"::ffff:{address}" if address.version == 4 else str(address)


def _status(store: Reading, status: str) -> list[str]:
    if status == "all":
        return []
    said = bool(int(ask(store, "SELECT count() AS n FROM verdicts")[0]["n"]))
    some = "id IN (SELECT sipHash64(alert_id) FROM verdicts)"  # most alerts have none, which is soon found out
    running = f"({some} AND {_SEEN} <= {_hidden('')})"
    if status == "open":
        return ["suppressed = ''", *([f"NOT {running}"] if said else [])]
    action = STATUSES[status]
    mine = f"({some} AND {_SEEN} <= {_hidden(action)})"
    if status == "muted":
        return [f"({mine} OR (suppressed != '' AND NOT {running}))" if said else "suppressed != ''"]
    return [mine] if said else ["0"]


def _hidden(action: str) -> str:
    """Up to when states of the alert are hidden, by a verdict with this action or any. One on the case goes before one
    on the store where it was said later."""
    lists = f"({_lists(action)})"
    of_store = f"transform(id, {lists}.1, {lists}.2, toInt64(-1))"
    return f"transform(cityHash64(id, case_id), {lists}.1, {lists}.2, {of_store})"


def _lists(action: str) -> str:
    only = f"said.1 = {quote(action)} AND " if action else ""
    ended = "said.2 != 0 AND said.2 <= toUnixTimestamp64Nano(now64(9, 'UTC'))"
    return (
        "SELECT (arrayPushBack(groupArray(key), toUInt64(0)), arrayPushBack(groupArray(to), toInt64(-1))) FROM ("
        "SELECT if(l.case_id = '', sipHash64(l.alert_id), cityHash64(sipHash64(l.alert_id), l.case_id)) AS key,"
        f" multiIf({only}said.1 IN ('learn', 'mute') AND NOT ({ended}), toInt64({_FOR_EVER}),"
        f" {only}said.1 = 'close', said.3, toInt64(-1)) AS to"
        f" FROM ({_LATEST} GROUP BY alert_id, case_id) AS l"
        f" LEFT JOIN ({_LATEST} WHERE case_id = '' GROUP BY alert_id, case_id) AS s ON l.alert_id = s.alert_id"
        " WHERE l.case_id = '' OR l.given > s.given)"
    )


_LATEST = (
    "SELECT alert_id, case_id, max(ts) AS given, argMax((toString(action), toUnixTimestamp64Nano(expiry),"
    " toUnixTimestamp64Nano(last_seen)), ts) AS said FROM verdicts"
)
