from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from sensor import cli

HEAVY = {"chdb", "pyarrow", "numpy", "pandas", "orjson", "river", "detectors", "parsers", "tomllib", "asyncio"}


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom sensor.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print('\\nloaded', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1].split()[1:]
    assert "argparse" in loaded
    assert HEAVY & set(loaded) == set()


def test_help_answers_at_once() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(5):
        subprocess.run([sys.executable, "-m", "sensor", "--help"], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used / 5 < 0.2  # 0.04 s where nothing else runs


def test_a_query_loads_no_columns_library(driftspan, capture) -> None:
    driftspan.rows("replay", capture)
    code = (
        "import sys\nfrom sensor.cli import main\nmain(['query', 'SELECT 1'])\n"
        "print('loaded', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=driftspan.folder
    )
    loaded = set(done.stdout.splitlines()[-1].split()[1:])
    assert "chdb" in loaded
    assert loaded & {"pyarrow", "numpy", "pandas", "parsers"} == set()


def test_a_replay_loads_no_pandas(driftspan, capture) -> None:
    """It takes a third of a second; both pyarrow and chDB import it when they are asked the wrong way."""
    code = (
        f"import sys\nfrom sensor.cli import main\nmain(['replay', {str(capture)!r}])\nprint('pandas' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=driftspan.folder
    )
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["learn"],
        ["learn", "abcd", "--until", "2200-01-01", "--for", "8h"],
        ["close", "abcd", "--for", "8h"],
        ["alerts", "--status", "gone"],
        ["tune", "--false-alarms-per-day", "few"],
        ["query"],
        ["query", "SELECT 1", "--format", "xml"],
        ["alerts", "--severity", "dire"],
        ["flows", "--limit", "many"],
        ["flows", "--severity", "low"],
        ["replay", "x.pcap", "--pace", "fast"],
    ],
)
def test_bad_usage_is_status_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[-1].startswith("driftspan")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("driftspan ")


def test_what_nobody_expected_is_one_sentence(monkeypatch, capsys) -> None:
    def broken(_: object) -> int:
        raise ZeroDivisionError("by\nzero \x1b[2J")

    monkeypatch.setattr("sensor.commands.doctor.run", broken)
    monkeypatch.delenv("DRIFTSPAN_TRACEBACK", raising=False)
    assert cli.main(["doctor"]) == 1
    assert capsys.readouterr().err == (
        "driftspan: unexpected ZeroDivisionError: by zero \\x1b[2J (set DRIFTSPAN_TRACEBACK=1 to see where)\n"
    )
    monkeypatch.setenv("DRIFTSPAN_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        cli.main(["doctor"])


def test_a_closed_pipe_is_no_complaint(driftspan, capture) -> None:
    driftspan.rows("replay", capture)
    command = f"{sys.executable} -m sensor query 'SELECT number FROM numbers(1000000)' --format ndjson | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True, text=True, cwd=driftspan.folder, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, '{"number":0}\n', "")
