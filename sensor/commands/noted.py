"""What somebody changes at the command line goes to the access log, as what is changed in the console does."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from sensor.access.database import Database, folder_of
from sensor.access.log import AccessLog
from sensor.access.roles import Role
from sensor.access.who import Who
from sensor.errors import DriftspanError
from sensor.program import user_of_system
from sensor.service.log import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sensor.config import Config
    from sensor.store import Saying

    Note = Callable[[str, Mapping[str, object], Mapping[str, object], str], None]


@contextmanager
def noting(where: str, loaded: Config, store: Saying) -> Iterator[Note]:
    """Gives what takes a record: what, before, after, target. Who it was is the user of the system, whatever `--by`
    says; whoever may write the store is its admin. The log is opened before anything changes: StoreError or InputError
    where it cannot be."""
    with closing(Database(folder_of(where, loaded.console.state))) as database:
        log = AccessLog(database)

        def note(what: str, before: Mapping[str, object], after: Mapping[str, object], target: str) -> None:
            log.record(Who(user_of_system(), Role.ADMIN, "command"), what, before, after, target=target)

        yield note
        try:
            log.deliver(store, wait=True)
        except DriftspanError as error:
            say(f"{error}; what was done stands, the access log waits in {database.path}")
