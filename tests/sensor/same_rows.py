"""What a case has in every table, to hold two replays against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.sensor.conftest import Program

# Of people and the ledger; and what keeps states of alerts on their way, of which the last is in alert_rows.
APART = (
    "custody", "cases", "case_captures", "ledger_leaves", "tree_heads", "access_log", "access_heads", "alert_grid",
    "alert_states", "alert_words",
)  # fmt: skip


def rows_of(driftspan: Program, store: object, case: str) -> dict[str, tuple[int, int]]:
    """By table: how many rows, and a sum over all that is in them."""
    tables = driftspan.rows(
        "query",
        "SELECT table FROM system.columns WHERE database = currentDatabase() AND name = 'case_id' AND table IN ("
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree') ORDER BY table",
        "--store", store,
    )  # fmt: skip
    names = [str(row["table"]) for row in tables if row["table"] not in APART]
    sums = " UNION ALL ".join(
        f"SELECT '{name}' AS table, count() AS n, sum(sipHash64(toString(tuple(*)))) AS sum FROM {name}"
        f" WHERE case_id = '{case}'"
        for name in names
    )
    found = driftspan.rows("query", sums, "--store", store)
    return {str(row["table"]): (int(str(row["n"])), int(str(row["sum"]))) for row in found}
