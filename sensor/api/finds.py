"""Routes that give one thing whole, hosts and flows, evidence, and answers to SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from sensor.access.roles import Permission
from sensor.access.who import Who
from sensor.alerts import ask, of_id
from sensor.api import grid
from sensor.api.guard import address, needs
from sensor.api.lists import ROWS, as_list, check_log
from sensor.api.shapes import MOST_ROWS, Failed, Limit, Responses, Text, Time, refusals
from sensor.api.work import steps
from sensor.errors import InputError
from sensor.evidence.keeping import root_of
from sensor.store.guard import check_reading
from sensor.store.literal import quote
from sensor.when import literal

if TYPE_CHECKING:
    from sensor.access.desk import Desk
    from sensor.api.owner import Owner
    from sensor.config import Config

Reader = Annotated[Who, needs(Permission.EVIDENCE)]
Asker = Annotated[Who, needs(Permission.QUERY)]
Identity = Annotated[str, Path(pattern="^[0-9a-f]{4,32}$")]
Offset = Annotated[int, Query(ge=0, le=1_000_000)]
_JSON = ("causes", "timeline", "suspects", "rollback")
_WHOLE = 32  # digits of an id
_MISSING: Responses = {404: {"model": Failed, "description": "There is none"}}
_SORTS = {
    "assets": ("ip", "hostname", "vendor", "zone", "purdue_level", "first_seen", "last_seen"),
    "flows": ("last_ts", "first_ts", "src_ip", "dst_ip", "dst_port", "app", "bytes_out", "bytes_in", "packets_out"),
}


class Question(BaseModel):
    """`limit`: rows of the answer at most."""

    sql: str = Field(min_length=1, max_length=20_000)
    limit: int = Field(default=1_000, ge=1, le=MOST_ROWS)


class Answer(BaseModel):
    """`types`: of ClickHouse. `more`: the answer has further rows."""

    columns: list[str]
    types: list[str]
    rows: list[list[Any]]
    more: bool


def router(owner: Owner, config: Config, desk: Desk) -> APIRouter:
    made = APIRouter(prefix="/api/v1", tags=["finds"])
    _wholes(made, owner)
    _tables(made, owner)
    _evidence(made, owner, config, desk)
    _questions(made, owner, desk)
    return made


def _wholes(made: APIRouter, owner: Owner) -> None:
    see = [needs(Permission.SEE)]

    @made.get("/alerts/{identity}", response_model=dict[str, Any], dependencies=see, responses=_MISSING | refusals(503))
    def alert(identity: Identity, case: Text = None) -> dict[str, Any]:
        """One alert with its evidence; `cases`: those that have it."""
        return found(owner, identity, case)

    @made.get(
        "/incidents/{identity}", response_model=dict[str, Any], dependencies=see, responses=_MISSING | refusals(503)
    )
    def incident(identity: Identity, case: Text = None) -> dict[str, Any]:
        """One incident with causes, suspects, timeline, and the steps of its runbook that were checked off."""
        only = f"startsWith(incident_id, {quote(identity)})" + (f" AND case_id = {quote(case)}" if case else "")
        rows = ask(owner, f"SELECT * FROM incidents WHERE {only} ORDER BY case_id LIMIT 100")
        if not rows or len({row["incident_id"] for row in rows}) > 1:
            raise HTTPException(404, f"there is no incident {identity!r}, or several")
        row = rows[0]
        whole = {name: orjson.loads(row[name] or "null") for name in _JSON}
        return row | whole | {"cases": [r["case_id"] for r in rows], "steps": steps(owner, row["incident_id"])}


def found(owner: Owner, identity: str, case: str | None) -> dict[str, Any]:
    """One alert; HTTPException 404 if there is none."""
    try:
        rows = grid.one(owner, identity, case) if len(identity) == _WHOLE else of_id(owner, identity, case)
    except InputError as error:
        raise HTTPException(404, str(error)) from None
    if not rows or "incident_id" in rows[0]:
        raise HTTPException(404, f"there is no alert {identity!r}")
    evidence = orjson.loads(rows[0]["evidence"] or "{}")
    return rows[0] | {"evidence": evidence, "cases": [row["case_id"] for row in rows]}


def _tables(made: APIRouter, owner: Owner) -> None:
    see = [needs(Permission.SEE)]

    @made.get("/assets", response_model=ROWS, dependencies=see, responses=refusals(400, 503))
    def assets(
        case: Text = None, zone: Text = None, ip: Text = None, text: Text = None, sort: Text = None,
        order: Annotated[str, Query(pattern="^(asc|desc)$")] = "asc", limit: Limit = 200, offset: Offset = 0,
    ) -> Response:  # fmt: skip
        """Hosts: what they are, where, since when. `text`: stands in the name, vendor, model or roles."""
        given = _equal(case_id=case, zone=zone) + _address(ip, "ip")
        if text is not None:
            words = "concat(hostname, ' ', vendor, ' ', model, ' ', mac, ' ', arrayStringConcat(roles, ' '))"
            given.append(f"positionCaseInsensitiveUTF8({words}, {quote(text)}) > 0")
        return _rows(owner, "assets", given, f"{_sort('assets', sort, 'ip')} {order}, ip, case_id", limit, offset)

    @made.get("/flows", response_model=ROWS, dependencies=see, responses=refusals(400, 503))
    def flows(
        case: Text = None, host: Text = None, app: Text = None,
        port: Annotated[int | None, Query(ge=0, le=65535)] = None, since: Time = None, until: Time = None,
        sort: Text = None, order: Annotated[str, Query(pattern="^(asc|desc)$")] = "desc", limit: Limit = 200,
        offset: Offset = 0,
    ) -> Response:  # fmt: skip
        """Flows, the latest first. `host`: at either end; `app`: or the service that the port tells."""
        given = _equal(case_id=case) + _address(host, "src_ip", "dst_ip")
        given += [f"dst_port = {port}"] if port is not None else []
        given += [f"(app = {quote(app)} OR service = {quote(app)})"] if app is not None else []
        given += [f"last_ts >= {literal('since', since)}"] if since is not None else []
        given += [f"first_ts < {literal('until', until)}"] if until is not None else []
        by = f"{_sort('flows', sort, 'last_ts')} {order}, flow_id, case_id"
        return _rows(owner, "flows", given, by, limit, offset)


def _equal(**wanted: str | None) -> list[str]:
    return [f"{column} = {quote(value)}" for column, value in wanted.items() if value is not None]


def _address(given: str | None, *columns: str) -> list[str]:
    from sensor.api.grid_filter import within

    return [f"({' OR '.join(within(given, column) for column in columns)})"] if given is not None else []


def _sort(table: str, wanted: str | None, usual: str) -> str:
    if wanted is not None and wanted not in _SORTS[table]:
        raise InputError(f"{table} are sorted by {', '.join(_SORTS[table])}, not by {wanted!r}")
    return wanted or usual


def _rows(owner: Owner, table: str, given: list[str], order: str, limit: int, offset: int) -> Response:
    where = f" WHERE {' AND '.join(given)}" if given else ""
    sql = f"SELECT * FROM {table}{where} ORDER BY {order} LIMIT {limit} OFFSET {offset}"
    return Response(as_list(b"".join(owner.query(sql, "JSONEachRow"))), media_type="application/json")


def _evidence(made: APIRouter, owner: Owner, config: Config, desk: Desk) -> None:
    folder = root_of(owner.location, config.evidence).resolve()

    @made.get(
        "/alerts/{identity}/evidence",
        response_class=FileResponse,
        responses=_MISSING | refusals(503) | {200: {"content": {"application/vnd.tcpdump.pcap": {}}}},
    )
    def evidence(request: Request, who: Reader, identity: Identity, case: Text = None) -> FileResponse:
        """The alert's packets, as pcapng; their SHA-256 is in the header `X-SHA256`."""
        alert = found(owner, identity, case)
        if not alert["evidence_file"]:
            raise HTTPException(404, alert["evidence_note"] or "no packets of this alert were kept")
        path = (folder / alert["evidence_file"]).resolve()
        if not path.is_relative_to(folder) or not path.is_file():
            raise HTTPException(404, "the packets of this alert are not kept any more")
        told = {"file": alert["evidence_file"], "sha256": alert["evidence_sha256"]}
        desk.log.record(who, "evidence.read", None, told, target=alert["alert_id"], address=address(request))
        name = f"{alert['alert_id']}.pcapng"
        headers = {"X-SHA256": alert["evidence_sha256"]}
        return FileResponse(path, media_type="application/vnd.tcpdump.pcap", filename=name, headers=headers)


def _questions(made: APIRouter, owner: Owner, desk: Desk) -> None:
    @made.post("/query", response_model=Answer, responses=refusals(400, 503))
    def query(request: Request, who: Asker, question: Question) -> Answer:
        """An answer to one SELECT, SHOW, DESCRIBE or EXPLAIN, in ClickHouse's SQL. It is noted who asked what."""
        check_log(who, question.sql)
        checked = check_reading(question.sql)
        desk.log.record(who, "query", None, {"sql": question.sql}, address=address(request))
        types: dict[str, str] = {}
        if checked.lstrip().lower().startswith(("select", "with", "(")):
            described = b"".join(owner.hunt(f"DESCRIBE (\n{checked}\n)", "JSONEachRow")).splitlines()
            types = {row["name"]: row["type"] for row in map(orjson.loads, described)}
            checked = f"SELECT * FROM (\n{checked}\n) LIMIT {question.limit + 1}"
        lines = b"".join(owner.hunt(checked, "JSONCompactEachRowWithNames")).splitlines()
        names, *rows = [orjson.loads(line) for line in lines[: question.limit + 1]] or [[]]
        told = [types.get(name, "String") for name in names]
        return Answer(columns=names, types=told, rows=rows, more=len(lines) > question.limit + 1)
