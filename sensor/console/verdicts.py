"""What people say of alerts, of many at once: each is recorded as `driftspan learn`, `mute`, `close`, `unlearn` do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import Request
from pydantic import BaseModel, Field

from sensor import verdicts
from sensor.access.roles import Permission
from sensor.access.who import Who
from sensor.api.guard import address, desk_of, needs
from sensor.errors import InputError
from sensor.when import deadline, iso

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sensor.console.console import Console

MOST = 1_000  # alerts at once
Teller = Annotated[Who, needs(Permission.VERDICT)]


class Meant(BaseModel):
    alert_id: str = Field(pattern="^[0-9a-f]{32}$")
    case_id: str = Field(max_length=128)


class Said(BaseModel):
    """`duration`: as in 8h or 7d, of mute; empty: until it is taken back."""

    action: Literal["learn", "mute", "close", "unlearn"]
    alerts: list[Meant] = Field(min_length=1, max_length=MOST)
    note: str = Field(default="", max_length=2000)
    duration: str = Field(default="", max_length=16)


class Done(BaseModel):
    """`refused`: a sentence for each alert of which this could not be said."""

    done: int
    refused: list[str]


def add(app: FastAPI, console: Console) -> None:
    @app.post("/console/verdicts", include_in_schema=False)
    def say(request: Request, who: Teller, said: Said) -> Done:
        """Learning, muting and taking back hold for the cause in every case, closing for what was seen in one."""
        expiry = deadline(None, said.duration) if said.duration and said.action == "mute" else 0
        done, refused = 0, []
        log, where = desk_of(request).log, address(request)
        for meant in said.alerts:
            case = meant.case_id if said.action == "close" else None
            saying = verdicts.Saying(said.action, case, who.name, expiry, said.note)
            try:
                now = verdicts.say(console.owner, meant.alert_id, saying)
            except InputError as error:
                refused.append(str(error))
                continue
            done += 1
            told = {"status": now["status"], "until": iso(expiry) if expiry else "", "note": said.note}
            log.record(who, f"verdict.{said.action}", after=told, target=meant.alert_id, address=where)
        return Done(done=done, refused=refused)
