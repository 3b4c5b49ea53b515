"""The Python edges without the fuzzer: what hypothesis makes, what is near true documents, and what was found once."""

from __future__ import annotations

import json
import pathlib
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensor.config_template import template
from tests.fuzz import EDGES, edges

HERE = pathlib.Path(__file__)
FOUND = HERE.parents[2] / "parsers" / "fuzz" / "found"
few = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
names = st.sampled_from(["ts", "model_id", "output", "inputs", "kind", "report", "attributes", "confidence", "version"])
documents = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | st.text(max_size=8), inner, max_size=6),
    max_leaves=20,
)
words = st.sampled_from(
    [
        "select",
        "with",
        "'",
        "''",
        "\\",
        "`",
        '"',
        "/*",
        "*/",
        "--",
        "\n",
        "(",
        ")",
        ";",
        "file",
        "into outfile",
        "x",
        " ",
    ]
)


def test_every_edge_has_its_target() -> None:
    assert tuple(edges.EDGES) == EDGES


@few
@given(st.binary(max_size=300), st.sampled_from(EDGES))
def test_any_bytes(data: bytes, name: str) -> None:
    edges.run(edges.EDGES[name], data)


@few
@given(documents)
def test_any_document(document: object) -> None:
    edges.run(edges.bodies, json.dumps(document).encode())
    edges.run(edges.manifests, json.dumps(document).encode())


@few
@given(st.lists(words, max_size=60))
def test_any_sql(parts: list[str]) -> None:
    edges.run(edges.sql, "".join(parts).encode())


@few
@given(st.data())
def test_near_the_template(data: st.DataObject) -> None:
    """The template with every setting said aloud, and a line put out of its place."""
    lines = [re.sub(r"^# ?(?=[a-z_]+ = |\[)", "", line) for line in template().splitlines()]
    at, other = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    lines[at] = data.draw(st.sampled_from([lines[other], lines[at] + lines[other], lines[at][: at % 40], "[[zone]]"]))
    edges.run(edges.configuration, "\n".join(lines).encode())


@pytest.mark.parametrize("opened", ["'\\", "`\\", '"\\', "/*", "'a", "--'"])
def test_sql_that_nothing_closes_takes_no_time(opened: str) -> None:
    """20,000 characters of it took three seconds, and any viewer may ask."""
    edges.run(edges.sql, b"SELECT " + (opened * 30_000).encode()[:60_000])


def test_what_was_found_once_stays_mended() -> None:
    for name in EDGES:
        for path in sorted((FOUND / name).glob("*")):
            edges.run(edges.EDGES[name], path.read_bytes())


def test_findings_are_found() -> None:
    """A bug put in on purpose: each kind of finding is told."""

    def slow(_: bytes) -> None:
        sum(range(60_000_000))

    def loud(_: bytes) -> None:
        edges.said(edges.InputError("two\nlines"))

    def broken(_: bytes) -> None:
        raise KeyError("planted")

    with pytest.raises(edges.FindingError, match="CPU time"):
        edges.run(slow, b"x")
    with pytest.raises(edges.FindingError, match="no sentence"):
        edges.run(loud, b"x")
    with pytest.raises(KeyError):
        edges.run(broken, b"x")
