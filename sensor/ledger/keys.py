"""The directory of a log: its private key, what is known of earlier ones, and how far each stream went.

    key.pem      Ed25519, PKCS 8, only its owner reads it; made on first use
    log.json     the log's name and sensor; of each key its public half, the secret of its seals, and since when
    STREAM.json  how far the stream went (`state.py`)
    lock         held while one process of several appends

A seal is a keyed hash: it tells the log's own machine which leaf of many was put in or altered, where a signed head
tells only that one was. Its secret is derived from the private key and cannot be turned back into it, so it outlives
a rotation, while the private key that signed what was is gone.
"""

from __future__ import annotations

import base64
import fcntl
import os
import stat
import time
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING, Any

import orjson

from sensor.errors import InputError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SEAL = b"driftspan ledger seal\0"
_SEAL_BYTES = 16


@dataclass(frozen=True, slots=True)
class Known:
    """A key of the log. `since`: nanoseconds."""

    public: bytes
    seal: bytes
    since: int


def sealed(secret: bytes, index: int, leaf: bytes) -> str:
    return blake2b(index.to_bytes(8) + leaf, key=secret, digest_size=_SEAL_BYTES).hexdigest()


class Keys:
    """InputError or StoreError, one sentence, where the directory cannot be used."""

    def __init__(self, folder: Path, key: Path | None = None, sensor: str = "") -> None:
        """`sensor`: in the name of a log that is begun here; it stays, whoever writes later."""
        self.folder, self.sensor = folder, sensor
        self.path = key or folder / "key.pem"
        self._about = folder / "log.json"
        self._private: Ed25519PrivateKey | None = None
        self._next: Ed25519PrivateKey | None = None
        self._read = (0, 0)  # of what is known
        self.log = ""
        self.known: list[Known] = []

    def open(self) -> bool:
        """Makes what is not there yet, under the lock; whether the log is new. Another process may have changed the key
        since the last time."""
        stamp = self._stamp()
        if self.known and stamp == self._read:
            return False
        self._private, self._read = None, stamp
        if self.read():
            self.private()  # one that is lost or strange is said before anything is written
            return False
        private = self._load() if self.path.exists() else self._make()
        made = _known(private)
        self.log = sha256(made.public).hexdigest()[:16]
        self.known = [made]
        self._private = private
        self._write()
        return True

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self._about.stat()
        except OSError:
            return (0, 0)
        return found.st_ino, found.st_mtime_ns

    def read(self) -> bool:
        """What is known of the log without its private key; False: there is no log."""
        try:
            about = orjson.loads(self._about.read_bytes())
            self.known = [
                Known(base64.b64decode(key["public"]), bytes.fromhex(key["seal"]), int(key["since"]))
                for key in about["keys"]
            ]
            self.log, self.sensor = str(about["log"]), str(about.get("sensor", ""))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreError(f"{self._about}: cannot be read: {error.strerror}") from None
        except (KeyError, TypeError, ValueError):
            raise StoreError(f"{self._about}: is damaged; put it back from a backup, or name another [ledger] path") \
                from None  # fmt: skip
        return bool(self.known)

    @property
    def public(self) -> bytes:
        return self.known[-1].public

    @property
    def seal(self) -> bytes:
        return self.known[-1].seal

    def private(self) -> Ed25519PrivateKey:
        if self._private is None:
            from sensor.ledger.note import public_of

            found = self._load()
            if public_of(found) != self.public:
                raise InputError(
                    f"{self.path}: is not the key that this log was written with; put that one back, or change it with"
                    " 'driftspan ledger key --rotate'"
                )
            self._private = found
        return self._private

    def replaced(self) -> Known:
        """A key that takes the place of the one that is there, not in force before `adopt`."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        made = self._next = Ed25519PrivateKey.generate()
        return _known(made)

    def adopt(self, made: Known) -> None:
        """The key of `replaced` is the log's from now on; the private half of the one before is gone."""
        draft = self.path.with_suffix(".next")
        draft.unlink(missing_ok=True)
        if self._next is None:
            raise StoreError("there is no key to take the place of the one in use")
        self._store(draft, self._next)
        self.known.append(made)
        self._write()
        draft.replace(self.path)
        self._private = self._next

    def _load(self) -> Ed25519PrivateKey:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        self._finish_rotation()
        try:
            mode = self.path.stat().st_mode
            data = self.path.read_bytes()
        except OSError as error:
            mend = "put it back, or name another [ledger] path: a log without its key cannot go on"
            raise StoreError(f"{self.path}: the ledger's key cannot be read: {error.strerror}; {mend}") from None
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise InputError(f"{self.path}: others may read this key; chmod 600 mends that")
        try:
            key = load_pem_private_key(data, None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise InputError(f"{self.path}: holds no Ed25519 private key in PEM without a passphrase")
        return key

    def _finish_rotation(self) -> None:
        """A process that was killed between the two steps of `adopt` left the new key under its draft's name."""
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        from sensor.ledger.note import public_of

        draft = self.path.with_suffix(".next")
        if self.known and draft.exists():
            try:
                key: Any = load_pem_private_key(draft.read_bytes(), None)
            except ValueError:
                return
            if public_of(key) == self.public:
                draft.replace(self.path)

    def _make(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        made = Ed25519PrivateKey.generate()
        self._store(self.path, made)
        return made

    def _store(self, path: Path, key: Ed25519PrivateKey) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        data = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreError(f"{path}: the ledger's key cannot be written: {error.strerror}") from None

    def _write(self) -> None:
        keys = [
            {"public": base64.b64encode(k.public).decode(), "seal": k.seal.hex(), "since": k.since} for k in self.known
        ]
        write(self._about, orjson.dumps({"log": self.log, "sensor": self.sensor, "keys": keys}), durable=True)
        self._read = self._stamp()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """No other process appends meanwhile."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            mend = "name another [ledger] path in the configuration"
            raise StoreError(f"{self.folder}: the ledger cannot be kept: {error.strerror}; {mend}") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _known(private: Ed25519PrivateKey) -> Known:
    from sensor.ledger.note import public_of

    return Known(public_of(private), sha256(_SEAL + private.private_bytes_raw()).digest(), time.time_ns())


def write(path: Path, data: bytes, *, durable: bool = False) -> None:
    """A file whole or not at all. `durable`: also when the power fails."""
    draft = path.with_suffix(".new")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
        if durable:
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror}") from None
