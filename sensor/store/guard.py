"""What a user's SQL may not do. The connection is read-only besides; this closes what that leaves open.

`readonly = 1` refuses writes, settings and nearly all table functions, but not the scalar function
`file()`, objects of this process through `Python()`, `INTO OUTFILE`, and the object stores whose
readers check their address before the permission.
"""

from __future__ import annotations

import re

from sensor.errors import InputError

# What is not closed goes on to the end: looked for again at each quote, it would take a viewer's 20,000 characters
# seconds. ClickHouse refuses it.
_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|\#[!\ ][^\n]*|/\*.*?(?:\*/|\Z))
      | (?P<string>'(?:[^'\\]|\\.|'')*(?:'|\\?\Z))
      | (?P<quoted>`(?:[^`\\]|\\.)*(?:`|\\?\Z)|"(?:[^"\\]|\\.)*(?:"|\\?\Z))
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<space>\s+)
      | (?P<other>.)""",
    re.DOTALL | re.VERBOSE,
)
_READING = ("select", "with", "show", "describe", "desc", "explain", "exists", "(")
_REACHING = (
    "file", "python", "url", "s3", "gcs", "oss", "cosn", "azureblobstorage", "hdfs", "deltalake", "hudi",
    "iceberg", "paimon", "remote", "remotesecure", "cluster", "clusterallreplicas", "executable", "mysql",
    "postgresql", "mongodb", "redis", "sqlite", "odbc", "jdbc", "arrowflight", "ytsaurus", "input",
    "filesystem", "arrowstream", "catboostevaluate", "showcertificate", "prometheusquery",
)  # fmt: skip
_PREFIXED = ("s3", "url", "file", "hdfs", "azure", "deltalake", "iceberg", "hudi", "paimon", "remote", "gcs")


def tokens(sql: str) -> list[tuple[str, str]]:
    """(kind, text) of what the SQL says: comments and white space left out, quotes taken off names."""
    found = []
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup or "other"
        if kind == "quoted":
            found.append((kind, re.sub(r"\\(.)", r"\1", match[0][1:-1])))
        elif kind not in ("comment", "space"):
            found.append((kind, match[0]))
    return found


def check_reading(sql: str) -> str:
    """The SQL without a closing semicolon; InputError if it would do more than read the store."""
    found = tokens(sql)
    while found and found[-1] == ("other", ";"):
        found.pop()
        sql = sql.rstrip().removesuffix(";")
    if not found:
        raise InputError("the SQL is empty; try: driftspan query 'SHOW TABLES'")
    if found[0][1].lower() not in _READING:
        raise InputError(f"{found[0][1]!r} is not allowed here: only SELECT, WITH, SHOW, DESCRIBE and EXPLAIN are")
    if ("other", ";") in found:
        raise InputError("only one statement can be asked at a time; remove the ';'")
    lowered = [(kind, text.lower()) for kind, text in found]
    for (kind, text), (_, follower) in zip(lowered, [*lowered[1:], ("", "")], strict=True):
        if kind == "word" and (text, follower) == ("into", "outfile"):
            raise InputError("INTO OUTFILE is not allowed; send the output to a file with '>'")
        if kind in ("word", "quoted") and follower == "(" and _reaches(text):
            raise InputError(f"{text}() is not allowed: it reaches outside the store")
    if len(lowered) > 2 and lowered[-2] == ("word", "format") and lowered[-1][0] == "word":
        raise InputError("FORMAT is not allowed in the SQL; use --format table, ndjson or csv")
    return sql


def check_condition(where: str, option: str = "--where") -> str:
    """A condition that cannot end its own brackets, and so cannot be more than a condition."""
    depth = 0
    found = tokens(where)
    for kind, text in found:
        depth += (text == "(") - (text == ")") if kind == "other" else 0
        if depth < 0 or (kind, text) == ("other", ";"):
            break
    if depth != 0 or not found or ("other", ";") in found:
        raise InputError(f'{option} must be one condition on the columns, as in "dst_port = 502"')
    return where


def _reaches(name: str) -> bool:
    return name in _REACHING or (name.startswith(_PREFIXED) and name.endswith(("cluster", "local", "s3", "azure")))
