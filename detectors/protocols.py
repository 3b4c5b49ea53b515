"""What the detectors know about protocols, as tables."""

from __future__ import annotations

# Server side and client side level of the Purdue model, where nobody configured zones. A server of a field
# protocol is a controller or outstation; OPC UA is served by controllers and by SCADA alike, a broker by
# site operations.
_CONTROLLERS = (
    "modbus dnp3 s7comm s7comm_plus enip cip_io iec104 mms goose bacnet profinet profinet_cm omron_fins melsec ge_srtp"
    " ads codesys foundation_fieldbus fl_net ethercat hart_ip knx crimson pcworx proconos niagara_fox foxboro"
    " automatic_tank_gauge"
)
LEVELS: dict[str, tuple[int, int]] = dict.fromkeys(_CONTROLLERS.split(), (1, 2)) | {
    "opcua": (2, 3),
    "pi_server": (3, 3),
    "mqtt": (3, 3),
}
OT = frozenset(LEVELS)
FIELD = frozenset(name for name, (server, _) in LEVELS.items() if server == 1)

# Ports on which controllers and their services listen; what a search for controllers knocks at.
OT_PORTS = frozenset(
    (
        102,
        502,
        789,
        1089,
        1091,
        1883,
        1911,
        1962,
        2222,
        2404,
        2455,
        4000,
        4840,
        5006,
        5007,
        8883,
        9600,
        18245,
        20000,
        34962,
        34963,
        34964,
        44818,
        47808,
        55000,
    )
)

# Protocols in which passwords, or everything an operator does, travel in the clear by design.
CLEAR_LOGIN = frozenset(
    ("ftp", "telnet", "rlogin", "rsh", "rexec", "pop3", "imap", "ldap", "vnc", "tftp", "snmp", "http", "smtp", "redis")
)

# Credentials that were seen, but as an answer to a challenge: not readable, though open to guessing and relaying.
CHALLENGED = frozenset(("http_digest", "http_ntlm", "http_negotiate", "vnc_auth"))

# Whose name alone says that their payload is encrypted.
_ENCRYPTED = frozenset(
    (
        "ssl",
        "dtls",
        "ssh",
        "https",
        "mqtts",
        "ldaps",
        "ftps",
        "imaps",
        "pop3s",
        "sips",
        "winrms",
        "coaps",
        "amqps",
        "niagara_foxs",
        "quic",
        "wireguard",
        "openvpn",
        "isakmp",
    )
)


def encrypted_by_name(protocol: str) -> bool:
    return protocol in _ENCRYPTED or protocol.endswith("tls")
