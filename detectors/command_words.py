"""What operations of the four protocols mean for a device: which restart it, stop it, change its mode, move files.

Names are those of the behaviours' columns `operation` and `object`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detectors.behaviours import Behaviour

# Commands that no poll contains: by protocol and operation.
_ALWAYS = {
    ("dnp3", "cold_restart"): "restart",
    ("dnp3", "warm_restart"): "restart",
    ("modbus", "diagnostics"): "restart",  # as a command: sub-functions 1 (restart communications) and 4 (listen only)
    ("dnp3", "stop_application"): "stop",
    ("dnp3", "start_application"): "mode_change",
    ("dnp3", "initialize_data"): "mode_change",
    ("dnp3", "initialize_application"): "mode_change",
    ("dnp3", "save_configuration"): "mode_change",
    ("dnp3", "activate_config"): "mode_change",
    ("dnp3", "disable_unsolicited"): "disable_unsolicited",
}
_FILES = frozenset(("open_file", "close_file", "delete_file", "abort_file", "read_file_record", "write_file_record"))
# Methods of OPC 10000-5 (FileType, FileDirectoryType, TemporaryFileTransferType) by their numeric ids of namespace 0.
_FILE_METHODS = frozenset(
    f"i={n}" for n in (11580, 11583, 11585, 11588, 13387, 13390, 13393, 13395, 15746, 15749, 15751)
)
_FILE_NAMES = frozenset(("generatefileforread", "generatefileforwrite", "closeandcommit", "createfile", "moveorcopy"))
_STATE_CHANGE = frozenset(("i=12883", "i=12886"))  # RequestServerStateChange of ServerType and of the Server object
_STOP = frozenset(("stop", "halt", "shutdown"))
_RESTART = frozenset(("restart", "reboot", "reset", "coldrestart", "warmrestart"))
_FIRMWARE = re.compile(r"firmware|update|\.(bin|hex|fw|img|s19|srec|elf|upd|dfu|rom)\b", re.IGNORECASE)
# Nobody answers these: the "no acknowledgement" functions, and what goes to all stations.
_ADDRESSED = frozenset(
    ("read_coils", "read_discrete_inputs", "read_holding_registers", "read_input_registers", "write_single_coil",
     "write_single_register", "write_multiple_coils", "write_multiple_registers", "mask_write_register",
     "read_write_multiple_registers", "read_fifo_queue")
)  # fmt: skip
_SILENT = ("_no_ack", "confirm")

_KEEPING = frozenset(("enable_unsolicited", "record_current_time", "assign_class"))

WORDS = frozenset(operation for _, operation in _ALWAYS)
CALLS = frozenset(("Call",))
DIRECT = frozenset(("direct_operate", "direct_operate_no_ack"))
COMMANDED = ("modbus", "dnp3", "opcua", "iec104", "s7comm", "enip")  # where a client commands a server by name
_RANGE = re.compile(r"^(?P<kind>[a-z_]+) (?P<first>\d+)(?:-(?P<last>\d+))?$")
_POINT = re.compile(r"^(?P<kind>\d+):\d+\[(?P<first>\d+)(?:-(?P<last>\d+))?\]$")
_BROADCAST = frozenset(str(n) for n in (0xFFFD, 0xFFFE, 0xFFFF))


def word(b: Behaviour) -> str:
    """The kind of alert an operation is by itself, without its detector's name; empty: none."""
    if b.protocol == "modbus" and b.access != "control":
        return ""
    return _ALWAYS.get((b.protocol, b.operation), "")


def call(b: Behaviour) -> str:
    """What a method of OPC UA does, by its standard id or its own name; empty: nothing that is told apart."""
    if b.protocol != "opcua" or b.operation != "Call":
        return ""
    if b.object in _STATE_CHANGE:
        return "mode_change"
    name = re.split(r"[.;=/:]", b.object)[-1].lower()
    if b.object in _FILE_METHODS or name in _FILE_NAMES:
        return "file_transfer"
    if name in _STOP:
        return "stop"
    if name in _RESTART:
        return "restart"
    return "mode_change" if "mode" in name else ""


def moves_file(b: Behaviour) -> bool:
    """Files of DNP3 (functions 25 to 30, objects of group 70) and Modbus (functions 20 and 21 that name a record)."""
    if b.protocol == "modbus":
        return b.operation in _FILES and bool(b.object)
    if b.protocol == "dnp3":
        return b.operation in _FILES or b.object.startswith("70:")
    return call(b) == "file_transfer"


def housekeeping(b: Behaviour) -> bool:
    """What DNP3 masters do now and then to keep a session: set clocks, clear restart flags, name what to report."""
    if b.protocol != "dnp3":
        return False
    return b.operation in _KEEPING or (b.operation == "write" and b.object.startswith(("50:", "51:", "80:")))


def like_firmware(b: Behaviour) -> bool:
    """Whether a file's name looks like a program for the device."""
    return _FIRMWARE.search(b.object) is not None


def station(b: Behaviour) -> str:
    """The unit without who commands it: of DNP3's `master>outstation` the outstation."""
    return b.unit.rpartition(">")[2] if b.protocol == "dnp3" else b.unit


def broadcast(b: Behaviour) -> bool:
    """A command to all stations. Unit 0 of Modbus/TCP means the device itself where it answers."""
    if b.protocol == "dnp3":
        return station(b) in _BROADCAST
    return b.protocol == "modbus" and b.unit == "0" and not b.answered


def expects_answer(b: Behaviour) -> bool:
    if b.protocol == "modbus" and not b.object and b.operation in _ADDRESSED:
        return False  # an answer without a request: it names no address
    return b.protocol in ("modbus", "dnp3", "opcua") and not b.operation.endswith(_SILENT) and not broadcast(b)


def span(text: str) -> tuple[str, int, int] | None:
    """Kind, first and last of a numbered object: of `holding_register 4-9` or DNP3's `41:3[0]`; None: not numbered."""
    found = _RANGE.match(text) or _POINT.match(text)
    if found is None:
        return None
    first = int(found["first"])
    return found["kind"], first, int(found["last"] or first)
