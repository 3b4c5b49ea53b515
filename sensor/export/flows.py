"""The flow that an alert is about: between its hosts, while it lasted, of its protocol if there is one such."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from sensor.export.record import Flow, address, nanoseconds
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sensor.store import Reading

_ASKED = 200  # alerts in one question: the SQL may have 256 KiB
_NOWHERE = ("::", "")


def of(store: Reading, alerts: Sequence[Mapping[str, Any] | None]) -> dict[int, Flow]:
    """By the place in `alerts`; where no flow was seen, or there is no alert, there is none. An alert that names one
    host only is about a flow of that host's."""
    found: dict[int, Flow] = {}
    numbered = [(place, row) for place, row in enumerate(alerts) if row and _hosts(row)]
    for begin in range(0, len(numbered), _ASKED):
        some = numbered[begin : begin + _ASKED]
        for line in b"".join(store.query(_question(some), "JSONEachRow", final=False)).splitlines():
            row = orjson.loads(line)
            found[row["n"]] = _flow(row["found"])
    return found


def _hosts(row: Mapping[str, Any]) -> bool:
    return row["src_ip"] not in _NOWHERE and row["dst_ip"] not in _NOWHERE


def _question(numbered: Sequence[tuple[int, Mapping[str, Any]]]) -> str:
    """Both directions are asked for. Of several flows the one of the alert's protocol, the earliest, decides; the rest
    of the order is there only so that the answer is always the same."""
    wanted = []
    for place, row in numbered:
        begin, end = nanoseconds(row["first_ts"]), nanoseconds(row["last_ts"])
        for a, b in ((row["src_ip"], row["dst_ip"]), (row["dst_ip"], row["src_ip"])):
            texts = ", ".join(map(quote, (row["case_id"], a, b, row["protocol"])))
            wanted.append(f"({place}, {texts}, {begin}, {end})")
    cases = ", ".join(sorted({quote(row["case_id"]) for _, row in numbered}))
    captures = sorted({quote(row["capture"]) for _, row in numbered})
    within = f" AND capture IN ({', '.join(captures)})" if "''" not in captures else ""
    first = min(nanoseconds(row["first_ts"]) for _, row in numbered)
    last = max(nanoseconds(row["last_ts"]) for _, row in numbered)
    other = "app != w.protocol AND service != w.protocol AND transport != w.protocol"
    return (
        "SELECT w.n AS n, argMin((flow_id, community_id, transport, src_ip, src_port, dst_ip, dst_port, app, vlan),"
        f" ({other}, first_ts, flow_id)) AS found"
        f" FROM (SELECT * FROM flows WHERE case_id IN ({cases}){within}"
        f" AND first_ts <= fromUnixTimestamp64Nano({last}, 'UTC')"
        f" AND last_ts >= fromUnixTimestamp64Nano({first}, 'UTC')) AS f INNER JOIN"
        " (SELECT t.1 AS n, t.2 AS of_case, toIPv6(t.3) AS a, toIPv6(t.4) AS b, t.5 AS protocol,"
        f" t.6 AS begin, t.7 AS end FROM (SELECT arrayJoin([{', '.join(wanted)}]) AS t)) AS w"
        " ON f.case_id = w.of_case AND f.src_ip = w.a AND f.dst_ip = w.b"
        " WHERE toUnixTimestamp64Nano(f.first_ts) <= w.end AND toUnixTimestamp64Nano(f.last_ts) >= w.begin GROUP BY n"
    )


def _flow(row: Sequence[Any]) -> Flow:
    flow_id, community_id, transport, src, src_port, dst, dst_port, app, vlan = row
    return Flow(flow_id, community_id, transport, address(src), src_port, address(dst), dst_port, app, vlan)
