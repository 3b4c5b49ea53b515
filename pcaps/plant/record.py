"""Records scenarios: `make plant`.

    sudo python pcaps/plant/record.py [NAME ...] [--out pcaps] [--jobs 5] [--keep DIR]

Without names all of them. Each runs in namespaces of its own, several at a time; whatever was started ends
with it. Then the index is written again.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import firewall
import index
import scenario
from net import PrivilegeError

PCAPS = Path(__file__).parents[1]
# Program: the Debian package it comes from.
NEEDED = {
    "ip": "iproute2", "nft": "nftables", "ethtool": "ethtool", "tcpdump": "tcpdump", "tshark": "tshark",
    "mosquitto": "mosquitto", "sshd": "openssh-server", "ssh": "openssh-client", "smbd": "samba",
    "smbclient": "smbclient", "dnsmasq": "dnsmasq-base", "chronyd": "chrony", "vsftpd": "vsftpd", "xrdp": "xrdp",
}  # fmt: skip
LIMIT = 900  # seconds a scenario may take
PRIORITY = -10  # gaps are stretched with the speed: on a busy machine the plant must not wait


def one(name: str, out: Path, number: int, keep: Path | None) -> str:
    """Records a scenario in a process of its own; returns what went wrong."""
    with tempfile.TemporaryDirectory(prefix=f"plant-{name}-") as folder:
        scratch = keep / name if keep else Path(folder)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        start = time.monotonic()
        command = [
            sys.executable,
            __file__,
            "--one",
            name,
            "--out",
            str(out),
            "--scratch",
            str(scratch),
            "--number",
            str(number),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)
        took = time.monotonic() - start
    if done.returncode:
        return f"{name}: {done.stderr.strip()}"
    size = sum(path.stat().st_size for path in out.glob(f"{name}.pcap*"))
    sys.stderr.write(f"{name}: {size} bytes in {took:.0f} s\n")
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--out", type=Path, default=PCAPS)
    parser.add_argument("--jobs", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="keep logs and the ports' captures here")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--scratch", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.stderr.write("the plant makes network namespaces: run it as root (CAP_SYS_ADMIN and CAP_NET_ADMIN)\n")
        return 1
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = sorted({package for program, package in NEEDED.items() if not shutil.which(program)})
    if missing:
        sys.stderr.write(f"the plant runs real servers; missing are: apt-get install {' '.join(missing)}\n")
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    if options.one:
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)  # and of all it starts
        try:
            scenario.play(options.one, options.out, options.scratch, f"pl{options.number}")
        except PrivilegeError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        return 0
    wanted = options.names or sorted(
        scenario.names(), key=lambda name: (not name.startswith("day_"), name)
    )  # long ones first
    with ThreadPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(one, name, options.out, number, options.keep) for number, name in enumerate(wanted)]
        wrong = [job.result() for job in jobs]
    (options.out / "plant.toml").write_text(firewall.configuration(firewall.approved(), firewall.revoked()))
    index.write(options.out)
    for text in filter(None, wrong):
        sys.stderr.write(text + "\n")
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
