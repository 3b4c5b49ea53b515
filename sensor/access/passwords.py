"""Passwords: Argon2id hashes with the library's defaults, which are those of RFC 9106."""

from __future__ import annotations

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sensor.errors import InputError

SHORTEST, LONGEST = 12, 256  # characters
MOST_AT_ONCE = 2  # hashes under way: each takes 64 MiB
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # none that is read as another
_hasher = PasswordHasher()
_turns = threading.BoundedSemaphore(MOST_AT_ONCE)
_nobody: list[str] = []


def check_new(name: str, password: str) -> None:
    """InputError says what is wrong with a password that somebody wants."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(f"a password has {SHORTEST} to {LONGEST} characters")
    if len(set(password)) < 5 or name.lower() in password.lower():
        raise InputError("this password is easily guessed: it repeats itself or holds the name")


def hashed(password: str) -> str:
    with _turns:
        return _hasher.hash(password)


def matches(stored: str, password: str) -> bool:
    """`stored` empty: there is no such user or no password, which takes as long to find out."""
    if len(password) > LONGEST:
        return False
    with _turns:
        if not stored and not _nobody:
            _nobody.append(_hasher.hash(secrets.token_hex()))
        try:
            return _hasher.verify(stored or _nobody[0], password) and bool(stored)
        except (VerificationError, InvalidHashError):
            return False


def is_old(stored: str) -> bool:
    return _hasher.check_needs_rehash(stored)


def made_up() -> str:
    """For once: 80 bits that can be read aloud."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
