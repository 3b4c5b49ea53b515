from __future__ import annotations

import os

import pytest

from sensor import config
from sensor.errors import ConfigError
from sensor.service.config import address
from sensor.service.credentials import credential
from sensor.store.server.place import PASSWORD, without_password


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[log]\nformat = "xml"\n', r":2: there is no format of the log 'xml'"),
        ('[log]\nlevel = "warn"\n', r":2: .* did you mean 'warning'"),
        ('[metrics]\nlisten = "9642"\n', r":2: '9642' is no address with a port"),
        ('[metrics]\nlisten = "host:99999"\n', r":2: 'host:99999' is no address"),
        ('[metrics]\ntextfile = "x.txt"\n', r":2: textfile must end in .prom"),
        ("[metrics]\nport = 3\n", r":2: there is no key in \[metrics\] 'port'"),
    ],
)  # fmt: skip
def test_bad_sections(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        config.parse(text, "driftspan.toml")


def test_addresses() -> None:
    assert address("127.0.0.1:9642") == ("127.0.0.1", 9642)
    assert address("[::1]:9642") == ("::1", 9642)


def test_a_servers_password_may_be_a_credential(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv(PASSWORD, "from the environment")
    (tmp_path / "store-password").write_text("from systemd\n")
    assert without_password("clickhouse://ops@localhost/d") == "clickhouse://ops@localhost/d"
    assert os.environ[PASSWORD] == "from the environment"
    monkeypatch.delenv(PASSWORD)
    without_password("clickhouse://ops@localhost/d")
    assert os.environ[PASSWORD] == "from systemd"


def test_credentials(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert credential("token") == ""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert credential("token") == ""
    (tmp_path / "token").write_text("0123456789abcdef0123\nmore\n")
    assert credential("token") == "0123456789abcdef0123"
    (tmp_path / "token").write_text("-")
    assert credential("token") == "", "what the unit says where there is none"
