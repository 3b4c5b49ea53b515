"""All of it together, as the API and the command line hold it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from sensor.access import passwords
from sensor.access.database import Database, folder_of
from sensor.access.log import AccessLog
from sensor.access.roles import Role
from sensor.access.sessions import Lifetimes, Sessions
from sensor.access.throttle import Throttle
from sensor.access.tokens import Tokens
from sensor.access.users import Users
from sensor.errors import DriftspanError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sensor.config import Config
    from sensor.store import Saying

FIRST_USER = "admin"
_AGAIN = 5.0  # seconds between two tries to deliver


class Desk:
    """`fixed`: a token from outside. InputError or StoreError says why the file cannot be used."""

    def __init__(self, location: str, config: Config, fixed: str = "", now: Callable[[], float] = time.time) -> None:
        console = config.console
        self.database = Database(folder_of(location, console.state))
        self.users = Users(self.database, now)
        lifetimes = Lifetimes(console.idle_minutes * 60.0, console.session_hours * 3600.0)
        self.sessions = Sessions(self.database, now, lifetimes)
        self.tokens = Tokens(self.database, now, fixed)
        self.throttle = Throttle(self.database, now)
        self.log = AccessLog(self.database)
        self.now = now

    def first_password(self) -> str:
        """Of the first user, made here, for once; empty where somebody has logged in before."""
        with self.database.change():
            known = self.users.all()
            if not known:
                password = passwords.made_up()
                self.users.add(FIRST_USER, Role.ADMIN, password, once=True)
                return password
            [only] = known if len(known) == 1 else [None]
            if only is None or only.name != FIRST_USER or only.last_login or not only.must_change:
                return ""
            password = passwords.made_up()
            self.users.set_password(FIRST_USER, password, once=True)
            return password

    def close(self) -> None:
        self.database.close()


class Deliverer(threading.Thread):
    """Takes the access log to the store, whenever there is news or it was refused before."""

    def __init__(self, desk: Desk, store: Saying, say: Callable[[str], None]) -> None:
        super().__init__(name="access-log", daemon=True)
        self._desk, self._store, self._say = desk, store, say
        self._news, self._over = threading.Event(), False
        self._failing = ""
        desk.log.news = self._news.set

    def run(self) -> None:
        while not self._over:
            self._news.wait(_AGAIN)
            self._news.clear()
            self.deliver()

    def deliver(self) -> None:
        if not self._desk.log.waiting():
            return
        try:
            self._desk.log.deliver(self._store)
            self._failing = ""
        except DriftspanError as error:
            if str(error) != self._failing:
                self._failing = str(error)
                self._say(f"{error}; the access log waits in {self._desk.database.path}")

    def end(self) -> None:
        self._over = True
        self._news.set()
        if self.is_alive():
            self.join(_AGAIN)
        self.deliver()
