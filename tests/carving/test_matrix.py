"""Every model format over every carrier, through the engine: found, named, measured and hashed as the file itself is."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.carving import carriers, formats
from tests.carving.net import Wire
from tests.golden import corpus

if TYPE_CHECKING:
    import pathlib

ARTEFACTS = formats.artefacts()


def carved(folder: pathlib.Path, carrier: str, *files: tuple[str, bytes]) -> list[dict[str, Any]]:
    wire = Wire()
    for name, data in files:
        carriers.CARRIERS[carrier](wire, name, data)
    path = folder / "transfer.pcap"
    wire.write(path)
    return sorted(corpus.rows(path).get("files", []), key=lambda row: row["first_ts"])


def faults(found: list[dict[str, Any]], carrier: str, artefact: formats.Artefact) -> list[str]:
    if len(found) != 1:
        return [f"{len(found)} rows"]
    [row] = found
    wanted = {
        "model_format": artefact.format,
        "sha256": hashlib.sha256(artefact.data).hexdigest(),
        "size": len(artefact.data),
        "missing": 0,
        "warnings": "",
    }
    if carrier not in carriers.NAMELESS:
        wanted["name"] = artefact.name
    return [f"{column} {row[column]!r}" for column, value in wanted.items() if row[column] != value]


@pytest.mark.parametrize("carrier", carriers.CARRIERS)
def test_every_format_is_found_over(carrier: str, tmp_path: pathlib.Path) -> None:
    wrong = {}
    for artefact in ARTEFACTS:
        wrong[artefact.label] = faults(carved(tmp_path, carrier, (artefact.name, artefact.data)), carrier, artefact)
        print(f"{carrier:22}{artefact.label:28}{artefact.format:14}", *wrong[artefact.label] or ["ok"])
    assert {label: fault for label, fault in wrong.items() if fault} == {}


@pytest.mark.parametrize(
    "carrier", [c for c in carriers.CARRIERS if c not in (*carriers.NAMELESS, *carriers.UNANNOUNCED)]
)
def test_weights_of_openvino_are_told_by_the_description_beside_them(carrier: str, tmp_path: pathlib.Path) -> None:
    """They are numbers and nothing else: only their name says what they are, where the network came before them."""
    weights = formats.weights(3, 6_000)
    files = ("other.bin", weights), ("wear.xml", formats.openvino(1)), ("wear.bin", weights)
    other, _, found = carved(tmp_path, carrier, *files)
    assert (found["model_format"], found["sha256"], found["warnings"]) == (
        "openvino",
        hashlib.sha256(weights).hexdigest(),
        "",
    )
    assert (other["model_format"], other["sha256"]) == ("", found["sha256"])
