"""Captures of a laboratory of real stacks: learnt on its normal traffic, attacks labelled step by step."""

from __future__ import annotations

import csv
from pathlib import Path

from detectors import address, catalogue
from sensor.config import Config
from tests.evaluate.data import CORPUS, SECOND, DataSet, Event, Part, Run, wanted
from tests.evaluate.packets import times

FOLDER = CORPUS / "dev" / "lab"
LEARN = ("modbus_normal", "mqtt_normal", "opcua_none")
RUNS = ("modbus_attacks", "mqtt_attacks", "opcua_attacks", "network_scans")
PAUSE = 60 * SECOND  # between what was learnt and a run

# What each attack is, as kinds of alert.
EXPECTED = {
    "modbus_unit_scan": "scan.units",
    "modbus_fc_scan": "scan.functions",
    "modbus_register_sweep": "scan.points commands.range",
    "modbus_device_id": "commands.new_function scan.functions baseline.new_behaviour",
    "modbus_restart_comms": "commands.restart new_writer.control",
    "modbus_unauthorised_write": "new_writer.write",
    "modbus_write_flood": "availability.flood commands.brute_force new_writer.write",
    "modbus_malformed": "parser_anomaly.malformed",
    "modbus_force_listen_only": "commands.mode_change commands.stop new_writer.control",
    "arp_spoof": "spoofing.arp_move spoofing.arp_storm",
    "mqtt_recon_wildcard": "scan.wildcard exfiltration.subscription",
    "mqtt_bruteforce": "credentials.guessing cleartext.credentials",
    "mqtt_unauthorised_command": "new_writer.write new_writer.control spoofing.two_publishers",
    "mqtt_retained_poison": "spoofing.two_publishers new_writer.write",
    "mqtt_publish_flood": "availability.flood",
    "mqtt_malformed": "parser_anomaly.malformed",
    "mqtt_slow_dos": "availability.flood availability.unresponsive baseline.traffic",
    "opcua_endpoint_scan": "scan.browse scan.ports baseline.new_behaviour",
    "opcua_browse_all": "scan.browse",
    "opcua_bruteforce": "credentials.guessing",
    "opcua_unauthorised_write": "new_writer.write",
    "opcua_method_call": "new_writer.control commands.new_function",
    "opcua_malformed": "parser_anomaly.malformed",
    "opcua_channel_flood": "availability.flood",
    "arp_sweep": "scan.addresses",
    "host_discovery": "scan.addresses",
    "syn_scan": "scan.ports scan.addresses scan.controllers",
    "syn_scan_wide": "scan.ports",
    "xmas_scan": "scan.ports",
    "connect_scan": "scan.ports",
    "modbus_nse": "scan.units scan.functions",
}
# The attacker is a host that was never there and does nothing but attack: whatever else a sensor says of it, or of what
# it does to its victim meanwhile, is true.
ALSO = frozenset(entry.id for entry in catalogue.entries())
STANDING = frozenset(("cleartext.protocol", "cleartext.opcua_none", "cleartext.login"))


def capture(name: str) -> Path:
    return FOLDER / f"{name}.pcap"


def events(name: str) -> tuple[Event, ...]:
    with (FOLDER / f"{name}.pcap.expected" / "labels.tsv").open() as rows:
        return tuple(_event(row) for row in csv.DictReader(rows, delimiter="\t") if row["kind"] == "attack")


def _event(row: dict[str, str]) -> Event:
    kinds = frozenset(EXPECTED[row["attack"]].split())
    hosts = frozenset(address.parse(row[end]) for end in ("src", "dst") if "/" not in row[end])
    start, end = (int(float(row[field]) * SECOND) for field in ("start_epoch", "end_epoch"))
    return Event(f"{row['attack']}: {row['detail']}", start, end, kinds, ALSO - kinds, hosts=hosts)


def dataset() -> DataSet:
    wanted(FOLDER, [capture(name).name for name in (*LEARN, *RUNS)])
    parts, now = [], 0
    for name in LEARN:
        seen = times(capture(name))
        shift = max(0, now + PAUSE - seen[0]) if now else 0
        parts.append(Part(capture(name), shift))
        now = seen[-1] + shift
    runs = []
    for name in RUNS:
        first = times(capture(name))[0]
        told = events(name)
        shift = max(0, now + PAUSE - first)
        runs.append(Run(name, Part(capture(name), shift), told, told[0].start, STANDING))
    return DataSet("lab", Config(), tuple(parts), tuple(runs))
