"""Checkpoints as signed notes: what is written is read by our reader and by the definition, and nothing else passes."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sensor.errors import InputError
from sensor.ledger import note

ORIGIN = note.origin("line 1+2", "0123456789abcdef", "alerts")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ROOT = sha256(b"root").digest()


def test_a_note_is_what_the_format_says() -> None:
    """C2SP signed-note and tlog-checkpoint, taken apart by hand."""
    text = note.sign(ORIGIN, 1207, ROOT, KEY)
    assert ORIGIN == "driftspan/line%201%2B2/0123456789abcdef/alerts"
    body, signatures = text.split("\n\n")
    assert body.split("\n") == [ORIGIN, "1207", base64.b64encode(ROOT).decode()]
    assert signatures.startswith(f"— {ORIGIN} ") and signatures.endswith("\n")
    raw = base64.b64decode(signatures.split(" ")[2])
    public = KEY.public_key().public_bytes_raw()
    assert raw[:4] == sha256(ORIGIN.encode() + b"\n\x01" + public).digest()[:4]
    Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], f"{body}\n".encode())


def test_a_head_is_read_again_and_signed_by_its_key_alone() -> None:
    text = note.sign(ORIGIN, 5, ROOT, KEY)
    head = note.parse(text)
    assert (head.origin, head.size, head.root, head.text) == (ORIGIN, 5, ROOT, text)
    assert head.signed_by(note.public_of(KEY))
    assert not head.signed_by(note.public_of(Ed25519PrivateKey.generate()))
    for altered in (text.replace("\n5\n", "\n6\n"), text.replace("alerts\n5", "access\n5")):
        assert not note.parse(altered).signed_by(note.public_of(KEY))


@pytest.mark.parametrize(
    "text",
    ["", "a\n1\n", "a\nx\nAAAA\n\n", "a\n01\n" + base64.b64encode(ROOT).decode() + "\n\n— a AAAA\n",
     "a\n1\nAAAA\n\n— a AAAA\n", "a\n1\n" + base64.b64encode(ROOT).decode() + "\n\nno signature\n"],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"checkpoint|Base64|32 bytes|signature"):
        note.parse(text)


def test_heads_are_found_in_files_of_notes_and_in_logs() -> None:
    texts = [note.sign(ORIGIN, size, ROOT, KEY) for size in (1, 2, 3)]
    assert [head.size for head in note.heads_in("\n".join(texts))] == [1, 2, 3]
    assert [head.size for head in note.heads_in("".join(texts))] == [1, 2, 3]
    import orjson

    lines = "".join(
        f"<110>1 2026-03-01T00:00:00Z h driftspan 7 ledger-head - {orjson.dumps({'checkpoint': t}).decode()}\n"
        for t in texts
    )
    assert [head.size for head in note.heads_in("other\n" + lines)] == [1, 2, 3]
    assert note.heads_in("") == []
    with pytest.raises(ValueError, match="breaks off"):
        note.heads_in(texts[0][:60])


def test_a_public_key_is_taken_in_every_form(tmp_path) -> None:
    public = note.public_of(KEY)
    pem = tmp_path / "key.pub"
    pem.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    line = tmp_path / "vkey"
    line.write_text(note.verifier(ORIGIN, public) + "\n")
    for given in (base64.b64encode(public).decode(), note.verifier(ORIGIN, public), str(pem), str(line)):
        assert note.public_key(given) == public
    (tmp_path / "private").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    for given in ("nothing", str(tmp_path / "private"), "AAAA"):
        with pytest.raises(InputError, match="no Ed25519 public key"):
            note.public_key(given)
