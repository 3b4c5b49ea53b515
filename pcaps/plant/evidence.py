"""What tshark says about a capture: the packets a display filter picks, with their times."""

from __future__ import annotations

import subprocess
from pathlib import Path

# Ports that tshark does not know by itself.
DISSECT = ("-d", "tcp.port==8443,tls", "-d", "tcp.port==8883,tls", "-d", "tcp.port==802,tls", "-d", "tcp.port==8080,http",
           "-d", "tcp.port==8081,http")  # fmt: skip


def frames(capture: Path, display_filter: str) -> dict[int, int]:
    """Frame numbers and times (nanoseconds since the epoch)."""
    command = ["tshark", "-n", "-r", str(capture), "-Y", display_filter, "-T", "fields", "-e", "frame.number", "-e",
               "frame.time_epoch", *DISSECT]  # fmt: skip
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    return {int(number): nanoseconds(time) for number, time in (line.split("\t") for line in lines if line)}


def nanoseconds(text: str) -> int:
    seconds, _, fraction = text.partition(".")
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9])
