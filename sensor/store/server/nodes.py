"""The machines of a cluster, each with a connection of its own."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from sensor.config_read import unknown
from sensor.errors import InputError
from sensor.store.server.connect import session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sensor.store.server.connect import Session
    from sensor.store.server.place import Place


class Node(NamedTuple):
    """`first`: of its shard; what moves or deletes rows is told to it alone where a shard has copies."""

    shard: int
    first: bool
    made: Session


@contextmanager
def nodes(entry: Session, place: Place, cluster: str, settings: Mapping[str, object]) -> Iterator[list[Node]]:
    """In the order that the cluster has them in, the same wherever one asks. InputError if there is no such cluster,
    StoreError if one of them cannot be reached."""
    rows = entry.run(
        f"SELECT shard_num, replica_num, host_name, port FROM system.clusters WHERE cluster = '{cluster}'"
        " ORDER BY shard_num, replica_num"
    ).splitlines()
    if not rows:
        known = entry.run("SELECT DISTINCT cluster FROM system.clusters ORDER BY cluster").split()
        raise InputError(f"{place}: {unknown('cluster', cluster, known)}")
    made: list[Node] = []
    try:
        for row in rows:
            shard, _, host, port = row.split("\t")
            first = not made or made[-1].shard != int(shard)
            made.append(Node(int(shard), first, session(place.on(host, _port(place, int(port))), settings)))
        yield made
    finally:
        for node in made:
            node.made.close()


def _port(place: Place, port: int) -> int:
    """The cluster knows native ports; over HTTP all machines listen where the one that is named does."""
    return place.hosts[0][1] if place.http else port
