"""Proofs that leave the store, heads that are kept elsewhere, keys: as an auditor has them."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from tests.sensor.ledger.conftest import STORE, write

ALERT = "0" * 31 + "1"


def key_of(program) -> str:
    return str(program.rows("ledger", "key")[-1]["public_key"])


def proof(program, *arguments: str) -> dict:
    done = program("ledger", "prove", *arguments)
    assert done.returncode == 0, done.stderr
    return orjson.loads(done.stdout)


def checked(program, folder: Path, told: dict, key: str) -> tuple[int, str]:
    """Where there is nothing else but the proof."""
    (folder / "proof.json").write_bytes(orjson.dumps(told))
    done = program("ledger", "check", folder / "proof.json", "--key", key, "--format", "ndjson")
    return done.returncode, orjson.loads(done.stdout)["result"]


def test_an_auditor_checks_a_record_without_the_store(site, tmp_path_factory) -> None:
    key, away = key_of(site), tmp_path_factory.mktemp("auditor")
    told = proof(site, ALERT, "--stream", "alerts")
    assert (told["record"]["count"], told["record"]["alert_id"]) == ("3", ALERT), "the latest state of three"
    [output] = site.rows("query", "SELECT hash FROM inference_log WHERE seq = 4")
    others = [
        proof(site, *words)
        for words in ((output["hash"][:12],), ("0" * 11 + "3", "--stream", "models"), ("console/7",))
    ]
    assert [each["stream"] for each in others] == ["inference", "models", "access"]
    shutil.rmtree(site.folder / STORE)
    for each in (told, *others):
        assert checked(site, away, each, key) == (0, "proved")
    for altered, what in (
        (told | {"record": told["record"] | {"count": "4"}}, "the record is not what the leaf stands for"),
        (told | {"leaf": told["leaf"] | {"record_hash": "0" * 64}}, "the leaf is not in the tree of the head"),
        (told | {"leaf_index": told["leaf_index"] + 1}, "the leaf is not in the tree of the head"),
        (told | {"checkpoint": told["checkpoint"].replace("\n30\n", "\n31\n")}, "the head is not signed by this key"),
        (told | {"checkpoint": others[0]["checkpoint"]}, "the head is of another log or stream"),
        (told | {"key": "0" * 32}, "the leaf is of another record"),
    ):
        status, said = checked(site, away, altered, key)
        assert status == 1 and what in said
    assert checked(site, away, told, "A" * 43 + "=") == (1, "the head is not signed by this key")
    (away / "proof.json").write_text("{}")
    assert "is no proof" in site.refused("ledger", "check", away / "proof.json", "--key", key)
    (away / "proof.json").write_bytes(orjson.dumps({"kind": told["kind"]}))
    assert "lacks something" in site.refused("ledger", "check", away / "proof.json", "--key", key)


def test_what_cannot_be_proved_is_said(site) -> None:
    assert "has no record 'abcdef'" in site.refused("ledger", "prove", "abcdef")
    assert "may be several records" in site.refused("ledger", "prove", "0" * 31, "--stream", "alerts")
    assert "name the ID of a record" in site.refused("ledger", "prove")
    assert "no Ed25519 public key" in site.refused("ledger", "check", "proof.json", "--key", "what")


def test_heads_of_before_show_that_the_trees_only_grew(site, tmp_path_factory) -> None:
    key, kept = key_of(site), tmp_path_factory.mktemp("witness") / "heads"
    assert site("ledger", "heads", "--to", kept).returncode == 0
    site.rows("mute", ALERT)
    shown = site("ledger", "heads")
    assert shown.stdout.count("\n— driftspan/s/") == 8
    done = site("ledger", "prove", "--since", kept)
    (site.folder / "proofs").write_text(done.stdout)
    rows = site.rows("ledger", "check", site.folder / "proofs", "--key", key)
    assert {row["result"] for row in rows} == {"proved"} and len(rows) == 8
    assert [(row["from_size"], row["tree_size"]) for row in rows if row["stream"] == "verdicts"] == [(8, 9)]
    assert site("ledger", "verify", "--heads", kept, "--key", key).returncode == 0
    assert "cannot be read" in site.refused("ledger", "verify", "--heads", site.folder / "nothing")
    (site.folder / "other").write_text("no head at all\n")
    assert "holds no signed heads" in site.refused("ledger", "verify", "--heads", site.folder / "other")


def test_a_log_witnesses_only_itself(site, tmp_path_factory) -> None:
    """Who has store and key writes another history, which is whole by itself; a head kept elsewhere tells."""
    key, kept = key_of(site), tmp_path_factory.mktemp("witness") / "heads"
    site("ledger", "heads", "--to", kept)
    shutil.rmtree(site.folder / f"{STORE}-ledger")
    again = "store = opened()\nfor table in ('ledger_leaves', 'tree_heads'):\n    store._session.run(f'TRUNCATE TABLE {table}')\n"
    edit = (
        "store._session.run(\"ALTER TABLE alert_rows UPDATE title = 'nothing' WHERE 1 SETTINGS mutations_sync = 2\")\n"
    )
    write(site.folder, again + edit + "store.record('verdicts', 'c', [filled.verdict(50)])\nstore.close()\n")
    assert site("ledger", "verify").returncode == 0
    done = site("ledger", "verify", "--heads", kept, "--key", key, "--format", "ndjson")
    assert done.returncode == 1
    removed = [row for row in map(orjson.loads, done.stdout.splitlines()) if row["result"] == "removed"]
    assert len(removed) == 8 and all("a head was signed of" in row["detail"] for row in removed)


def test_a_key_that_is_replaced_goes_on_to_be_believed(site) -> None:
    first = key_of(site)
    private = (site.folder / f"{STORE}-ledger" / "key.pem").read_bytes()
    assert {row["state"] for row in site.rows("ledger", "key", "--rotate")} == {"replaced", "in use"}
    assert (site.folder / f"{STORE}-ledger" / "key.pem").read_bytes() != private
    assert (site.folder / f"{STORE}-ledger" / "key.pem").stat().st_mode & 0o777 == 0o600
    second = key_of(site)
    site.rows("mute", ALERT)
    assert site("ledger", "verify").returncode == 0
    assert checked(site, site.folder, proof(site, ALERT), second) == (0, "proved")
    shutil.move(site.folder / f"{STORE}-ledger", site.folder / "away")
    for key in (first, second):
        done = site("ledger", "verify", "--key", key)
        assert done.returncode == 0 and "not checked" not in done.stderr, "each vouches for the other"
    done = site("ledger", "verify", "--key", "A" * 43 + "=", "--format", "ndjson")
    assert done.returncode == 1 and "does not hold" in done.stdout
    done = site("ledger", "verify")
    assert done.returncode == 0 and "signatures were not checked" in done.stderr


def test_a_key_that_is_lost_or_open_to_others_is_said(site) -> None:
    path = site.folder / f"{STORE}-ledger" / "key.pem"
    path.chmod(0o644)
    assert "chmod 600" in site.refused("mute", ALERT)
    path.unlink()
    assert "the ledger's key cannot be read" in site.refused("mute", ALERT, status=1)
    assert site("ledger", "verify").returncode == 0, "whose seals and public key are known still"


def test_heads_go_where_the_configuration_says(site, receiver) -> None:
    kept = site.folder / "witness"
    (site.folder / "driftspan.toml").write_text(
        f'[sensor]\nname = "s"\n[ledger]\nheads = ["{kept}", "tcp://127.0.0.1:{receiver.port}"]\n'
    )
    site.rows("mute", ALERT)
    assert kept.read_text().startswith("driftspan/s/")
    assert site("ledger", "verify", "--heads", kept).returncode == 0
    log = site.folder / "syslog"
    log.write_bytes(receiver.wait(b'"checkpoint"'))
    assert site("ledger", "verify", "--heads", log).returncode == 0
    (site.folder / "driftspan.toml").write_text('[ledger]\nheads = ["http://x"]\n')
    assert "driftspan.toml:2" in site.refused("ledger", "verify")


@pytest.fixture
def receiver():
    from tests.sensor.ledger.receiver import Receiver

    made = Receiver()
    yield made
    made.end()
