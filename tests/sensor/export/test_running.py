"""`[[export]]`: read, refused, and run beside a console."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from sensor import config
from sensor.errors import ConfigError
from tests.sensor.conftest import Program, alert_row, write_alerts

GOOD = '[[export]]\nname = "siem"\nto = "cef"\nsyslog = "tcp://10.0.0.1"\n'


def test_an_entry_is_a_job() -> None:
    text = GOOD + 'severity = "high"\nrecords = ["alerts", "drift"]\nsince = 2026-03-01T00:00:00Z\n'
    (entry,) = config.parse(text, "d.toml").export
    job = entry.job()
    assert (job.name, job.to, job.syslog) == ("siem", "cef", "tcp://10.0.0.1")
    assert job.wanted.kinds == ("alert", "drift") and not job.wanted.takes("drift") and job.wanted.takes("alert")
    assert "2026-03-01 00:00:00" in job.wanted.since


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("cef", "cfe"), "d.toml:3: there is no format 'cfe'; did you mean 'cef'?"),
        (GOOD + 'output = "x"\n', "one of output, syslog and webhook"),
        (GOOD.replace('syslog = "tcp://10.0.0.1"', ""), "one of output, syslog and webhook"),
        (GOOD + GOOD, "is defined twice"),
        (GOOD.replace("siem", "../siem"), "d.toml:2: name is 1 to 64 letters"),
        (GOOD.replace("tcp:", "tpc:"), "d.toml:4: 'tpc://10.0.0.1' is no syslog receiver"),
        (GOOD + 'where = "1) OR (1"\n', "d.toml:5: where must be one condition"),
        (GOOD + 'since = "monday"\n', "d.toml:5: since 'monday' is no time"),
        (GOOD + 'key = "k.pem"\n', "key needs certificate"),
        (GOOD + 'statuss = ["open"]\n', "did you mean 'status'?"),
        (GOOD.replace('syslog = "tcp', 'webhook = "ftp'), "a webhook is http://"),
    ],
)  # fmt: skip
def test_entries_that_cannot_be(text, words) -> None:
    with pytest.raises(ConfigError) as raised:
        config.parse(text, "d.toml")
    assert words in str(raised.value)


def test_a_console_exports_what_comes(driftspan: Program) -> None:
    """Beside a console that owns the store; what was sent is not sent again by the next one."""
    write_alerts(driftspan.folder / "site", [alert_row(f"{n:032x}") for n in range(3)])
    (driftspan.folder / "driftspan.toml").write_text('[[export]]\nname = "file"\nto = "eve"\noutput = "out.json"\n')
    out = driftspan.folder / "out.json"
    for _ in range(2):
        command = [sys.executable, "-m", "sensor", "serve", "--store", "site", "--port", "0"]
        child = subprocess.Popen(command, cwd=driftspan.folder, stderr=subprocess.PIPE, text=True, env={**os.environ})
        try:
            assert any("listening on" in line for line in child.stderr)
            end = time.monotonic() + 90
            cursor = driftspan.folder / "site-exports" / "file.json"
            while time.monotonic() < end and child.poll() is None and not cursor.exists():
                time.sleep(0.1)
            time.sleep(1.5)  # of the second one: long enough to look
        finally:
            child.send_signal(signal.SIGTERM)
            said = child.communicate(timeout=60)[1]
        assert child.returncode == 0, said
    ids = [json.loads(line)["driftspan"]["alert_id"] for line in out.read_text().splitlines()]
    assert sorted(ids) == [f"{n:032x}" for n in range(3)]
