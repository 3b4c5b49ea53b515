"""A short form of `python -m tests.evaluate.presence`: docs/poisoning.md says what all scenarios give."""

from __future__ import annotations

from tests.evaluate import presence


def test_rules_tell_an_attack_that_was_learnt_and_what_is_new_by_nature_is_not() -> None:
    found = presence.measure(["port_scan", "rogue_writer"])["presence"]
    assert found["events"] >= 3
    assert "port_scan" not in found["lost"], "a scan is one whoever has seen it before"
    assert len(found["lost"]["rogue_writer"]) == 2, "a host that wrote while it was learnt is a writer"
