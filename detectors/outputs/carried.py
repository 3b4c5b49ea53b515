"""A message that carries something a model is fed with or says, whatever protocol brought it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from detectors import address
from detectors.outputs import selectors
from detectors.outputs.answer import KINDS

if TYPE_CHECKING:
    from detectors.models import Model

Selector = selectors.Selector
HOST = 128  # bits of the address of a single one


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something a model's entry names. `stream`: whether its outputs need the tag's name: the entry names several."""

    model_id: str
    output: bool
    selector: Selector
    kind: str = ""
    stream: bool = False
    hosts: tuple[tuple[int, int], ...] = ()
    versions: frozenset[str] = frozenset()

    def at(self, src: bytes, dst: bytes) -> bool:
        """Whether a connection may carry it, of a name that means nothing without its server."""
        if self.selector.server is not None:
            return _within(dst, self.selector.server)
        return not self.hosts or any(_within(ip, host) for ip in (src, dst) for host in self.hosts)


class Carried(NamedTuple):
    """`payload`: bytes to parse, or what they say already; `digest`: tells messages of a tag apart. `flow`: the
    connection that carried it. `retained`: of MQTT. Sorts by time, then by what it is: never by where it stood."""

    ts: int
    capture: str
    frame: int
    tag: str
    digest: bytes
    flow: int
    src: bytes
    dst: bytes
    payload: Any
    wanted: tuple[Wanted, ...]
    cut: bool = False
    retained: bool = False
    filters: tuple[str, ...] = ()  # a subscription: what is retained comes next
    stamp: int = 0  # when the source says it took the sample, nanoseconds since the epoch
    leaves: dict[str, Any] | None = None  # what of the document changed, by path

    @property
    def order(self) -> tuple[int, str, int, bool, str, int, bytes, int]:
        return self.ts, self.capture, self.frame, not self.filters, self.tag, self.stamp, self.digest, self.flow


def wanted_of(model: Model) -> list[Wanted]:
    """ValueError, naming the model, for a text that selects nothing, or a host that is no address."""

    if model.kind and model.kind not in KINDS:
        raise ValueError(f"model {model.id!r}: there is no kind {model.kind!r}; there are {', '.join(KINDS)}")
    try:
        hosts = tuple(address.prefix(host) for host in model.hosts)
    except ValueError as error:
        raise ValueError(f"model {model.id!r}: {error}") from None
    outputs = [_parsed(model, text) for text in model.outputs]
    several = len(outputs) > 1 or any(_several(selector) for selector in outputs)
    common = {"hosts": hosts, "versions": frozenset(model.approved)}
    found = [Wanted(model.id, True, s, model.kind, several, **common) for s in outputs]  # type: ignore[arg-type]
    return found + [Wanted(model.id, False, _parsed(model, text), **common) for text in model.inputs]  # type: ignore[arg-type]


def _several(selector: Selector) -> bool:
    """Whether it may select more than one output."""
    if selector.protocol in ("mqtt", "sparkplug"):
        return "+" in selector.name.split("/") or selector.name.endswith("#")
    return selector.server is None or selector.server[1] < HOST or "+" in selector.name.split("/")


def _parsed(model: Model, text: str) -> Selector:
    try:
        return _parse(text)
    except ValueError as error:
        raise ValueError(f"model {model.id!r}: {error}") from None


@lru_cache(maxsize=4096)
def _parse(text: str) -> Selector:
    return selectors.parse(text)


def _within(ip: bytes, network: tuple[int, int]) -> bool:
    prefix, length = network
    return (int.from_bytes(ip, "big") ^ prefix) >> (128 - length) == 0
