"""Signed manifests of models (OpenSSF model signing v1): a Sigstore bundle, in it a DSSE envelope of an in-toto
statement.

    bundle   {"mediaType": "application/vnd.dev.sigstore.bundle…", "verificationMaterial": …, "dsseEnvelope": envelope}
    envelope {"payloadType": "application/vnd.in-toto+json", "payload": base64, "signatures": [{"sig": base64}]}
    payload  {"_type": …/Statement/v1, "subject": [one, the model], "predicateType": …, "predicate": {"resources": …}}

The subject's digest is that of all digests in their order; the model's files are the predicate's resources. An
envelope without a bundle around it is taken too. The signature is verified by securesystemslib, whose authors define
DSSE, certificates by cryptography; both are imported when a manifest is read. Nothing is asked of the network, so what
was signed without a key of one's own (Sigstore's short-lived certificates) cannot be verified here.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensor.errors import InputError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

MOST_BYTES = 16 * 1024 * 1024
MOST_FILES = 10_000
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"
_PAYLOAD = "application/vnd.in-toto+json"
_BUNDLE = "application/vnd.dev.sigstore.bundle"
_MISSING = "signed manifests need the package securesystemslib; install driftspan[signing]"


@dataclass(frozen=True, slots=True)
class Manifest:
    """`files`: name and SHA-256 of each, in the manifest's order. `signer`: who vouches for it, in words."""

    name: str
    files: tuple[tuple[str, str], ...]
    signer: str

    @property
    def sums(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(digest for _, digest in self.files))


@dataclass(frozen=True, slots=True)
class Trust:
    """What a signature is verified against: a public key, or certificates (authorities, or the signer's own)."""

    key: str = ""
    certificate: str = ""


def read(path: str, trust: Trust, now: datetime | None = None) -> Manifest:
    """The files of a manifest whose signature holds. InputError, one sentence, for every other one."""
    data = _json(_bytes(path), path)
    envelope = data.get("dsseEnvelope", data)
    if "dsseEnvelope" in data and not str(data.get("mediaType", "")).startswith(_BUNDLE):
        raise InputError(f"{path}: is no Sigstore bundle (its mediaType is {data.get('mediaType')!r})")
    if not isinstance(envelope, dict) or not {"payload", "payloadType", "signatures"} <= envelope.keys():
        raise InputError(f"{path}: is no signed manifest: it lacks a DSSE envelope; sign the model with model_signing")
    try:
        if trust.key:
            signer = _by_key(path, envelope, trust.key)
        else:
            signer = _by_certificate(path, data, trust.certificate, now or datetime.now(UTC))
        payload = base64.b64decode(envelope["payload"], validate=True)
    except ModuleNotFoundError:
        raise InputError(f"{path}: {_MISSING}") from None
    except (binascii.Error, TypeError, ValueError) as error:
        raise InputError(f"{path}: the envelope cannot be read: {error}") from None
    if envelope["payloadType"] != _PAYLOAD:
        raise InputError(f"{path}: what was signed is {envelope['payloadType']!r}, not an in-toto statement")
    return _statement(path, _json(payload, path), signer)


def _bytes(path: str) -> bytes:
    try:
        with Path(path).open("rb") as handle:
            data = handle.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: is larger than {MOST_BYTES >> 20} MiB, which no manifest is")
    return data


def _json(data: bytes, path: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{path}: is no signed manifest: it is not JSON; sign the model with model_signing")
    return found


def _by_key(path: str, envelope: dict[str, Any], key: str) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        public = load_pem_public_key(_bytes(key))
        digest = _verify(path, envelope, public, f"the key in {key}")
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(f"{key}: is no public key in PEM form that is supported (EC, RSA or Ed25519)") from None
    return f"key {digest[:16]}"


def _verify(path: str, envelope: dict[str, Any], public: Any, whose: str) -> str:
    """Gives the SHA-256 of the key. ValueError: the key is of no kind that is supported."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import Signature, SSlibKey  # type: ignore[attr-defined, unused-ignore]

    ours = SSlibKey.from_crypto(public)
    try:
        payload = base64.b64decode(envelope["payload"], validate=True)
        given = [base64.b64decode(entry["sig"], validate=True).hex() for entry in envelope["signatures"]]
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path}: the envelope's payload or signatures cannot be read") from None
    # A bundle names no key in its signatures; each is tried as if it were of ours.
    for signature in given:
        signed = Envelope(payload, str(envelope["payloadType"]), {ours.keyid: Signature(ours.keyid, signature)})
        try:
            signed.verify([ours], 1)
        except VerificationError:
            continue
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return sha256(pem).hexdigest()
    raise InputError(f"{path}: its signature is not by {whose}; the manifest was changed, or another key signed it")


def _by_certificate(path: str, bundle: dict[str, Any], trusted: str, now: datetime) -> str:
    """The signer's certificate, once it is known to be one that is trusted."""
    from cryptography import x509

    if not trusted:
        raise InputError(f"{path}: name the public key or the certificate that its signature is verified against")
    try:
        roots = x509.load_pem_x509_certificates(_bytes(trusted))
    except ValueError:
        raise InputError(f"{trusted}: holds no certificate in PEM form") from None
    chain = _chain(path, bundle)
    _check_certificate(path, chain[0], now)
    if chain[0] not in roots:
        _check_chain(path, chain, roots, trusted, now)
    subject = chain[0].subject.rfc4514_string()
    envelope = bundle.get("dsseEnvelope", bundle)
    try:
        _verify(path, envelope, chain[0].public_key(), f"the certificate of {subject} in it")
    except ValueError:
        raise InputError(f"{path}: the certificate of {subject} has a key of a kind that is not supported") from None
    return f"certificate {subject}"


def _chain(path: str, bundle: dict[str, Any]) -> list[Certificate]:
    """The certificates of the bundle, the signer's first."""
    from cryptography import x509

    material = bundle.get("verificationMaterial")
    material = material if isinstance(material, dict) else {}
    if "certificate" in material:
        raise InputError(f"{path}: was signed without a key (Sigstore), which needs the network; sign with a key")
    try:
        given = material["x509CertificateChain"]["certificates"]
        chain = [x509.load_der_x509_certificate(base64.b64decode(entry["rawBytes"], validate=True)) for entry in given]
    except (KeyError, TypeError, ValueError):
        chain = []
    if not chain:
        raise InputError(f"{path}: holds no certificate; it was signed with a key, so name the public key")
    return chain


def _check_certificate(path: str, signer: Certificate, now: datetime) -> None:
    from cryptography import x509

    subject = signer.subject.rfc4514_string()
    if now > signer.not_valid_after_utc:
        ended = signer.not_valid_after_utc.date()
        raise InputError(f"{path}: the certificate of {subject} expired on {ended}; have the model signed again")
    if now < signer.not_valid_before_utc:
        begins = signer.not_valid_before_utc.date()
        raise InputError(f"{path}: the certificate of {subject} is not valid before {begins}; look at the clock")
    try:
        usage = signer.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    except ValueError:
        raise InputError(f"{path}: the extensions of the certificate of {subject} cannot be read") from None
    if not usage.digital_signature:
        raise InputError(f"{path}: the certificate of {subject} is not for signing")


def _check_chain(path: str, chain: list[Certificate], roots: list[Certificate], trusted: str, now: datetime) -> None:
    from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

    # The rules of web servers hold for the authorities, not for who signs models: it has no host name.
    policy = PolicyBuilder().store(Store(roots)).time(now)
    policy = policy.extension_policies(
        ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all()
    )
    try:
        policy.build_client_verifier().verify(chain[0], chain[1:])
    except VerificationError as error:
        why = " ".join(str(error).split())[:200]
        subject = chain[0].subject.rfc4514_string()
        raise InputError(f"{path}: the certificate of {subject} does not lead to one in {trusted}: {why}") from None


def _statement(path: str, statement: dict[str, Any], signer: str) -> Manifest:
    if statement.get("_type") != _STATEMENT or statement.get("predicateType") != _PREDICATE:
        kind = statement.get("predicateType", statement.get("_type"))
        raise InputError(f"{path}: what was signed is {kind!r}, not a model's manifest ({_PREDICATE})")
    try:
        [subject] = statement["subject"]
        resources = statement["predicate"]["resources"]
        method = statement["predicate"]["serialization"]["method"]
        kinds = {str(resource["algorithm"]) for resource in resources}
        files = tuple((str(resource["name"]), str(resource["digest"]).lower()) for resource in resources)
        root, name = str(subject["digest"]["sha256"]).lower(), str(subject["name"])
        whole = sha256(b"".join(bytes.fromhex(digest) for _, digest in files)).hexdigest()
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: the signed statement is not whole ({type(error).__name__}: {error})") from None
    if method != "files" or kinds - {"sha256"}:
        has = f"by {', '.join(sorted(kinds))} over {method}"
        raise InputError(
            f"{path}: lists its files {has}; sign with SHA-256 over whole files, which the sensor compares"
        )
    if not files or len(files) > MOST_FILES:
        raise InputError(f"{path}: lists {len(files)} files; between 1 and {MOST_FILES} are expected")
    if root != whole or any(len(digest) != 64 for _, digest in files):
        raise InputError(f"{path}: contradicts itself: the digest of the model is not that of the files it lists")
    return Manifest(name, files, signer)
