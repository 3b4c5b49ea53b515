"""What a question is about: a case, a time, and an asset, a tag, a model or an incident in it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sensor.alerts import ask
from sensor.console.queries import cases
from sensor.errors import InputError
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from detectors.models import DataSource, Model
    from sensor.store import Reading

_NEAR = 5  # names that are proposed in place of one that is not there
_MOST_TAGS = 2000
NOBODY = ("::", "::ffff:0.0.0.0", "0.0.0.0")  # noqa: S104  an address of nobody
_AROUND = "INTERVAL 1 HOUR"  # of an incident: what went before and came after belongs to it


@dataclass(frozen=True, slots=True)
class Scope:
    """`since`, `until`: SQL times, empty: all. `hosts`: addresses of which one must be an end of what happened, or with
    `within` both; empty: any. `tags`, `models`, `alerts`, `drift`, `incidents`: only these, where not None."""

    case: str
    title: str = ""
    since: str = ""
    until: str = ""
    hosts: tuple[str, ...] = ()
    within: bool = False
    tags: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    alerts: tuple[str, ...] | None = None
    drift: tuple[str, ...] | None = None
    incidents: tuple[str, ...] | None = None

    def where(self, first: str, last: str, *more: str) -> str:
        found = [f"case_id = {quote(self.case)}"]
        found += [f"{last} >= {self.since}"] if self.since else []
        found += [f"{first} < {self.until}"] if self.until else []
        return " AND ".join([*found, *filter(None, more)])

    def ends(self, source: str = "src_ip", target: str = "dst_ip") -> str:
        """A condition on the two ends of what happened; empty: none."""
        if not self.hosts:
            return ""
        among = f"({', '.join(f'toIPv6({quote(host)})' for host in self.hosts)})"
        return f"({source} IN {among} {'AND' if self.within else 'OR'} {target} IN {among})"


def one_of(column: str, wanted: Iterable[str]) -> str:
    listed = ", ".join(map(quote, wanted))
    return f"{column} IN ({listed})" if listed else "0"


def case_of(store: Reading, given: str | None) -> str:
    """The case that is meant; InputError if the store has none, several, or not this one."""
    known = cases(store)
    if given is not None:
        if given not in known:
            raise InputError(f"there is no case {given!r} in this store; {_there(known)}")
        return given
    if len(known) == 1:
        return known[0]
    raise InputError(f"choose a case with --case; {_there(known)}")


def _there(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:_NEAR]))
    more = f" and {len(names) - _NEAR} more" if len(names) > _NEAR else ""
    return f"there {'is' if len(names) == 1 else 'are'} {shown}{more}" if names else "there is none"


def of_asset(store: Reading, scope: Scope, given: str) -> Scope:
    """`given`: an address, or the name of a host."""
    try:
        host = str(ipaddress.ip_address(given.strip()))
    except ValueError:
        host = _named(store, scope.case, given.strip())
    return replace(scope, title=f"asset {given.strip()}", hosts=(host,))


def _named(store: Reading, case: str, name: str) -> str:
    sql = (
        f"SELECT DISTINCT ip FROM assets WHERE case_id = {quote(case)} AND lower(hostname) = {quote(name.lower())}"
        " ORDER BY ip"
    )
    found = [_plain(row["ip"]) for row in ask(store, sql)]
    if len(found) == 1:
        return found[0]
    why = (
        f"is the name of {', '.join(found)}" if found else f"is no address, and no host of case {case!r} has this name"
    )
    raise InputError(f"--asset {name!r} {why}; 'driftspan assets' lists addresses")


def of_tag(store: Reading, scope: Scope, given: str) -> Scope:
    """The tag's own values, commands to it, and alerts and drift that name it."""
    case = quote(scope.case)
    there = ask(store, f"SELECT count() AS n FROM tag_values WHERE case_id = {case} AND tag = {quote(given)}")
    if not int(there[0]["n"]):
        near = (
            f"SELECT DISTINCT tag FROM tag_values WHERE case_id = {case}"
            f" ORDER BY positionCaseInsensitiveUTF8(tag, {quote(given)}) = 0, ngramDistance(tag, {quote(given)}), tag"
            f" LIMIT {_NEAR}"
        )
        names = ", ".join(repr(row["tag"]) for row in ask(store, near))
        raise InputError(
            f"there is no tag {given!r} in case {scope.case!r}; " + (f"near it are {names}" if names else "it has none")
        )
    return replace(scope, title=f"{scope.title}, tag {given}" if scope.title else f"tag {given}", tags=(given,))


def of_model(store: Reading, scope: Scope, given: str, models: Iterable[Model], sources: Iterable[DataSource]) -> Scope:
    """Its hosts, what feeds it, what it says. `models`: of the configuration and of the registry."""
    known = {model.id: model for model in models}
    case = quote(scope.case)
    seen = {
        row["model_id"] for row in ask(store, f"SELECT DISTINCT model_id FROM inference_log WHERE case_id = {case}")
    }
    if given not in known and given not in seen:
        raise InputError(
            f"there is no model {given!r} in case {scope.case!r}; {_there(sorted({*known, *seen} - {''}))}"
        )
    hosts = _addresses(known[given].hosts) if given in known else ()
    speaks = ask(
        store,
        f"SELECT DISTINCT src_ip FROM inference_log WHERE case_id = {case} AND model_id = {quote(given)}"
        " ORDER BY src_ip",
    )
    feeding = [host for source in sources if given in source.models for host in _addresses(source.hosts)]
    hosts = tuple(dict.fromkeys((*hosts, *(_plain(row["src_ip"]) for row in speaks if not hosts), *feeding)))
    inputs = known[given].inputs if given in known else ()
    tags = _selected(store, scope.case, (*inputs, *(known[given].outputs if given in known else ())))
    return replace(scope, title=f"model {given}", hosts=hosts, tags=tags, models=(given,))


def _addresses(hosts: Iterable[str]) -> tuple[str, ...]:
    """Networks are no hosts that anything could be asked of one by one; they are left out."""
    return tuple(host for host in hosts if "/" not in host)


def _selected(store: Reading, case: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Tags of the case that the inputs or outputs of a model name."""
    from detectors.outputs import selectors

    conditions = []
    for text in texts:
        chosen = selectors.parse(text)
        name = chosen.name
        if chosen.protocol == "mqtt":
            pattern = "/".join({"+": "[^/#]+", "#": "[^#]*"}.get(part, _literal(part)) for part in name.split("/"))
            conditions.append(f"match(tag, {quote(f'^{pattern}(#|$)')})")
        elif chosen.protocol in ("modbus", "dnp3"):
            numbers = (f"{name}{n}" for n in range(chosen.first, chosen.last + 1))
            conditions.append(one_of("tag", numbers))
        else:
            conditions.append(f"(tag = {quote(name)} OR startsWith(tag, {quote(name + '#')}))")
    if not conditions:
        return ()
    sql = (
        f"SELECT DISTINCT tag FROM tag_values WHERE case_id = {quote(case)} AND ({' OR '.join(conditions)})"
        f" ORDER BY tag LIMIT {_MOST_TAGS}"
    )
    return tuple(row["tag"] for row in ask(store, sql))


def _literal(part: str) -> str:
    return "".join(char if char.isalnum() or char in "_-" else f"\\{char}" for char in part)


def of_incident(store: Reading, scope: Scope, row: Mapping[str, list[str] | str]) -> Scope:
    """Its alerts and drift, and what the hosts of its alerts did with each other from an hour before to an hour after.
    `row`: of the view `incidents`."""
    alerts, drift = list(row["alert_ids"]), list(row["drift_ids"])
    case = f"case_id = {quote(scope.case)}"
    hosts = ask(
        store,
        "SELECT DISTINCT arrayJoin([src_ip, dst_ip]) AS host FROM alert_rows WHERE"
        f" {case} AND {one_of('alert_id', alerts)} ORDER BY host",
    )
    models = list(row["models"]) or [str(row["model_id"])]
    speaks = ask(
        store,
        f"SELECT DISTINCT src_ip AS host FROM inference_log WHERE {case} AND {one_of('model_id', models)}"
        " ORDER BY host",
    )
    named = tuple(dict.fromkeys(_plain(each["host"]) for each in (*hosts, *speaks)))
    return replace(
        scope, title=f"incident {row['incident_id']}", hosts=tuple(host for host in named if host not in NOBODY),
        within=True, tags=(), models=tuple(models), alerts=tuple(alerts), drift=tuple(drift),
        incidents=(str(row["incident_id"]),), **_around(store, scope, alerts, drift),
    )  # fmt: skip


def span_of(store: Reading, scope: Scope) -> tuple[int, int]:
    """First and last moment of the alerts and drift of an incident, in nanoseconds; drift whose onset nobody knows
    counts from when it was told."""
    case = f"case_id = {quote(scope.case)}"
    [span] = ask(
        store,
        "SELECT toUnixTimestamp64Nano(min(a)) AS first, toUnixTimestamp64Nano(max(b)) AS last FROM ("
        f"SELECT first_ts AS a, last_ts AS b FROM alert_rows WHERE {case} AND {one_of('alert_id', scope.alerts or ())}"
        f" UNION ALL SELECT if(since > ts - INTERVAL 30 DAY, since, ts), ts FROM drift"
        f" WHERE {case} AND {one_of('drift_id', scope.drift or ())})",
    )
    return int(span["first"]), int(span["last"])


def streams(store: Reading, scope: Scope) -> tuple[str, ...]:
    """What of the inputs drifted, as tags are named."""
    where = f"case_id = {quote(scope.case)} AND {one_of('drift_id', scope.drift or ())} AND kind = 'input'"
    return tuple(r["stream"] for r in ask(store, f"SELECT DISTINCT stream FROM drift WHERE {where} ORDER BY stream"))


def _around(store: Reading, scope: Scope, alerts: list[str], drift: list[str]) -> dict[str, str]:
    if scope.since or scope.until:
        return {}
    case = f"case_id = {quote(scope.case)}"
    [span] = ask(
        store,
        f"SELECT toString(min(a) - {_AROUND}) AS first, toString(max(b) + {_AROUND}) AS last, count() AS n FROM ("
        f"SELECT first_ts AS a, last_ts AS b FROM alert_rows WHERE {case} AND {one_of('alert_id', alerts)}"
        f" UNION ALL SELECT if(since > ts - INTERVAL 30 DAY, since, ts), ts FROM drift"
        f" WHERE {case} AND {one_of('drift_id', drift)})",
    )
    if not int(span["n"]):
        return {}
    return {name: f"toDateTime64({quote(span[of])}, 9, 'UTC')" for name, of in (("since", "first"), ("until", "last"))}


def _plain(address: str) -> str:
    return address.removeprefix("::ffff:") if "." in address else address
