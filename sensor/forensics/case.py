"""A case for notebooks: everything that the commands tell, as Arrow tables.

    from sensor import Case

    with Case("monday", store="site") as case:
        case.table("modbus", where="status = 'exception'").to_pandas()
        case.timeline(asset="10.40.0.11")
        case.compare("clean", host="10.50.0.10")

A table goes to pandas with `to_pandas()`, to polars with `polars.from_arrow(...)`. Nothing is written to the store.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from sensor import config, model_registry
from sensor.alerts import checked_id, of_id, only
from sensor.errors import InputError
from sensor.forensics import compare, parquet, process, scope, tables, timeline
from sensor.store import open_reading
from sensor.store.guard import check_condition
from sensor.when import literal, moment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    import pyarrow as pa

    from sensor.report import Figure


class Case:
    """`name`: as in `replay --case`, or `live`; may be left out where the store has one case. `store`: a directory or a
    server's address. InputError says what is wrong, in one sentence."""

    def __init__(self, name: str | None = None, store: str | None = None, config_file: str | None = None) -> None:
        self._config = config.load(config.find(config_file))
        where = str(store if store is not None else self._config.store.path)
        self._arrow = not where.startswith("clickhouse")
        self._store = open_reading(where, self._config.store.database)
        try:
            self.name = scope.case_of(self._store, name)
        except InputError:
            self._store.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._store.close()

    def query(self, sql: str) -> pa.Table:
        """Any SELECT over the store; it is not narrowed to the case."""
        return tables.table(self._store, sql, arrow=self._arrow)

    def table(self, name: str, where: str = "", since: str | None = None, until: str | None = None) -> pa.Table:
        """Rows of a table in the case, in order of time. `where`: a condition on its columns; `since`, `until`: as
        times on the command line."""
        parquet.check([name])
        condition = check_condition(where, "where") if where else ""
        return self.query(parquet.statement(name, self._scope(since, until), condition))

    def values(self, tag: str, host: str | None = None) -> pa.Table:
        """What a tag was, as every client heard it."""
        chosen = scope.of_tag(self._store, self._scope(), tag)
        chosen = scope.of_asset(self._store, chosen, host) if host is not None else chosen
        wanted = " AND ".join(filter(None, (scope.one_of("tag", (tag,)), chosen.ends())))
        return self.query(parquet.statement("tag_values", self._scope(), wanted))

    def timeline(
        self, *, asset: str | None = None, tag: str | None = None, model: str | None = None,
        incident: str | None = None, kinds: Iterable[str] = (), fold: int = 0, since: str | None = None,
        until: str | None = None,
    ) -> pa.Table:  # fmt: skip
        """What happened, in one order. `fold`: seconds within which what repeats itself is one row; 0: every row."""
        chosen = self._scope(since, until)
        if incident is not None:
            row = only(of_id(self._store, checked_id(incident), self.name))
            if "incident_id" not in row:
                raise InputError(f"{incident!r} is an alert, no incident")
            chosen = scope.of_incident(self._store, chosen, row)
        if model is not None:
            known = model_registry.running(self._store, self._config.models)
            chosen = scope.of_model(self._store, chosen, model, known, self._config.data_sources)
        if asset is not None:
            chosen = scope.of_asset(self._store, chosen, asset)
        if tag is not None:
            chosen = scope.of_tag(self._store, chosen, tag)
        for kind in kinds:
            if kind not in timeline.KINDS:
                raise InputError(f"there is no kind {kind!r}; there are {', '.join(timeline.KINDS)}")
        return self.query(timeline.statement(chosen, kinds, fold))

    def compare(self, other: str, *, host: str = "", only_aspects: Iterable[str] = ()) -> pa.Table:
        """What is new, gone or other in this case against the case `other`."""
        for aspect in only_aspects:
            if aspect not in compare.ASPECTS:
                raise InputError(f"there is no aspect {aspect!r}; there are {', '.join(compare.ASPECTS)}")
        against = scope.case_of(self._store, other)
        return self.query(compare.statement(against, self.name, only_aspects, host))

    def picture(self, at: str, around: int = 3600, tags: Iterable[str] = ()) -> Figure:
        """Values from `around` seconds before a moment to as many after it; `.svg` and `.png` hold the picture."""
        from sensor.forensics import plot

        now = moment("at", at)
        wanted = process.Wanted(
            self.name, f"Case {self.name} around {at}", now, now - around * 10**9, now + around * 10**9,
            tags=tuple(tags), units=self._config.units,
        )  # fmt: skip
        return plot.drawn(process.view(self._store, wanted), "process")

    def export(self, folder: str | Path, names: Iterable[str] = ()) -> dict[str, int]:
        """Parquet files, one a table; gives the rows of each."""
        return parquet.export(self._store, self._scope(), Path(folder), names, arrow=self._arrow)

    def _scope(self, since: str | None = None, until: str | None = None) -> scope.Scope:
        return scope.Scope(
            self.name,
            since=literal("since", since) if since is not None else "",
            until=literal("until", until) if until is not None else "",
        )
