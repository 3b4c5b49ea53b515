"""Users, sessions, tokens and tries, with a clock of the test's own."""

from __future__ import annotations

import dataclasses
import stat
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest

from sensor.access import passwords, throttle, totp
from sensor.access.database import Database, folder_of
from sensor.access.desk import Desk
from sensor.access.roles import Role, Scope
from sensor.access.tokens import FIXED
from sensor.config import Config, ConsoleSection
from sensor.errors import InputError, StoreError

PASSWORD = "correct horse battery"


class Clock:
    def __init__(self) -> None:
        self.at = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path, clock, monkeypatch) -> Iterator[Desk]:
    # The hash is the library's; here it may be quick. One test below looks at the real one.
    monkeypatch.setattr(passwords, "_hasher", passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    monkeypatch.setattr(passwords, "_nobody", [])
    made = Desk(str(tmp_path / "store"), Config(), "fixed-token-0123456789", now=clock)
    yield made
    made.close()


def test_hashes_are_argon2id_of_rfc_9106_and_old_ones_are_renewed(desk) -> None:
    from argon2 import PasswordHasher

    real = PasswordHasher().hash(PASSWORD)
    assert real.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    desk.users.add("ann", Role.VIEWER, PASSWORD)
    desk.database.run("UPDATE users SET password = ?", real)
    assert desk.users.password_right("ann", PASSWORD)
    [row] = desk.database.rows("SELECT password FROM users")
    assert row["password"] != real and PASSWORD not in str(desk.database.rows("SELECT * FROM users"))


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "the-ann-of-green", "x" * 257])
def test_passwords_that_are_easily_guessed_are_refused(desk, password) -> None:
    with pytest.raises(InputError):
        desk.users.add("ann", Role.VIEWER, password)
    assert desk.users.all() == []


@pytest.mark.parametrize("name", ["", "-x", "a b", "ä", "x" * 65, "a\n"])
def test_names_are_plain(desk, name) -> None:
    with pytest.raises(InputError, match="name"):
        desk.users.add(name, Role.VIEWER, PASSWORD)


def test_there_is_always_an_admin(desk) -> None:
    desk.users.add("one", Role.ADMIN, PASSWORD)
    for act in (
        lambda: desk.users.remove("one"),
        lambda: desk.users.set_role("one", Role.VIEWER),
        lambda: desk.users.set_disabled("one", disabled=True),
    ):
        with pytest.raises(InputError, match="only admin"):
            act()
    desk.users.add("two", Role.ADMIN, PASSWORD)
    desk.users.remove("one")
    assert [user.name for user in desk.users.all()] == ["two"]


def test_a_session_ends_idle_and_at_all(desk, clock) -> None:
    desk.users.add("ann", Role.ANALYST, PASSWORD)
    key, csrf = desk.sessions.begin("ann", "10.0.0.1", "agent")
    who = desk.sessions.who(key)
    assert who is not None and (who.name, who.role, who.csrf, who.via) == ("ann", Role.ANALYST, csrf, "session")
    assert desk.sessions.who(key + "x") is None
    assert key not in str(desk.database.rows("SELECT * FROM sessions"))
    for _ in range(23):  # used every half hour less a minute: for hours, and not for ever
        clock.at += 29 * 60
        assert desk.sessions.who(key) is not None
    clock.at += 29 * 60 * 2
    assert desk.sessions.who(key) is None
    key, _ = desk.sessions.begin("ann", "", "")
    clock.at += 30 * 60 + 1
    assert desk.sessions.who(key) is None
    key, _ = desk.sessions.begin("ann", "", "")
    begun = clock.at
    while desk.sessions.who(key):
        clock.at += 600
    assert 12 * 3600 < clock.at - begun <= 12 * 3600 + 600
    assert desk.sessions.of("ann") == []


def test_a_page_that_only_stands_open_keeps_no_session(desk, clock) -> None:
    desk.users.add("ann", Role.ANALYST, PASSWORD)
    key, _ = desk.sessions.begin("ann", "", "")
    for _ in range(180):
        clock.at += 10
        assert desk.sessions.who(key, used=False) is not None
    clock.at += 10
    assert desk.sessions.who(key) is None


def test_sessions_end_with_what_they_hang_on(desk) -> None:
    desk.users.add("one", Role.ADMIN, PASSWORD)
    desk.users.add("ann", Role.ANALYST, PASSWORD)

    def begun() -> str:
        return str(desk.sessions.begin("ann", "", "")[0])

    key = begun()
    desk.users.set_password("ann", PASSWORD + "!")
    assert desk.sessions.who(key) is None
    key = begun()
    desk.users.set_disabled("ann", disabled=True)
    assert desk.sessions.who(key) is None and desk.users.password_right("ann", PASSWORD + "!") is None
    desk.users.set_disabled("ann", disabled=False)
    key, other = begun(), begun()
    assert desk.sessions.end_all("ann", but=key) == 1
    assert desk.sessions.who(key) and not desk.sessions.who(other)
    _, shown = desk.tokens.make("ann", "x", [Scope.READ])
    desk.users.remove("ann")
    assert desk.sessions.who(key) is None and desk.tokens.who(shown) is None


def test_tokens_are_shown_once_and_end(desk, clock) -> None:
    desk.users.add("ann", Role.ANALYST, PASSWORD)
    token, key = desk.tokens.make("ann", "siem", [Scope.READ, Scope.INTAKE], seconds=60)
    who = desk.tokens.who(key)
    assert who is not None and who.name == "ann" and who.scopes == {Scope.READ, Scope.INTAKE}
    assert key not in str(desk.database.rows("SELECT * FROM tokens"))
    clock.at += 60
    assert desk.tokens.who(key) is None
    token, key = desk.tokens.make("ann", "siem", [Scope.READ])
    clock.at += 10 * 365 * 86_400
    assert desk.tokens.who(key)
    desk.tokens.remove(token.id)
    assert desk.tokens.who(key) is None
    assert desk.tokens.who("fixed-token-0123456789") == FIXED and desk.tokens.who("") is None
    for label, scopes in (("", [Scope.READ]), ("x", []), ("a\nb", [Scope.READ])):
        with pytest.raises(InputError):
            desk.tokens.make("ann", label, scopes)


# RFC 6238, appendix B: SHA-1, the last six of eight digits
VECTORS = [
    (59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"),
    (20000000000, "353130"),
]  # fmt: skip
KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize(("now", "code"), VECTORS)
def test_codes_are_those_of_the_rfc(now, code) -> None:
    assert totp.period_of(KEY, code, now, 0) == now // 30
    assert totp.period_of(KEY, code, now + 30, 0) and not totp.period_of(KEY, code, now + 61, 0)
    assert totp.period_of(KEY, f"{code[:3]} {code[3:]}", now, 0)
    assert not totp.period_of(KEY, code, now, now // 30)  # once
    for wrong in ("", "x", "12345", "١٢٣٤٥٦", "-" + code, code + "0"):
        assert not totp.period_of(KEY, wrong, now, 0)


def test_a_code_is_right_once(desk, clock) -> None:
    desk.users.add("ann", Role.ANALYST, PASSWORD)
    assert not desk.users.code_right("ann", "000000")
    desk.users.set_totp("ann", KEY)
    code = pyotp.TOTP(KEY).at(int(clock.at))
    assert desk.users.code_right("ann", code) and not desk.users.code_right("ann", code)


def test_tries_wait_longer_and_longer(desk, clock) -> None:
    for _ in range(throttle.FREE["pair"]):
        assert desk.throttle.wait("ann", "10.0.0.1") == 0
        desk.throttle.failed("ann", "10.0.0.1")
    waits = []
    for _ in range(12):
        waits.append(desk.throttle.wait("ann", "10.0.0.1"))
        clock.at += waits[-1]
        assert desk.throttle.wait("ann", "10.0.0.1") == 0
        desk.throttle.failed("ann", "10.0.0.1")
    assert waits[:4] == [2, 4, 8, 16] and waits[-1] == 900
    assert desk.throttle.wait("ann", "10.0.0.2") == 0  # her own address is not locked
    for number in range(throttle.FREE["address"]):
        desk.throttle.failed(f"user{number}", "10.0.0.9")
    assert desk.throttle.wait("another", "10.0.0.9") > 0  # one that tries many names
    desk.throttle.succeeded("ann", "10.0.0.9")
    assert desk.throttle.wait("another", "10.0.0.9") > 0
    clock.at += 3601
    assert desk.throttle.wait("another", "10.0.0.9") == 0


def test_the_file_is_for_its_owner_alone(tmp_path) -> None:
    folder = folder_of(str(tmp_path / "site"))
    assert folder == tmp_path / "site-console"
    Database(folder).close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    (folder / "access.db").chmod(0o644)
    with pytest.raises(InputError, match="chmod 600"):
        Database(folder)
    (folder / "access.db").chmod(0o600)
    folder.chmod(0o755)
    with pytest.raises(InputError, match="chmod 700"):
        Database(folder)
    folder.chmod(0o700)
    (folder / "access.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="cannot be used"):
        Database(folder)
    (folder / "access.db").unlink()
    (folder / "access.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError):
        Database(folder)
    assert folder_of("clickhouse://h/d", "") == Path("driftspan-console")
    assert folder_of("clickhouse://h/d", str(tmp_path)) == tmp_path


def test_a_change_is_whole_or_not_at_all(desk) -> None:
    def breaks_off() -> None:
        with desk.database.change():
            desk.users.add("ann", Role.VIEWER, PASSWORD)
            desk.log.record(FIXED, "users.add", target="ann")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        breaks_off()
    assert desk.users.all() == [] and desk.log.waiting() == 0


def test_the_first_password_is_made_until_it_was_used(desk) -> None:
    first, second = desk.first_password(), desk.first_password()
    assert first and second and first != second
    user = desk.users.password_right("admin", second)
    assert user is not None and user.must_change and desk.users.password_right("admin", first) is None
    desk.users.logged_in("admin")
    assert desk.first_password() == ""


def test_lifetimes_come_from_the_configuration(tmp_path, clock) -> None:
    section = ConsoleSection(idle_minutes=1, session_hours=1, state=str(tmp_path / "s"))
    made = Desk("ignored", dataclasses.replace(Config(), console=section), now=clock)
    assert (made.sessions.lifetimes.idle, made.sessions.lifetimes.absolute) == (60, 3600)
    made.close()
    assert (tmp_path / "s" / "access.db").exists()
