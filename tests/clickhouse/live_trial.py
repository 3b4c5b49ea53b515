"""Run inside a network namespace of its own: `driftspan run` on a veth pair, with a server as its store that is killed meanwhile.

live_trial.py FOLDER

Prints what came of it as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.clickhouse.engine import Engine
from tests.integration.live_trial import Live, demo
from tests.parsers.mirror_port import cable


def served(folder: Path) -> dict[str, Any]:
    server = Engine(folder / "server").start()
    evidence, spool = folder / "evidence", folder / "spool"
    live = Live(folder, f'[evidence]\npath = "{evidence}"\n[store]\nspool = "{spool}"\n')
    live.store = server.url("plant")
    try:
        live.begin()
        demo()
        live.until(lambda: live.rows()["modbus"] == 743)
        alert = live.ask("alerts")[0]["alert_id"]
        live.ask("learn", alert, "--by", "tester")
        live.until(lambda: json.loads((spool / "said").read_text())["verdicts"])
        [status], [running] = live.ask("status"), live.ask("sensors")
        server.kill()
        demo()
        live.until(lambda: "rows wait in the spool" in live.said())
        time.sleep(1)
        server.start()
        live.until(lambda: live.rows()["modbus"] == 2 * 743)
        ended = live.end()
        [stopped] = live.ask("sensors")
        states = {row["alert_id"]: row["status"] for row in live.ask("alerts", "--status", "all")}
        return {
            "exit": ended,
            "rows": live.rows(),
            "status": status["state"],
            "sensors": [running["state"], stopped["state"]],
            "learned": states[alert],
            "said": live.said(),
            "files": sorted(path.name for path in spool.iterdir()),
        }
    finally:
        server.kill()


if __name__ == "__main__":
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    cable()
    json.dump(served(Path(sys.argv[1])), sys.stdout, default=str)
