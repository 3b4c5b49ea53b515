from __future__ import annotations

import os

import pytest

from sensor.errors import InputError
from sensor.store.server import place


def test_all_that_an_address_can_say(monkeypatch) -> None:
    monkeypatch.delenv(place.PASSWORD, raising=False)
    found = place.parse(
        "clickhouse://a%40b:p%3Aw@one,two:9001,[::1]:9002/plant?secure=1&verify=0&ca=x.pem&compression=none"
    )
    assert found.hosts == (("one", 9440), ("two", 9001), ("::1", 9002))
    assert (found.user, found.password, found.database) == ("a@b", "p:w", "plant")
    assert (found.secure, found.verify, found.ca, found.compression, found.http) == (
        True,
        False,
        "x.pem",
        "none",
        False,
    )
    assert str(found) == repr(found) == "clickhouses://a%40b@one:9440,two:9001,[::1]:9002/plant"
    assert place.parse("http://h").hosts == (("h", 8123),)
    assert place.parse("https://h").hosts == (("h", 8443),)
    assert place.parse("clickhouse://h").hosts == (("h", 9000),)
    assert place.parse("clickhouse://h").user == "default"


def test_the_password_leaves_the_address(monkeypatch) -> None:
    monkeypatch.setenv(place.PASSWORD, "old")
    assert place.without_password("clickhouse://u:s%40x@h/d?secure=1") == "clickhouse://u@h/d?secure=1"
    assert os.environ[place.PASSWORD] == "s@x"
    assert place.parse("clickhouse://u@h/d").password == "s@x"
    assert place.without_password("clickhouse://h/d") == "clickhouse://h/d"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ftp://h", "no kind of store 'ftp://'"),
        ("clickhouse://", "is no host and port"),
        ("clickhouse://h:x", "is no host and port"),
        ("clickhouse://h:99999", "is no host and port"),
        ("clickhouse://h,/d", "is no host and port"),
        ("clickhouse://h/a-b", "plain name"),
        ("clickhouse://h?secure=maybe", "secure is 1 or 0"),
        ("clickhouse://h?sekure=1", "did you mean 'secure'"),
        ("clickhouse://h?compression=zip", "no compression 'zip'"),
        ("clickhouse://[::1/d", "makes no sense"),
    ],
)
def test_what_makes_no_sense_is_said(address, words) -> None:
    with pytest.raises(InputError) as caught:
        place.parse(address.replace("://", "://user:a-secret-word@"))
    assert words in str(caught.value)
    assert "a-secret-word" not in str(caught.value)
