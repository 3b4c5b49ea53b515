"""What the plant's firewall lets through, and the sensor's configuration that says the same.

    firewall.py > ../plant.toml

One table, two readers: nftables rules of the router's namespace, and zones and conduits of `driftspan.toml`.
A scenario that needs a mistaken rule opens it (`Plant(opened=...)`); the configuration never shows it.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layout import ADDRESS, ZONES


@dataclass(frozen=True)
class Conduit:
    """Sessions `source` opens to `target`. `ports` with u are UDP."""

    source: str
    target: str
    ports: tuple[str, ...]
    protocols: tuple[str, ...]
    operations: str = "any"
    direction: str = "both"


# Whose work on the process and on models is wanted: operator, engineering, the registry, the training job.
STATIONS = ("hmi", "ews", "registry", "training")

CONDUITS = (
    Conduit("control", "cell", ("502", "802", "20000", "4840"), ("modbus", "dnp3", "opcua", "tls")),
    Conduit("edge", "cell", ("4840",), ("opcua",), operations="read"),
    Conduit("cell", "dmz", ("1883", "8883"), ("mqtt", "tls"), direction="push_only"),
    Conduit("edge", "dmz", ("1883", "8883", "8080"), ("mqtt", "tls", "http")),
    Conduit("control", "edge", ("22", "8080", "8443", "4840"), ("ssh", "http", "tls", "opcua")),
    Conduit("control", "dmz", ("1883", "8883", "8080"), ("mqtt", "tls", "http"), direction="push_only"),
    Conduit("enterprise", "dmz", ("8080", "8443", "22"), ("http", "tls", "ssh")),
    Conduit("dmz", "enterprise", ("u53", "u123"), ("dns", "ntp")),
    Conduit("control", "enterprise", ("u53", "u123", "445"), ("dns", "ntp", "smb"), direction="push_only"),
    Conduit("edge", "enterprise", ("u53", "u123"), ("dns", "ntp")),
)


RELEASED = {"1.4.0": 1, "1.5.0": 2}  # versions of the model and the seeds they are trained with
REVOKED = {"1.3.0": 1}  # withdrawn versions
RETRAINED, PAST = "1.6.0", 1  # the version that the retraining job makes, and the seed of the historian's past
SOURCES = (
    ("vibration sensor of line 1", "sensor1", ("plant/line1/telemetry",)),
    ("cell gateway", "gateway", tuple(f"ns=2;s=Line1.{n}" for n in ("Vibration", "Temperature", "MotorCurrent", "Speed", "Flow"))),
    ("historian", "historian", ("/telemetry.csv",)),
)  # fmt: skip


def nftables(opened: tuple[tuple[str, str, str], ...] = ()) -> str:
    """The router's rules; `opened` are further (source zone, target zone, port)."""
    ways = [(c.source, c.target, port) for c in CONDUITS for port in c.ports] + list(opened)
    lines = [_accept(*way) for way in ways]
    return "\n".join(
        ["table inet plant {", "  chain forward {", "    type filter hook forward priority 0; policy drop;",
         "    ct state established,related accept", *lines, "  }", "}", ""]
    )  # fmt: skip


def _accept(source: str, target: str, port: str) -> str:
    ends = f"    ip saddr {ZONES[source].cidr} ip daddr {ZONES[target].cidr}"
    if port == "any":
        return f"{ends} accept"
    transport, number = ("udp", port[1:]) if port.startswith("u") else ("tcp", port)
    return f"{ends} {transport} dport {number} accept"


def approved() -> dict[str, str]:
    """Version and SHA-256 of the models that were released, trained here."""
    import model

    made = _trained(RELEASED)
    made[RETRAINED] = model.retrained(model.past(PAST), RETRAINED)
    return _sums(made)


def revoked() -> list[str]:
    """SHA-256 of the models that were withdrawn."""
    return list(_sums(_trained(REVOKED)).values())


def _trained(seeds: dict[str, int]) -> dict[str, Any]:
    import model

    return {version: model.train(*model.data(seed), seed, version) for version, seed in seeds.items()}


def _sums(made: dict[str, Any]) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        for version, trained in made.items():
            trained.save(Path(folder) / version)
        return {version: hashlib.sha256((Path(folder) / version).read_bytes()).hexdigest() for version in made}


def configuration(models: dict[str, str], withdrawn: list[str]) -> str:
    """`driftspan.toml` of the plant: its zones, conduits, the model with its released versions, and what feeds it."""
    text = ["# Zones, conduits and models of the plant in pcaps/plant, written by pcaps/plant/firewall.py.", ""]
    for zone in ZONES.values():
        if zone.kind == "internet":
            continue
        text += ["[[zone]]", f'name = "{zone.name}"', f"level = {zone.level:g}", f'cidrs = ["{zone.cidr}"]',
                 f"vlans = [{zone.vlan}]", f'kind = "{zone.kind}"', ""]  # fmt: skip
    for c in CONDUITS:
        protocols = ", ".join(f'"{p}"' for p in c.protocols)
        text += ["[[conduit]]", f'from = "{c.source}"', f'to = "{c.target}"', f"protocols = [{protocols}]",
                 f'operations = ["{c.operations}"]', f'direction = "{c.direction}"', ""]  # fmt: skip
    versions = ", ".join(f'"{version}" = "{sha256}"' for version, sha256 in models.items())
    text += ["[[model]]", 'id = "pump-wear"', f'hosts = ["{ADDRESS["edge"]}"]', 'inputs = ["plant/line1/telemetry"]',
             'outputs = ["plant/line1/pump-wear/score", "ns=2;s=PumpWear.Score"]', f"approved = {{ {versions} }}",
             f"revoked = {json.dumps(withdrawn)}", "rollback_minutes = 60", ""]  # fmt: skip
    for name, host, tags in SOURCES:
        quoted = ", ".join(f'"{tag}"' for tag in tags)
        text += ["[[data_source]]", f'id = "{name}"', f'hosts = ["{ADDRESS[host]}"]', f"tags = [{quoted}]",
                 'models = ["pump-wear"]', ""]  # fmt: skip
    stations = ", ".join(f'"{ADDRESS[host]}"' for host in STATIONS)
    text += ["[context]", f"approved_sources = [{stations}]", ""]
    return "\n".join(text)


if __name__ == "__main__":
    print(configuration(approved(), revoked()), end="")
