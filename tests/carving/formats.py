"""Small model files of every format, as the libraries write them: each is valid, none says anything.

Sources of the layouts: onnx.proto, the flatbuffers' internals and TensorFlow Lite's schema, GGUF's specification, the HDF5
file format 2.0 (superblock 0), protobuf of SavedModel, `torch.serialization`, `joblib.numpy_pickle`, XGBoost's
`learner.cc` and its introduction to model IO, LightGBM's `gbdt_model_text.cpp`, OpenVINO's IR 11.
"""

from __future__ import annotations

import gzip
import io
import json
import pickle
import random
import struct
import sys
import tarfile
import types
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

WEIGHTS = 3_000  # octets: more than one message of every carrier


@dataclass(frozen=True)
class Artefact:
    """`format`: what `files.model_format` must say."""

    label: str
    name: str
    format: str
    data: bytes


def weights(seed: int, size: int = WEIGHTS) -> bytes:
    return random.Random(seed).randbytes(size)


# --- protocol buffers


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes((value & 127 | 128,))
        value >>= 7
    return out + bytes((value,))


def field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def onnx(seed: int) -> bytes:
    tensor = field(1, WEIGHTS // 4) + field(2, 1) + field(8, "w") + field(9, weights(seed))
    node = field(1, "x") + field(1, "w") + field(2, "y") + field(3, "mul") + field(4, "Mul")
    shape = field(2, field(1, field(1, WEIGHTS // 4)))
    value = field(2, field(1, field(1, 1) + shape))
    graph = field(1, node) + field(2, "wear") + field(5, tensor) + field(11, field(1, "x") + value)
    graph += field(12, field(1, "y") + value)
    return (
        field(1, 8) + field(2, "pytorch") + field(3, "2.3.0") + field(7, graph) + field(8, field(1, "") + field(2, 17))
    )


def saved_model(seed: int) -> bytes:
    operations = field(1, field(1, "Const") + field(2, field(1, "output"))) + field(1, field(1, "Identity"))
    info = field(2, operations) + field(4, "serve") + field(5, "2.16.1")
    constant = field(1, "w") + field(2, "Const") + field(5, field(1, "value") + field(2, field(8, weights(seed))))
    return field(1, 1) + field(2, field(1, info) + field(2, field(1, constant)))


# --- archives


class Pipe(io.BytesIO):
    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation("a pipe")


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED, *, streamed: bool = False) -> bytes:
    """`streamed`: sizes stand behind the data, as where the writer cannot go back."""
    out = Pipe() if streamed else io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def saved_model_folder(seed: int) -> dict[str, bytes]:
    shard = "wear/variables/variables.data-00000-of-00001"
    return {
        "wear/fingerprint.pb": field(1, seed),
        "wear/saved_model.pb": saved_model(seed),
        "wear/variables/variables.index": weights(seed, 100),
        shard: weights(seed + 1),
    }


def keras_zip(seed: int) -> bytes:
    config = {"module": "keras", "class_name": "Sequential", "config": {"name": "wear", "layers": []}}
    metadata = {"keras_version": "3.3.3", "date_saved": "2026-01-05@08:00:00"}
    return zipped(
        {
            "metadata.json": json.dumps(metadata).encode(),
            "config.json": json.dumps(config).encode(),
            "model.weights.h5": hdf5(seed),
        }
    )


# --- pickles


class Shell:
    """Stands for a library's class: pickled under that one's name."""

    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)


@contextmanager
def pretended(module: str, name: str) -> Iterator[type[Shell]]:
    """Give a class that pickle finds under a name of a library that is not installed."""
    made = [".".join(module.split(".")[: n + 1]) for n in range(module.count(".") + 1)]
    made = [part for part in made if part not in sys.modules]
    for part in made:
        sys.modules[part] = types.ModuleType(part)
    shell = type(name, (Shell,), {"__module__": module, "__qualname__": name})
    setattr(sys.modules[module], name, shell)
    try:
        yield shell
    finally:
        delattr(sys.modules[module], name)
        for part in made:
            del sys.modules[part]


def pickled(seed: int, protocol: int = 4) -> bytes:
    with pretended("sklearn.linear_model._ridge", "Ridge") as ridge:
        return pickle.dumps(ridge(alpha=0.5, coef_=weights(seed), n_features_in_=3), protocol)


def joblib(seed: int) -> bytes:
    """Each array stands behind the wrapper that describes it, as it lies in memory."""
    with pretended("joblib.numpy_pickle", "NumpyArrayWrapper") as wrapper:
        head = pickle.dumps(wrapper(order="C", allow_mmap=True, numpy_array_alignment_bytes=16), 4)
    return head[:-1] + b"\x0f" + b"\xff" * 15 + weights(seed) + head[-1:]


def pytorch_zip(seed: int, loads: bytes = b"") -> bytes:
    """`loads`: opcodes in front of the state, run when it is loaded."""
    state = pickle.dumps({"w": ("storage", "torch.FloatStorage", "0", "cpu", WEIGHTS // 4)}, 2)
    return zipped(
        {
            "wear/data.pkl": state[:2] + loads + state[2:],
            "wear/byteorder": b"little",
            "wear/data/0": weights(seed),
            "wear/version": b"3\n",
        }
    )


def pytorch_legacy(seed: int) -> bytes:
    info = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    parts = (0x1950A86A20F9469CFC6C, 1001, info, {"w": 0}, ["0"])
    return b"".join(pickle.dumps(part, 2) for part in parts) + struct.pack("<q", WEIGHTS // 4) + weights(seed)


# --- single files with a magic number


def safetensors(seed: int) -> bytes:
    tensor = {"dtype": "F32", "shape": [WEIGHTS // 4], "data_offsets": [0, WEIGHTS]}
    header = json.dumps({"__metadata__": {"format": "pt"}, "w": tensor}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + weights(seed)


def gguf(seed: int) -> bytes:
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    values = text("general.architecture") + struct.pack("<I", 8) + text("llama")
    tensors = text("w") + struct.pack("<IQIQ", 1, WEIGHTS // 4, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + values + tensors
    return head + bytes(-len(head) % 32) + weights(seed)


def tflite(seed: int) -> bytes:
    """Model{version: 3, buffers: [Buffer{}, Buffer{data}]}; each table stands behind its own vtable."""
    data = weights(seed)
    root_vtable = struct.pack("<HHHHHHH", 14, 12, 4, 0, 0, 0, 8)  # fields 0 and 4 of Model
    root = 8 + len(root_vtable) + 2
    vector = root + 12
    empty = vector + 12
    empty_vtable = struct.pack("<HH", 4, 4)
    full_vtable = struct.pack("<HHH", 6, 8, 4) + bytes(2)
    full = empty + 8 + len(full_vtable)
    model = struct.pack("<iiI", root - 8, 3, vector - root - 8)
    buffers = struct.pack("<III", 2, empty + 4 - vector - 4, full - vector - 8)
    tail = empty_vtable + struct.pack("<i", 4) + full_vtable
    tail += struct.pack("<iI", len(full_vtable), 4) + struct.pack("<I", len(data)) + data
    return struct.pack("<I", root) + b"TFL3" + root_vtable + bytes(2) + model + buffers + tail


def hdf5(seed: int, attribute: str = "") -> bytes:
    """A root group without members, its attribute, and space that holds weights."""
    undefined = b"\xff" * 8
    message = b""
    if attribute:
        name, value = attribute.encode() + b"\0", b"3.3.3\0"
        name += bytes(-len(name) % 8)
        kind, space = struct.pack("<BBBBI", 0x13, 0, 0, 0, len(value)), struct.pack("<BBB5x", 1, 0, 0)
        body = struct.pack("<BxHHH", 1, len(attribute) + 1, len(kind), len(space)) + name + kind + space + value
        body += bytes(-len(body) % 8)
        message = struct.pack("<HHB3x", 12, len(body), 0) + body
    header, table = 96, 24
    tree = header + 16 + table + len(message)
    heap = tree + 24 + 33 * 8 + 32 * 8
    space_at = heap + 32
    symbol = struct.pack("<HHB3xQQ", 17, 16, 0, tree, heap)
    size = space_at + 24 + WEIGHTS
    block = b"\x89HDF\r\n\x1a\n" + bytes((0, 0, 0, 0, 0, 8, 8, 0)) + struct.pack("<HHI", 4, 16, 0)
    block += struct.pack("<Q", 0) + undefined + struct.pack("<Q", size) + undefined
    block += struct.pack("<QQII", 0, header, 1, 0) + struct.pack("<QQ", tree, heap)
    block += struct.pack("<BxHII4x", 1, 2 if message else 1, 1, table + len(message)) + symbol + message
    block += (b"TREE" + struct.pack("<BBH", 0, 0, 0) + undefined * 2).ljust(heap - tree, b"\0")
    block += b"HEAP" + struct.pack("<B3xQQQ", 0, 24, 8, space_at)
    block += bytes(8) + struct.pack("<QQ", 1, 16)
    return block + weights(seed)


def tensorrt(seed: int) -> bytes:
    return b"ftrt" + struct.pack("<IQ", 232, WEIGHTS) + weights(seed)


# --- trees


def trees(seed: int) -> dict[str, Any]:
    dice = random.Random(seed)
    splits = [round(dice.random(), 6) for _ in range(300)]
    parameters = {"base_score": "5E-1", "num_class": "0", "num_feature": "3", "num_target": "1"}
    booster = {"model": {"trees": [{"id": 0, "split_conditions": splits}]}, "name": "gbtree"}
    learner = {"attributes": {}, "feature_names": [], "feature_types": [], "gradient_booster": booster}
    return {
        "learner": learner | {"learner_model_param": parameters, "objective": {"name": "reg:squarederror"}},
        "version": [2, 0, 3],
    }


def ubjson(value: Any) -> bytes:
    if isinstance(value, dict):
        inside = (struct.pack(">Bq", ord("L"), len(k)) + k.encode() + ubjson(v) for k, v in value.items())
        return b"{" + b"".join(inside) + b"}"
    if isinstance(value, list):
        return b"[" + b"".join(map(ubjson, value)) + b"]"
    if isinstance(value, str):
        return b"SL" + struct.pack(">q", len(value)) + value.encode()
    return b"d" + struct.pack(">f", value) if isinstance(value, float) else b"l" + struct.pack(">i", value)


def xgboost_binary(seed: int) -> bytes:
    """LearnerModelParamLegacy, 136 octets; then objective and booster by name."""
    parameters = struct.pack("<fIiiiII", 0.5, 3, 0, 0, 0, 1, 6).ljust(136, b"\0")
    names = (struct.pack("<Q", len(name)) + name for name in (b"reg:squarederror", b"gbtree"))
    return parameters + b"".join(names) + weights(seed)


def lightgbm(seed: int) -> bytes:
    dice = random.Random(seed)
    numbers = " ".join(f"{dice.random():.6f}" for _ in range(300))
    head = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=2\nobjective=regression\n"
    tree = f"feature_names=a b c\nfeature_infos=[0:1] [0:1] [0:1]\ntree_sizes=2900\n\nTree=0\nnum_leaves=301\nthreshold={numbers}\n"
    return (
        head
        + tree
        + "\n\nend of trees\n\nfeature_importances:\na=3\n\nparameters:\nend of parameters\n\npandas_categorical:null\n"
    ).encode()


def openvino(seed: int) -> bytes:
    layers = "".join(
        f'<layer id="{n}" name="l{n}" type="Const" version="opset1"><data offset="{4 * n}"/></layer>\n'
        for n in range(30)
    )
    return (
        f'<?xml version="1.0"?>\n<net name="wear" version="11">\n\t<layers>\n{layers}</layers><edges/></net>\n'.encode()
    )


def artefacts(seed: int = 1) -> list[Artefact]:
    """One of each format and wrapping. All have an even number of octets: Modbus knows no others."""
    folder = saved_model_folder(seed)
    olds = (pickled(seed + n, 0) for n in range(100))
    old = next(made for made in olds if len(made) % 2 == 0)
    json_model = json.dumps(trees(seed), separators=(",", ":")).encode()
    made = [
        Artefact("ONNX", "wear.onnx", "onnx", onnx(seed)),
        Artefact("TFLite", "wear.tflite", "tflite", tflite(seed)),
        Artefact("safetensors", "wear.safetensors", "safetensors", safetensors(seed)),
        Artefact("GGUF", "wear.gguf", "gguf", gguf(seed)),
        Artefact("PyTorch zip", "wear.pt", "pytorch", pytorch_zip(seed)),
        Artefact("PyTorch legacy", "wear.pth", "pytorch", pytorch_legacy(seed)),
        Artefact("pickle", "wear.pkl", "pickle", pickled(seed)),
        Artefact("pickle, protocol 0", "old.pkl", "pickle", old),
        Artefact("joblib", "wear.joblib", "joblib", joblib(seed)),
        Artefact("joblib, zlib", "small.joblib", "joblib", zlib.compress(joblib(seed), 3)),
        Artefact("joblib, gzip", "wear.joblib.gz", "joblib", gzip.compress(joblib(seed), 3, mtime=0)),
        Artefact("Keras v3 zip", "wear.keras", "keras", keras_zip(seed)),
        Artefact("Keras HDF5", "wear.h5", "keras", hdf5(seed, "keras_version")),
        Artefact("HDF5", "weights.h5", "hdf5", hdf5(seed)),
        Artefact("SavedModel pb", "saved_model.pb", "tensorflow", saved_model(seed)),
        Artefact("SavedModel zip", "saved_model.zip", "tensorflow", zipped(folder, zipfile.ZIP_DEFLATED)),
        Artefact(
            "SavedModel zip, streamed",
            "streamed.zip",
            "tensorflow",
            zipped(folder, zipfile.ZIP_DEFLATED, streamed=True),
        ),
        Artefact("SavedModel tar", "saved_model.tar", "tensorflow", tarred(folder)),
        Artefact("SavedModel tar.gz", "saved_model.tar.gz", "tensorflow", gzip.compress(tarred(folder), 3, mtime=0)),
        Artefact("TensorRT", "wear.engine", "tensorrt", tensorrt(seed)),
        Artefact("XGBoost JSON", "wear.json", "xgboost", json_model),
        Artefact("XGBoost UBJSON", "wear.ubj", "xgboost", ubjson(trees(seed))),
        Artefact("XGBoost binary", "wear.model", "xgboost", xgboost_binary(seed)),
        Artefact("LightGBM", "wear.txt", "lightgbm", lightgbm(seed)),
        Artefact("OpenVINO xml", "wear.xml", "openvino", openvino(seed)),
    ]
    return [Artefact(a.label, a.name, a.format, even(a)) for a in made]


def even(artefact: Artefact) -> bytes:
    """Text may end with one more line; of the others only compressed ones are odd, whose readers pass over a zero octet."""
    padding = b"\n" if artefact.name.endswith((".txt", ".xml", ".json")) else b"\0"
    return artefact.data + padding * (len(artefact.data) % 2)
