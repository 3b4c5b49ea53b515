"""The process that begins others: what it begins, what it refuses, and what is known of their ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sensor.errors import DriftspanError
from sensor.starter import Starter

ECHO = [sys.executable, "-c", "import sys; print('heard', sys.stdin.readline().strip()); sys.exit(7)"]
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def starter() -> Iterator[Starter]:
    made = Starter()
    yield made
    made.close()


def test_pipes_and_status_reach_who_asked(starter: Starter) -> None:
    child = starter.begin(ECHO, out=True)
    assert child.poll() is None and child.pid != os.getpid()
    child.stdin.write(b"this\n")
    child.stdin.close()
    assert child.stdout.read() == b"heard this\n"
    child.stdout.close()
    assert (child.wait(10), child.poll()) == (7, 7)


def test_a_program_is_ended_and_that_is_known(starter: Starter) -> None:
    child = starter.begin(SLEEP)
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.05)
    child.terminate()
    assert child.wait(10) == -signal.SIGTERM
    child.kill()  # of one that has ended: nothing happens
    child.stdin.close()


def test_once_it_is_sealed_only_what_was_named_is_begun(starter: Starter) -> None:
    starter.allow(SLEEP)
    starter.seal()
    child = starter.begin(SLEEP)
    with pytest.raises(DriftspanError, match="was not named at the start"):
        starter.begin([*SLEEP, "more"])
    with pytest.raises(DriftspanError, match="does not do that"):
        starter.allow(ECHO)
    with pytest.raises(DriftspanError, match="does not do that"):
        starter.ask({"do": "signal", "pid": os.getpid(), "number": signal.SIGKILL})
    child.kill()
    assert child.wait(10) == -signal.SIGKILL
    child.stdin.close()


def test_programs_outlive_it_and_a_dead_one_is_a_sentence(starter: Starter) -> None:
    child = starter.begin(ECHO, out=True)
    os.kill(starter.pid, signal.SIGKILL)
    child.stdin.write(b"on\n")
    child.stdin.close()
    assert child.stdout.read() == b"heard on\n"
    child.stdout.close()
    assert child.wait(10) == -1, "nobody is left who could know"
    with pytest.raises(DriftspanError, match="is gone"):
        starter.begin(ECHO)


def test_signals_to_all_are_not_for_it(starter: Starter) -> None:
    starter.allow(SLEEP)  # it is there by now
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(starter.pid, number)
    child = starter.begin([sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGTERM))"], out=True)
    assert child.stdout.read() in (b"0\n", b"Handlers.SIG_DFL\n"), "what it begins has them as they were"
    for pipe in (child.stdin, child.stdout):
        pipe.close()
    assert child.wait(10) == 0
