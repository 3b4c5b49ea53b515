from __future__ import annotations

import tomllib

from sensor.toml_lines import key_lines, line_of

TEXT = """# a comment with [section] and key = 1
title = "x # no comment"   # key = 2

[store]
path = "a"
"odd key" = 1
nested.deep = 3

[[zone]]
name = "one"
cidrs = [
  "10.0.0.0/8",   # name = "no key"
  "[zone]",
]
[[zone]]
name = "two"
text = '''
[zone]
name = "inside"
'''
after = 'it'
[zone.sub]
key = 1
[detectors.scan]
limit = { a = 1, b = [1, 2] }
last = 1
"""


def test_lines_of_keys_and_sections() -> None:
    lines = key_lines(TEXT)
    rows = TEXT.splitlines()
    for path, start in {
        ("title",): "title",
        ("store",): "[store]",
        ("store", "path"): "path",
        ("store", "odd key"): '"odd key"',
        ("store", "nested", "deep"): "nested.deep",
        ("zone", 0): "[[zone]]",
        ("zone", 0, "cidrs"): "cidrs",
        ("zone", 1, "text"): "text",
        ("zone", 1, "after"): "after",
        ("zone", 1, "sub", "key"): "key",
        ("detectors", "scan", "limit"): "limit",
        ("detectors", "scan", "last"): "last",
    }.items():
        assert rows[lines[path] - 1].startswith(start), (path, lines[path])
    assert lines["zone", 0] < lines["zone", 1]
    assert lines["zone", 1, "name"] == rows.index('name = "two"') + 1


def test_what_has_no_line_has_that_of_what_is_around_it() -> None:
    lines = key_lines("[a]\nb = { c = 1 }\n")
    assert line_of(lines, ("a", "b", "c")) == 2
    assert line_of(lines, ("a", "x")) == 1
    assert line_of(lines, ("z",)) == 0


def test_every_key_of_a_text_has_a_line() -> None:
    data = tomllib.loads(TEXT)
    lines = key_lines(TEXT)
    for section, values in data.items():
        if isinstance(values, dict):
            assert all((section, key) in lines for key in values)
