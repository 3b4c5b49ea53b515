"""`pcaps/README.md`: which captures there are, how they were made, what they show.

index.py [DIR]
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

_HEAD = """# Captures

Recorded by the plant in `pcaps/plant`: real protocol stacks in network namespaces, seen through a mirror port
(`make plant` records all of them again; this page is written by `pcaps/plant/index.py`). Every packet carries the
802.1Q tag of the zone in which it came into the switch. Times begin at Monday 2026-11-02 06:00 UTC; a scenario
with a speed above 1 was recorded that much faster: packets closer than 5 ms to their predecessor keep their gap,
the silence between bursts is stretched. Times *inside* OPC UA response headers and TLS certificates are those of
the recording. `<name>.labels.json` holds the ground truth: steps with start and end (nanoseconds of packet time),
hosts, ATT&CK for ICS v19 and ATLAS techniques, the frames that are the evidence, the kinds of alert of which one should
follow (`expected`; every one where it says `all`), kinds that are true of it as well (`also`), kinds that must not come
(`silent`), and for scenarios of the model the true cause of its drift. Of a `benign` step nothing above `low` should
come. Expected kinds follow from the technique, whether or not there is a detector for it yet: `make evaluate` tells.
`plant.toml` is the sensor's configuration for these captures.

| capture | packets | bytes | what it shows | alerts expected |
|---|---|---|---|---|
"""


def rows(folder: Path) -> list[tuple[Path, dict[str, object]]]:
    return [(path, json.loads(path.read_text())) for path in sorted(folder.glob("*.labels.json"))]


def text(folder: Path) -> str:
    table, hashes = [], []
    for path, labels in rows(folder):
        capture = folder / str(labels["capture"])
        name = f"[{capture.name}]({path.name})"
        alerts = sorted({kind for step in labels["steps"] for kind in step["expected"]})  # type: ignore[attr-defined]
        expected = ", ".join(f"`{a}`" for a in alerts) or ("none" if labels["benign"] else "")
        table.append(f"| {name} | {labels['packets']} | {capture.stat().st_size} | {labels['title']} | {expected} |")
        stem = path.name.removesuffix(".labels.json")
        hashes.append(f"{hashlib.sha256(capture.read_bytes()).hexdigest()}  {capture.name}  # record.py {stem}")
    demo = folder / "demo.pcap"
    if demo.exists():
        hashes.append(f"{hashlib.sha256(demo.read_bytes()).hexdigest()}  {demo.name}  # demo.py")
        table.append(
            f"| demo.pcap | | {demo.stat().st_size} | two minutes of a small plant and an intruder, for `make demo` | |"
        )
    return (
        _HEAD
        + "\n".join(table)
        + "\n\n## SHA-256 and command (under `pcaps/plant/`)\n\n```\n"
        + "\n".join(hashes)
        + "\n```\n"
    )


def write(folder: Path) -> None:
    (folder / "README.md").write_text(text(folder))


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1])
