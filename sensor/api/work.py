"""Routes by which people change something: verdicts, models, steps of runbooks. Each change goes to the access log."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from detectors.models import Model, checked
from sensor import model_registry, verdicts
from sensor.access.roles import Permission
from sensor.access.who import Who
from sensor.alerts import ask
from sensor.api.guard import address, needs
from sensor.api.shapes import refusals
from sensor.errors import InputError
from sensor.model_registry import APPROVE, REVOKE, UNDO, Record
from sensor.store.literal import quote
from sensor.when import deadline

if TYPE_CHECKING:
    from sensor.access.desk import Desk
    from sensor.api.owner import Owner
    from sensor.config import Config

MOST_AT_ONCE = 1_000  # alerts of one verdict
Analyst = Annotated[Who, needs(Permission.VERDICT)]
Keeper = Annotated[Who, needs(Permission.MODELS)]
Name = Annotated[str, Path(min_length=1, max_length=200)]
Note = Annotated[str, Field(max_length=2000)]
Id = Annotated[str, Field(pattern="^[0-9a-f]{4,32}$")]


class Meant(BaseModel):
    """An alert or incident; `case_id`: which of those that several cases have."""

    alert_id: Id
    case_id: str | None = Field(default=None, max_length=128)


class Said(BaseModel):
    """`duration`: 8h, 30d; `until`: a moment; neither: until it is taken back. `in_case`: it holds for the alert's case
    only."""

    action: Literal["learn", "mute", "close", "unlearn"]
    alerts: list[Meant] = Field(min_length=1, max_length=MOST_AT_ONCE)
    note: Note = ""
    duration: str = Field(default="", max_length=16)
    until: str = Field(default="", max_length=64)
    in_case: bool = False


class Done(BaseModel):
    """`refused`: a sentence for each that could not be."""

    done: int
    refused: list[str]


class Approval(BaseModel):
    """`sha256`: of the version's files; empty: as it was approved before."""

    version: str = Field(min_length=1, max_length=200)
    sha256: list[str] = Field(default=[], max_length=100)
    note: Note = ""


class Revocation(BaseModel):
    """`what`: a version that is approved, or a SHA-256."""

    what: str = Field(min_length=1, max_length=200)
    note: Note = ""


class Undoing(BaseModel):
    """`record`: empty for the last of the model that counts."""

    record: str = Field(default="", max_length=64)
    note: Note = ""


class Step(BaseModel):
    done: bool
    note: Note = ""


def router(owner: Owner, config: Config, desk: Desk) -> APIRouter:
    made = APIRouter(prefix="/api/v1", tags=["work"])
    _verdicts(made, owner, desk)
    _models(made, owner, config, desk)
    _runbooks(made, owner, desk)
    return made


def _verdicts(made: APIRouter, owner: Owner, desk: Desk) -> None:
    @made.post("/verdicts", response_model=Done, responses=refusals(400, 503))
    def say(request: Request, who: Analyst, said: Said) -> Done:
        """A verdict on alerts or incidents. Those that it makes no sense for are told, the others are done."""
        expiry = deadline(said.until or None, said.duration or None)
        if expiry and said.action not in ("learn", "mute"):
            raise InputError(f"{said.action} has no end; leave duration and until out")
        refused = []
        for meant in said.alerts:
            narrow = said.in_case or said.action == "close"
            saying = verdicts.Saying(said.action, meant.case_id if narrow else None, who.name, expiry, said.note)
            try:
                before, after = verdicts.change(owner, meant.alert_id, saying)
            except InputError as error:
                refused.append(str(error))
                continue
            told = verdicts.told(saying, before, after)
            desk.log.record(who, "verdict.say", *told, target=after["alert_id"], address=address(request))
        return Done(done=len(said.alerts) - len(refused), refused=refused)


def _models(made: APIRouter, owner: Owner, config: Config, desk: Desk) -> None:
    def record(request: Request, who: Who, draft: Record, before: dict[str, object]) -> dict[str, Any]:
        stored = model_registry.say(owner, draft, time.time_ns())
        told = model_registry.told(stored)
        desk.log.record(who, f"models.{draft.action}", before, told, target=draft.model_id, address=address(request))
        return asdict(stored)

    @made.post("/models/{model}/approve", response_model=dict[str, Any], responses=refusals(400, 503))
    def approve(request: Request, who: Keeper, model: Name, approval: Approval) -> dict[str, Any]:
        """This version is the newest from now on."""
        known = _known(owner, config, model)
        try:
            sums = tuple(dict.fromkeys(checked(model, digest) for digest in approval.sha256))
        except ValueError as error:
            raise InputError(str(error)) from None
        if not sums and approval.version not in known.approved:
            raise InputError(f"version {approval.version!r} was not approved before: say its sha256")
        draft = Record(
            APPROVE, known.id, who.name, approval.note, approval.version, sums or known.sums(approval.version),
            origin="console",
        )  # fmt: skip
        model_registry.check_approve(known, draft)
        return record(request, who, draft, model_registry.before(known, draft))

    @made.post("/models/{model}/revoke", response_model=dict[str, Any], responses=refusals(400, 503))
    def revoke(request: Request, who: Keeper, model: Name, revocation: Revocation) -> dict[str, Any]:
        """A version or a sum must not be used any more."""
        known = _known(owner, config, model)
        version, sums = model_registry.sums_of(known, revocation.what.strip())
        if set(sums) <= {checked(known.id, digest) for digest in known.revoked}:
            raise InputError(f"{revocation.what!r} of {known.id!r} is revoked already")
        draft = Record(REVOKE, known.id, who.name, revocation.note, version, sums, origin="console")
        return record(request, who, draft, model_registry.before(known, draft))

    @made.post("/models/{model}/undo", response_model=dict[str, Any], responses=refusals(400, 503))
    def undo(request: Request, who: Keeper, model: Name, undoing: Undoing) -> dict[str, Any]:
        """Takes back what was said last of the model, or the record that is named."""
        last = model_registry.last_of(model_registry.records(owner), undoing.record or model)
        if last.model_id != model:
            raise InputError(f"record {undoing.record!r} is of another model")
        draft = replace(
            last, action=UNDO, analyst=who.name, note=undoing.note, undoes=last.record, origin=last.action, ts=0
        )
        return record(request, who, draft, model_registry.before(None, draft, last))


def _known(owner: Owner, config: Config, wanted: str) -> Model:
    for model in model_registry.running(owner, config.models):
        if model.id == wanted:
            return model
    raise InputError(f"there is no model {wanted!r}")


_STEP = "^[a-z0-9._-]{1,64}(/[a-z0-9._-]{1,64})?$"


def _runbooks(made: APIRouter, owner: Owner, desk: Desk) -> None:
    """Steps are kept by the id of the incident or of the alert: no two things share one."""

    def checked_off(
        request: Request, who: Who, table: str, identity: str, step: str, said: Step
    ) -> list[dict[str, Any]]:
        column = "incident_id" if table == "incident_rows" else "alert_id"
        found = ask(owner, f"SELECT case_id FROM {table} WHERE {column} = {quote(identity)} ORDER BY case_id LIMIT 1")
        if not found:
            raise InputError(f"there is no {column.partition('_')[0]} {identity!r}")
        before = [row for row in steps(owner, identity) if row["step"] == step]
        row = {"ts": time.time_ns(), "incident_id": identity, "step": step, "analyst": who.name, **said.model_dump()}
        owner.record("runbook_steps", found[0]["case_id"], [row])
        desk.log.record(
            who, "runbook.step", {"done": bool(before and before[0]["done"])}, {"step": step, **said.model_dump()},
            target=identity, address=address(request),
        )  # fmt: skip
        return steps(owner, identity)

    @made.put(
        "/incidents/{incident}/steps/{step:path}", response_model=list[dict[str, Any]], responses=refusals(400, 503)
    )
    def of_incident(
        request: Request, who: Annotated[Who, needs(Permission.RUNBOOK)],
        incident: Annotated[str, Path(pattern="^[0-9a-f]{32}$")], step: Annotated[str, Path(pattern=_STEP)], said: Step,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """A step of the runbook is done, or open again. Gives all steps of the incident that were said anything of."""
        return checked_off(request, who, "incident_rows", incident, step, said)

    @made.put("/alerts/{alert}/steps/{step:path}", response_model=list[dict[str, Any]], responses=refusals(400, 503))
    def of_alert(
        request: Request, who: Annotated[Who, needs(Permission.RUNBOOK)],
        alert: Annotated[str, Path(pattern="^[0-9a-f]{32}$")], step: Annotated[str, Path(pattern=_STEP)], said: Step,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """The same of an alert's runbook."""
        return checked_off(request, who, "alert_rows", alert, step, said)


def steps(owner: Owner, incident: str) -> list[dict[str, Any]]:
    """What was said last of each step of the runbook of an incident or alert."""
    return ask(
        owner,
        "SELECT step, argMax(done, s.ts) AS done, argMax(analyst, s.ts) AS analyst, argMax(note, s.ts) AS note,"
        f" max(s.ts) AS ts FROM runbook_steps AS s WHERE incident_id = {quote(incident)} GROUP BY step ORDER BY step",
    )
