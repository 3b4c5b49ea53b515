"""Versions that one case has and another had not: of devices, models, artefacts, encryption."""

from __future__ import annotations

from sensor.forensics.differences import CHANGE, ONLY_ONE, among, ip, row, sides
from sensor.store.literal import quote

_FIELDS = ("mac", "vendor", "hostname", "zone", "model", "firmware", "serial")


def versions(a: str, b: str, host: str) -> str:
    return "\nUNION ALL\n".join(
        (_facts(a, b, host), _models(a, b, host), _artefacts(a, b, host), _tls(a, b, host), _opcua(a, b, host))
    )


def _facts(a: str, b: str, host: str) -> str:
    """What a host is by its own word: card, name, model, firmware."""
    pairs = ",\n      ".join(
        f"({quote(name)}, argMaxIf(toString({name}), last_seen, case_id = {quote(a)}),"
        f" argMaxIf(toString({name}), last_seen, case_id = {quote(b)}))"
        for name in _FIELDS
    )
    source = (
        f"SELECT ip, {sides(a, b)}, minIf(first_seen, case_id = {quote(b)}) AS first, max(last_seen) AS last,\n"
        f"    arrayJoin([{pairs}]) AS fact\n"
        f"  FROM assets WHERE {among(a, b, host, 'ip')} GROUP BY ip HAVING n_a > 0 AND n_b > 0"
    )
    return row(
        "version", "'changed'", source, host=ip("x.ip"), what="fact.1", before="fact.2", after="fact.3", count="1",
        tail=" WHERE fact.2 != fact.3 AND fact.2 != ''",
    )  # fmt: skip


def _seen(
    a: str, b: str, host: str, table: str, key: str, what: str, where: str = "1", ends: tuple[str, ...] = ()
) -> str:
    """Distinct things of a table that one of the cases has. `key`: columns, the first is the host they are of."""
    names = key.split(", ")
    source = (
        f"SELECT {key}, {sides(a, b)}, min(ts) AS first, max(ts) AS last, argMin(capture, ts) AS of,\n"
        f"    argMin(frame, ts) AS at FROM {table} WHERE {among(a, b, host, *(ends or names[:1]))} AND {where}\n"
        f"  GROUP BY {key} {ONLY_ONE}"
    )
    return row(
        "version", CHANGE, source, host=ip(f"x.{names[0]}"), what=what, count="n_a + n_b", capture="of", frame="at"
    )  # fmt: skip


def _models(a: str, b: str, host: str) -> str:
    what = "concat('model ', model_id, ' version ', if(model_version = '', 'not said', model_version))"
    return _seen(a, b, host, "inference_log", "src_ip, model_id, model_version", what)


def _artefacts(a: str, b: str, host: str) -> str:
    what = "concat('artefact ', if(name = '', 'without a name', name), ' SHA-256 ', sha256)"
    return _seen(
        a, b, host, "files", "dst_ip, name, sha256", what, "model_format != ''", ("src_ip", "dst_ip")
    )  # fmt: skip


def _tls(a: str, b: str, host: str) -> str:
    what = (
        "concat(version, ' ', cipher, if(server_cert_sha256 = '', '', concat(' certificate ',"
        " substring(server_cert_sha256, 1, 16), ' of ', server_cert_subject)))"
    )
    return _seen(a, b, host, "tls", "dst_ip, version, cipher, server_cert_sha256, server_cert_subject", what)


def _opcua(a: str, b: str, host: str) -> str:
    what = "concat('OPC UA channel ', security_policy, ' ', security_mode)"
    table = "(SELECT *, request_frame AS frame FROM opcua)"
    return _seen(a, b, host, table, "dst_ip, security_policy, security_mode", what, "message_type = 'OPN'")
