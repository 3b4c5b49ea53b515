"""Who made a network card, by the first bytes of its hardware address, for assets that do not say it themselves.

The register is the IEEE's as the package netaddr carries it; it is read when the first such asset comes.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detectors.assets import AssetRow

_LOCAL, _GROUP = 2, 1  # bits of the first byte (IEEE 802, 8.4): addresses that nobody was given
# Names of the register under which nobody looks for the maker of a controller, by how they begin.
_KNOWN_AS = {
    "TELEMECANIQUE": "Schneider Electric (Telemecanique)",
    "GROUPE SCHNEIDER": "Schneider Electric",
    "ALLEN-BRADLEY": "Rockwell Automation (Allen-Bradley)",
    "SCHWEITZER ENGINEERING": "Schweitzer Engineering Laboratories",
    "SIEMENS": "Siemens",
    "ABB": "ABB",
    "IEEE REGISTRATION": "",  # smaller blocks, of many makers
}


def named(asset: AssetRow) -> AssetRow:
    """The asset with its card's maker as vendor, where it names none."""
    found = "" if asset.vendor or not asset.mac else maker(asset.mac)
    return replace(asset, vendor=found) if found else asset


@lru_cache(maxsize=4096)
def maker(mac: str) -> str:
    """The maker of a card such as 00:1b:1b:00:00:07; empty: not known, or the address was made up."""
    try:
        value = int(mac.replace(":", ""), 16)
    except ValueError:
        return ""
    if value >> 40 & (_LOCAL | _GROUP) or value >> 48:
        return ""
    from netaddr import EUI, AddrFormatError, NotRegisteredError

    try:
        card = EUI(value, version=48)
        registration = card.iab.registration() if card.is_iab() else card.oui.registration()
    except (NotRegisteredError, AddrFormatError):
        return ""
    name = str(registration.org).strip(" ,.")
    return next((known for begin, known in _KNOWN_AS.items() if name.upper().startswith(begin)), name)
