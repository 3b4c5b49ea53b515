from __future__ import annotations

import time
from pathlib import Path

import pytest

from detectors import address, learning
from detectors.zones import Policy
from sensor import config
from sensor.alerting import LearningSection, nanoseconds
from sensor.errors import ConfigError

ZONES = """
[[zone]]
name = "cell"
level = 1
cidrs = ["10.1.0.0/16"]

[[zone]]
name = "office"
level = 4
kind = "it"
cidrs = ["10.9.0.0/16"]
"""


def refused(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        config.parse(text, "plant.toml")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_nothing_is_the_defaults() -> None:
    assert config.parse("", "x") == config.Config()


def test_everything_is_read() -> None:
    read = config.parse(
        ZONES
        + """
[sensor]
name = "s1"
[capture]
window_seconds = 5
workers = 4
[limits]
flows = 1000
[store]
path = "/var/lib/x"
[[conduit]]
from = "office"
to = "cell"
protocols = ["opcua"]
operations = ["read"]
encrypted = true
direction = "push_only"
[[model]]
id = "m"
hosts = ["10.1.0.5"]
approved = { "1.0" = "%s" }
rollback_minutes = 5
[[data_source]]
id = "d"
models = ["m"]
[detectors.scan]
enabled = false
"""
        % ("ab" * 32),
        "x",
    )
    assert read.sensor.name == "s1"
    assert (read.capture.window_seconds, read.capture.workers) == (5.0, 4)
    assert read.limits == {"flows": 1000}
    assert [zone.level for zone in read.zones] == [1.0, 4.0]
    conduit = read.conduits[0]
    assert (conduit.source, conduit.target, conduit.encrypted) == ("office", "cell", True)
    assert conduit.direction == "push_only"
    assert read.models[0].approved == {"1.0": "ab" * 32}
    assert read.data_sources[0].models == ("m",)
    assert read.detectors == {"scan": {"enabled": False}}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[stoer]\n", 1, "did you mean 'store'"),
        ("\n[store]\npaht = 'x'\n", 3, "did you mean 'path'"),
        ("[console]\nports = 1\n", 2, "did you mean 'port'"),
        ("[console]\nport = 65536\n", 2, "port must be between 0"),
        ("[console]\nhost = ''\n", 2, "host is empty"),
        ("[intake]\ninference = 'x'\n", 2, "must be a list"),
        ("[store]\npath = 3\n", 2, "'path' must be a text"),
        ("[capture]\nworkers = true\n", 2, "'workers' must be a whole number"),
        ("[capture]\nworkers = 0\n", 2, "between 1 and"),
        ("[capture]\nwindow_seconds = -1\n", 2, "above 0"),
        ("[capture]\nwindow_seconds = nan\n", 2, "above 0"),
        ("store = 3\n", 1, "must be a table"),
        ("[limits]\nflow = 3\n", 2, "did you mean 'flows'"),
        ("[limits]\nflows = -3\n", 2, "above 0"),
        ("[limits]\nflows = 'many'\n", 2, "above 0"),
        ("[store]\ndatabase = 'a b'\n", 2, "plain name"),
        ("[zone]\nname = 'x'\n", 1, "two brackets"),
        ("[store\n", 1, "no TOML"),
        ("[store]\npath = 'a'\npath = 'b'\n", 3, "no TOML"),
        ("[[zone]]\nlevel = 1\n", 1, "lacks 'name'"),
        ("[[model]]\nid = 'm'\n[[model]]\nid = 'm'\n", 4, "defined twice"),
        ("[[data_source]]\nid = 'd'\nmodels = ['nope']\n", 3, "no model 'nope'"),
        ("[[data_source]]\nid = 'd'\nhosts = ['10.0.0.999']\n", 3, "data source 'd'"),
        ("[[data_source]]\nid = 'd'\ntags = ['a', 'u1/nope/3']\n", 3, "names no Modbus registers"),
        ("[[model]]\nid = 'm'\nmanifest = 'a.sig'\n", 3, "needs manifest_key or manifest_certificate"),
    ],
)
def test_the_line_and_the_mend_are_named(text: str, line: int, words: str) -> None:
    message = refused(text)
    assert message.startswith(f"plant.toml:{line}: "), message
    assert words in message


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("[[zone]]\nname='cell'\nlevel=1\ncidrs=['10.3.0.0/16'] #!\n", "defined twice"),
        (
            "[[zone]]\nname='x'\nlevel=1\ncidrs=['10.1.0.0/16'] #!\n",
            "10.1.0.0/16 is a network of zone 'x' and of zone 'cell'",
        ),
        ("[[zone]]\nname='x'\nlevel=1\ncidrs=['10.1.0.0/16'] #!\nvlans=[7]\n", "name vlans in both"),
        ("[[zone]]\nname='x'\nlevel=1\ncidrs=['10.1.2.3/24'] #!\n", "write 10.1.2.0/24"),
        ("[[zone]]\nname='x'\nlevel=1\ncidrs=['10.1.2'] #!\n", "does not appear to be"),
        ("[[zone]]\nname='x'\nlevel=7 #!\ncidrs=['10.3.0.0/16']\n", "no Purdue level"),
        ("[[zone]]\nname='x'\nlevel=2.2 #!\ncidrs=['10.3.0.0/16']\n", "no Purdue level"),
        ("[[zone]]\nname='x'\nlevel=1\nkind='edge-ai' #!\ncidrs=['10.3.0.0/16']\n", "did you mean 'edge_ai'"),
        ("[[zone]] #!\nname='x'\nlevel=1\n", "names no network"),
        ("[[zone]]\nname='x'\nlevel=1\nvlans=[5000] #!\n", "VLAN 5000"),
        ("[[zone]]\nname='x'\nlevel=1\nmacs=['zz'] #!\n", "no hardware address"),
        ("[[conduit]]\nfrom='ofice' #!\nto='cell'\nprotocols=['any']\n", "did you mean 'office'"),
        ("[[conduit]]\nfrom='office'\nto='nowhere' #!\nprotocols=['any']\n", "no zone 'nowhere'"),
        ("[[conduit]]\nfrom='cell'\nto='cell' #!\nprotocols=['any']\n", "to itself"),
        ("[[conduit]] #!\nfrom='office'\nto='cell'\n", "no protocol"),
        ("[[conduit]]\nfrom='office'\nto='cell'\nprotocols=['any']\noperations=['reed'] #!\n", "'read'"),
        ("[[conduit]]\nfrom='office'\nto='cell'\nprotocols=['any']\ndirection='bot' #!\n", "'both'"),
        ("[[conduit]]\nfrom='office'\nto='cell'\nprotocols=['any']\ntls='1.4' #!\n", "no version of TLS '1.4'"),
        ("[[conduit]]\nfrom='office'\nto='cell'\nprotocols=['any']\ntls=1.2 #!\n", "must be a text"),
        ("[[conduit]]\nfrom='office'\nto='cell'\nprotocols='any' #!\n", "must be a list"),
    ],
)
def test_zones_and_conduits_that_cannot_be(extra: str, words: str) -> None:
    text = ZONES + extra
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "#!" in row)
    message = refused(text)
    if "defined twice" in words:
        line -= 2  # the name is two lines above its networks
    assert message.startswith(f"plant.toml:{line}: "), message
    assert words in message


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[learning]\nsecond = 3\n", 2, "did you mean 'seconds'"),
        ("[learning]\nseconds = -1\n", 2, "between 0 and"),
        ("[learning]\nseconds = inf\n", 2, "between 0 and"),
        ("[learning]\nquiet_windows = 0\n", 2, "at least 1"),
        ("[learning]\nquiet_windows = 1.5\n", 2, "must be a whole number"),
        ("[learning]\ndevice_seconds = nan\n", 2, "between 0 and"),
        ("[alerting]\nfalse_alarms = 1\n", 2, "did you mean 'false_alarms_per_day'"),
        ("[alerting]\nfalse_alarms_per_day = 0\n", 2, "above 0"),
        ("[alerting]\nfalse_alarms_per_day = 'one'\n", 2, "must be a number"),
        ("[alerting]\nchanges = 'c.csv'\n", 2, "must be a list"),
        (
            "[[change]]\nid = 'c'\nstart = 2026-03-01T10:00:00Z\nend = 2026-03-01T10:00:00Z\n",
            4,
            "ends before it begins",
        ),
        ("[[change]]\nid = 'c'\nstart = 'soon'\nend = 2026-03-01T10:00:00Z\n", 3, "'start' must be a time"),
        ("[[change]]\nid = 'c'\nstart = 7\nend = 2026-03-01T10:00:00Z\n", 3, "'start' must be a time"),
        ("[[change]]\nid = 'c'\nstart = 2026-03-01T10:00:00Z\n", 1, "lacks 'end'"),
        ("[[change]]\nid = ''\nstart = '2026-03-01'\nend = '2026-03-02'\n", 2, "empty id"),
        ("[[change]]\nid = 'c'\nstart = '2026-03-01'\nend = '2026-03-02'\nhosts = ['plc']\n", 5, "neither an address"),
        ("[[change]]\nid = 'c'\nstart = '2026-03-01'\nend = '2026-03-02'\nactions = ['wirte']\n", 5, "mean 'write'"),
        ("[[change]]\nid = 'c'\nstart = '2026-03-01'\nend = '2026-03-02'\n" * 2, 6, "defined twice"),
        ("[[change]]\nticket = 'c'\n", 2, "no key in [[change]]"),
        ("[[suppress]]\nnote = 'x'\n", 1, "every alert quiet"),
        ("[[suppress]]\nsrc = '10.0.0.0/8'\n", 2, "is no address"),
        ("[[suppress]]\nkind = 'scan.port'\n", 2, "did you mean 'scan.ports'"),
        ("[[suppress]]\nkind = 'scan.ports'\nuntil = 'later'\n", 3, "must be a time"),
    ],
)
def test_what_teaches_the_sensor(text: str, line: int, words: str) -> None:
    message = refused(text)
    assert message.startswith(f"plant.toml:{line}: "), message
    assert words in message


def test_changes_and_suppressions_are_read() -> None:
    read = config.parse(
        "[learning]\nseconds = 60\n[alerting]\nfalse_alarms_per_day = 0.5\nchanges = ['c.csv']\n"
        "[[change]]\nid = 'c'\nstart = 2026-03-01T11:00:00+01:00\nend = '2026-03-01 12:00'\nhosts = ['10.1.0.5']\n"
        "[[suppress]]\nkind = 'other.kind'\nsrc = '10.1.0.5'\n",
        "x",
    )
    assert read.learning.settings() == learning.Settings(seconds=60.0)
    assert (read.alerting.false_alarms_per_day, read.alerting.changes) == (0.5, ("c.csv",))
    change = read.changes[0].change()
    assert (change.end - change.start, change.hosts) == (2 * 3600 * 10**9, ("10.1.0.5",))
    assert nanoseconds(read.changes[0].start) == 1_772_359_200 * 10**9
    quiet = read.suppressed[0].suppression()
    assert (quiet.kind, quiet.until, quiet.dst) == ("other.kind", 0, bytes(16))


def test_defaults_of_learning_are_the_detectors_own() -> None:
    assert LearningSection().settings() == learning.Settings()


def test_networks_that_vlans_tell_apart_may_be_equal() -> None:
    zone = "[[zone]]\nname='{}'\nlevel=1\ncidrs=['192.168.0.0/24']\nvlans=[{}]\n"
    assert len(config.parse(zone.format("a", 10) + zone.format("b", 20), "x").zones) == 2
    assert "192.168.0.0/24" in refused(zone.format("a", 10) + zone.format("b", 10))


def test_a_zone_may_lie_inside_another() -> None:
    zone = "[[zone]]\nname='{}'\nlevel=1\ncidrs=['{}']\n"
    zones = config.parse(zone.format("site", "10.0.0.0/8") + zone.format("cell", "10.0.1.0/24"), "x").zones
    found = Policy(zones)
    names = [found.zone_of(address.parse(ip)) for ip in ("10.0.1.7", "10.0.2.7")]
    assert [place.name if place else None for place in names] == ["cell", "site"]


def test_a_detectors_setting_that_does_not_exist(tmp_path: Path) -> None:
    path = tmp_path / "driftspan.toml"
    path.write_text("[sensor]\nname = 'x'\n[detectors.scan]\nenabled = true\nnonsense = 1\n")
    with pytest.raises(ConfigError, match=r"driftspan.toml:5: .*nonsense"):
        config.check_detectors(config.load(path), path)
    path.write_text("[detectors.skan]\nenabled = true\n")
    with pytest.raises(ConfigError, match=r"driftspan.toml:1: .*skan"):
        config.check_detectors(config.load(path), path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        config.load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"[sensor]\nname = '\xe9'\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        config.load(tmp_path / "latin.toml")


def test_the_file_here_is_used_when_none_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.find(None) is None
    (tmp_path / "driftspan.toml").write_text("")
    assert config.find(None) == Path("driftspan.toml")
    assert config.find("other.toml") == Path("other.toml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = " + "[" * 100_000, "d.toml: is nested too deeply"),
        ("a = " + "{a = " * 3000, "d.toml: is nested too deeply"),
        ("a" + ".a" * 100_000 + " = 1", "d.toml:1: the key is nested too deeply"),
        ("[capture]\nworkers = " + "9" * 10_000, "d.toml: holds a number of thousands of digits"),
        ("[sensor]\nname = '" + "x" * (5 << 20) + "'", "d.toml: is larger than 4 MiB"),
        ("k" * 100_000 + " = 1", "d.toml:1: there is no section 'kkkk"),
        ("[sensor]\nname = 'a\0b'", "d.toml:2: is no TOML"),
        ("[capture]\nwindow_seconds = nan", "d.toml:2: window_seconds must be above 0"),
    ],
)
def test_a_hostile_file_is_one_sentence_at_once(text: str, words: str) -> None:
    begun = time.process_time()
    with pytest.raises(ConfigError) as raised:
        config.parse(text, "d.toml")
    assert str(raised.value).startswith(words) and len(str(raised.value)) < 1000
    assert time.process_time() - begun < 5
