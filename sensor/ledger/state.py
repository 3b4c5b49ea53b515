"""How far a stream of a log went, as its directory knows it, and what is under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from sensor.errors import StoreError
from sensor.ledger.keys import write
from sensor.ledger.leaves import genesis
from sensor.ledger.merkle import Frontier

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(slots=True)
class State:
    """`chain`: the last link. `signed`: leaves of the last signed head, `checkpoint`: that head. `retention`: days, as
    the stream said last."""

    chain: bytes
    tree: Frontier = field(default_factory=Frontier)
    signed: int = 0
    signed_at: float = 0.0
    checkpoint: str = ""
    retention: int = 0

    @classmethod
    def begun(cls, log: str, stream: str) -> State:
        return cls(genesis(log, stream))

    def dumped(self) -> bytes:
        return orjson.dumps(
            {
                "size": self.tree.size, "chain": self.chain.hex(), "frontier": [head.hex() for head in self.tree.heads],
                "signed": self.signed, "signed_at": self.signed_at, "checkpoint": self.checkpoint,
                "retention": self.retention,
            }
        )  # fmt: skip

    @classmethod
    def loaded(cls, data: bytes) -> State:
        """ValueError where it is none."""
        found: dict[str, Any] = orjson.loads(data)
        try:
            tree = Frontier(int(found["size"]), [bytes.fromhex(head) for head in found["frontier"]])
            return cls(
                bytes.fromhex(found["chain"]), tree, int(found["signed"]), float(found["signed_at"]),
                str(found["checkpoint"]), int(found["retention"]),
            )  # fmt: skip
        except (KeyError, TypeError) as error:
            raise ValueError(str(error)) from None


class Files:
    """Of one stream in the directory of its log."""

    def __init__(self, folder: Path, stream: str) -> None:
        self._state, self._pending = folder / f"{stream}.json", folder / f"{stream}.pending"

    def read(self) -> bytes:
        """Nothing where the stream has not begun."""
        return _read(self._state)

    def state(self) -> State | None:
        data = self.read()
        if not data:
            return None
        try:
            return State.loaded(data)
        except ValueError:
            return None  # it is made anew from the store's leaves, each under its seal

    def keep(self, state: State) -> bytes:
        data = state.dumped()
        write(self._state, data)
        return data

    def begin(self, about: dict[str, Any], payload: bytes, *, durable: bool) -> None:
        """What is about to be written, so that it can be brought to its end: a line of JSON, then the rows."""
        write(self._pending, orjson.dumps(about) + b"\n" + payload, durable=durable)

    def pending(self) -> tuple[dict[str, Any], bytes] | None:
        about, _, payload = _read(self._pending).partition(b"\n")
        try:
            return (orjson.loads(about), payload) if about else None
        except orjson.JSONDecodeError:
            return None

    def done(self) -> None:
        self._pending.unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from None
