"""The plant's certificate authority and the certificates of its hosts, made anew for each recording.

Keys are elliptic where a protocol allows (small captures), RSA where it does not (OPC UA's policies).
"""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

import plantclock
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from layout import ADDRESS

_DAY = datetime.timedelta(days=1)
_USE = x509.KeyUsage(
    digital_signature=True, content_commitment=True, key_encipherment=True, data_encipherment=True,
    key_agreement=False, key_cert_sign=True, crl_sign=False, encipher_only=False, decipher_only=False,
)  # fmt: skip
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Authority:
    """Issues into a folder: `ca.pem`, and `<host>.pem` with `<host>-key.pem`."""

    def __init__(self, folder: Path, name: str = "Plant root") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        signed = self._begin(self._name, self._key).add_extension(constraints, critical=True)
        self.certificate = signed.sign(self._key, hashes.SHA256())
        (folder / "ca.pem").write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _begin(
        self, name: x509.Name, key: Key, days: int = 365, valid: tuple[int, int] | None = None,
        *, own: bool = False,
    ) -> x509.CertificateBuilder:  # fmt: skip
        if valid:
            epoch = datetime.datetime.fromtimestamp(plantclock.EPOCH, datetime.UTC)
            start, end = (epoch + day * _DAY for day in valid)
        else:
            now = datetime.datetime.now(datetime.UTC)
            start, end = min(now - 30 * _DAY, now - 30 * _DAY + days * _DAY), now + days * _DAY
        issuer = name if own else self._name
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
        return builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)

    def issue(
        self, host: str, *, kind: str = "ec", uri: str = "", days: int = 365, name: str = "",
        valid: tuple[int, int] | None = None, own: bool = False,
    ) -> tuple[Path, Path]:  # fmt: skip
        """A certificate and key of a host; `uri` is OPC UA's application URI. `valid`: first and last day, counted from
        the plant's beginning, in place of the real clock's. `own`: it is signed by itself."""
        key: Key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name or host)])
        names: list[x509.GeneralName] = [
            x509.DNSName(host),
            x509.IPAddress(ipaddress.ip_address(ADDRESS[host])),
        ]
        if uri:
            names.insert(0, x509.UniformResourceIdentifier(uri))
        both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = self._begin(subject, key, days, valid, own=own).add_extension(
            x509.SubjectAlternativeName(names), critical=False
        )
        builder = builder.add_extension(both, critical=False).add_extension(_USE, critical=False)
        signed = builder.sign(key if own else self._key, hashes.SHA256())
        certificate, secret = self.folder / f"{host}.pem", self.folder / f"{host}-key.pem"
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                             serialization.NoEncryption()))  # fmt: skip
        return certificate, secret
