"""The one shape of all rows of a comparison, and words of SQL that its aspects share."""

from __future__ import annotations

from sensor.store.literal import quote

COLUMNS = (
    "aspect", "change", "host", "peer", "what", "before", "after", "first_ts", "last_ts", "count", "capture", "frame",
)  # fmt: skip
_NAMED = 4  # of what is many
_NOBODY = "toIPv6('::')"
ONLY_ONE = "HAVING (n_a = 0) != (n_b = 0)"
CHANGE = "if(n_a = 0, 'new', 'gone')"


def row(  # the one shape
    aspect: str, change: str, source: str, *, host: str = "''", peer: str = "''", what: str, before: str = "''",
    after: str = "''", first: str = "first", last: str = "last", count: str = "count()", capture: str = "''",
    frame: str = "0", tail: str = "",
) -> str:  # fmt: skip
    return (
        f"SELECT {quote(aspect)} AS aspect, toString({change}) AS change, {host} AS host, {peer} AS peer,\n"
        f"  {what} AS what, toString({before}) AS before, toString({after}) AS after,\n"
        f"  toDateTime64({first}, 9, 'UTC') AS first_ts, toDateTime64({last}, 9, 'UTC') AS last_ts,\n"
        f"  toUInt64({count}) AS count, toString({capture}) AS capture, toUInt64({frame}) AS frame\n"
        f"FROM ({source}) AS x{tail}"
    )


def ip(column: str) -> str:
    """As people write it; empty for nobody."""
    return f"if({column} = {_NOBODY}, '', replaceOne(toString({column}), '::ffff:', ''))"


def some(items: str) -> str:
    """An array of texts in words: the first few, and how many more."""
    sorted_ = f"arraySort(arrayDistinct({items}))"
    more = f"concat(' and ', toString(length({sorted_}) - {_NAMED}), ' more')"
    return (
        f"concat(arrayStringConcat(arraySlice({sorted_}, 1, {_NAMED}), ', '),"
        f" if(length({sorted_}) > {_NAMED}, {more}, ''))"
    )


def among(a: str, b: str, host: str, *columns: str) -> str:
    found = f"case_id IN ({quote(a)}, {quote(b)})"
    ends = " OR ".join(f"{column} = toIPv6({quote(host)})" for column in columns)
    return f"{found} AND ({ends})" if host else found


def sides(a: str, b: str, count: str = "count()") -> str:
    """How much of it each case has. `count`: an aggregate without its condition."""
    if count == "count()":
        return f"countIf(case_id = {quote(a)}) AS n_a, countIf(case_id = {quote(b)}) AS n_b"
    return f"sumIf({count}, case_id = {quote(a)}) AS n_a, sumIf({count}, case_id = {quote(b)}) AS n_b"
