import pytest

from detectors import address
from detectors.artefacts import Artefacts
from detectors.base import parse_settings
from detectors.changes import Change
from detectors.models import Model
from detectors.site import site
from detectors.zones import Policy
from tests.detectors.build import SECOND, T0, flow, run, window

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


# What the packet path calls each format, and a name such a file goes by.
FORMATS = {
    "onnx": "wear.onnx", "tflite": "wear.tflite", "safetensors": "wear.safetensors", "gguf": "wear.gguf",
    "pytorch": "wear.pt", "pickle": "wear.pkl", "joblib": "wear.joblib", "keras": "wear.keras", "hdf5": "wear.h5",
    "tensorflow": "saved_model.pb", "tensorrt": "wear.engine", "xgboost": "wear.ubj", "lightgbm": "wear.txt",
    "openvino": "wear.xml", "catboost": "wear.cbm", "pmml": "wear.pmml",
}  # fmt: skip
VERDICTS = {
    "approved": (NEW, {}, []),
    "old": (OLD, {}, [("artefacts.rollback", "low", "old", "1.4")]),
    "revoked": (BAD, {}, [("artefacts.revoked", "critical", "revoked", "")]),
    "unknown": (OTHER, {}, [("artefacts.unknown", "high", "unknown", "")]),
    "not whole": ("", {"missing": 100}, [("artefacts.unknown", "low", None, None)]),
}


@pytest.mark.parametrize("carrier", ["http", "ftp", "smb", "mqtt", "opcua", "modbus", "dnp3"])
@pytest.mark.parametrize("model_format", FORMATS)
@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_verdict_is_right_for_each_format_over_each_carrier(verdict, model_format, carrier):
    sha256, more, expected = VERDICTS[verdict]
    row = file(sha256, name=FORMATS[model_format], model_format=model_format, carrier=carrier, **more)
    found = alerts(row)
    told = [(a.kind, a.severity, a.evidence.get("verdict"), a.evidence.get("version")) for a in found]
    assert told == expected
    for alert in found:
        assert (alert.evidence["format"], alert.evidence["carrier"], alert.protocol) == (model_format, carrier, carrier)
        assert f"{FORMATS[model_format]} ({model_format}, 852 bytes)" in alert.summary


@pytest.mark.parametrize("model_format", FORMATS)
def test_a_file_of_each_format_that_changes_in_transit(model_format):
    name = FORMATS[model_format]
    found = alerts(
        file(NEW, ts=1, name=name, model_format=model_format), file(OTHER, ts=2, name=name, model_format=model_format)
    )
    assert [a.kind for a in found] == ["artefacts.changed", "artefacts.unknown"]
    assert found[0].evidence["format"] == model_format


@pytest.mark.parametrize("model_format", FORMATS)
def test_a_version_of_several_files_and_a_sum_that_was_taken_back(model_format):
    sharded = Model("wear", (EDGE,), approved={"1.4": (OLD, OTHER), "1.5": (NEW, OTHER)}, revoked=(BAD,))
    row = {"name": FORMATS[model_format], "model_format": model_format}
    assert alerts(file(OTHER, **row), made=detector((sharded,))) == [], "a file of both versions is of the newest"
    [old] = alerts(file(OLD, **row), made=detector((sharded,)))
    assert old.kind == "artefacts.rollback"


def sealed(at=0.0, size=200_000, **more):
    """An encrypted download of the edge node, as its flow stands at the end of a window."""
    plain = flow(EDGE, REGISTRY, "tls", port=8443, service="https", encrypted=1, ts=at, last_ts=at + 5, flow_id=7)
    counted = {"packets_out": 20, "bytes_out": 20 * 52 + 900, "packets_in": 150, "bytes_in": 150 * 52 + size}
    return plain | counted | more


def test_an_encrypted_transfer_to_a_models_host_is_stated_with_size_and_timing():
    [alert] = run(detector(), window(flows=[sealed()]))
    assert (alert.kind, alert.severity, alert.count) == ("artefacts.not_inspectable", "info", 1)
    assert (alert.src_ip, alert.dst_ip) == (address.parse(REGISTRY), address.parse(EDGE))
    assert (alert.evidence["bytes"], alert.evidence["last_seconds"], alert.evidence["model"]) == (200_000, 5.0, "wear")
    assert "took 200000 bytes from 10.50.0.20 by tls within 5.0 s: encrypted" in alert.summary


def test_it_may_take_several_windows_and_come_again():
    slow = [window(10.0 * n, flows=[sealed(first_ts=0, at=10.0 * n, size=30_000 * (n + 1))]) for n in range(4)]
    [alert] = run(detector(), *slow)
    assert (alert.count, alert.evidence["bytes"], alert.evidence["last_seconds"]) == (1, 120_000, 35.0)
    again = [window(0, flows=[sealed()]), window(10, flows=[sealed(at=11, flow_id=8, size=100_000)])]
    [alert] = run(detector(), *again)
    assert (alert.count, alert.evidence["bytes"], alert.evidence["last_bytes"]) == (2, 300_000, 100_000)


def test_a_deployment_by_ssh_is_one_too():
    pushed = flow("10.30.0.50", EDGE, "ssh", port=22, encrypted=1, ts=0, last_ts=2, flow_id=3)
    pushed |= {"packets_out": 100, "bytes_out": 100 * 52 + 90_000, "packets_in": 50, "bytes_in": 50 * 52 + 900}
    [alert] = run(detector(), window(flows=[pushed]))
    assert alert.src_ip == address.parse("10.30.0.50") and alert.protocol == "ssh"


@pytest.mark.parametrize(
    "rows",
    [
        [[sealed(size=60_000)]],
        [[sealed(first_ts=0, at=10.0 * n, size=9_000 * (n + 1))] for n in range(20)],
        [[sealed(encrypted=0, app="http")]],
        [[sealed(service="mqtts")]],
        [[sealed(src_ip="10.30.0.77")]],
        [[sealed(bytes_out=900_000)]],
    ],
    ids=["small", "talk that adds up", "in the clear", "the process's own", "runs no model", "sent, not taken"],
)  # fmt: skip
def test_what_is_no_such_transfer(rows):
    assert run(detector(), *(window(10.0 * n, flows=one) for n, one in enumerate(rows))) == []
    assert run(detector(models=()), window(flows=[sealed()])) == []
