"""Pages of the grid are what the view `alerts` says, whatever was replaced and said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, random, sys, itertools
from tests.sensor.conftest import alert_row
from sensor.api import grid
from sensor.api.grid_filter import Filter
from sensor.api.grid_order import Order
from sensor.alerts import ask
from sensor.store import CaptureFacts, open_store
from sensor.store.chdb_reading import ChdbReading
from pathlib import Path

dice = random.Random(8)
path = sys.argv[1]
store = open_store(path, "driftspan", "s")
S = 10**9
T0 = 1_760_000_000 * S
ids = ["%032x" % dice.getrandbits(128) for _ in range(300)]
hosts = [bytes(10) + b"\\xff\\xff" + bytes([10, 0, 0, n]) for n in range(6)]
for case in ("a", "b"):
    store.begin_case(case, [CaptureFacts(("%032x" % ord(case)), case)])
    for state in range(4):  # later states replace earlier ones, some of them with another severity
        rows = []
        for identity in ids:
            if state and dice.random() < 0.5:
                continue
            last = T0 + dice.randrange(72 * 3600) * S + state * 7200 * S
            rows.append(alert_row(identity, ts=last, first_ts=last - dice.randrange(3600) * S, last_ts=last,
                severity=dice.choice(["info", "low", "medium", "high", "critical"]), kind=dice.choice(["scan.ports", "scan.hosts", "commands.restart"]),
                detector="scan", src_ip=dice.choice(hosts), dst_ip=dice.choice(hosts), src_zone=dice.choice(["x", "y", ""]),
                dst_zone=dice.choice(["x", "z"]), protocol=dice.choice(["modbus", "dnp3"]), title="Title", count=dice.randrange(9),
                summary=dice.choice(["Register 12_5 written", "100% of a pump", "quiet"]), suppressed=dice.choice(["", "", "", "why"])))
        store.upsert("alert_rows", rows)
        store.flush()
latest = {(r["case_id"], r["alert_id"]): int(r["last"]) for r in ask(store, "SELECT case_id, alert_id, toUnixTimestamp64Nano(max(last_ts)) AS last FROM alert_rows GROUP BY 1, 2")}
said = []
for number, identity in enumerate(dice.sample(ids, 150)):
    for again in range(dice.choice([1, 1, 2])):
        action = dice.choice(["learn", "mute", "close", "unlearn"])
        case = dice.choice(["a", "b"]) if action == "close" else dice.choice(["", "", "a", "b"])
        expiry = dice.choice([0, 0, T0 // 2, 2**62]) if action in ("learn", "mute") else 0
        seen = latest[case, identity] - dice.choice([0, 0, 5 * S]) if action == "close" else 0
        said.append((case, {"ts": T0 + number * 10 * S + again, "alert_id": identity, "action": action, "analyst": "me", "expiry": expiry, "last_seen": seen, "note": ""}))
for case in ("", "a", "b"):
    store.record("verdicts", case, [row for of, row in said if of == case])
reading = ChdbReading(Path(path), "driftspan", owned=True)
SECONDS = 1_760_000_000
wanted = [
    (Filter(), "status = 'open'"),
    *((Filter(status=s), f"status = '{s}'") for s in ("learned", "muted", "closed")),
    (Filter(status="all"), "1"),
    (Filter(severity="high"), "status = 'open' AND severity >= 'high'"),
    (Filter(kind="scan.ports", case="a"), "status = 'open' AND kind = 'scan.ports' AND case_id = 'a'"),
    (Filter(host="10.0.0.2"), "status = 'open' AND (src_ip = toIPv6('10.0.0.2') OR dst_ip = toIPv6('10.0.0.2'))"),
    (Filter(host="10.0.0.2/31", status="all"), "(src_ip IN (toIPv6('10.0.0.2'), toIPv6('10.0.0.3')) OR dst_ip IN (toIPv6('10.0.0.2'), toIPv6('10.0.0.3')))"),
    (Filter(zone="x", protocol="dnp3"), "status = 'open' AND (src_zone = 'x' OR dst_zone = 'x') AND protocol = 'dnp3'"),
    (Filter(text="register 12_5"), "status = 'open' AND summary LIKE 'Register%'"),
    (Filter(text="0% OF"), "status = 'open' AND summary LIKE '100%'"),
    (Filter(text="nothing like it"), "0"),
    (Filter(since="2025-10-10T00:00:00Z", until="2025-10-11T00:00:00Z"), "status = 'open' AND last_ts >= '2025-10-10 00:00:00' AND first_ts < '2025-10-11 00:00:00'"),
]
bad = []
count = 0
sorts = itertools.cycle(itertools.product(("last_ts", "severity", "src_ip", "count", "src_zone", "first_ts", "last_ts"), (True, False)))
for (given, sql), (sort, down) in zip(wanted * 2, sorts):
    order = Order(sort, down)
    way = "DESC" if down else "ASC"
    by = f"last_ts {way}" if sort == "last_ts" else f"{sort} {way}, last_ts DESC"
    truth = ask(reading, f"SELECT case_id, alert_id, status, severity, last_ts FROM alerts WHERE {sql} ORDER BY {by}, sipHash64(alert_id), case_id")
    whole = []
    page = grid.page(reading, given, order, 120)
    if page.total > len(truth) if page.more else page.total != len(truth) if page.exact else page.total < len(truth):
        bad.append(("total", str(given), sort, page.total, len(truth)))
    whole += page.rows
    while page.next:
        page = grid.page(reading, given, order, 120, cursor=page.next)
        whole += page.rows
    names = ("case_id", "alert_id", "status", "severity", "last_ts")
    count += len(truth)
    if [[r[n] for n in names] for r in whole] != [[r[n] for n in names] for r in truth]:
        bad.append(("cursor", str(given), sort, down, len(whole), len(truth)))
    second = grid.page(reading, given, order, 25, 25).rows
    if [r["alert_id"] for r in second] != [r["alert_id"] for r in truth[25:50]]:
        bad.append(("offset", str(given), sort, down))
one = grid.one(reading, ids[0], None)
view = ask(reading, f"SELECT * FROM alerts WHERE alert_id = '{ids[0]}' ORDER BY case_id")
if one != view:
    bad.append(("one", one, view))
reading.close()
store.begin_case("a", [CaptureFacts(("%032x" % ord("a")), "a")])  # a replay takes the place of an earlier one
left = ask(store, "SELECT DISTINCT case_id FROM alert_grid")
store.close()
print(json.dumps({"bad": bad, "count": count, "left": left}))
"""


def test_pages_are_those_of_the_view(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "store")], cwd=Path(__file__).parents[3], capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["bad"] == []
    assert told["count"] > 2_000
    assert told["left"] == [{"case_id": "b"}]


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "WzEsMl0", "WyJhIiwgLTEsIDBd"])
def test_a_cursor_that_no_page_gave_is_refused(cursor) -> None:
    from sensor.api.grid_order import place_of
    from sensor.errors import InputError

    with pytest.raises(InputError, match="cursor"):
        place_of(cursor)
