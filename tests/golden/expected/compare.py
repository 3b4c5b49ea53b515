"""Two multisets held against each other, in words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.golden import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.golden.corpus import Row

Rows = dict[str, list["Row"]]


def multisets(what: str, expected: Iterable[Any], ours: Iterable[Any]) -> list[str]:
    want, have = Counter(expected), Counter(ours)
    missing = [f"{what}: {n} of {want[key]} missing: {key}" for key, n in (want - have).items()]
    extra = [f"{what}: {n} more than {want[key]}: {key}" for key, n in (have - want).items()]
    return sorted(missing) + sorted(extra)


def ends(row: Row) -> tuple[str, int, str, int]:
    return (
        canonical.address(row["src_ip"]),
        row["src_port"],
        canonical.address(row["dst_ip"]),
        row["dst_port"],
    )


def flows(rows: Rows) -> list[Row]:
    """Last row of each flow: a flow is told again in each window in which it had packets."""
    last = {row["flow_id"]: row for row in sorted(rows.get("flows", []), key=lambda row: row["packets_out"])}
    return list(last.values())
