"""Which packets of captures are wanted: `--from`, `--to`, `--filter`, `--host`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensor.errors import InputError
from sensor.when import moment

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from parsers import Selection

# libpcap's own numbers (DLT_) of link types that captures number otherwise, and all that a filter is compiled for.
_OTHER_NUMBERS = {101: 12}
LINKS = (1, 0, 9, 101, 105, 108, 113, 127, 228, 229, 276)
EVERY = 30.0  # seconds between two checkpoints of a replay, see `sensor.resume`
FIRST, LAST = -(2**63), 2**63 - 1
_NOBODY = bytes(16)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Nanoseconds, words of tcpdump, addresses of 16 bytes."""

    first: int = FIRST
    last: int = LAST
    words: str = ""
    hosts: tuple[bytes, ...] = ()

    def __bool__(self) -> bool:
        return self != Chosen()

    def selection(self) -> Selection | None:
        """InputError for words that are no filter."""
        if not self:
            return None
        from parsers import Selection

        pairs = [(host, _NOBODY) for host in self.hosts]
        return Selection(from_ts=self.first, to_ts=self.last, programs=programs(self.words), pairs=pairs)

    def told(self) -> dict[str, object]:
        """For who reads it later."""
        from detectors import address
        from sensor.when import iso

        told: dict[str, object] = {}
        told |= {"from": iso(self.first)} if self.first != FIRST else {}
        told |= {"to": iso(self.last)} if self.last != LAST else {}
        told |= {"filter": self.words} if self.words else {}
        return told | ({"hosts": [address.text(host) for host in self.hosts]} if self.hosts else {})


def add_options(command: ArgumentParser) -> None:
    command.add_argument(
        "--from", dest="first", metavar="TIME", help="only packets from then on: 2026-03-01T12:30:00Z, in packet time"
    )
    command.add_argument("--to", dest="last", metavar="TIME", help="only packets until then, that moment included")
    command.add_argument(
        "--filter", default="", metavar="WORDS", help='only these packets, in tcpdump\'s words: "not port 22"'
    )
    command.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="only packets of this host, also inside VLANs and tunnels; may be given several times",
    )


def chosen(arguments: Namespace) -> Chosen:
    from detectors import address

    first = FIRST if arguments.first is None else moment("--from", arguments.first)
    last = LAST if arguments.last is None else moment("--to", arguments.last)
    if first > last:
        raise InputError("--from is later than --to: no packet could be of that time")
    hosts = []
    for text in arguments.host:
        try:
            hosts.append(address.parse(text))
        except ValueError:
            raise InputError(f"--host {text!r} is no address; one host is named, as in 10.1.0.5") from None
    made = Chosen(first, last, arguments.filter.strip(), tuple(hosts))
    made.selection()  # what is wrong with the words is said at once
    return made


def programs(words: str) -> list[tuple[int, list[tuple[int, int, int, int]]]] | None:
    """The filter for each link type that it makes sense for; None: no filter. InputError where it is none."""
    if not words:
        return None
    from sensor.bpf import compiled

    made = [(LINKS[0], compiled(words))]
    for link in LINKS[1:]:
        try:
            made.append((link, compiled(words, _OTHER_NUMBERS.get(link, link))))
        except InputError:
            continue  # "ether host" of what has no Ethernet header
    return made
