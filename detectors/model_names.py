"""Files of AI models, told by the names under which HTTP carries them. What is in a file is not looked at here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from detectors.remote import UPLOADS

if TYPE_CHECKING:
    from detectors.window import Array, Window

# Formats of models at rest; archives and plain data are none, since everything travels in those.
_NAME = re.compile(
    r"\.(safetensors|onnx|gguf|ggml|tflite|pt|pth|ckpt|pkl|pickle|joblib|h5|hdf5|keras|pb|mlmodel|engine|pmml)"
    r"(\?[^ ]*)?( \d{3})?$",
    re.IGNORECASE,
)
_DONE = re.compile(r" 20[0146]$")


def is_model(info: str) -> bool:
    """Whether the summary of an HTTP flow (`GET host/path 200`) names a model."""
    return _NAME.search(info) is not None


def done(info: str) -> bool:
    """Whether the answer says that the file was given or taken."""
    return _DONE.search(info) is not None


def uploads(info: str) -> bool:
    return info.startswith(UPLOADS)


def named_models(window: Window) -> Array:
    """Rows of the flows in which a model was given or taken."""
    return np.array([row for row in window.derive(web_files).tolist() if is_model(window["flows"].text("info", row))
                     and done(window["flows"].text("info", row))], dtype=np.int64)  # fmt: skip


def web_files(window: Window) -> Array:
    """Rows of HTTP flows that upload something, or whose path is that of a model."""
    table = window["flows"]
    if not len(table):
        return np.zeros(0, dtype=np.int64)
    rows = np.flatnonzero(table.where("app", ("http",))).tolist()
    found = [row for row in rows if uploads(info := table.text("info", row)) or is_model(info)]
    return np.array(found, dtype=np.int64)
