"""An audit of real captures of the plant under its own policy, and what it says of a later one."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

from detectors import catalogue
from sensor.audit import EVIDENCE, FACT, GAP, VIOLATION, compare, taking
from sensor.audit.controls import NIST, SR, named
from sensor.audit.segmentation import folded
from sensor.errors import InputError
from tests.sensor.conftest import Program

ROOT = Path(__file__).parents[3]
PCAPS = ROOT / "pcaps"
PLAN = ["--store", "s", "--config", str(PCAPS / "plant.toml")]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Case `before`: the conduits are kept. Case `after`: they are not, and passwords pass in clear."""
    made = Program(tmp_path_factory.mktemp("audit"))
    made.rows("replay", PCAPS / "allowed_conduits.pcap", "--case", "before", *PLAN)
    broken = [PCAPS / name for name in ("conduit_violation.pcap", "cleartext_credentials.pcap", "model_files.pcap")]
    made.rows("replay", *broken, "--case", "after", *PLAN)
    for case in ("before", "after"):
        done = made("audit", "--case", case, "--output", f"{case}.json", *PLAN)
        assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def before(program: Program):
    return taking.read(program.folder / "before.json")


@pytest.fixture(scope="module")
def after(program: Program):
    return taking.read(program.folder / "after.json")


def of(audit, identity: str):
    [found] = [finding for finding in audit.findings if finding.id == identity]
    return found


def column(finding, name: str) -> list:
    at = finding.columns.index(name)
    return [row[at] for row in finding.rows]


def test_a_plant_that_keeps_its_conduits(before) -> None:
    violated, allowed = of(before, "segmentation.violated"), of(before, "segmentation.allowed")
    assert (violated.stance, violated.total) == (EVIDENCE, 0)
    assert allowed.stance == EVIDENCE
    assert allowed.total > 0
    assert of(before, "segmentation.unused").stance == FACT


def test_crossings_against_the_policy_are_observed_violations(after) -> None:
    violated = of(after, "segmentation.violated")
    assert violated.stance == VIOLATION
    crossed = set(
        zip(column(violated, "src_zone"), column(violated, "dst_zone"), column(violated, "protocol"), strict=True)
    )
    assert ("dmz", "cell", "modbus") in crossed
    assert "against the direction of a push-only conduit" in column(violated, "why")
    assert {"SR 5.1", "SR 5.2"} <= set(violated.sr)
    assert "AC-4" in violated.nist
    boundary = of(after, "boundary.pairs")
    assert boundary.stance == VIOLATION
    assert 0 < sum(boundary.flags) <= len(boundary.flags)
    assert of(after, "credentials.clear").stance == VIOLATION
    assert of(after, "models.artefacts").total > 0


def test_zones_that_nobody_saw_are_a_gap(after) -> None:
    finding = of(after, "monitoring.zones")
    assert finding.stance in (GAP, EVIDENCE)
    assert (finding.stance == GAP) == (finding.total > 0)


def test_each_query_gives_the_rows_that_are_reported(program: Program, after) -> None:
    """What is derived from a query by the policy has fewer rows, never others."""
    derived = {
        "segmentation.violated",
        "segmentation.allowed",
        "segmentation.unused",
        "monitoring.zones",
        "boundary.pairs",
        "encryption.conduits",
    }
    for finding in after.findings:
        rows = program.rows("query", finding.query, *PLAN)
        if finding.id in derived:
            assert finding.total <= len(rows) or finding.id.endswith(("unused", "zones"))
        else:
            assert len(rows) == finding.total, finding.id
        if rows and finding.id not in ("segmentation.unused", "monitoring.zones"):
            assert set(rows[0]) - set(finding.columns) <= {"first", "last", "opened"} or not finding.rows, finding.id


def test_what_was_only_tried_is_one_crossing() -> None:
    row = {"src_zone": "it", "dst_zone": "ot", "flows": 1, "bytes": 60, "opened": 0}
    rows = [row | {"protocol": name} for name in ("ssh", "rdp", "smb")]
    rows.append(row | {"protocol": "modbus", "opened": 1})
    found = folded(rows, ("src_zone", "dst_zone"))
    assert [(each["protocol"], each["flows"], each["bytes"]) for each in found] == [
        ("(tried)", 3, 180),
        ("modbus", 1, 60),
    ]


def test_what_changed_since_the_last_audit(before, after) -> None:
    changed = {change.id: change for change in compare(before, after).changes}
    violated = changed["segmentation.violated"]
    assert ("dmz", "cell", "modbus") in violated.new
    assert (violated.before, violated.gone) == (0, ())
    assert changed["credentials.clear"].new
    again = {change.id: change for change in compare(after, after).changes}
    assert not any(change.new or change.gone for change in again.values())
    back = {change.id: change for change in compare(after, before).changes}
    assert back["segmentation.violated"].gone == violated.new
    assert compare(before, after).same_policy


def test_the_report_in_every_format(program: Program) -> None:
    for fmt in ("markdown", "html", "pdf"):
        done = program("audit", "--case", "after", "--against", "before.json", "--format", fmt, "--output", "r", *PLAN)
        assert done.returncode == 0, done.stderr
        data = (program.folder / "r").read_bytes()
        if fmt == "pdf":
            assert data.startswith(b"%PDF-")
            assert data.rstrip().endswith(b"%%EOF")
            continue
        text = data.decode()
        assert "Observed violation of" in text
        assert "Since the last audit" in text
        assert "SELECT src" in text
        assert not re.search(r"(?i)\bcompl(y|ian)", text)
        if fmt == "html":
            assert not re.search(r"(?i)<script|<link|<img|src=|href=|url\(|@import", text)


def test_an_audit_is_kept_whole(after) -> None:
    assert orjson.loads(taking.kept(after))["format"] == taking.FORMAT


def test_bad_input_is_a_sentence(program: Program) -> None:
    (program.folder / "text").write_text("no audit")
    (program.folder / "old.json").write_text('{"format": "driftspan-audit-0"}')
    assert "is no audit" in program.refused("audit", "--against", "text", *PLAN)
    assert "another version" in program.refused("audit", "--against", "old.json", *PLAN)
    assert "No such file" in program.refused("audit", "--against", "none.json", *PLAN)
    assert "no traffic" in program.refused("audit", "--case", "nothing", *PLAN)
    assert "ending tells no format" in program.refused("audit", "--output", "report.docx", *PLAN)
    assert "cannot be written" in program.refused("audit", "--output", "none/report.md", *PLAN, status=1)
    assert "is no time" in program.refused("audit", "--since", "yesterday", *PLAN)


def test_a_file_that_was_cut_off(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"format": "driftspan-audit-1", "findings": [{"id": 3}]}')
    with pytest.raises(InputError, match="is no audit"):
        taking.read(tmp_path / "a.json")


def test_every_control_that_alerts_speak_of_has_a_name() -> None:
    for entry in catalogue.entries():
        for control in entry.controls:
            assert named(control) != control, control
    assert named("IEC 62443-3-3 SR 5.1").endswith(SR["SR 5.1"])
    assert named("NIST SP 800-82r3 AC-4").endswith(NIST["AC-4"])
