"""Dissects frames of a capture with tshark through pyshark. A program of its own, started by `sensor.packets`.

A dissector of somebody else's bytes in somebody else's code is not run where the store is open: this process has
limits of time, memory and size of files, can open no socket of a network, write nowhere and read only programs and the
one capture and keys; so has tshark, which it begins. It prints JSON. Arguments: the capture, frame numbers, tshark's
settings.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from typing import Any

MOST_LINES = 80  # of a layer
MOST_CHARACTERS = 300  # of a line
_CARRIERS = ("FRAME", "ETH", "SLL", "VLAN", "IP", "IPV6", "TCP", "UDP", "GRE", "ERSPAN", "VXLAN", "ETHERTYPE")
# A dissection shows whatever is on the wire. What would tell a secret is left out, here as in the store.
_SECRET_FIELD = re.compile(
    r"passw|auth(basic|oriz)|credential|secret|community|cookie|ftp\.request\.arg|pop\.request|imap\.request|ldap\.simple"
    r"|telnet\.data|ntlmssp\.|kerberos\.cipher|^data\.(data|text)",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(r"\bPASS\b|authorization:|proxy-auth|cookie:|password", re.IGNORECASE)
_HIDDEN = "(not shown: it may hold a secret)"


def lines(layer: Any) -> list[str]:
    """Fields as tshark writes them, most of a layer first."""
    found: list[str] = []
    for name in layer.field_names:
        container = layer.get_field(name)
        for field in getattr(container, "all_fields", [container]):
            text = str(getattr(field, "showname", None) or getattr(field, "show", None) or "").strip()
            if not text or getattr(field, "hide", False):
                continue
            label = str(getattr(field, "name", "") or name)
            if _SECRET_FIELD.search(label) or _SECRET_TEXT.search(text):
                text = f"{label or layer.layer_name}: {_HIDDEN}"  # nothing of the text, it may begin with the secret
            if text[:MOST_CHARACTERS] not in found:
                found.append(text[:MOST_CHARACTERS])
            if len(found) >= MOST_LINES:
                return [*found, "…"]
    return found


def told(packet: Any) -> dict[str, object]:
    upper = [layer for layer in packet.layers if layer.layer_name.upper() not in _CARRIERS]
    shown = upper or packet.layers[-1:]
    return {
        "frame": int(packet.number),
        "time": str(packet.sniff_timestamp),
        "layers": [{"name": layer.layer_name.upper(), "fields": lines(layer)} for layer in shown],
    }


# What tshark, Python and their libraries are made of, and what they look up of the system.
_PROGRAMS = (
    "/usr", "/lib", "/lib64", "/bin", "/opt", "/proc", "/dev/urandom", "/etc/alternatives", "/etc/wireshark",
    "/etc/ld.so.cache", "/etc/localtime", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf",
)  # fmt: skip


def give_up(files: list[str]) -> None:
    """Before a byte of the capture is read. Where a kernel keeps nothing of it, limits hold all the same."""
    from parsers import drop_privileges, give_up_calls, give_up_files

    with contextlib.suppress(OSError):
        drop_privileges()
        code = {sys.prefix, sys.base_prefix, *filter(None, sys.path)}
        give_up_files(read=files, write=["/dev/null"], run=[*_PROGRAMS, *code])
        give_up_calls("dissector")


def main(capture: str, frames: list[int], settings: list[str]) -> None:
    import pyshark  # type: ignore[import-untyped, unused-ignore]

    wanted = " || ".join(f"frame.number == {frame}" for frame in frames)
    # -n: no names are looked up, so nothing goes out. -c: no more is read than up to the last frame.
    options = ["-n", "-c", str(max(frames)), *settings]
    with pyshark.FileCapture(capture, display_filter=wanted, keep_packets=False, custom_parameters=options) as opened:
        sys.stdout.write(json.dumps([told(packet) for packet in opened]))


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[2:] if word.isdecimal()]
    settings = sys.argv[2 + len(numbers) :]
    give_up([sys.argv[1], *(word.partition(":")[2] for word in settings if ":" in word)])
    main(sys.argv[1], numbers, settings)
