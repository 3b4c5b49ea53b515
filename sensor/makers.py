"""Who made a network card, by the first bytes of its hardware address, for assets that do not say it themselves.

The register is the IEEE's as the package netaddr carries it. Of its files only the entries of cards that were seen are
read: netaddr itself makes objects of all forty thousand first, which costs more than the rest of a short replay.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detectors.assets import AssetRow

_BLOCKS = (0x0050C2, 0x40D855)  # of which the IEEE gave out parts of 4096 addresses each
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
    block = value >> 24
    name = _entry("iab", value >> 12) if block in _BLOCKS else _entry("oui", block)
    return next((known for begin, known in _KNOWN_AS.items() if name.upper().startswith(begin)), name)


@lru_cache(maxsize=4096)
def _entry(register: str, number: int) -> str:
    """Who a number was given to; empty: nobody."""
    index, file = _files(register)
    at = index.find(b"\n%d," % number)
    if at < 0:
        return ""
    offset, size = map(int, index[at : index.find(b"\n", at + 1)].split(b",")[1:])
    with file.open("rb") as texts:
        texts.seek(offset)
        first = texts.readline(size).decode("utf-8", "replace")  # 00-1B-1B   (hex)  Siemens AG
    return first.partition("(hex)")[2].strip(" ,.\t\r\n")


@lru_cache(maxsize=2)
def _files(register: str) -> tuple[bytes, Path]:
    """The index, number, offset and size a line, and the file that it leads into."""
    package = find_spec("netaddr")
    folder = Path(str(package and package.origin)).parent / "eui"
    return b"\n" + (folder / f"{register}.idx").read_bytes() + b"\n", folder / f"{register}.txt"
