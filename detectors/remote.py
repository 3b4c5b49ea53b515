"""Protocols by which one host works on another, and what a first such session deserves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detectors.places import Places
    from detectors.zones import Zone

# A session of these gives power over the host it is opened to.
REMOTE = frozenset(
    ("ssh", "rdp", "smb", "winrm", "winrms", "vnc", "telnet", "rlogin", "rsh", "rexec", "dcerpc", "teamviewer")
)
# What puts files on a host.
CARRIERS = frozenset(("smb", "ftp", "ftp_data", "ftps", "tftp", "nfs", "rsync"))
UPLOADS = ("PUT ", "POST ", "PATCH ")  # how the summary of an HTTP flow begins that gives the server something
ENTERPRISE = 4.0  # Purdue level from which on a zone is no part of the plant


def in_plant(zone: Zone | None) -> bool:
    return zone is not None and zone.level < ENTERPRISE


def allowed(places: Places, src: Zone | None, dst: Zone | None, protocol: str, access: str = "") -> bool:
    """Whether the configured policy names such a session as right; without conduits nothing is."""
    return places.decide(src, dst, protocol, access, None).reason == "conduit"


def weight(places: Places, src: Zone | None, dst: Zone | None, protocol: str, access: str = "") -> str:
    """Severity of a first session by where it leads: what a conduit allows is `low`, what stays in its zone
    `medium`, what leaves it without one `high`. Of inferred zones only IT reaching down is more than `medium`."""
    verdict = places.decide(src, dst, protocol, access, None)
    if verdict.reason == "conduit":
        return "low"
    if verdict.reason == "same_zone":
        return "medium"
    down = src is None or dst is None or (src.level >= ENTERPRISE > dst.level)
    if verdict.reason == "no_policy":
        return "high" if down and not places.inferred else "medium"
    return "medium" if places.inferred else "high"
