"""Who is where in the plant: zones, hosts, hardware addresses. The only place that knows an address.

Every zone is a subnet and a VLAN of its own. The internet is played by a namespace that uses a network
of AS112 (RFC 7535), which is public but belongs to nobody's business.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Zone:
    """`level` and `kind` are those of the sensor's configuration."""

    name: str
    vlan: int
    prefix: str
    level: float
    kind: str

    @property
    def gateway(self) -> str:
        return f"{self.prefix}.1"

    @property
    def cidr(self) -> str:
        return f"{self.prefix}.0/24"


ZONES = {
    zone.name: zone
    for zone in (
        Zone("internet", 900, "192.31.196", 5, "internet"),
        Zone("enterprise", 10, "10.10.0", 4, "it"),
        Zone("dmz", 20, "10.20.0", 3.5, "dmz"),
        Zone("control", 30, "10.30.0", 2, "ot"),
        Zone("cell", 40, "10.40.0", 1, "ot"),
        Zone("edge", 50, "10.50.0", 3, "edge_ai"),
    )
}

# name: zone, last byte of the address, first three bytes of the hardware address (the vendor's)
_HOSTS = {
    "cloud": ("internet", 80, "00:1c:73"),
    "office": ("enterprise", 23, "00:15:5d"),
    "laptop": ("enterprise", 24, "00:15:5d"),
    "server": ("enterprise", 5, "00:50:56"),  # DNS, NTP, files
    "historian": ("dmz", 5, "00:50:56"),
    "broker": ("dmz", 10, "00:0c:29"),
    "hmi": ("control", 10, "00:1b:1b"),
    "ews": ("control", 20, "00:14:22"),
    "plc1": ("cell", 11, "00:80:f4"),
    "plc2": ("cell", 12, "00:80:f4"),
    "plc3": ("cell", 13, "00:80:f4"),
    "rtu": ("cell", 21, "00:30:a7"),
    "gateway": ("cell", 31, "00:0a:45"),  # OPC UA
    "sensor1": ("cell", 41, "00:1e:c0"),  # vibration sensor with MQTT
    "intruder": ("cell", 99, "b8:27:eb"),  # a small computer somebody plugged in
    "guest": ("control", 77, "b8:27:eb"),
    "edge": ("edge", 10, "00:04:4b"),
    "registry": ("edge", 20, "00:25:90"),
    "training": ("edge", 30, "00:25:90"),
}


def _mac(vendor: str, zone: Zone, last: int) -> str:
    return f"{vendor}:{zone.vlan % 256:02x}:00:{last:02x}"


ZONE_OF = {name: ZONES[zone] for name, (zone, _, _) in _HOSTS.items()}
ADDRESS = {name: f"{ZONES[zone].prefix}.{last}" for name, (zone, last, _) in _HOSTS.items()}
MAC = {name: _mac(vendor, ZONES[zone], last) for name, (zone, last, vendor) in _HOSTS.items()}
ROUTER_MAC = {zone.name: f"00:09:0f:{zone.vlan % 256:02x}:00:01" for zone in ZONES.values()}
NAME_OF = {address: name for name, address in ADDRESS.items()}
