"""Every format of every kind of record: as it was before, as other people's validators want it, and unbroken by what
comes from the wire."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import jsonschema
import orjson
import pytest
import stix2
from py_ocsf_models.events.findings.detection_finding import DetectionFinding

from detectors.attack import ATTACK_VERSION
from sensor.export import cef, ecs, eve, ocsf, record, stix, zeek
from sensor.export.formats import NAMES, encoded
from sensor.export.navigator import to_navigator
from tests.sensor.export import eve_events
from tests.sensor.export.records import ALERT_ROW, FLOW, HOSTILE_ROW, RECORDS

GOLDEN = Path(__file__).parent / "golden"
SCHEMA = json.loads((Path(__file__).parent / "eve.schema.json").read_text())


@pytest.mark.parametrize("to", [*NAMES, "navigator"])
def test_records_are_written_as_before(to, request, monkeypatch) -> None:
    for module in (cef, ecs, ocsf):
        monkeypatch.setattr(module, "version", lambda: "0.0.0")
    made = b"".join(encoded(to, one) + b"\n" for one in RECORDS.values()) if to in NAMES else b""
    if to == "navigator":
        made = orjson.dumps(to_navigator(RECORDS.values()), option=orjson.OPT_INDENT_2) + b"\n"
    path = GOLDEN / f"{to}.{'txt' if to == 'cef' else 'json'}"
    if request.config.getoption("--update-golden", default=False):
        path.write_bytes(made)
    assert made == path.read_bytes()


@pytest.mark.parametrize("name", RECORDS)
def test_every_format_says_which_record_it_is_of(name) -> None:
    one = RECORDS[name]
    for to in NAMES:
        text = encoded(to, one).decode()
        assert one.id in text, to
        if one.flow is not None:
            assert one.flow.community_id.replace("=", "\\=" if to == "cef" else "=") in text, to
            assert str(one.flow.flow_id) in text, to


@pytest.mark.parametrize("name", RECORDS)
def test_ocsf_is_a_detection_finding(name) -> None:
    made = ocsf.to_ocsf(RECORDS[name])
    found = DetectionFinding(**made)
    assert (found.class_uid, found.category_uid, found.type_uid) == (2004, 2, 200400 + made["activity_id"])
    assert found.finding_info.uid == RECORDS[name].id
    # What the model knows of must have come back, and in the places where it was put.
    known = found.model_dump(mode="json", exclude_none=True)
    for key in ("observables", "metadata", "finding_info"):
        assert _inside(made.get(key), known.get(key)), (made.get(key), known.get(key))
    # It reads all else without looking: these are OCSF 1.5's own names of what it leaves out.
    ours = set(made["evidences"][0]) - {"name", "data"}
    assert ours <= {"src_endpoint", "dst_endpoint", "connection_info"}
    with pytest.raises(ValueError, match="finding_info"):
        DetectionFinding(**{key: value for key, value in made.items() if key != "finding_info"})


def _inside(ours: object, theirs: object) -> bool:
    if isinstance(ours, dict):
        return isinstance(theirs, dict) and all(_inside(value, theirs.get(key)) for key, value in ours.items())
    if isinstance(ours, list):
        return isinstance(theirs, list) and all(map(_inside, ours, theirs))
    return ours == theirs


@pytest.mark.parametrize("name", RECORDS)
def test_stix_is_read_back(name) -> None:
    one = RECORDS[name]
    bundle = stix.to_stix(one)
    assert json.loads(stix2.parse(bundle, allow_custom=True).serialize())["id"] == bundle["id"]
    by_type: dict[str, list[dict]] = {}
    for item in bundle["objects"]:
        stix2.parse(item, allow_custom=True)
        by_type.setdefault(item["type"], []).append(item)
    ids = {item["id"] for item in bundle["objects"]}
    refs = {
        ref
        for item in bundle["objects"]
        for key, value in item.items()
        if key.endswith(("_ref", "_refs"))
        for ref in ([value] if isinstance(value, str) else value)
    }
    assert refs <= ids
    (sighting,) = by_type["sighting"]
    assert sighting["count"] == max(1, one.count)
    assert [t["external_references"][0]["external_id"] for t in by_type.get("attack-pattern", [])] == list(
        one.techniques
    )
    assert stix.to_stix(one) == bundle
    assert ("network-traffic" in by_type) == bool(one.ends[0] and one.ends[2])


@pytest.mark.parametrize("name", RECORDS)
def test_eve_fits_what_suricata_documents(name) -> None:
    made = json.loads(encoded("eve", RECORDS[name]))
    jsonschema.validate(made, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(made | {"alert": {**made["alert"], "severity": "high"}}, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(made | {"made_up": 1}, SCHEMA)


@pytest.mark.parametrize("made", eve_events.EVENTS, ids=lambda made: made["event_type"])
def test_protocol_events_fit_as_well(made) -> None:
    jsonschema.validate(made, SCHEMA)


def test_flow_numbers_join_alerts_and_flows() -> None:
    assert eve.to_eve(RECORDS["alert"])["flow_id"] == eve.flow_number(FLOW.flow_id) < 1 << 53


@pytest.mark.parametrize("name", RECORDS)
def test_cef_is_parsed_back(name) -> None:
    one = RECORDS[name]
    head, fields = read_cef(cef.to_cef(one))
    assert head[:4] == ["CEF:0", "driftspan", "driftspan", head[3]]
    assert head[4:6] == [one.kind, one.title]
    assert fields["externalId"] == one.id
    assert fields["msg"] == one.summary[:1023]
    assert fields.get("sourceZoneURI", "") == one.src_zone
    assert fields.get("cs5") == one.case
    if one.flow and ":" not in one.src:
        assert (fields["src"], fields["spt"], fields["dst"], fields["dpt"]) == tuple(map(str, one.ends))
    if one.evidence:
        assert json.loads(fields["cs6"]) == one.evidence


def read_cef(line: str) -> tuple[list[str], dict[str, str]]:
    """By the letter of the format's description, knowing nothing of how it was written."""
    head, at, part = [], 0, ""
    while len(head) < 7:
        char = line[at]
        if char == "\\" and line[at + 1] in "\\|":
            part, at = part + line[at + 1], at + 1
        elif char == "|":
            head.append(part)
            part = ""
        else:
            part += char
        at += 1
    extension = line[at:]
    keys = list(re.finditer(r"(?:^| )(\w+)(?<!\\)=", extension))
    fields = {}
    for key, after in zip(keys, [*keys[1:], None], strict=True):
        value = extension[key.end() : after.start() if after else None]
        assert key[1] not in fields, f"{key[1]} stands twice"
        fields[key[1]] = re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), value)
    return head, fields


@pytest.mark.parametrize("to", NAMES)
def test_hostile_text_stays_inside(to) -> None:
    data = encoded(to, RECORDS["hostile"])
    text = data.decode()
    assert len(text.splitlines()) == 1
    assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs")]
    if to == "cef":
        head, fields = read_cef(text)
        assert len(head) == 7 and fields["cs1"] != "forged"
        return
    plain = json.loads(data)
    usual = json.loads(encoded(to, RECORDS["alert"]))
    if to == "stix":
        assert {item["type"] for item in plain["objects"]} == {item["type"] for item in usual["objects"]}
    else:
        assert set(plain) == set(usual)


def test_text_from_the_wire_is_written_out_once_for_all() -> None:
    made = record.alert(HOSTILE_ROW)
    assert made.summary.startswith("a\\x0ab\\x0d\\x0ac|d=e")
    assert "\u202e" not in made.summary and "\\u202e" in made.summary


def test_layer_counts_techniques() -> None:
    layer = to_navigator([RECORDS["alert"], RECORDS["incident"], RECORDS["alert"]])
    assert layer["versions"] == {
        "attack": re.search(r"v(\d+)", ATTACK_VERSION)[1],
        "navigator": "5.1.0",
        "layer": "4.5",
    }
    assert layer["domain"] == "ics-attack"
    assert {t["techniqueID"]: t["score"] for t in layer["techniques"]} == {"T0836": 3, "T1692.001": 2}
    assert "AML.T0010.003 (2)" in layer["description"]
    assert layer["techniques"][0]["metadata"] == [{"name": "worst severity", "value": "critical"}]


def test_ports_follow_the_alert_not_the_flow() -> None:
    turned = record.alert(ALERT_ROW | {"src_ip": ALERT_ROW["dst_ip"], "dst_ip": ALERT_ROW["src_ip"]}, FLOW)
    assert turned.ends == ("10.40.0.31", 502, "10.50.0.10", 43211)
    assert zeek.to_zeek(turned)["id.orig_h"] == "10.50.0.10"  # of the connection, its client


def test_too_long_a_record_loses_its_evidence_only() -> None:
    long = record.alert(ALERT_ROW | {"evidence": orjson.dumps({"all": ["x" * 100] * 1000}).decode()}, FLOW)
    whole, cut = encoded("eve", long), encoded("eve", long, 60_000)
    assert len(whole) > 60_000 > len(cut)
    assert json.loads(cut)["driftspan"]["evidence"] == {"left_out": "too long"}
    assert json.loads(cut)["alert"] == json.loads(whole)["alert"]
