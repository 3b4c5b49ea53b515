from __future__ import annotations

import socket

import pytest

from sensor.service.systemd import notify, ready


@pytest.fixture
def ears(tmp_path, monkeypatch: pytest.MonkeyPatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as made:
        made.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield made


def test_what_is_told(ears, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    ready(10)
    assert ears.recv(4096) == b"READY=1"
    monkeypatch.setenv("WATCHDOG_USEC", "1")
    ready(10)
    assert ears.recv(4096) == b"READY=1\nWATCHDOG_USEC=120000000"
    ready(3600)
    assert ears.recv(4096) == b"READY=1\nWATCHDOG_USEC=14400000000", "some windows, however long"


def test_whoever_does_not_read_holds_up_nobody(ears) -> None:
    for _ in range(2000):  # more than any queue of datagrams takes
        notify("WATCHDOG=1")
    assert ears.recv(4096) == b"WATCHDOG=1"


def test_nobody_there_is_said_and_nothing_else(tmp_path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "none"))
    notify("STOPPING=1")
    assert "systemd cannot be told STOPPING=1: No such file" in capsys.readouterr().err
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify("STOPPING=1")
    assert capsys.readouterr().err == ""
