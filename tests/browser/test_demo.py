"""`make demo`: one command, and a console with something in it; the address and the password are printed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys

from tests.browser.desk import PASSWORD, ROOT, Watched


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def test_the_demonstration_ends_in_a_filled_console(tmp_path, browser):
    driftspan = tmp_path / "driftspan"
    driftspan.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sensor "$@"\n')
    driftspan.chmod(0o755)
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DEMO_PORT": str(port)}
    command = ["bash", "tests/setup/demo.sh", str(driftspan), str(tmp_path / "demo-store")]
    child = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said = []
    try:
        assert child.stdout is not None
        for line in child.stdout:
            said.append(line)
            if found := re.search(r"one-time password (\S+)", line):
                break
        else:
            raise AssertionError("".join(said))
        address = re.search(r"listening on (http://127\.0\.0\.1:\d+)", "".join(said))
        assert address and address[1].endswith(f":{port}")
        assert re.search(r"^case +packets +bytes ", "".join(said), re.MULTILINE), "the summary is printed"
        watched = Watched(browser.new_context(), address[1])
        page = watched.log_in("admin", found[1])
        page.wait_for_url("**/password")
        page.fill("#old", found[1])
        page.fill("#new", PASSWORD)
        page.fill("#again", PASSWORD)
        page.click("#change button")
        page.wait_for_selector("[data-tile=alerts]")
        page.goto(address[1] + "/alerts")
        page.wait_for_selector("#grid .tabulator-row")
        watched.context.close()
        watched.check()
    finally:
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)
    assert child.returncode == 0
