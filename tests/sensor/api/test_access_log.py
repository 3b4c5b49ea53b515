"""What people do over the API and the command line is in the log, and the log shows when it was edited."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from tests.sensor.api.conftest import ROOT, Server, program
from tests.sensor.api.people import PASSWORD, Person, admin, first_password, member

EDIT = """
import sys
from sensor.store import Layout
from sensor.store.chdb_writing import ChdbStore
from pathlib import Path
store = ChdbStore(Path("driftspan-store"), "driftspan", "s", Layout())
for statement in sys.argv[1:]:
    store._session.run(statement)
store.close()
"""


def test_the_log_tells_who_did_what_and_that_it_was_edited(tmp_path) -> None:
    server = Server(tmp_path, token="")
    try:
        chief = admin(server)
        ann = member(chief, "ann", "analyst")
        assert chief.ask("PATCH", "/api/v1/users/ann", {"role": "engineer"})[0] == 200
        assert ann.ask("POST", "/api/v1/query", {"sql": "SELECT 1 AS one"})[2]["rows"] == [[1]]
        assert ann.ask("POST", "/api/v1/query", {"sql": "SELECT * FROM access_log"})[0] == 403
        assert ann.ask("POST", "/api/v1/query", {"sql": "SELECT * FROM merge('driftspan', 'acc.*')"})[0] == 403
        refused = Person(server, "ann", "wrong password here")
        assert refused.status == 401 and refused.told == {"detail": "the name, the password or the code is wrong"}
        added = subprocess.run(
            [sys.executable, "-m", "sensor", "users", "add", "bob", "--role", "auditor", "--format", "ndjson"],
            cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, input=PASSWORD + "\n", capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert added.returncode == 0, added.stderr
        bob = Person(server, "bob", PASSWORD)
        assert bob.told["must"] == ""
        status, _, rows = bob.ask("GET", "/api/v1/access-log")
        assert status == 200
        told = [(row["who"], row["what"], row["target"]) for row in reversed(rows)]
        for wanted in (("admin", "session.begin", ""), ("admin", "users.add", "ann"), ("admin", "users.change", "ann"),
                       ("ann", "query", ""), ("ann", "session.refused", "ann"), ("bob", "session.begin", "")):  # fmt: skip
            assert wanted in told, told
        [change] = [row for row in rows if row["what"] == "users.change"]
        assert (json.loads(change["before"])["role"], json.loads(change["after"])["role"]) == ("analyst", "engineer")
        assert [row["via"] for row in rows if row["target"] == "bob"] == ["command"]
        assert PASSWORD not in json.dumps(rows) and "wrong password" not in json.dumps(rows)
        assert [row["seq"] for row in rows] == list(range(len(rows), 0, -1))
    finally:
        assert server.end() == 0, server.said
    whole = program(tmp_path, "ledger", "verify", "--format", "ndjson")
    assert whole.returncode == 0, whole.stderr
    assert [json.loads(line)["records"] for line in whole.stdout.splitlines()] == [len(rows)] * 2  # chain and tree
    number = next(row["seq"] for row in rows if row["what"] == "users.change")
    edit = f"ALTER TABLE access_log UPDATE who = 'ann' WHERE seq = {number} SETTINGS mutations_sync = 2"
    subprocess.run(
        [sys.executable, "-c", EDIT, edit], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=True, timeout=60
    )
    found = program(tmp_path, "ledger", "verify", "--format", "ndjson")
    assert found.returncode == 1
    assert [(row["result"], row["seq"]) for row in map(json.loads, found.stdout.splitlines())] == [("changed", number)]
    edit = f"ALTER TABLE access_log DELETE WHERE seq >= {number} SETTINGS mutations_sync = 2"
    subprocess.run(
        [sys.executable, "-c", EDIT, edit], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=True, timeout=60
    )
    found = program(tmp_path, "ledger", "verify", "--format", "ndjson")
    assert found.returncode == 1 and json.loads(found.stdout)["result"] == "removed"


def test_logging_in(tmp_path) -> None:
    """Cookie, second factor, and tries that wait."""
    import pyotp

    server = Server(tmp_path, token="")
    try:
        early = Person(server, "admin", password := first_password(server))
        assert early.ask("GET", "/api/v1/alerts")[0] == 403  # the password first
        assert early.ask("GET", "/alerts")[1]["location"] == "/password"
        before = early.cookie
        assert early.ask("POST", "/api/v1/session/password", {"old": password, "new": "short"})[0] == 400
        early.renew(password)
        assert early.cookie != before and early.ask("GET", "/api/v1/alerts")[0] == 200
        stale = Person(server)
        stale.cookie = before
        assert stale.ask("GET", "/api/v1/alerts")[0] == 401
        cookie = early.ask("POST", "/api/v1/session", {"name": "admin", "password": PASSWORD})[1]["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" not in cookie  # there is no TLS here
        early = Person(server, "admin", PASSWORD)
        secret = early.ask("POST", "/api/v1/session/totp")[2]
        assert secret["uri"].startswith("otpauth://totp/") and secret["svg"].startswith("<svg")
        code = pyotp.TOTP(secret["secret"])
        given = {"secret": secret["secret"], "code": code.now(), "password": "not hers, at all"}
        assert early.ask("PUT", "/api/v1/session/totp", given)[0] == 403
        while int(time.time()) % 30 > 25:  # the code is to be good for some seconds
            time.sleep(0.5)
        given |= {"code": code.now(), "password": PASSWORD}
        assert early.ask("PUT", "/api/v1/session/totp", given)[0] == 204
        asked = Person(server, "admin", PASSWORD)
        assert asked.status == 401 and asked.headers["x-needs"] == "code"
        assert Person(server, "admin", PASSWORD, given["code"]).status == 401  # it was used
        assert Person(server, "admin", PASSWORD, code.at(int(time.time()) + 30)).status == 200
        statuses = [Person(server, "nobody", "whatever it is").status for _ in range(7)]
        assert statuses[:5] == [401] * 5 and 429 in statuses
        waiting = Person(server, "nobody", "whatever it is")
        assert waiting.status == 429 and int(waiting.headers["retry-after"]) > 0
        assert early.ask("DELETE", "/api/v1/session")[0] == 204
        assert early.ask("GET", "/api/v1/alerts")[0] == 401
    finally:
        assert server.end() == 0, server.said
    assert PASSWORD not in "".join(server.said)
