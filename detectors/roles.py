"""Which parts hosts play, from what they speak: the protocol's table for both ends, and what they do."""

from __future__ import annotations

import re

from detectors.protocols import FIELD

# Roles of (server, client) by protocol. Whoever serves a field protocol is a controller in the plant's terms.
_BY_PROTOCOL: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "modbus": (("server", "controller"), ("client", "master")),
    "dnp3": (("server", "outstation"), ("client", "master")),
    "iec104": (("server", "outstation"), ("client", "master")),
    "mqtt": (("server", "broker"), ("client",)),
    "dhcp": (("server", "dhcp"), ("client",)),
    "dns": (("server", "name_server"), ("client",)),
    "ntp": (("server", "time_server"), ("client",)),
    "pi_server": (("server", "historian"), ("client",)),
}
_FIELD = (("server", "controller"), ("client", "master"))
_OTHER = (("server",), ("client",))
# Protocols by which people work on a device: their client is an engineering station if the device is a controller.
ENGINEERING = frozenset(("ssh", "telnet", "ftp", "tftp", "http", "https", "rdp", "vnc", "winrm", "codesys"))
DEVICES = frozenset(("controller", "outstation"))


def by_protocol(protocol: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return _BY_PROTOCOL.get(protocol, _FIELD if protocol in FIELD else _OTHER)


# What a model's output is called, as the last part of a topic or node id: a score, a class, how sure it is.
_SCORE = re.compile(
    r"(score|predict|inference|anomal|classif|confidence|probabilit|forecast|remaining_?life)[a-z_]*$", re.IGNORECASE
)


def by_operation(protocol: str, operation: str, access: str, item: str = "") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Roles of (server, client) that one operation shows beyond the protocol's own. `reads` and `scores` are halves
    of an inference node: see `shown`."""
    name = operation.lower()
    scores = ("scores",) if _SCORE.search(item) else ()
    if protocol == "mqtt":
        if "publish" in name:
            return (), ("publisher", *scores)
        return (), ("subscriber", "reads") if name.startswith("subscribe") else ()
    if protocol == "opcua" and "history" in name:
        return ("historian",), ()
    if protocol == "opcua" and name in ("read", "createmonitoreditems"):
        return scores, ("reads",)
    if protocol in FIELD and access in ("write", "control"):
        return (), ("hmi",)
    return (), ()


def shown(roles: set[str], servers: int) -> tuple[str, ...]:
    """The roles as the inventory names them: an operator's station that works with several devices is SCADA."""
    told = roles - {"reads", "scores"}
    if {"reads", "scores"} <= roles:  # it takes readings and gives scores
        told |= {"inference_node"}
    if "hmi" in told and servers > 1:
        told = (told - {"hmi"}) | {"scada"}
    return tuple(sorted(told))
