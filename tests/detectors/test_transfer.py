import pytest

from detectors.base import SECOND
from detectors.changes import Change
from detectors.learning import Settings
from detectors.site import site
from detectors.transfer import Transfer
from tests.detectors.build import T0, flow
from tests.detectors.plant import EDGE, EWS, HISTORIAN, OFFICE, POLICY, PUBLIC, REGISTRY, after

PUT = "PUT 10.0.5.6:8080/models/pump/1.4.1.onnx 201"
GET = "GET 10.0.5.6:8080/models/pump/1.4.0.safetensors 200"


def web(src, dst, info, **more):
    return flow(src, dst, "http", info=info, ts=11, frame=4, **({"bytes_out": 5000, "bytes_in": 900} | more))


@pytest.mark.parametrize(
    ("given", "severity"),
    [(web(OFFICE, REGISTRY, PUT), "high"), (web(EWS, REGISTRY, PUT), "low"), (web(OFFICE, HISTORIAN, "POST a/ingest 200"), "medium"),
     (flow(OFFICE, EDGE, "smb", ts=11, bytes_out=9000), "high")],
)  # fmt: skip
def test_files_from_a_new_source(given, severity):
    [alert] = after(Transfer, {}, {"flows": [given]})
    assert (alert.kind, alert.severity) == ("lateral.file_transfer", severity)


def test_a_file_that_an_approved_change_puts_there_is_a_note():
    change = Change("C1", T0, T0 + 90 * SECOND, (REGISTRY,), ("deploy",))
    one = Transfer(Transfer.settings_class(), site(POLICY, Settings(seconds=10.0), [change]))
    [alert] = after(one, {}, {"flows": [web(OFFICE, REGISTRY, PUT)]})
    assert (alert.kind, alert.severity) == ("lateral.file_transfer", "info")


def test_small_requests_reads_and_known_sources_are_no_transfer():
    assert after(Transfer, {}, {"flows": [web(OFFICE, HISTORIAN, "POST a/q 200", bytes_out=600)]}) == []
    assert after(Transfer, {}, {"flows": [web(OFFICE, HISTORIAN, "GET a/telemetry.csv 200", bytes_in=90000)]}) == []
    again = web(OFFICE, REGISTRY, PUT)
    assert after(Transfer, {"flows": [again | {"ts": 1}]}, {"flows": [again | {"flow_id": 8}]}) == []


@pytest.mark.parametrize(("to", "severity"), [(OFFICE, "high"), (PUBLIC, "critical"), (EWS, "low")])
def test_a_model_that_leaves_its_zone(to, severity):
    [alert] = after(Transfer, {}, {"flows": [web(to, REGISTRY, GET, bytes_in=50000)]})
    assert (alert.kind, alert.severity) == ("exfiltration.model_file", severity)
    assert alert.evidence["requests"] == [GET]


@pytest.mark.parametrize(
    "quiet",
    [web(EDGE, REGISTRY, GET), web(OFFICE, REGISTRY, GET.replace(" 200", " 404")), web(OFFICE, REGISTRY, "GET a/latest.json 200")],
)  # fmt: skip
def test_a_model_that_stays_or_was_not_given(quiet):
    assert after(Transfer, {}, {"flows": [quiet]}) == []
