"""The second factor: RFC 6238, six digits each 30 seconds, as every authenticator has them."""

from __future__ import annotations

import hmac

import pyotp

PERIOD = 30  # seconds
_LEEWAY = 1  # periods that a clock may be off
ISSUER = "driftspan"


def secret() -> str:
    return pyotp.random_base32()


def uri(name: str, key: str, issuer: str) -> str:
    """What the QR code holds."""
    return pyotp.TOTP(key).provisioning_uri(name=name, issuer_name=f"{ISSUER} {issuer}".strip())


def period_of(key: str, code: str, now: float, last: int) -> int:
    """The period whose code this is, 0 if none; one at or before `last` was used already (RFC 6238 5.2)."""
    digits = "".join(code.split())
    if not digits.isascii() or not digits.isdigit():
        return 0
    made, current = pyotp.TOTP(key), int(now) // PERIOD
    for period in range(current - _LEEWAY, current + _LEEWAY + 1):
        if hmac.compare_digest(made.generate_otp(period), digits) and period > last:
            return period
    return 0
