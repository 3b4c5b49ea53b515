"""What the desk does over a store, on a server and on a cluster: the grid, the overview, exports, Sigma."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from sensor.alerts import ask
from sensor.api import grid
from sensor.api.grid_filter import Filter
from sensor.api.grid_order import Order
from sensor.console import open_alerts, queries
from sensor.store import open_reading
from tests.clickhouse.conftest import PCAPS
from tests.clickhouse.test_cluster import configured

_OF_TEN = " OR ".join(f"startsWith(replaceOne(toString({end}), '::ffff:', ''), '10.')" for end in ("src_ip", "dst_ip"))
LISTS = [
    (Filter(), "status = 'open'"),
    (Filter(status="all", severity="medium"), "severity >= 'medium'"),
    (Filter(status="muted"), "status = 'muted'"),
    (Filter(text="holding"), "status = 'open' AND lower(concat(title, ' ', summary, ' ', kind)) LIKE '%holding%'"),
    (Filter(host="10.0.0.0/8"), f"status = 'open' AND ({_OF_TEN})"),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["server", "cluster"])
def test_grid_overview_exports_and_rules_work_there(driftspan, engine, shards, database, kind) -> None:
    url = (engine if kind == "server" else shards[0]).url(database)
    more = ("--config", configured(driftspan, "driftspan")) if kind == "cluster" else ()
    driftspan.rows("replay", PCAPS / "demo.pcap", "--store", url, "--case", "demo", *more)
    alert = driftspan.rows("alerts", "--store", url)[0]["alert_id"]
    driftspan.rows("mute", alert, "--store", url, *more)
    rules = driftspan.rows("sigma", "run", "--store", url, *more)
    with closing(open_reading(url, "")) as store:
        for wanted, condition in LISTS:
            for order in (Order(), Order("severity"), Order("src_ip", descending=False)):
                found = grid.page(store, wanted, order, 100)
                truth = ask(store, f"SELECT alert_id, status FROM alerts WHERE {condition}")
                rows = {(row["alert_id"], row["status"]) for row in found.rows}
                assert rows == {(row["alert_id"], row["status"]) for row in truth}, (wanted, order)
                assert found.exact and found.total == len(truth)
        over = queries.span(store, "demo", "all")
        told = open_alerts.by_severity(store, open_alerts.opened(store, "demo", over))
        truth = ask(store, "SELECT severity, count() AS n FROM alerts WHERE status = 'open' GROUP BY severity")
        assert told == {row["severity"]: row["n"] for row in truth}
        assert queries.cases(store) == ["demo"]
        stamped = ask(store, "SELECT count() AS n FROM alert_rows WHERE stored > now() - INTERVAL 1 HOUR")
        everything = ask(store, "SELECT count() AS n FROM alerts")
        assert stamped == everything
    assert len(rules) == len(
        driftspan.rows("alerts", "--store", url, "--where", "detector = 'sigma'", "--status", "all")
    )
    done = driftspan("export", "--to", "eve", "--store", url, "--status", "all")
    assert done.returncode == 0, done.stderr
    eve = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(line["event_type"] == "alert" for line in eve) >= everything[0]["n"] > 10
    assert any(line.get("flow_id") for line in eve)
