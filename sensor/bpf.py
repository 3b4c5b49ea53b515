"""Filters in the words of tcpdump, compiled by libpcap where it is installed."""

from __future__ import annotations

import ctypes
from ctypes.util import find_library

from sensor.errors import InputError

_ETHERNET = 1
_LONGEST_PACKET = 262_144
_ANY_NETMASK = 0xFFFFFFFF


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint),
    )  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint), ("instructions", ctypes.POINTER(_Instruction)))


def compiled(words: str, link: int = _ETHERNET) -> list[tuple[int, int, int, int]]:
    """Code, jump if true, jump if false, constant of each instruction; nothing for no filter. `link`: type of the link,
    as libpcap numbers it (DLT_). InputError for words that are no filter, or where there is no libpcap."""
    if not words.strip():
        return []
    name = find_library("pcap")
    if name is None:
        raise InputError("a filter needs libpcap, which is not installed: install it (libpcap0.8), or give no filter")
    library = ctypes.CDLL(name)
    library.pcap_open_dead.restype = ctypes.c_void_p
    library.pcap_geterr.restype = ctypes.c_char_p
    handle = ctypes.c_void_p(library.pcap_open_dead(link, _LONGEST_PACKET))
    program = _Program()
    try:
        status = library.pcap_compile(handle, ctypes.byref(program), words.encode(), 1, ctypes.c_uint(_ANY_NETMASK))
        if status:
            raise InputError(f"filter {words!r}: {library.pcap_geterr(handle).decode(errors='replace')}")
        found = [(i.code, i.jt, i.jf, i.k) for i in program.instructions[: program.length]]
        library.pcap_freecode(ctypes.byref(program))
        return found
    finally:
        library.pcap_close(handle)
