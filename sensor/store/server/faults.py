"""What goes wrong with a server, as a sentence that never has the password."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from sensor.errors import DriftspanError, InputError, StoreError
from sensor.store import faults

if TYPE_CHECKING:
    from sensor.store.server.place import Place

# https://clickhouse.com: ErrorCodes.cpp
_LOGIN = (192, 193, 194, 516)  # UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD, AUTHENTICATION_FAILED
_NO_DATABASE = 81
_READONLY, _DENIED = 164, 497
# TOO_MANY_SIMULTANEOUS_QUERIES, NO_FREE_CONNECTION, NETWORK_ERROR, SOCKET_TIMEOUT, ALL_CONNECTION_TRIES_FAILED,
# KEEPER_EXCEPTION, TABLE_IS_READ_ONLY (its keeper is away), TOO_MANY_PARTS
_PASSING = (202, 203, 209, 210, 279, 999, 242, 252)


def code_of(error: BaseException) -> int:
    return int(getattr(error, "code", None) or 0)


def is_passing(error: BaseException) -> bool:
    """Whether it may be well at the next try."""
    return isinstance(error, OSError | EOFError) or code_of(error) in _PASSING


def said(error: BaseException) -> str:
    """What the server or the network says, in one line."""
    return faults.first_line(Exception(getattr(error, "message", None) or str(error)))


def raised(error: BaseException, place: Place) -> RuntimeError | DriftspanError:
    """The failure of a question: the server's word as the embedded store has it, anything else as it is."""
    if code_of(error) and not is_passing(error):
        return RuntimeError(f"Code: {code_of(error)}. {getattr(error, 'message', '')}")
    return of_server(error, place)


def of_connecting(error: BaseException, place: Place) -> DriftspanError:
    """Before anything was asked. What another try would not mend is bad input."""
    text = str(error)
    if code_of(error) in _LOGIN:
        return InputError(f"{place}: the server refuses user {place.user!r} with this password")
    if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in text:
        return InputError(
            f"{place}: the server's certificate is not trusted; name its authority with ?ca=FILE in the address"
        )
    if isinstance(error, ssl.SSLError) or "SSL" in text:
        return InputError(f"{place}: no TLS is spoken there; the secure port is usually 9440, or 8443 for HTTP")
    return of_server(error, place)


def of_server(error: BaseException, place: Place) -> DriftspanError:
    code = code_of(error)
    if isinstance(error, DriftspanError):
        return error
    if code in _LOGIN:
        return InputError(f"{place}: the server refuses user {place.user!r} with this password")
    if code == _NO_DATABASE:
        return InputError(f"{place}: {said(error)}; check [store] database")
    if code in (_READONLY, _DENIED):
        return InputError(f"{place}: user {place.user!r} may not do this: {said(error)}")
    if code in (209, 210) or isinstance(error, OSError | EOFError):
        return StoreError(f"{place}: the server cannot be reached: {_network(error)}")
    return StoreError(f"{place}: the store failed: {said(error)}")


def _network(error: BaseException) -> str:
    if isinstance(error, EOFError):
        return "the connection broke off"
    text = getattr(error, "message", None) or getattr(error, "strerror", None) or str(error)
    return " ".join(text.split())[:200] or type(error).__name__
