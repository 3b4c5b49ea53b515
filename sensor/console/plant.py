"""The plant: a map of hosts by Purdue level and zone, the inventory, one host whole."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import HTTPException, Path, Query, Response

from detectors.zones import INTERNET, Policy
from sensor.access.roles import Permission
from sensor.api.guard import needs
from sensor.console import plant_queries, queries
from sensor.console.asked import Case, Seer

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sensor.config import Config
    from sensor.console.console import Console

    Row = dict[str, Any]

STATES = {"assets.new": "new", "assets.changed": "changed", "assets.vanished": "silent"}
Short = Annotated[str, Query(max_length=128)]
Sort = Annotated[str, Query(pattern=f"^({'|'.join(plant_queries.SORTS)})$")]
Way = Annotated[str, Query(pattern="^(asc|desc)$")]


def add(app: FastAPI, console: Console) -> None:
    @app.get("/map", include_in_schema=False)
    def plant_map(who: Seer, case: Case = "") -> Response:
        cases = queries.cases(console.owner)
        shown = case or (cases[0] if cases else "")
        return console.page(who, "map", cases=cases, case=shown, drawn=drawn(console, shown))

    @app.get("/assets", include_in_schema=False)
    def assets(who: Seer) -> Response:
        return console.page(
            who, "assets", cases=queries.cases(console.owner), zones=[zone.name for zone in console.config.zones]
        )

    @app.get("/console/assets", include_in_schema=False, dependencies=[needs(Permission.SEE)])
    def rows(
        case: Case = "", zone: Short = "", text: Short = "", sort: Sort = "last_seen", order: Way = "desc",
        limit: Annotated[int, Query(ge=1, le=500)] = 50, offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    ) -> dict[str, Any]:  # fmt: skip
        """A page of the inventory."""
        found, total = plant_queries.inventory(console.owner, case, zone, text, (sort, order), (limit, offset))
        return {"rows": [row | {"baseline": STATES.get(row["baseline"], "as learnt")} for row in found], "total": total}

    @app.get("/assets/{ip}", include_in_schema=False)
    def asset(who: Seer, ip: Annotated[str, Path(max_length=64)], case: Case = "") -> Response:
        try:
            there = str(ipaddress.ip_address(ip))
        except ValueError:
            raise HTTPException(404, "this is no address") from None
        found = plant_queries.asset(console.owner, case, there)
        if not found:
            raise HTTPException(404, f"no host {there} was seen")
        of, store = found[0]["case_id"], console.owner
        return console.page(
            who, "assets", "asset.html", asset=found[0], others=[row["case_id"] for row in found[1:]],
            peers=plant_queries.peers(store, of, there), alerts=plant_queries.alerts(store, of, there),
            values=plant_queries.values(store, of, there), files=plant_queries.files(store, of, there),
            sessions=plant_queries.sessions(store, of, there), most=plant_queries.SHOWN,
        )  # fmt: skip


def drawn(console: Console, case: str) -> dict[str, Any]:
    """Hosts, and between two of them one edge with its protocols; times in milliseconds are for the page to filter."""
    hosts = plant_queries.map_hosts(console.owner, case)
    known = {row["ip"] for row in hosts}
    judge = _Judge(console.config)
    edges: dict[tuple[str, str], Row] = {}
    for row in plant_queries.map_edges(console.owner, case):
        if row["src_ip"] not in known or row["dst_ip"] not in known:
            continue
        edge = edges.setdefault(
            (row["src_ip"], row["dst_ip"]),
            {"source": row["src_ip"], "target": row["dst_ip"], "protocols": [], "bytes": 0, "flows": 0,
             "first": row["first"], "state": "allowed", "crosses": row["src_zone"] != row["dst_zone"]},
        )  # fmt: skip
        edge["protocols"].append(row["protocol"] or "unknown")
        edge["bytes"] += int(row["bytes"])
        edge["flows"] += int(row["flows"])
        edge["first"] = min(edge["first"], row["first"])
        edge["state"] = max(edge["state"], judge.state(row), key=("allowed", "unjudged", "violated").index)
    names = ("ip", "hostname", "vendor", "zone", "purdue_level", "roles", "first_seen")
    nodes = [{name: row[name] for name in names} for row in hosts]
    return {"hosts": nodes, "edges": list(edges.values()), "has_conduits": bool(console.config.conduits)}


class _Judge:
    """What the conduits say of a kind of session; operations are not known of flows."""

    def __init__(self, config: Config) -> None:
        self._policy = Policy(config.zones, config.conduits)
        self._zones = {zone.name: zone for zone in (INTERNET, *config.zones)}
        self._has = bool(config.conduits)

    def state(self, row: Row) -> str:
        if row["src_zone"] == row["dst_zone"]:
            return "allowed"
        clear = False if row["clear"] else (True if row["sealed"] else None)
        ends = self._zones.get(row["src_zone"]), self._zones.get(row["dst_zone"])
        if not self._has or None in ends:
            return "unjudged"
        return "allowed" if self._policy.decide(*ends, row["protocol"], "", clear).allowed else "violated"
