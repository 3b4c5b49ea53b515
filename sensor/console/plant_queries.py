"""What pages ask of hosts: the inventory, who talked with whom, one host whole. Everything has an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensor.alerts import ask
from sensor.console.queries import of_case
from sensor.store.literal import quote

if TYPE_CHECKING:
    from sensor.store import Reading

    Row = dict[str, Any]

MOST_HOSTS, MOST_EDGES = 600, 3000  # of a map
SHOWN = 50  # rows of each list of a host
SORTS = ("ip", "hostname", "vendor", "zone", "purdue_level", "first_seen", "last_seen")
# One row a host and case; each run of a case has its own in the table.
_HOSTS = (
    "SELECT case_id, ip, argMax(mac, a.last_seen) AS mac, argMax(vendor, a.last_seen) AS vendor,"
    " argMax(hostname, a.last_seen) AS hostname, arraySort(groupUniqArrayArray(roles)) AS roles,"
    " arraySort(groupUniqArrayArray(protocols)) AS protocols, argMax(zone, a.last_seen) AS zone,"
    " argMax(zone_inferred, a.last_seen) AS zone_inferred, argMax(purdue_level, a.last_seen) AS purdue_level,"
    " argMax(model, a.last_seen) AS model, argMax(firmware, a.last_seen) AS firmware,"
    " argMax(serial, a.last_seen) AS serial, min(a.first_seen) AS first_seen, max(a.last_seen) AS last_seen"
    " FROM assets AS a WHERE {where} GROUP BY case_id, ip"
)
# What the detectors say of a host against what they learnt: the latest open alert on it as an asset.
_STATES = (
    "SELECT src_ip AS host, case_id AS of_case, argMax(kind, last_ts) AS state FROM alert_rows"
    " WHERE detector = 'assets' AND {case} GROUP BY host, of_case"
)


def inventory(
    store: Reading, case: str, zone: str, text: str, order: tuple[str, str], page: tuple[int, int]
) -> tuple[list[Row], int]:
    """`order`: one of SORTS and asc or desc; `page`: limit and offset. The rows, and how many there are in all."""
    given = [of_case(case)]
    found = [f"zone = {quote(zone)}"] if zone else []
    if text:
        words = (
            "concat(replaceOne(toString(ip), '::ffff:', ''), ' ', hostname, ' ', vendor, ' ', model, ' ', firmware,"
            " ' ', mac, ' ', arrayStringConcat(roles, ' '), ' ', arrayStringConcat(protocols, ' '))"
        )
        found.append(f"positionCaseInsensitiveUTF8({words}, {quote(text)}) > 0")
    hosts = f"SELECT * FROM ({_HOSTS.format(where=' AND '.join(given))}) WHERE {' AND '.join(found) or '1'}"
    total = ask(store, f"SELECT count() AS n FROM ({hosts})")[0]["n"]
    by, way = order
    rows = ask(
        store,
        f"SELECT h.*, s.state AS baseline FROM ({hosts} ORDER BY {by} {way}, ip, case_id LIMIT {page[0]}"
        f" OFFSET {page[1]}) AS h LEFT JOIN ({_STATES.format(case=of_case(case))}) AS s"
        f" ON h.ip = s.host AND h.case_id = s.of_case ORDER BY h.{by} {way}, h.ip, h.case_id",
    )
    return rows, int(total)


def asset(store: Reading, case: str, ip: str) -> list[Row]:
    """The host in each case that has it, the latest first; `ip` was checked."""
    where = f"{of_case(case)} AND ip = toIPv6({quote(ip)})"
    return ask(store, f"{_HOSTS.format(where=where)} ORDER BY last_seen DESC LIMIT 100")


def _at_either_end(case: str, ip: str) -> str:
    """The condition that a row is of this case, with this host at either end; `ip` was checked."""
    here = f"toIPv6({quote(ip)})"
    return f"case_id = {quote(case)} AND (src_ip = {here} OR dst_ip = {here})"


def peers(store: Reading, case: str, ip: str) -> list[Row]:
    here = f"toIPv6({quote(ip)})"
    return ask(
        store,
        f"SELECT if(src_ip = {here}, dst_ip, src_ip) AS peer, if(src_ip = {here}, 'to', 'from') AS way,"
        " if(app = '', service, app) AS protocol, count() AS flows, sum(bytes_out + bytes_in) AS bytes,"
        f" max(last_ts) AS last FROM flows WHERE {_at_either_end(case, ip)}"
        f" GROUP BY peer, way, protocol ORDER BY bytes DESC LIMIT {SHOWN}",
    )


def sessions(store: Reading, case: str, ip: str) -> list[Row]:
    return ask(
        store,
        "SELECT first_ts, last_ts, src_ip, dst_ip, dst_port, transport, if(app = '', service, app) AS protocol, state,"
        f" bytes_out, bytes_in FROM flows WHERE {_at_either_end(case, ip)} ORDER BY last_ts DESC LIMIT {SHOWN}",
    )


def alerts(store: Reading, case: str, ip: str) -> list[Row]:
    return ask(
        store,
        "SELECT alert_id, case_id, last_ts, severity, title, summary, status FROM alerts"
        f" WHERE {_at_either_end(case, ip)} ORDER BY last_ts DESC LIMIT {SHOWN}",
    )


def values(store: Reading, case: str, ip: str) -> list[Row]:
    """The last value of each tag that the host gave or took."""
    return ask(
        store,
        "SELECT tag, any(source) AS source, argMax(value, ts) AS latest, argMax(text, ts) AS words, max(ts) AS last,"
        f" count() AS changes FROM tag_values WHERE {_at_either_end(case, ip)}"
        f" GROUP BY tag ORDER BY changes DESC, tag LIMIT {SHOWN}",
    )


def files(store: Reading, case: str, ip: str) -> list[Row]:
    return ask(
        store,
        "SELECT ts, src_ip, dst_ip, name, size, model_format, sha256, carrier, registry_verdict FROM files"
        f" WHERE {_at_either_end(case, ip)} ORDER BY ts DESC LIMIT {SHOWN}",
    )


def map_hosts(store: Reading, case: str) -> list[Row]:
    return ask(store, f"{_HOSTS.format(where=of_case(case))} ORDER BY last_seen DESC LIMIT {MOST_HOSTS}")


def map_edges(store: Reading, case: str) -> list[Row]:
    """Who opened sessions to whom, a row a protocol; the greatest first. Broadcast and multicast are no hosts."""
    return ask(
        store,
        "SELECT src_ip, dst_ip, src_zone, dst_zone, if(app = '', service, app) AS protocol, count() AS flows,"
        " sum(bytes_out + bytes_in) AS bytes, min(first_ts) AS first, max(last_ts) AS last,"
        " countIf(encrypted = 1) AS sealed, countIf(encrypted = 0) AS clear FROM flows"
        f" WHERE {of_case(case)} AND dst_ip < toIPv6('ff00::')"
        " AND dst_ip NOT BETWEEN toIPv6('224.0.0.0') AND toIPv6('255.255.255.255')"
        f" GROUP BY src_ip, dst_ip, src_zone, dst_zone, protocol ORDER BY bytes DESC LIMIT {MOST_EDGES}",
    )
