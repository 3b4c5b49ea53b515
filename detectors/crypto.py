"""What no longer protects, as the standards name it."""

from __future__ import annotations

from typing import Any

# OPC 10000-4, 5.4: discovery needs no session and uses a channel with policy None by design.
DISCOVERY = ("FindServers", "GetEndpoints", "RegisterServer", "OpenSecureChannel", "CloseSecureChannel")
WEAK_POLICIES = frozenset(("Basic128Rsa15", "Basic256"))  # OPC 10000-7: deprecated, SHA-1
WEAK_CIPHERS = ("_NULL_", "_anon_", "_EXPORT_", "_RC4_", "_DES_", "_DES40_", "_3DES_")
# Oldest version accepted: as TLS numbers it, and as DTLS does, which counts downwards from 0xFEFF (1.0, the
# equal of TLS 1.1) to 0xFEFD (1.2).
VERSIONS = {"1.0": (0x0301, 0xFFFF), "1.1": (0x0302, 0xFFFF), "1.2": (0x0303, 0xFEFD), "1.3": (0x0304, 0xFEFC)}
DTLS = 0xFE00


def older(number: Any, least: str) -> Any:
    """Whether a version, or each of several, as TLS or DTLS numbers it, is older than one of `VERSIONS`."""
    import numpy as np  # the configuration needs the names alone

    tls, dtls = VERSIONS[least]
    return np.where(number < DTLS, number < tls, number > dtls)
