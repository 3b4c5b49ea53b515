"""The slice of packets of an alert, as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import HTTPException, Request, Response
from fastapi.responses import FileResponse

from sensor.api.guard import address, desk_of
from sensor.console.alerts import alert_of
from sensor.console.asked import Case, Examiner, Identity
from sensor.evidence.keeping import root_of

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI

    from sensor.console.console import Console


def add(app: FastAPI, console: Console) -> None:
    @app.get("/console/alerts/{identity}/pcapng", include_in_schema=False)
    def pcapng(request: Request, who: Examiner, identity: Identity, case: Case = "") -> Response:
        """Who took packets away is in the access log."""
        alert = alert_of(console, identity, case)
        file = slice_of(console, str(alert["evidence_file"]))
        if file is None:
            raise HTTPException(404, "this alert's packets were not kept, or not so long")
        told = {"file": alert["evidence_file"], "sha256": alert["evidence_sha256"]}
        desk_of(request).log.record(
            who, "evidence.download", after=told, target=alert["alert_id"], address=address(request)
        )
        return FileResponse(file, media_type="application/x-pcapng", filename=f"{alert['alert_id']}.pcapng")


def slice_of(console: Console, name: str) -> Path | None:
    """A file below the directory of evidence, and nowhere else."""
    root = root_of(console.location, console.config.evidence).resolve()
    file = (root / name).resolve()
    return file if name and file.is_relative_to(root) and file.is_file() else None
