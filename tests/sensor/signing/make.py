"""Signs a small model with OpenSSF's own model-signing, by key and by certificate; what it writes lies beside it.

`pip install model-signing==1.1.1 pyopenssl` and run it with that Python. The private keys are thrown away.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HERE = Path(__file__).parent
FILES = {"model.safetensors": bytes(range(256)) * 4, "config.json": b'{"bearing": "6204"}\n'}
LIFE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2126, 1, 1, tzinfo=UTC)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def certificate(subject: str, key, issuer: str, by, *, authority: bool, life=LIFE) -> x509.Certificate:
    usage = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False,
    )  # fmt: skip
    usage |= {"key_cert_sign": authority, "digital_signature": not authority}
    built = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
    built = built.public_key(key.public_key()).serial_number(x509.random_serial_number())
    built = built.not_valid_before(life[0]).not_valid_after(life[1])
    built = built.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    built = built.add_extension(x509.KeyUsage(**usage), critical=True)
    built = built.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key())
    return built.add_extension(authority_key, critical=False).sign(by, hashes.SHA384())


def pem(key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def sign(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "model_signing", "sign", *map(str, arguments)], check=True)


def main() -> None:
    root, middle, signer = (ec.generate_private_key(ec.SECP384R1()) for _ in range(3))
    top = certificate("plant authority", root, "plant authority", root, authority=True)
    between = certificate("model authority", middle, "plant authority", root, authority=True)
    leaf = certificate("release engineering", signer, "model authority", middle, authority=False)
    encoding = serialization.Encoding.PEM
    (HERE / "authority.pem").write_bytes(top.public_bytes(encoding))
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    (HERE / "signer.pub").write_bytes(signer.public_key().public_bytes(encoding, public))
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        (where / "signer.key").write_bytes(pem(signer))
        (where / "signer.pem").write_bytes(leaf.public_bytes(encoding))
        (where / "chain.pem").write_bytes(between.public_bytes(encoding))
        model = where / "pump-wear-1.6.0"
        model.mkdir()
        for file, content in FILES.items():
            (model / file).write_bytes(content)
        key = ("--private_key", where / "signer.key")
        sign("key", model, *key, "--signature", HERE / "by_key.sig")
        chain = ("--signing_certificate", where / "signer.pem", "--certificate_chain", where / "chain.pem")
        sign("certificate", model, *key, *chain, "--signature", HERE / "by_certificate.sig")


if __name__ == "__main__":
    main()
