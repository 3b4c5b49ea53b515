"""What the detectors know about protocols, as tables."""

from __future__ import annotations

# Server side and client side level of the Purdue model, where nobody configured zones. A server of a field
# protocol is a controller or outstation; OPC UA is served by controllers and by SCADA alike, a broker by
# site operations.
LEVELS: dict[str, tuple[int, int]] = {
    "modbus": (1, 2),
    "dnp3": (1, 2),
    "s7comm": (1, 2),
    "enip": (1, 2),
    "cip": (1, 2),
    "iec104": (1, 2),
    "bacnet": (1, 2),
    "profinet": (1, 2),
    "omron_fins": (1, 2),
    "goose": (1, 1),
    "mms": (1, 2),
    "opcua": (2, 3),
    "mqtt": (3, 3),
}
OT = frozenset(LEVELS)
FIELD = frozenset(name for name, (server, _) in LEVELS.items() if server == 1)

# Ports on which controllers and their services listen; what a search for controllers knocks at.
OT_PORTS = frozenset(
    (102, 502, 789, 1089, 1091, 1883, 1911, 1962, 2222, 2404, 2455, 4000, 4840, 5006, 5007, 8883, 9600, 18245)
    + (20000, 34962, 34963, 34964, 44818, 47808, 55000)
)

# Protocols in which passwords, or everything an operator does, travel in the clear by design.
CLEAR_LOGIN = frozenset(
    ("ftp", "telnet", "rlogin", "rsh", "rexec", "pop3", "imap", "ldap", "vnc", "tftp", "snmp", "http", "smtp")
)


def encrypted_by_name(protocol: str) -> bool:
    """Whether the name alone says that TLS or SSH carries it: `https`, `mqtts`, `ssh`."""
    return protocol in ("tls", "ssl", "ssh", "https", "mqtts", "ldaps", "ftps", "imaps", "pop3s", "quic", "dtls")
