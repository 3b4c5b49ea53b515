"""Rules of people: what is wrong with one is said with file and line; what is right becomes the SQL that Sigma means."""

from __future__ import annotations

import pytest

from sensor.errors import InputError
from sensor.sigma import SigmaSection
from sensor.sigma.rules import load, parse

RULE = """title: made up
id: 5f3e2c1a-0000-4000-8000-000000000001
logsource:
  product: driftspan
  service: modbus
detection:
  selection:
    {what}
  condition: selection
tags:
  - attack.t0855
  - attack.persistence
level: medium
"""


def sql(what: str, **changes: str) -> str:
    text = RULE.replace("{what}", what)
    for old, new in changes.items():
        text = text.replace(old, new)
    (rule,) = parse(text, "r.yml")
    return rule.condition


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        ("unit_id: 3", "ifNull(`unit_id` = 3, 0)"),
        ("function: Write", "ifNull(lowerUTF8(toString(`function`)) = lowerUTF8('Write'), 0)"),
        ("function|contains: a_b%", "ifNull(toString(`function`) ILIKE '%a\\\\_b\\\\%%', 0)"),
        ("function|cased: Write", "ifNull(toString(`function`) = 'Write', 0)"),
        ("function: \"x' OR 1=1 --\"", "ifNull(lowerUTF8(toString(`function`)) = lowerUTF8('x\\' OR 1=1 --'), 0)"),
        ("function|re: ^wr.te", "ifNull(match(`function`, '^wr.te'), 0)"),
        ("address|gte: 10", "ifNull(`address` >= 10, 0)"),
        ("values: 7", "arrayExists(x -> x = 7, `values`)"),
        ("src_ip: 10.0.0.1", "ifNull(lowerUTF8(toString(replaceOne(toString(`src_ip`), '::ffff:', ''))) = lowerUTF8('10.0.0.1'), 0)"),
        ("id.orig_p: 1", "ifNull(`src_port` = 1, 0)"),
        ("exception_code: null", "NOT ifNull(isNotNull(`exception_code`) AND toString(`exception_code`) != '', 0)"),
    ],
)  # fmt: skip
def test_conditions(what, wanted) -> None:
    assert sql(what) == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (RULE.replace("{what}", "nothing: 1"), "r.yml:8: there is no field 'nothing' here"),
        (RULE.replace("{what}", "function|gt: 1"), "r.yml:8: field 'function' is no number"),
        (RULE.replace("{what}", "function|cidr: 10.0.0.0/8"), "r.yml:8: field 'function' is no address"),
        (RULE.replace("{what}", "a: 'b"), "is no YAML"),
        (RULE.replace("{what}", "unit_id: 1").replace("service: modbus", "service: modbsu"), "r.yml:3: there is no service 'modbsu'; did you mean 'modbus'?"),
        (RULE.replace("{what}", "unit_id: 1").replace("driftspan", "windows"), "r.yml:3: the log source is of another product"),
        (RULE.replace("{what}", "unit_id: 1").replace("condition: selection", "condition: other"), "r.yml:9: "),
        (RULE.replace("{what}", "unit_id: 1").replace("level: medium", "level: grave"), "r.yml:13: "),
        (RULE.replace("{what}", "unit_id: 1").replace("level: medium", ""), "lacks 'level'"),
        ("- 1\n", "r.yml:1: is no rule"),
        ("title: x\ncorrelation:\n  type: event_count\n", "r.yml:2: correlations"),
        (RULE.replace("{what}", "unit_id: 1").replace("5f3e2c1a-", "x"), "r.yml:2: "),
        (RULE.replace("{what}", "unit_id|fieldref: address"), "r.yml:8: fields cannot be compared"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(text, words) -> None:
    with pytest.raises(InputError) as raised:
        parse(text, "r.yml")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_rules_of_ours_and_of_a_directory(tmp_path) -> None:
    ours = load(SigmaSection())
    assert len(ours) >= 10 and all(rule.false_positives and rule.description for rule in ours)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "own.yml").write_text(RULE.replace("{what}", "unit_id: 1"))
    found = load(SigmaSection(rules=(str(tmp_path),)))
    (own,) = [rule for rule in found if rule.title == "made up"]
    assert len(found) == len(ours) + 1
    assert own.techniques == ("T1692.001",)  # the id that T0855 became
    assert load(SigmaSection(rules=(str(tmp_path),), shipped=False, off=(own.id,))) == []
    with pytest.raises(InputError, match="is in .* as well"):
        load(SigmaSection(rules=(str(tmp_path), str(tmp_path / "deep" / "own.yml"))))
    with pytest.raises(InputError, match="off: there is no rule"):
        load(SigmaSection(off=("x",)))
    with pytest.raises(InputError, match="no such file"):
        load(SigmaSection(rules=("none",)))
