"""What feeds the plant's models, as its configuration names it, and which behaviours are of it.

A `[[data_source]]` names what it provides (`tags`) and who provides it (`hosts`). An input of a model that no data
source covers is a feed of its own, whose hosts are learnt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from detectors import address
from detectors.outputs.selectors import Selector, covers, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detectors.behaviours import Behaviour
    from detectors.models import Model, Models

_RANGE = re.compile(r"(\w+) (\d+)(?:-(\d+))?$")  # how a behaviour of Modbus names registers
_FURTHER = re.compile(r"\+\d+$")  # how one of OPC UA says that there are further nodes


@dataclass(frozen=True)
class Feed:
    """`hosts`: networks that may provide it; none: whoever is learnt. `store`: it hands out data over HTTP, so what is
    put there is learnt from. `readers`: networks of the hosts of its models. `known`: `hosts` as they were written."""

    id: str
    names: tuple[Selector, ...]
    hosts: tuple[tuple[int, int], ...] = ()
    models: tuple[str, ...] = ()
    readers: tuple[tuple[int, int], ...] = ()
    known: tuple[str, ...] = ()

    @property
    def store(self) -> bool:
        return any(name.protocol == "http" for name in self.names)

    def provided_by(self, ip: bytes) -> bool:
        return any(address.within(ip, network) for network in self.hosts)

    def read_by(self, ip: bytes) -> bool:
        return any(address.within(ip, network) for network in self.readers)


@lru_cache(maxsize=4096)
def name_of(text: str) -> Selector:
    """A tag of a data source or an input of a model. ValueError for what selects nothing. A metric of Sparkplug is
    known by its topic: the message as a whole is what passes a broker."""
    found = parse(text)
    return parse(f"mqtt:{text.partition('#')[0]}") if found.protocol == "sparkplug" else found


def touches(name: Selector, b: Behaviour) -> bool:
    """Whether a behaviour is about what is named."""
    if name.protocol != b.protocol or (name.server is not None and not address.within(b.server, name.server)):
        return False
    if name.protocol == "mqtt":
        return b.operation in ("publish", "deliver") and covers(name.name, b.object)
    if name.protocol == "opcua":
        return bool(b.object) and _FURTHER.sub("", b.object) == name.name
    found = _RANGE.match(b.object)
    if name.protocol != "modbus" or found is None or f"u{b.unit}/{found[1]}/" != name.name:
        return False
    return int(found[2]) <= name.last and name.first <= int(found[3] or found[2])


def feeds_of(models: Models) -> tuple[Feed, ...]:
    """Every feed: the data sources, then inputs of models that none of them covers."""
    known = {model.id: model for model in models.all}
    found = []
    for source in models.sources:
        readers = _networks(known[model] for model in source.models if model in known)
        names = tuple(name_of(tag) for tag in source.tags)
        hosts = tuple(address.prefix(host) for host in source.hosts)
        found.append(Feed(source.id, names, hosts, source.models, readers, source.hosts))
    covered = [name for feed in found for name in feed.names]
    for model in models.all:
        for text in model.inputs:
            name = name_of(text)
            if not any(_same(name, other) for other in covered):
                found.append(Feed(text, (name,), (), (model.id,), _networks([model])))
    return tuple(found)


def _same(name: Selector, other: Selector) -> bool:
    if name.protocol == other.protocol == "mqtt":
        return covers(other.name, name.name) or covers(name.name, other.name)
    same = (name.protocol, name.name) == (other.protocol, other.name)
    return same and other.first <= name.first and name.last <= other.last


def _networks(models: Iterable[Model]) -> tuple[tuple[int, int], ...]:
    return tuple(address.prefix(host) for model in models for host in model.hosts)
