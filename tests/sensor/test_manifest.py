"""Signed manifests: those that OpenSSF's model-signing wrote, and every way in which one is not to be trusted."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("securesystemslib")
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

from sensor import manifest
from sensor.errors import InputError
from sensor.manifest import Trust, read
from tests.sensor.signing import make

HERE = Path(__file__).parent / "signing"
KEY, AUTHORITY = Trust(key=str(HERE / "signer.pub")), Trust(certificate=str(HERE / "authority.pem"))
LATER = datetime(2030, 1, 1, tzinfo=UTC)
SUMS = {name: hashlib.sha256(content).hexdigest() for name, content in make.FILES.items()}


def statement(**more: object) -> dict[str, object]:
    """What model-signing would sign for one file."""
    digest = SUMS["model.safetensors"]
    resources = [{"name": "m", "algorithm": "sha256", "digest": digest}]
    plain = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "wear", "digest": {"sha256": hashlib.sha256(bytes.fromhex(digest)).hexdigest()}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {"serialization": {"method": "files", "hash_type": "sha256"}, "resources": resources},
    }
    return plain | more


class Signed:
    """A manifest signed in this test, in files."""

    def __init__(self, folder: Path, said: object, key=None, kind: str = "application/vnd.in-toto+json") -> None:
        self.private = key or ec.generate_private_key(ec.SECP256R1())
        payload = said if isinstance(said, bytes) else json.dumps(said).encode()
        envelope = Envelope(payload, kind, {})
        envelope.sign(CryptoSigner(self.private))
        self.envelope = envelope.to_dict()
        self.path, self.key = folder / "model.sig", folder / "signer.pub"
        pem = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.key.write_bytes(pem)
        self.write(self.bundle())

    def bundle(self, **material: object) -> dict[str, object]:
        media = "application/vnd.dev.sigstore.bundle.v0.3+json"
        return {"mediaType": media, "verificationMaterial": material, "dsseEnvelope": self.envelope}

    def write(self, whole: object) -> None:
        self.path.write_text(json.dumps(whole))

    def read(self) -> manifest.Manifest:
        return read(str(self.path), Trust(key=str(self.key)))

    def certified(self, folder: Path, begin: datetime, end: datetime, *, signs: bool = True) -> Trust:
        """Puts a certificate of an authority of its own into the bundle; gives what that is trusted by."""
        root = ec.generate_private_key(ec.SECP256R1())
        top = make.certificate(
            "a", root, "a", root, authority=True, life=(datetime(2020, 1, 1, tzinfo=UTC), LATER.replace(year=2120))
        )
        leaf = make.certificate("b", self.private, "a", root, authority=not signs, life=(begin, end))
        raw = base64.b64encode(leaf.public_bytes(Encoding.DER)).decode()
        self.write(self.bundle(x509CertificateChain={"certificates": [{"rawBytes": raw}]}))
        self.leaf = folder / "leaf.pem"
        self.leaf.write_bytes(leaf.public_bytes(Encoding.PEM))
        trusted = folder / "root.pem"
        trusted.write_bytes(top.public_bytes(Encoding.PEM))
        return Trust(certificate=str(trusted))


@pytest.mark.parametrize(("file", "trust"), [("by_key.sig", KEY), ("by_certificate.sig", AUTHORITY)])
def test_what_model_signing_signed(file: str, trust: Trust) -> None:
    found = read(str(HERE / file), trust, LATER)
    assert dict(found.files) == SUMS and set(found.sums) == set(SUMS.values())
    assert found.name == "pump-wear-1.6.0"
    assert found.signer in ("certificate CN=release engineering", f"key {key_id()}")


def key_id() -> str:
    return hashlib.sha256((HERE / "signer.pub").read_bytes()).hexdigest()[:16]


@pytest.mark.parametrize(
    "private",
    [
        ec.generate_private_key(ec.SECP521R1()), ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ],
    ids=["p521", "ed25519", "rsa"],
)  # fmt: skip
def test_keys_of_other_kinds(tmp_path: Path, private: object) -> None:
    assert Signed(tmp_path, statement(), private).read().files == (("m", SUMS["model.safetensors"]),)


def test_an_envelope_without_a_bundle_and_one_with_two_signatures(tmp_path: Path) -> None:
    signed = Signed(tmp_path, statement())
    signed.write(signed.envelope)
    assert signed.read().name == "wear"
    other = Signed(tmp_path, statement())
    other.envelope["signatures"] = [*signed.envelope["signatures"], *other.envelope["signatures"]]
    other.write(other.bundle())
    assert other.read().name == "wear"


def refused(path: Path | str, trust: Trust, now: datetime | None = None) -> str:
    with pytest.raises(InputError) as told:
        read(str(path), trust, now)
    assert "\n" not in str(told.value) and str(told.value).endswith(tuple("abcdefghijklmnopqrstuvwxyz0123456789).'"))
    return str(told.value)


def test_another_key_and_a_changed_payload(tmp_path: Path) -> None:
    stranger = tmp_path / "other.pub"
    stranger.write_bytes(
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    assert "is not by the key in" in refused(HERE / "by_key.sig", Trust(key=str(stranger)))
    signed = Signed(tmp_path, statement())
    changed = statement() | {"subject": [{"name": "other", "digest": {"sha256": "0" * 64}}]}
    signed.envelope["payload"] = base64.b64encode(json.dumps(changed).encode()).decode()
    signed.write(signed.bundle())
    assert "is not by the key in" in refused(signed.path, Trust(key=str(signed.key)))
    signed.envelope["signatures"] = []
    signed.write(signed.bundle())
    assert "is not by the key in" in refused(signed.path, Trust(key=str(signed.key)))


def test_certificates_that_do_not_hold(tmp_path: Path) -> None:
    signed = Signed(tmp_path, statement())
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    trust = signed.certified(tmp_path, begin, end)
    within = datetime(2026, 6, 1, tzinfo=UTC)
    assert read(str(signed.path), trust, within).signer == "certificate CN=b"
    assert read(str(signed.path), Trust(certificate=str(signed.leaf)), within).signer == "certificate CN=b", "pinned"
    assert "expired on 2027-01-01" in refused(signed.path, trust, LATER)
    assert "expired on" in refused(signed.path, Trust(certificate=str(signed.leaf)), LATER)
    assert "not valid before 2026-01-01" in refused(signed.path, trust, datetime(2025, 1, 1, tzinfo=UTC))
    assert "does not lead to one in" in refused(signed.path, AUTHORITY, within)
    another = Signed(tmp_path, statement())
    signed.envelope["signatures"] = another.envelope["signatures"]
    trust = signed.certified(tmp_path, begin, end)
    assert "is not by the certificate of CN=b" in refused(signed.path, trust, within)
    trust = signed.certified(tmp_path, begin, end, signs=False)
    assert "is not for signing" in refused(signed.path, trust, within)


def test_trust_of_the_wrong_kind(tmp_path: Path) -> None:
    assert "holds no certificate" in refused(HERE / "by_key.sig", AUTHORITY, LATER)
    assert "holds no certificate in PEM form" in refused(
        HERE / "by_key.sig", Trust(certificate=str(HERE / "signer.pub"))
    )
    assert "is no public key" in refused(HERE / "by_key.sig", Trust(key=str(HERE / "authority.pem")))
    assert "name the public key or the certificate" in refused(HERE / "by_key.sig", Trust())
    signed = Signed(tmp_path, statement())
    signed.write(signed.bundle(certificate={"rawBytes": "AAAA"}, tlogEntries=[]))
    assert "signed without a key" in refused(signed.path, AUTHORITY)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (statement(predicateType="https://slsa.dev/provenance/v1"), "not a model's manifest"),
        (statement(_type="x"), "not a model's manifest"),
        (statement(subject=[]), "is not whole"),
        (statement(predicate={}), "is not whole"),
        (statement(predicate={"serialization": {"method": "files"}, "resources": []}), "lists 0 files"),
        (
            statement(predicate={"serialization": {"method": "shards"}, "resources": [{"name": "m:0:9", "algorithm": "sha256", "digest": "00" * 32}]}),
            "sign with SHA-256 over whole files",
        ),
        (
            statement(predicate={"serialization": {"method": "files"}, "resources": [{"name": "m", "algorithm": "blake3", "digest": "00" * 32}]}),
            "by blake3",
        ),
        (
            statement(predicate={"serialization": {"method": "files"}, "resources": [{"name": "m", "algorithm": "sha256", "digest": "00" * 32}]}),
            "contradicts itself",
        ),
        (b"[1]", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
    ],
)  # fmt: skip
def test_statements_that_are_not_a_models(tmp_path: Path, said: object, told: str) -> None:
    signed = Signed(tmp_path, said)
    assert told in refused(signed.path, Trust(key=str(signed.key)))


def test_what_was_signed_is_something_else(tmp_path: Path) -> None:
    signed = Signed(tmp_path, statement(), kind="text/plain")
    assert "not an in-toto statement" in refused(signed.path, Trust(key=str(signed.key)))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is not JSON"),
        (b"{}", "lacks a DSSE envelope"),
        (b'{"dsseEnvelope": {}}', "is no Sigstore bundle"),
        (b'{"mediaType": "application/vnd.dev.sigstore.bundle", "dsseEnvelope": 7}', "lacks a DSSE envelope"),
        (b'{"payload": 1, "payloadType": "x", "signatures": []}', "cannot be read"),
        (b'{"payload": "AA==", "payloadType": "x", "signatures": [{}]}', "cannot be read"),
        (b'{"payload": "AA==", "payloadType": "x", "signatures": 3}', "cannot be read"),
        (b'{"payload": "!", "payloadType": "x", "signatures": []}', "cannot be read"),
    ],
)
def test_files_that_are_no_manifest(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "x.sig"
    path.write_bytes(content)
    assert told in refused(path, KEY)
    assert "x.sig" in refused(path, AUTHORITY, LATER)


def test_every_truncation_and_every_flipped_byte_is_refused(tmp_path: Path) -> None:
    whole = (HERE / "by_key.sig").read_bytes()
    path = tmp_path / "x.sig"
    for cut in range(0, len(whole), 37):
        path.write_bytes(whole[:cut])
        refused(path, KEY)
    payload = json.loads(whole)["dsseEnvelope"]["payload"].encode()
    at = whole.index(payload)
    for place in range(at, at + len(payload) - 4, 31):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        refused(path, KEY)


def test_no_file_and_one_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "cannot be read: No such file" in refused(tmp_path / "none.sig", KEY)
    assert "cannot be read: No such file" in refused(HERE / "by_key.sig", Trust(key=str(tmp_path / "none.pub")))
    monkeypatch.setattr(manifest, "MOST_BYTES", 100)
    assert "is larger than" in refused(HERE / "by_key.sig", KEY)


def test_certificates_of_test_time_are_well_formed() -> None:
    """What `make.py` wrote: a chain of three that ends in the authority beside it."""
    [top] = x509.load_pem_x509_certificates((HERE / "authority.pem").read_bytes())
    assert top.not_valid_after_utc.year == 2126
