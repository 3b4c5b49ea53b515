from __future__ import annotations

import re
from dataclasses import replace

from detectors.mirror import Settings
from parsers import limits
from sensor import config
from sensor.config_template import template


def test_the_template_is_the_defaults() -> None:
    read = config.parse(template(), "template")
    assert replace(read, limits={}) == config.Config()
    assert read.limits == {name: default for name, default, _ in limits()}


def test_every_line_of_the_template_says_something_true() -> None:
    """With the comment signs of the examples taken away it is a configuration still."""
    text = template()
    head, tail = text.split("# --- zones", 1)
    examples = re.sub(r"(?m)^# (\[\[?[a-z_.]+\]\]?|[a-z_]+ = .*)$", r"\1", tail)
    read = config.parse(head + "# --- zones" + examples, "examples")
    assert len(read.zones) == 2
    assert (read.conduits[0].direction, read.conduits[0].tls) == ("push_only", "1.2")
    assert read.models[0].id == read.data_sources[0].models[0]
    assert (read.changes[0].id, read.changes[0].actions) == ("CHG0030", ("write", "update"))
    assert (read.suppressed[0].kind, read.suppressed[0].until.year) == ("scan.ports", 2026)
    mirror = read.detectors["mirror"]
    assert read.detectors == {"scan": {"enabled": True}, "mirror": mirror}
    assert mirror == {name: getattr(Settings(), name) for name in mirror}


def test_the_template_fits_an_editor() -> None:
    assert max(map(len, template().splitlines())) <= 120
