"""`driftspan models`: the list of what is approved, kept by people, on the real store."""

from __future__ import annotations

import getpass
import hashlib
from pathlib import Path

import pytest

from detectors.models import Model
from sensor import model_registry
from sensor.errors import InputError
from sensor.model_registry import ADD, APPROVE, REVOKE, UNDO, Record
from tests.sensor.conftest import Program

ONE, TWO, THREE = ("1" * 64, "2" * 64, "3" * 64)
PCAPS = Path(__file__).parents[2] / "pcaps"
SIGNING = Path(__file__).parent / "signing"
WEAR = Model("wear", ("10.50.0.10",), approved={"1.4": ONE})


def said(action: str, model: str = "wear", record: str = "", **more: object) -> Record:
    return Record(action, model, "ada", record=record or f"{action}{len(more)}", **more)


def test_records_add_to_what_the_configuration_says() -> None:
    records = [
        said(ADD, "pump", hosts=("10.0.0.1",), inputs=("a/#",), outputs=("b",), rollback_minutes=5),
        said(APPROVE, version="1.5", sha256=(TWO, THREE)),
        said(APPROVE, "pump", version="7", sha256=(ONE,)),
        said(APPROVE, "gone", version="1", sha256=(ONE,)),
        said(REVOKE, sha256=(ONE,)),
    ]
    wear, pump = model_registry.merged([WEAR], records)
    assert wear.approved == {"1.4": ONE, "1.5": (TWO, THREE)} and wear.revoked == (ONE,) and wear.hosts == WEAR.hosts
    assert pump == Model("pump", ("10.0.0.1",), ("a/#",), ("b",), {"7": (ONE,)}, rollback_minutes=5)


def test_what_was_approved_last_is_the_newest_and_an_undo_takes_it_back() -> None:
    again = said(APPROVE, record="again", version="1.4", sha256=(ONE,))
    records = [said(APPROVE, record="new", version="1.5", sha256=(TWO,)), again]
    [wear] = model_registry.merged([WEAR], records)
    assert list(wear.approved) == ["1.5", "1.4"]
    [wear] = model_registry.merged([WEAR], [*records, said(UNDO, undoes="again")])
    assert list(wear.approved) == ["1.4", "1.5"]
    [wear] = model_registry.merged([WEAR], [*records, said(UNDO, undoes="again"), said(UNDO, undoes="new")])
    assert list(wear.approved) == ["1.4"]


def test_approvals_of_a_model_that_is_added_again_count() -> None:
    first, second = said(ADD, "pump", "a", hosts=("10.0.0.1",)), said(ADD, "pump", "c", hosts=("10.0.0.2",))
    approve = said(APPROVE, "pump", "b", version="1", sha256=(ONE,))
    assert model_registry.merged([], [first, approve, said(UNDO, "pump", undoes="a")]) == ()
    [pump] = model_registry.merged([], [first, approve, said(UNDO, "pump", undoes="a"), second])
    assert pump.hosts == ("10.0.0.2",) and pump.approved == {"1": (ONE,)}


def test_sums_that_a_revocation_names() -> None:
    assert model_registry.sums_of(WEAR, "1.4") == ("1.4", (ONE,))
    assert model_registry.sums_of(WEAR, f"sha256:{ONE}") == ("1.4", (ONE,))
    assert model_registry.sums_of(WEAR, TWO) == ("", (TWO,))
    with pytest.raises(InputError, match="neither an approved version"):
        model_registry.sums_of(WEAR, "1.5")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    (tmp_path / "driftspan.toml").write_text(
        f"[[model]]\nid = 'wear'\nhosts = ['10.60.0.10']\napproved = {{ '1.4' = '{ONE}' }}\n"
    )
    return Program(tmp_path)


def listed(program: Program, model: str) -> dict[str, object]:
    [row] = [row for row in program.rows("models", "list") if row["model"] == model]
    return row


def test_a_model_is_added_approved_revoked_and_all_of_it_taken_back(program: Program) -> None:
    file = program.folder / "model.onnx"
    file.write_bytes(b"model" * 1000)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    [row] = program.rows("models")
    assert (row["model"], row["status"], row["newest"]) == ("wear", "configuration", "1.4"), "no store is needed yet"
    assert not (program.folder / "driftspan-store").exists()

    [added] = program.rows(
        "models", "add", "pump", "--host", "10.0.0.7", "--input", "a/+", "--output", "b", "--note", "it's new"
    )
    assert (added["model"], added["by"], added["note"], added["hosts"]) == (
        "pump",
        getpass.getuser(),
        "it's new",
        ["10.0.0.7"],
    )
    [approved] = program.rows("models", "approve", "pump", "2.0", "--file", "model.onnx", "--by", "Ada L.")
    assert (approved["sha256"], approved["origin"], approved["by"]) == ([digest], "file model.onnx", "Ada L.")
    program.rows("models", "approve", "wear", "1.5", "--sha256", TWO.upper(), "--sha256", f"sha256:{THREE}")
    row = listed(program, "wear")
    assert row["approved"] == {"1.4": [ONE], "1.5": [TWO, THREE]} and row["newest"] == "1.5"
    row = listed(program, "pump")
    assert (row["status"], row["approved"], row["inputs"], row["outputs"]) == (
        "added",
        {"2.0": [digest]},
        ["a/+"],
        ["b"],
    )

    [revoked] = program.rows("models", "revoke", "wear", "1.4", "--note", "poisoned")
    assert (revoked["version"], revoked["sha256"]) == ("1.4", [ONE])
    assert listed(program, "wear")["revoked"] == [ONE]
    [undone] = program.rows("models", "undo", "wear")
    assert (undone["undoes"], undone["origin"]) == (revoked["record"], "revoke")
    assert listed(program, "wear")["revoked"] == []
    program.rows("models", "undo", str(added["record"]))
    assert [row["model"] for row in program.rows("models", "list")] == ["wear"]

    history = program.rows("models", "history")
    assert [(row["action"], row["model"], row["counts"]) for row in history] == [
        ("add", "pump", "no"), ("approve", "pump", "yes"), ("approve", "wear", "yes"), ("revoke", "wear", "no"),
        ("undo", "wear", "no"), ("undo", "pump", "no"),
    ]  # fmt: skip
    assert len(program.rows("models", "history", "wear")) == 3
    kept = program.rows("query", "SELECT count() AS n, uniq(record) AS r FROM model_registry")
    assert kept == [{"n": 6, "r": 6}], "nothing is ever deleted"
    table = program("models", "--format", "table").stdout
    assert "1.4; 1.5" in table and "configuration" in table
    assert "wear,configuration,10.60.0.10" in program("models", "list", "--format", "csv").stdout


def test_what_cannot_be_said_is_one_sentence_and_changes_nothing(program: Program) -> None:
    program.rows("models", "add", "pump", "--host", "10.0.0.7")
    program.rows("models", "revoke", "wear", TWO)
    for told, *arguments in (
        ("is in the configuration", "add", "wear", "--host", "10.0.0.7"),
        ("say where model 'x' runs", "add", "x"),
        ("10.0.0.700", "add", "x", "--host", "10.0.0.700"),
        ("must be 1 to 200 printable", "add", "x" * 201, "--host", "10.0.0.7"),
        ("must be 1 to 200 printable", "add", "a\x1bb", "--host", "10.0.0.7"),
        ("--rollback-minutes", "add", "x", "--host", "10.0.0.7", "--rollback-minutes", "-1"),
        ("did you mean 'pump'", "approve", "pmup", "1", "--sha256", ONE),
        ("is no SHA-256", "approve", "pump", "1", "--sha256", "abc"),
        ("say what version '1' is", "approve", "pump", "1"),
        ("is approved with other sums", "approve", "wear", "1.4", "--sha256", THREE),
        ("is a revoked artefact", "approve", "wear", "2", "--sha256", TWO),
        ("cannot be read: No such file", "approve", "pump", "1", "--file", "none.onnx"),
        ("is a directory", "approve", "pump", "1", "--file", "."),
        ("are for a --manifest", "approve", "pump", "1", "--sha256", ONE, "--key", "a.pub"),
        ("is revoked already", "revoke", "wear", TWO),
        ("neither an approved version", "revoke", "pump", "9"),
        ("nothing was said of a model", "undo", "nobody"),
        ("--by must be", "undo", "pump", "--by", " "),
    ):
        assert told in program.refused("models", *arguments), arguments
    assert len(program.rows("models", "history")) == 2


def test_a_manifest_is_verified_before_anything_is_recorded(program: Program) -> None:
    pytest.importorskip("securesystemslib")
    files = ("--manifest", SIGNING / "by_key.sig", "--key", SIGNING / "signer.pub")
    [approved] = program.rows("models", "approve", "wear", "1.6", *files)
    assert len(approved["sha256"]) == 2 and "pump-wear-1.6.0 signed by key " in str(approved["origin"])
    certified = ("--manifest", SIGNING / "by_certificate.sig", "--certificate", SIGNING / "authority.pem")
    [again] = program.rows("models", "approve", "wear", "1.6", *certified)
    assert again["sha256"] == approved["sha256"] and "release engineering" in str(again["origin"])
    told = program.refused("models", "approve", "wear", "1.7", "--manifest", SIGNING / "by_key.sig")
    assert "name the public key or the certificate" in told
    (program.folder / "bad.sig").write_text("{")
    assert "is not JSON" in program.refused("models", "approve", "wear", "1.7", "--manifest", "bad.sig", "--key", "x")
    assert len(program.rows("models", "history")) == 2


def test_a_manifest_of_the_configuration(program: Program) -> None:
    pytest.importorskip("securesystemslib")
    path = program.folder / "driftspan.toml"
    plain = path.read_text()
    path.write_text(f"{plain}manifest = '{SIGNING / 'by_key.sig'}'\nmanifest_key = '{SIGNING / 'signer.pub'}'\n")
    row = listed(program, "wear")
    assert row["newest"] == "pump-wear-1.6.0" and set(row["approved"]) == {"1.4", "pump-wear-1.6.0"}
    path.write_text(f"{plain}manifest = ['{SIGNING / 'by_key.sig'}']\nmanifest_key = 'none.pub'\n")
    capture = PCAPS / "cleartext_modbus.pcap"
    assert "none.pub" in program.refused("replay", capture)
    assert not (program.folder / "driftspan-store").exists(), "nothing half-done"
    path.write_text(f"{plain}manifest = 'a.sig'\n")
    assert "driftspan.toml:5: a manifest needs manifest_key or manifest_certificate" in program.refused("models")


def test_a_replay_uses_both_and_the_list_shows_what_passed(program: Program) -> None:
    """The capture brings version 1.5.0, which is on no list, until somebody approves it at run time."""
    program.rows("models", "add", "pump-wear", "--host", "10.50.0.10")
    program.rows("models", "approve", "pump-wear", "1.3.0", "--sha256", ONE)
    capture = PCAPS / "planned_update.pcap"
    program.rows("replay", capture, "--case", "before")
    before = program.rows("query", "SELECT DISTINCT registry_verdict AS v FROM files WHERE model_format != ''")
    assert before == [{"v": "unknown"}]
    unknown = program.rows("alerts", "--where", "kind = 'artefacts.unknown'")
    assert unknown
    found = listed(program, "pump-wear")["artefacts"]
    assert found and {a["verdict"] for a in found} == {"unknown"}
    newest = found[0]["sha256"]
    program.rows("models", "approve", "pump-wear", "1.5.0", "--sha256", newest)
    row = listed(program, "pump-wear")
    assert row["last_version"] == "1.5.0" and {a["verdict"] for a in row["artefacts"]} <= {"approved", "unknown"}
    program.rows("replay", capture, "--case", "after")
    after = program.rows(
        "query", f"SELECT DISTINCT registry_verdict AS v FROM files WHERE sha256 = '{newest}' AND case_id = 'after'"
    )
    assert after == [{"v": "approved"}]
