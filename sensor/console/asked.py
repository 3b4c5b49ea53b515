"""Parameters that several pages share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from sensor.access.roles import Permission
from sensor.access.who import Who
from sensor.api.guard import needs
from sensor.console.queries import RANGES

Seer = Annotated[Who, needs(Permission.SEE)]
Hunter = Annotated[Who, needs(Permission.QUERY)]
Range = Annotated[str, Query(pattern="^(" + "|".join(RANGES) + ")$")]
Case = Annotated[str, Query(max_length=128)]
Identity = Annotated[str, Path(pattern="^[0-9a-f]{4,32}$")]
