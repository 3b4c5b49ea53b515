import re
from importlib import import_module

import pytest

from detectors import catalogue, registry
from detectors.alert import SEVERITIES
from detectors.attack import NAMES, PREDECESSOR, SUCCESSOR, aliases, current

ENTRIES = catalogue.entries()


def test_detectors_and_catalogue_agree_on_the_kinds():
    raised = sorted(kind for name in registry.BUILTIN for kind in registry.builtin(name).kinds)
    assert [e.id for e in ENTRIES] == raised


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.id)
def test_entries_are_complete(entry):
    assert entry.severity in SEVERITIES
    assert len(entry.title) < 80 and not entry.title.endswith(".")
    assert len(entry.meaning) > 60 and len(entry.advice) > 40 and entry.counts
    operational = entry.category == catalogue.OPERATIONAL  # a fault of the sensor's own senses, by nobody's technique
    assert operational == entry.id.startswith("mirror.") == (not entry.techniques)
    assert entry.sr and entry.nist and entry.false_positives
    for technique in entry.techniques:
        assert technique in NAMES and technique not in SUCCESSOR
    assert all(re.fullmatch(r"SR \d\.\d+", sr) for sr in entry.sr)
    assert all(re.fullmatch(r"[A-Z]{2}-\d+", control) for control in entry.nist)
    for capture in filter(None, (entry.fires, entry.silent)):  # a kind that no capture fires has a scenario test
        assert re.fullmatch(r"pcaps/[a-z0-9_]+\.pcap", capture)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.id)
def test_a_sensor_evidences_and_never_certifies(entry):
    assert not re.search(r"complian|certified|satisf", f"{entry.title} {entry.meaning} {entry.advice}", re.IGNORECASE)


@pytest.mark.parametrize("name", registry.BUILTIN)
def test_module_texts_name_the_captures_and_techniques_of_their_entries(name):
    kind = registry.builtin(name)
    text = " ".join((import_module(kind.__module__).__doc__ or "").split())
    for entry in map(catalogue.entry, kind.kinds):
        assert entry.fires in text
        assert entry.silent in text


def test_old_ids_become_new_ones_and_stay_findable():
    assert current("T0855") == "T1692.001" and current("T0836") == "T0836"
    assert aliases("T1692.001") == ("T1692.001", "T0855") and aliases("T0836") == ("T0836",)
    assert len(PREDECESSOR) == len(SUCCESSOR) == 9


def test_unknown_kind():
    with pytest.raises(KeyError):
        catalogue.entry("cleartext.nothing")
