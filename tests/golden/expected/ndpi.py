"""Results of nDPI: flows with their packets, and what they carry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.golden.expected.compare import Rows, ends, flows, multisets

if TYPE_CHECKING:
    import pathlib

FLOW = re.compile(
    r"^\s+\d+\s+(TCP|UDP) \[?([0-9a-f.:]+?)\]?:(\d+) (?:<->|->) \[?([0-9a-f.:]+?)\]?:(\d+) "
    r".*?\[proto: [\d.]+/([^\]]+)\].*?\[(\d+) pkts/\d+ bytes (?:<->|->) (\d+) pkts",
    re.MULTILINE,
)
OURS = {"Modbus": "modbus", "DNP3": "dnp3", "MQTT": "mqtt", "OPC-UA": "opcua", "TLS": "tls"}


def differences(path: pathlib.Path, rows: Rows) -> list[str]:
    """Compare packets of every flow, and the protocol of those that both sides dissect."""
    expected, carried = [], []
    for transport, *both, name, out, back in FLOW.findall(path.read_text(errors="replace")):
        client, server = (both[0], int(both[1])), (both[2], int(both[3]))
        expected.append((transport.lower(), frozenset({(client, int(out)), (server, int(back))})))
        if app := OURS.get(name.split(".")[0]):
            carried.append((app, frozenset({client, server})))
    ours, apps = [], []
    for flow in flows(rows):
        client, server = ends(flow)[:2], ends(flow)[2:]
        if flow["transport"] in {"tcp", "udp"}:
            ours.append((flow["transport"], frozenset({(client, flow["packets_out"]), (server, flow["packets_in"])})))
        if flow["app"] in OURS.values():
            apps.append((flow["app"], frozenset({client, server})))
    return multisets("packets", map(str, map(plain, expected)), map(str, map(plain, ours))) + multisets(
        "protocol", map(str, map(plain, carried)), map(str, map(plain, apps))
    )


def plain(key: tuple[str, frozenset[object]]) -> tuple[str, list[str]]:
    return key[0], sorted(map(str, key[1]))
