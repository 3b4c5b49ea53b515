from detectors import address
from detectors.artefacts import Artefacts
from detectors.base import parse_settings
from detectors.changes import Change
from detectors.models import Model
from detectors.site import site
from detectors.zones import Policy
from tests.detectors.build import SECOND, T0, run, window

REGISTRY, EDGE = "10.50.0.20", "10.50.0.10"
OLD, NEW, BAD, OTHER = ("1" * 64, "2" * 64, "3" * 64, "4" * 64)
WEAR = Model("wear", hosts=(EDGE,), approved={"1.4": OLD, "1.5": NEW}, revoked=(BAD,))


def detector(models=(WEAR,), changes=()):
    return Artefacts(parse_settings(Artefacts, {}), site(Policy(), changes=changes, models=models))


def file(sha256=OTHER, **more):
    plain = {
        "src_ip": EDGE, "dst_ip": REGISTRY, "name": "wear.safetensors", "path": "registry/wear.safetensors", "size": 852,
        "model_format": "safetensors", "carrier": "http", "sha256": sha256, "frame": 9,
    }  # fmt: skip
    return plain | more


def alerts(*files, made=None):
    return run(made or detector(), window(files=files))


def test_an_unapproved_model_for_a_host_that_runs_one():
    [alert] = alerts(file())
    assert (alert.kind, alert.severity) == ("artefacts.unknown", "high")
    assert (alert.src_ip, alert.dst_ip) == (address.parse(REGISTRY), address.parse(EDGE))
    assert alert.frames == (9,) and alert.evidence["sha256"] == OTHER and alert.evidence["verdict"] == "unknown"


def test_upload_is_the_other_direction_and_elsewhere_it_is_less_grave():
    [alert] = alerts(file(upload=1))
    assert (alert.severity, alert.src_ip) == ("low", address.parse(EDGE))


def test_approved_old_and_revoked():
    assert alerts(file(NEW)) == []
    [old] = alerts(file(OLD))
    assert (old.kind, old.severity) == ("artefacts.rollback", "low") and "version 1.4" in old.summary
    planned = Change("C-7", T0 - SECOND, T0 + 60 * SECOND, ("10.50.0.0/24",), ("deploy",))
    [planned_old] = alerts(file(OLD), made=detector(changes=[planned]))
    assert planned_old.severity == "info" and "C-7" in planned_old.summary
    [revoked] = alerts(file(BAD))
    assert (revoked.kind, revoked.severity) == ("artefacts.revoked", "critical")


def test_one_name_with_two_contents():
    found = alerts(file(NEW, ts=1), file(OTHER, ts=5))
    assert [a.kind for a in found] == ["artefacts.changed", "artefacts.unknown"]
    later = run(detector(), window(files=[file(NEW, ts=1)]), window(1000, files=[file(OTHER, ts=1001)]))
    assert [a.kind for a in later] == ["artefacts.unknown"]


def test_a_pickle_that_runs_code_and_a_name_that_lies():
    [pickle] = alerts(file(NEW, model_format="pickle", warnings="imports posix.system; content contradicts the name"))
    assert pickle.kind == "artefacts.dangerous_pickle" and "posix.system" in pickle.summary
    [lie] = alerts(file(NEW, warnings="content contradicts the name"))
    assert (lie.kind, lie.severity) == ("artefacts.contradiction", "medium")


def test_what_was_not_captured_whole_cannot_be_judged():
    [alert] = alerts(file("", missing=100, warnings="not all of it was captured"))
    assert (alert.kind, alert.severity) == ("artefacts.unknown", "low") and "could not be hashed" in alert.summary


def test_without_a_list_and_for_other_files_nothing_is_said():
    assert alerts(file(), made=detector(models=())) == []
    assert alerts(file(model_format="", name="report.pdf")) == []
