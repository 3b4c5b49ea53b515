"""Signed heads as text: checkpoints (C2SP tlog-checkpoint) in signed notes (C2SP signed-note).

    driftspan/SENSOR/LOG/STREAM      origin, and the name of the key
    1207                             leaves
    Base64 of the tree's head

    — ORIGIN Base64 of four bytes of the key's id and the Ed25519 signature

The signature is over the text before the empty line, its last line end with it.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sensor.errors import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ED25519 = b"\1"
_DASH = "— "
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Head:
    """A checkpoint; `text`: the whole note, `signed`: what signatures are over, `signatures`: by name and key id."""

    origin: str
    size: int
    root: bytes
    text: str
    signed: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]

    def signed_by(self, public: bytes) -> bool:
        """Whether this key signed it under the origin's name."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        wanted = key_id(self.origin, public)
        for name, identity, signature in self.signatures:
            if (name, identity) != (self.origin, wanted):
                continue
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(signature, self.signed)
            except InvalidSignature:
                continue
            return True
        return False


def origin(sensor: str, log: str, stream: str) -> str:
    """A name of a key holds neither blanks nor a plus sign."""
    return f"driftspan/{quote(sensor, safe='')}/{log}/{stream}"


def key_id(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def verifier(name: str, public: bytes) -> str:
    """A key as other verifiers of notes take it."""
    return f"{name}+{key_id(name, public).hex()}+{_text(_ED25519 + public)}"


def public_of(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def sign(name: str, size: int, root: bytes, key: Ed25519PrivateKey) -> str:
    text = f"{name}\n{size}\n{_text(root)}\n"
    signature = key_id(name, public_of(key)) + key.sign(text.encode())
    return f"{text}\n{_DASH}{name} {_text(signature)}\n"


def parse(text: str) -> Head:
    """ValueError for what is no signed checkpoint."""
    body, _, rest = text.partition("\n\n")
    lines = body.split("\n")
    if len(lines) < 3 or not lines[1].isdecimal() or (lines[1] != "0" and lines[1].startswith("0")):
        raise ValueError("it is no checkpoint: three lines are needed, of which the second is a number")
    root = _bytes(lines[2])
    if len(root) != 32:
        raise ValueError("the head of its tree has no 32 bytes")
    found = []
    for line in rest.splitlines():
        name, _, signature = line.removeprefix(_DASH).rpartition(" ")
        if not line.startswith(_DASH) or not name:
            raise ValueError(f"this is no line of a signature: {line[:60]!r}")
        raw = _bytes(signature)
        found.append((name, raw[:4], raw[4:]))
    return Head(lines[0], int(lines[1]), root, text, f"{body}\n".encode(), tuple(found))


def heads_in(text: str) -> list[Head]:
    """All checkpoints in a file: notes one after another, or lines of a log that carry them in JSON."""
    import orjson

    if '"checkpoint"' in text:
        notes = []
        for line in text.splitlines():
            start = line.find('{"checkpoint"')
            if start >= 0:
                notes.append(str(orjson.loads(line[start:])["checkpoint"]))
        return [parse(note) for note in notes]
    notes, lines = [], text.splitlines()
    current: list[str] = []
    for line, after in zip(lines, [*lines[1:], ""], strict=False):
        if line or current:
            current.append(line)
        if line.startswith(_DASH) and not after.startswith(_DASH):
            notes.append("\n".join(current) + "\n")
            current = []
    if any(current):
        raise ValueError("a note in it breaks off before its signature")
    return [parse(note) for note in notes]


def public_key(given: str) -> bytes:
    """Of a verifier's line, a Base64 text, or a file that holds one of them or PEM. InputError, one sentence."""
    path = Path(given)
    text, where = given, "--key"
    if "\n" not in given and len(given) < 4096 and path.is_file():
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{given}: is no public key")
        text, where = path.read_bytes().decode(errors="replace"), given
    if "-----BEGIN" in text:
        return _of_pem(text.encode(), where)
    line = next(iter(text.split()), "")
    try:
        raw = _bytes(line.split("+", 2)[2] if line.startswith("driftspan/") else line)
    except (ValueError, IndexError):
        raw = b""
    if len(raw) == 33 and raw.startswith(_ED25519):
        raw = raw[1:]
    if len(raw) != 32:
        mend = "'driftspan ledger key' shows one"
        raise InputError(f"{where}: is no Ed25519 public key (a verifier's line, Base64, or PEM); {mend}")
    return raw


def _of_pem(data: bytes, where: str) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"{where}: holds no Ed25519 public key in PEM; private keys stay with the sensor")
    return key.public_bytes_raw()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError(f"this is no Base64: {text[:60]!r}") from None
