"""Every kind of alert and every cause of an incident has steps, and none of them endangers the process."""

from __future__ import annotations

import re

import pytest

from detectors import catalogue
from detectors.catalogue import runbooks
from detectors.correlate.rows import ATTACKS, CAUSES
from detectors.correlate.runbook import of_cause

BOOKS = list(runbooks.runbooks().values())
ENTRIES = catalogue.entries()
# What a step must not tell anybody to do to what controls the process.
DONE = r"\b(reboot|restart|re-start|reset|power[- ]cycle|power off|switch off|shut ?down|unplug|disconnect|block|scan|ping)"
TO = r"\b(PLC|RTU|controller|outstation|safety)"
ALLOWED = re.compile(r"\b(not|never|no|nothing|before|leave|without|do not)\b", re.IGNORECASE)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.id)
def test_every_kind_has_a_runbook_of_its_own_or_its_detectors(entry) -> None:
    book = runbooks.of_kind(entry.id)
    assert runbooks.ALL not in book.kinds
    assert len(runbooks.steps_of(book)) >= 3


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_has_a_runbook(cause: str) -> None:
    book = runbooks.of_cause(cause)
    assert cause in book.causes
    assert of_cause(cause).startswith(f"1. [{book.id}/")
    ids = [step.id for step in runbooks.steps_of(book)]
    if cause in ATTACKS and cause != "network_only":
        assert {f"model_rollback/{name}" for name in ("loop", "isolate", "keep", "rollback", "back")} <= set(ids)


def test_a_kind_of_somebody_elses_detector_has_one() -> None:
    assert runbooks.of_kind("theirs.whatever").id == "other"


def test_kinds_and_detectors_that_are_named_exist() -> None:
    known = {entry.id for entry in ENTRIES} | {entry.id.split(".")[0] for entry in ENTRIES} | {runbooks.ALL, "mirror"}
    named = [kind for book in BOOKS for kind in book.kinds]
    assert set(named) <= known
    assert len(named) == len(set(named)), "a kind has one runbook"


@pytest.mark.parametrize("book", BOOKS, ids=lambda b: b.id)
def test_steps(book) -> None:
    assert book.title and book.steps
    assert book.kinds or book.causes or any(other.then == book.id for other in BOOKS)
    ids = [step.id for step in runbooks.steps_of(book)]
    assert len(ids) == len(set(ids)), "steps are checked off by their ids"
    for step in book.steps:
        assert step.text.endswith(".") and len(step.text) > 20
        assert "  " not in step.text


@pytest.mark.parametrize("book", BOOKS, ids=lambda b: b.id)
def test_no_step_endangers_the_process(book) -> None:
    for step in book.steps:
        for sentence in re.split(r"(?<=[.:;])\s", step.text):
            dangerous = re.search(DONE, sentence, re.IGNORECASE) and re.search(TO, sentence, re.IGNORECASE)
            assert not dangerous or ALLOWED.search(sentence), sentence


def test_whoever_acts_on_the_process_asks_operations_first() -> None:
    for book in BOOKS:
        phases = [step.phase for step in book.steps]
        if "Contain" in phases:
            before = " ".join(step.text for step in book.steps[: phases.index("Contain") + 3]).lower()
            assert re.search(r"operations|owner", before), book.id


def test_a_step_that_is_written_otherwise_is_refused() -> None:
    with pytest.raises(ValueError, match=r"x\.md:2: a step"):
        runbooks.parsed("x", "# T\n- [ ] no id\n")
    book = runbooks.parsed("x", "# T\nKinds: a, b.c\nThen: y\n\n## P\n- [ ] `one` Text that\n  goes on.\n")
    assert (book.kinds, book.then) == (("a", "b.c"), "y")
    assert book.steps == (runbooks.Step("x/one", "P", "Text that goes on."),)


def test_markdown_as_written() -> None:
    assert runbooks.markdown("mirror").startswith("# What the mirror port")
    with pytest.raises(KeyError):
        runbooks.markdown("../secrets")
