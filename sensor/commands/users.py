"""`driftspan users`: users of the console and tokens of programs, kept beside the store."""

from __future__ import annotations

import getpass
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.commands.common import location, settings
from sensor.errors import DriftspanError, InputError
from sensor.output import chosen_format, show_rows
from sensor.program import user_of_system

if TYPE_CHECKING:
    from argparse import Namespace

    from sensor.access.desk import Desk
    from sensor.access.who import Who

Row = dict[str, object]
_LONGEST_LINE = 4096
_DAY = 86_400.0


def run(arguments: Namespace) -> int:
    loaded = settings(arguments)
    try:
        from sensor.access.desk import Desk
    except ModuleNotFoundError as error:
        raise DriftspanError(
            f"'driftspan users' needs {error.name}, which is not installed: pip install 'driftspan[console]'"
        ) from None
    from sensor.access.roles import Role
    from sensor.access.who import Who

    with closing(Desk(location(arguments, loaded), loaded)) as desk:
        # Whoever may write the file is its admin: the operating system has seen to who that is.
        who = Who(user_of_system(), Role.ADMIN, "command")
        action = {"list": _list, "add": _add, "role": _role, "password": _password, "totp": _totp, "remove": _remove,
                  "token": _token}[arguments.action]  # fmt: skip
        rows = action(arguments, desk, who)
    show_rows(rows, chosen_format(arguments.format))
    return 0


def _list(_: Namespace, desk: Desk, __: Who) -> list[Row]:
    return [row for user in desk.users.all() for row in (_user(desk, user.name), *_tokens(desk, user.name))]


def _user(desk: Desk, name: str) -> Row:
    user = desk.users.get(name)
    told = "one-time password" if user.must_change else ""
    return {
        "name": user.name, "kind": "user", "role": user.role.value,
        "second_factor": "yes" if user.second_factor else "", "note": "disabled" if user.disabled else told,
        "made": _when(user.made), "last": _when(user.last_login), "ends": "",
    }  # fmt: skip


def _tokens(desk: Desk, name: str) -> list[Row]:
    return [
        {
            "name": token.id, "kind": f"token of {name}", "role": " ".join(token.scopes), "second_factor": "",
            "note": token.label, "made": _when(token.made), "last": _when(token.used), "ends": _when(token.expires),
        }
        for token in desk.tokens.of(name)
    ]  # fmt: skip


def _add(arguments: Namespace, desk: Desk, who: Who) -> list[Row]:
    from sensor.access.roles import Role

    password, once = _given(arguments)
    with desk.database.change():
        user = desk.users.add(arguments.name, Role(arguments.role), password, once=once)
        desk.log.record(who, "users.add", None, {"role": user.role.value}, target=user.name)
    return [_shown(desk, arguments.name, password if once else "")]


def _role(arguments: Namespace, desk: Desk, who: Who) -> list[Row]:
    from sensor.access.roles import Role

    with desk.database.change():
        before = desk.users.get(arguments.name).role.value
        desk.users.set_role(arguments.name, Role(arguments.role))
        told = {"role": before}, {"role": arguments.role}
        desk.log.record(who, "users.change", *told, target=arguments.name)
    return [_user(desk, arguments.name)]


def _password(arguments: Namespace, desk: Desk, who: Who) -> list[Row]:
    desk.users.get(arguments.name)  # it is said before a password is asked for
    password, once = _given(arguments)
    with desk.database.change():
        desk.users.set_password(arguments.name, password, once=once)
        desk.log.record(who, "password.reset", target=arguments.name)
    return [_shown(desk, arguments.name, password if once else "")]


def _totp(arguments: Namespace, desk: Desk, who: Who) -> list[Row]:
    with desk.database.change():
        before = desk.users.get(arguments.name).second_factor
        desk.users.set_totp(arguments.name, "")
        desk.log.record(who, "totp.remove", {"totp": before}, {"totp": False}, target=arguments.name)
    return [_user(desk, arguments.name)]


def _remove(arguments: Namespace, desk: Desk, who: Who) -> list[Row]:
    row = _user(desk, arguments.name)
    with desk.database.change():
        desk.users.remove(arguments.name)
        desk.log.record(who, "users.remove", {"role": row["role"]}, target=arguments.name)
    return [row | {"note": "removed"}]


def _token(arguments: Namespace, desk: Desk, who: Who) -> list[Row]:
    from sensor.access.roles import Scope

    if arguments.remove:
        token = desk.tokens.get(arguments.name)
        with desk.database.change():
            desk.tokens.remove(token.id)
            desk.log.record(who, "tokens.remove", {"label": token.label, "user": token.user}, target=token.id)
        return [{"name": token.id, "kind": f"token of {token.user}", "note": "removed"}]
    desk.users.get(arguments.name)
    if arguments.days < 0:
        raise InputError("--days must not be negative; 0 is a token without an end")
    with desk.database.change():
        scopes = [Scope(name) for name in arguments.scope]
        token, key = desk.tokens.make(arguments.name, arguments.label or "command line", scopes, arguments.days * _DAY)
        told = {"label": token.label, "scopes": list(token.scopes), "user": token.user}
        desk.log.record(who, "tokens.add", None, told, target=token.id)
    return [{"name": token.id, "kind": f"token of {token.user}", "ends": _when(token.expires), "token": key}]


def _given(arguments: Namespace) -> tuple[str, bool]:
    """A password, and whether it holds for one login only."""
    if arguments.once:
        from sensor.access import passwords

        return passwords.made_up(), True
    if arguments.password_file:
        return _line(arguments.password_file), False
    if not sys.stdin.isatty():
        return _line("-"), False
    first = getpass.getpass(f"password of {arguments.name}: ")
    if first != getpass.getpass("again: "):
        raise InputError("the two passwords differ")
    return first, False


def _line(path: str) -> str:
    try:
        raw = sys.stdin.buffer.readline(_LONGEST_LINE) if path == "-" else _first(Path(path))
        found = raw.decode().rstrip("\r\n")
    except OSError as error:
        raise InputError(f"{path}: the password cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text; its first line is the password") from None
    if not found:
        raise InputError("the password is empty; its line comes from the terminal, stdin or --password-file")
    return found


def _first(path: Path) -> bytes:
    with path.open("rb") as handle:
        return handle.readline(_LONGEST_LINE)


def _shown(desk: Desk, name: str, password: str) -> Row:
    return _user(desk, name) | ({"password": password} if password else {})


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z") if seconds else ""
