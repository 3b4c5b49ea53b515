"""Ways in which a file crosses the network: each writes the packets of one transfer.

Sources: RFC 9110 and 9112, RFC 959, MS-SMB2, RFC 1813 and 5531, MQTT 3.1.1, Modbus application protocol 6.14 and 6.15, IEEE 1815 annex A.27,
OPC 10000-5 C (FileType) and 10000-6.
"""

from __future__ import annotations

import gzip
import struct
from typing import TYPE_CHECKING

from tests.carving.net import Connection, Wire
from tests.golden.talk import dnp3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLIENT, SERVER = "10.0.0.1", "10.0.0.2"


def opened(wire: Wire, port: int) -> Connection:
    """Each connection of a capture comes from a port of its own."""
    return Connection(wire, (CLIENT, 40_100 + len(wire.records) % 20_000), (SERVER, port))


def pieces(data: bytes, size: int) -> Iterator[tuple[int, bytes]]:
    return ((at, data[at : at + size]) for at in range(0, len(data), size))


# --- HTTP


def get(name: str) -> bytes:
    return f"GET /models/{name} HTTP/1.1\r\nHost: registry\r\n\r\n".encode()


def answer(body: bytes, *head: str, status: str = "200 OK") -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", *head, "", "")).encode() + body


def http_plain(wire: Wire, name: str, data: bytes) -> None:
    talk = opened(wire, 80)
    talk.client(get(name))
    talk.server(answer(data, f"Content-Length: {len(data)}"))
    talk.close()


def http_chunked(wire: Wire, name: str, data: bytes) -> None:
    talk = opened(wire, 80)
    talk.client(get(name))
    body = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for _, piece in pieces(data, 999))
    talk.server(answer(body + b"0\r\n\r\n", "Transfer-Encoding: chunked"))
    talk.close()


def http_gzip(wire: Wire, name: str, data: bytes) -> None:
    talk = opened(wire, 80)
    talk.client(get(name))
    packed = gzip.compress(data, mtime=0)
    talk.server(answer(packed, "Content-Encoding: gzip", f"Content-Length: {len(packed)}"))
    talk.close()


def http_ranges(wire: Wire, name: str, data: bytes) -> None:
    talk = opened(wire, 80)
    for at, piece in pieces(data, 1_000):
        talk.client(get(name))
        place = f"Content-Range: bytes {at}-{at + len(piece) - 1}/{len(data)}"
        talk.server(answer(piece, place, f"Content-Length: {len(piece)}", status="206 Partial Content"))
    talk.close()


def http_put(wire: Wire, name: str, data: bytes) -> None:
    talk = opened(wire, 80)
    talk.client(f"PUT /models/{name} HTTP/1.1\r\nHost: registry\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
    talk.server(answer(b"", "Content-Length: 0", status="201 Created"))
    talk.close()


def http_multipart(wire: Wire, name: str, data: bytes) -> None:
    talk = opened(wire, 80)
    head = f'--X7\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n\r\n'.encode()
    body = head + data + b"\r\n--X7--\r\n"
    kind = "Content-Type: multipart/form-data; boundary=X7"
    talk.client(
        f"POST /upload HTTP/1.1\r\nHost: registry\r\n{kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    )
    talk.server(answer(b"", "Content-Length: 0"))
    talk.close()


# --- FTP


def ftp_passive(wire: Wire, name: str, data: bytes) -> None:
    talk = opened(wire, 21)
    talk.server(b"220 ready\r\n")
    talk.client(b"PASV\r\n")
    talk.server(b"227 Entering Passive Mode (10,0,0,2,156,65).\r\n")
    talk.client(f"RETR models/{name}\r\n".encode())
    carried = Connection(wire, (CLIENT, 40_001), (SERVER, 156 << 8 | 65))
    talk.server(b"150 Opening\r\n")
    carried.server(data)
    carried.close()
    talk.server(b"226 Done\r\n")


def ftp_active(wire: Wire, name: str, data: bytes) -> None:
    talk = opened(wire, 21)
    talk.server(b"220 ready\r\n")
    talk.client(b"PORT 10,0,0,1,156,66\r\n")
    talk.server(b"200 ok\r\n")
    talk.client(f"STOR models/{name}\r\n".encode())
    carried = Connection(wire, (SERVER, 20), (CLIENT, 156 << 8 | 66))
    talk.server(b"150 Opening\r\n")
    carried.server(data)
    carried.close()
    talk.server(b"226 Done\r\n")


# --- SMB


def smb(command: int, message: int, body: bytes, *, response: bool) -> bytes:
    header = struct.pack("<4sHHIHHIIQIIQ16x", b"\xfeSMB", 64, 1, 0, command, 1, int(response), 0, message, 0, 1, 7)
    return struct.pack(">I", len(header) + len(body)) + header + body


def smb_file(wire: Wire, name: str, length: int, dialect: int) -> Connection:
    talk = opened(wire, 445)
    talk.client(smb(0, 0, struct.pack("<HHHHI16sQH", 36, 1, 1, 0, 0, bytes(16), 0, dialect), response=False))
    talk.server(smb(0, 0, struct.pack("<HHHH", 65, 1, dialect, 0).ljust(64, b"\0"), response=True))
    path = f"models\\{name}".encode("utf-16-le")
    request = bytes(44) + struct.pack("<HHII", 120, len(path), 0, 0) + path
    talk.client(smb(5, 1, request, response=False))
    talk.server(
        smb(5, 1, bytes(48) + struct.pack("<QQ", length, 0) + struct.pack("<QQ", 7, 0) + bytes(8), response=True)
    )
    return talk


def smb_close(talk: Connection) -> None:
    talk.client(smb(6, 90, bytes(8) + struct.pack("<QQ", 7, 0), response=False))
    talk.server(smb(6, 90, bytes(60), response=True))


def smb2_read(wire: Wire, name: str, data: bytes) -> None:
    talk = smb_file(wire, name, len(data), 0x0210)
    for number, (at, piece) in enumerate(pieces(data, 1_024), 2):
        request = struct.pack("<HBBIQQQ16x", 49, 80, 0, len(piece), at, 7, 0)
        talk.client(smb(8, number, request, response=False))
        talk.server(smb(8, number, struct.pack("<HBBIII", 17, 80, 0, len(piece), 0, 0) + piece, response=True))
    smb_close(talk)


def smb3_write(wire: Wire, name: str, data: bytes) -> None:
    talk = smb_file(wire, name, 0, 0x0311)
    for number, (at, piece) in enumerate(pieces(data, 1_024), 2):
        request = struct.pack("<HHIQQQ16x", 49, 112, len(piece), at, 7, 0) + piece
        talk.client(smb(9, number, request, response=False))
        talk.server(smb(9, number, struct.pack("<HHII4x", 17, 0, len(piece), 0), response=True))
    smb_close(talk)


# --- NFS version 3


def xdr(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data + bytes(-len(data) % 4)


class Nfs:
    """A mount of which handles are named by their number."""

    def __init__(self, wire: Wire, name: str) -> None:
        self.talk, self.number = opened(wire, 2049), 0
        self.name(3, 1, "models", 2)
        self.name(3, 2, name, 3)

    @staticmethod
    def handle(number: int) -> bytes:
        return xdr(bytes((number,)) * 28)

    def call(self, procedure: int, arguments: bytes, results: bytes) -> None:
        self.number += 1
        user = xdr(struct.pack(">I", 7) + xdr(b"edge-7") + bytes(12))
        asked = struct.pack(">IIIIIII", self.number, 0, 2, 100_003, 3, procedure, 1) + user + bytes(8) + arguments
        told = struct.pack(">IIIIII", self.number, 1, 0, 0, 0, 0) + results
        for record, say in ((asked, self.talk.client), (told, self.talk.server)):
            say(struct.pack(">I", len(record) | 1 << 31) + record)

    def name(self, procedure: int, folder: int, name: str, found: int) -> None:
        self.call(procedure, self.handle(folder) + xdr(name.encode()), bytes(4) + self.handle(found) + bytes(8))


def nfs_read(wire: Wire, name: str, data: bytes) -> None:
    mount = Nfs(wire, name)
    size = struct.pack(">I20xQ56x", 1, len(data))
    for at, piece in pieces(data, 1_024):
        last = at + len(piece) == len(data)
        asked = mount.handle(3) + struct.pack(">QI", at, 1_024)
        mount.call(6, asked, bytes(4) + size + struct.pack(">II", len(piece), last) + xdr(piece))


def nfs_write(wire: Wire, name: str, data: bytes) -> None:
    mount = Nfs(wire, name)
    for at, piece in pieces(data, 1_024):
        asked = mount.handle(3) + struct.pack(">QII", at, len(piece), 2) + xdr(piece)
        mount.call(7, asked, bytes(12) + struct.pack(">II8x", len(piece), 2))


# --- MQTT


def remaining(length: int) -> bytes:
    out = b""
    while True:
        length, low = divmod(length, 128)
        out += bytes((low | (128 if length else 0),))
        if not length:
            return out


def publish(topic: str, payload: bytes) -> bytes:
    body = struct.pack(">H", len(topic)) + topic.encode() + payload
    return b"\x30" + remaining(len(body)) + body


def mqtt(wire: Wire) -> Connection:
    talk = opened(wire, 1883)
    talk.client(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04edge")
    talk.server(b"\x20\x02\x00\x00")
    return talk


def mqtt_single(wire: Wire, name: str, data: bytes) -> None:
    talk = mqtt(wire)
    talk.client(publish(f"models/{name}", data))
    talk.client(b"\xe0\x00")
    talk.close()


def mqtt_pieces(wire: Wire, name: str, data: bytes) -> None:
    talk = mqtt(wire)
    for _, piece in pieces(data, 1_100):
        talk.client(publish(f"models/{name}", piece))
        talk.client(publish("plant/pump", b'{"vibration": 0.5}'))
    talk.close()


# --- Modbus file records


def adu(transaction: int, pdu: bytes) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, 7) + pdu


def modbus_write(wire: Wire, name: str, data: bytes) -> None:
    talk = opened(wire, 502)
    for number, (at, piece) in enumerate(pieces(data, 200)):
        group = struct.pack(">BHHH", 6, 4, at // 2, len(piece) // 2) + piece
        pdu = adu(number, bytes((21, len(group))) + group)
        talk.client(pdu)
        talk.server(pdu)
    talk.close()


def modbus_read(wire: Wire, name: str, data: bytes) -> None:
    talk = opened(wire, 502)
    for number, (at, piece) in enumerate(pieces(data, 200)):
        talk.client(adu(number, struct.pack(">BBBHHH", 20, 7, 6, 4, at // 2, len(piece) // 2)))
        talk.server(adu(number, bytes((20, len(piece) + 2, len(piece) + 1, 6)) + piece))
    talk.close()


# --- DNP3 file objects


def group70(variation: int, content: bytes) -> bytes:
    return bytes((70, variation, 0x5B, 1)) + struct.pack("<H", len(content)) + content


def dnp3_file(wire: Wire, name: str, data: bytes, *, write: bool) -> None:
    talk = opened(wire, 20_000)
    path = f"models/{name}".encode()
    mode = 2 if write else 1
    size = len(data) if write else 0
    wanted = struct.pack("<HH6xHIIHHH", 26, len(path), 0, 0, size, mode, 512, 3) + path
    status = struct.pack("<IIHHB", 9, len(data), 512, 3, 0)
    talk.client(dnp3(b"\xc0\x19" + group70(3, wanted), master=True))
    talk.server(dnp3(b"\xc0\x81\0\0" + group70(4, status), master=False))
    blocks = list(pieces(data, 150))
    for number, (_, piece) in enumerate(blocks):
        last = 1 << 31 if number == len(blocks) - 1 else 0
        block = group70(5, struct.pack("<II", 9, number | last) + piece)
        sequence = 0xC0 | (number + 1) & 15
        if write:
            talk.client(dnp3(bytes((sequence, 2)) + block, master=True))
            reply = group70(6, struct.pack("<IIB", 9, number | last, 0))
            talk.server(dnp3(bytes((sequence, 0x81)) + b"\0\0" + reply, master=False))
        else:
            talk.client(dnp3(bytes((sequence, 1)) + group70(5, struct.pack("<II", 9, number)), master=True))
            talk.server(dnp3(bytes((sequence, 0x81)) + b"\0\0" + block, master=False))
    talk.close()


def dnp3_write(wire: Wire, name: str, data: bytes) -> None:
    dnp3_file(wire, name, data, write=True)


def dnp3_read(wire: Wire, name: str, data: bytes) -> None:
    dnp3_file(wire, name, data, write=False)


# --- OPC UA

NULL = b"\xff\xff\xff\xff"


def string(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("<I", len(data)) + data


def node(name: str) -> bytes:
    return struct.pack("<BH", 3, 2) + string(name)


def asks(kind: int, body: bytes) -> bytes:
    header = b"\0\0" + struct.pack("<qII", 0, 7, 0) + NULL + struct.pack("<I", 5_000) + b"\0\0\0"
    return struct.pack("<BBH", 1, 0, kind) + header + body


def tells(kind: int, body: bytes) -> bytes:
    return struct.pack("<BBH", 1, 0, kind) + struct.pack("<qII", 0, 7, 0) + b"\0" + NULL + b"\0\0\0" + body


def message(kind: bytes, rest: bytes) -> bytes:
    return kind + b"F" + struct.pack("<I", 8 + len(rest)) + rest


class Opcua:
    """A session of security policy None."""

    def __init__(self, wire: Wire) -> None:
        self.talk, self.request = opened(wire, 4840), 1
        limits = struct.pack("<IIIII", 0, 65_536, 65_536, 0, 0)
        self.talk.client(message(b"HEL", limits + string("opc.tcp://plc:4840/")))
        self.talk.server(message(b"ACK", limits))
        policy = string("http://opcfoundation.org/UA/SecurityPolicy#None") + NULL + NULL
        opening = asks(446, struct.pack("<III", 0, 0, 1) + NULL + struct.pack("<I", 3_600_000))
        answered = tells(449, struct.pack("<IIIqI", 0, 5, 1, 0, 3_600_000) + NULL)
        self.talk.client(message(b"OPN", struct.pack("<I", 0) + policy + struct.pack("<II", 1, 1) + opening))
        self.talk.server(message(b"OPN", struct.pack("<I", 5) + policy + struct.pack("<II", 1, 1) + answered))

    def call(self, request: bytes, response: bytes) -> None:
        self.request += 1
        head = struct.pack("<IIII", 5, 1, self.request, self.request)
        self.talk.client(message(b"MSG", head + request))
        self.talk.server(message(b"MSG", head + response))

    def method(self, name: str, method: int, arguments: bytes, results: bytes) -> None:
        called = struct.pack("<I", 1) + node(name) + struct.pack("<BBH", 1, 2, method) + arguments
        self.call(asks(712, called), tells(715, struct.pack("<II", 1, 0) + NULL + NULL + results + NULL))


HANDLE = struct.pack("<BI", 7, 5)
NOTHING = struct.pack("<I", 0)


def opcua_file_read(wire: Wire, name: str, data: bytes) -> None:
    session = Opcua(wire)
    for _, piece in pieces(data, 1_024):
        asked = struct.pack("<I", 2) + HANDLE + struct.pack("<Bi", 6, 1_024)
        session.method(f"models/{name}", 80, asked, struct.pack("<IB", 1, 15) + string(piece))
    session.method(f"models/{name}", 81, struct.pack("<I", 1) + HANDLE, NOTHING)


def opcua_file_write(wire: Wire, name: str, data: bytes) -> None:
    session = Opcua(wire)
    for _, piece in pieces(data, 1_024):
        session.method(f"models/{name}", 82, struct.pack("<I", 2) + HANDLE + b"\x0f" + string(piece), NOTHING)
    session.method(f"models/{name}", 81, struct.pack("<I", 1) + HANDLE, NOTHING)


def opcua_value_read(wire: Wire, name: str, data: bytes) -> None:
    session = Opcua(wire)
    asked = struct.pack("<dII", 0.0, 0, 1) + node(f"models/{name}") + struct.pack("<I", 13) + NULL + b"\0\0" + NULL
    session.call(asks(631, asked), tells(634, struct.pack("<IBB", 1, 1, 15) + string(data) + NULL))
    session.talk.close()


def opcua_value_write(wire: Wire, name: str, data: bytes) -> None:
    session = Opcua(wire)
    told = struct.pack("<I", 1) + node(f"models/{name}") + struct.pack("<I", 13) + NULL + b"\x01\x0f" + string(data)
    session.call(asks(673, told), tells(676, struct.pack("<II", 1, 0) + NULL))
    session.talk.close()


def opcua_value_ranges(wire: Wire, name: str, data: bytes) -> None:
    session = Opcua(wire)
    for at, piece in pieces(data, 1_024):
        place = struct.pack("<I", 13) + string(f"{at}:{at + len(piece) - 1}")
        told = struct.pack("<I", 1) + node(f"models/{name}") + place + b"\x01\x0f" + string(piece)
        session.call(asks(673, told), tells(676, struct.pack("<II", 1, 0) + NULL))
    session.talk.close()


# Label → sender. `NAMELESS`: the protocol knows no file names. `UNANNOUNCED`: nothing but the content says that it is
# a file.
CARRIERS: dict[str, Callable[[Wire, str, bytes], None]] = {
    "HTTP": http_plain,
    "HTTP chunked": http_chunked,
    "HTTP gzip": http_gzip,
    "HTTP ranges": http_ranges,
    "HTTP PUT": http_put,
    "HTTP form": http_multipart,
    "FTP passive": ftp_passive,
    "FTP active": ftp_active,
    "SMB 2 read": smb2_read,
    "SMB 3 write": smb3_write,
    "NFS read": nfs_read,
    "NFS write": nfs_write,
    "MQTT": mqtt_single,
    "MQTT pieces": mqtt_pieces,
    "Modbus write": modbus_write,
    "Modbus read": modbus_read,
    "DNP3 write": dnp3_write,
    "DNP3 read": dnp3_read,
    "OPC UA file read": opcua_file_read,
    "OPC UA file write": opcua_file_write,
    "OPC UA value read": opcua_value_read,
    "OPC UA value write": opcua_value_write,
    "OPC UA value ranges": opcua_value_ranges,
}
NAMELESS = ("Modbus write", "Modbus read")
UNANNOUNCED = ("MQTT", "MQTT pieces", "OPC UA value read", "OPC UA value write", "OPC UA value ranges")
