"""What is odd about a file is told: it ends too early, its name lies, loading it would run code."""

from __future__ import annotations

import gzip
import pickle
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.carving import carriers, formats
from tests.carving.net import Wire
from tests.golden import corpus

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

Sent = tuple[str, bytes]


@pytest.fixture
def carved(tmp_path: pathlib.Path) -> Callable[[Sent], dict[str, Any]]:
    def carve(sent: Sent) -> dict[str, Any]:
        wire = Wire()
        carriers.http_put(wire, *sent)
        wire.write(tmp_path / "transfer.pcap")
        [row] = corpus.rows(tmp_path / "transfer.pcap")["files"]
        return row

    return carve


SHORT = [
    a
    for a in formats.artefacts()
    if a.format not in ("tflite", "gguf", "tensorrt")
    and "binary" not in a.label
    and "UBJSON" not in a.label
    and "legacy" not in a.label
]


@pytest.mark.parametrize("artefact", SHORT, ids=lambda a: a.label)
def test_a_file_whose_end_is_missing(artefact: formats.Artefact, carved: Callable[[Sent], dict[str, Any]]) -> None:
    """TFLite, GGUF, TensorRT, UBJSON, XGBoost's binary and PyTorch's legacy files do not say where they end."""
    row = carved((artefact.name, artefact.data[: len(artefact.data) // 3]))
    assert (row["model_format"], row["warnings"]) == (artefact.format, "truncated")


def test_a_file_longer_than_it_says(carved: Callable[[Sent], dict[str, Any]]) -> None:
    assert carved(("wear.safetensors", formats.safetensors(1) + b"more"))["warnings"] == "longer than it says"


@pytest.mark.parametrize(
    ("name", "data", "lies"),
    [
        ("report.csv", formats.onnx(1), True),
        ("wear.onnx", formats.pickled(1), True),
        ("wear.safetensors", formats.pytorch_zip(1), True),
        ("wear.joblib", b"MZ" + bytes(5_000), True),
        ("update.pdf", b"\x7fELF" + bytes(5_000), True),
        ("wear.pt", formats.pickled(1), False),
        ("wear.onnx.tmp", formats.onnx(1), False),
        ("model.txt", formats.lightgbm(1), False),
        ("wear", formats.onnx(1), False),
    ],
)
def test_names_that_lie(name: str, data: bytes, lies: bool, carved: Callable[[Sent], dict[str, Any]]) -> None:
    assert ("content contradicts the name" in carved((name, data))["warnings"]) == lies


class Runs:
    """Runs a command when it is loaded."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        import os

        return os.system, ("true",)


class Evaluates:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return eval, ("1",)


SYSTEM = pickle.dumps(Runs(), 2)[2:-1] + b"0"  # opcodes alone, the result dropped
TORCH = formats.pytorch_zip(1, loads=SYSTEM)
DEFLATED = formats.zipped({"wear/data.pkl": pickle.dumps(Runs(), 2), "wear/version": b"3\n"}, zipfile.ZIP_DEFLATED)
STREAMED = formats.zipped(
    {"wear/version": b"3\n", "wear/data.pkl": pickle.dumps(Runs(), 2)}, zipfile.ZIP_DEFLATED, streamed=True
)
JOBLIB = formats.joblib(1)[:-1] + SYSTEM + b"."
LEGACY = formats.pytorch_legacy(1).replace(b"\x80\x02}", b"\x80\x02" + SYSTEM + b"}", 1)


@pytest.mark.parametrize("size", [1_400, 3])
@pytest.mark.parametrize(
    ("name", "data", "imported"),
    [
        *((f"p{n}.pkl", pickle.dumps(Runs(), n), "posix.system") for n in range(pickle.HIGHEST_PROTOCOL + 1)),
        *(
            (f"e{n}.pkl", pickle.dumps(Evaluates(), n), f"{'__builtin__' if n < 3 else 'builtins'}.eval")
            for n in range(6)
        ),
        ("wear.pt", TORCH, "posix.system"),
        ("deflated.pt", DEFLATED, "posix.system"),
        ("streamed.pt", STREAMED, "posix.system"),
        ("wear.pth", LEGACY, "posix.system"),
        ("wear.joblib", JOBLIB, "posix.system"),
        ("zlib.joblib", zlib.compress(JOBLIB), "posix.system"),
        ("wear.pkl.gz", gzip.compress(pickle.dumps(Runs()), mtime=0), "posix.system"),
    ],
)
def test_pickles_that_run_code_are_told(
    name: str,
    data: bytes,
    imported: str,
    size: int,
    carved: Callable[[Sent], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.carving.net.SEGMENT", size)
    row = carved((name, data))
    assert row["warnings"] == f"imports {imported}"
    assert row["model_format"]


@pytest.mark.parametrize("artefact", formats.artefacts(), ids=lambda a: a.label)
def test_what_models_usually_hold_is_not(artefact: formats.Artefact, carved: Callable[[Sent], dict[str, Any]]) -> None:
    assert carved((artefact.name, artefact.data))["warnings"] == ""
