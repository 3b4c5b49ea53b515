"""`[[export]]`: what goes to other tools while `driftspan run` or `serve` runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  the types of fields are read when the file is
from typing import TYPE_CHECKING

from detectors.alert import SEVERITIES
from sensor.config_read import Reader, unknown
from sensor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sensor.export.job import Job

FORMATS = ("eve", "ocsf", "ecs", "cef", "stix", "zeek")
RECORDS = ("alerts", "incidents", "drift")
STATUSES = ("open", "returned", "learned", "muted", "closed", "merged")
WAYS = ("output", "syslog", "webhook")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class ExportEntry:
    """`name` names its cursor. One of `output`, `syslog` and `webhook` says where to; the others are as on the command
    line. `records` and `status` empty: all records, open ones and those whose outputs came back."""

    name: str
    to: str
    records: tuple[str, ...] = ()
    since: datetime | str = ""
    severity: str = ""
    status: tuple[str, ...] = ()
    case: str = ""
    where: str = ""
    output: str = ""
    syslog: str = ""
    webhook: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    secret_file: str = ""

    def job(self) -> Job:
        """InputError says what cannot be."""
        from sensor.export.job import Job
        from sensor.export.record import KINDS
        from sensor.export.source import Wanted
        from sensor.export.ways.syslog import Trust
        from sensor.store.guard import check_condition
        from sensor.when import literal

        names = self.records or (("alerts",) if self.where else RECORDS)
        wanted = Wanted(
            kinds=tuple(kind for kind in KINDS if kind in names or f"{kind}s" in names),
            since=literal("since", str(self.since)) if self.since else "",
            severity=self.severity,
            status=self.status or ("open", "returned"),
            case=self.case,
            where=check_condition(self.where, "where") if self.where else "",
        )
        trust = Trust(self.ca, self.certificate, self.key)
        places = {way: getattr(self, way) for way in WAYS}
        return Job(self.name, self.to, wanted, trust=trust, secret_file=self.secret_file, **places)


def check(reader: Reader, entries: Sequence[ExportEntry]) -> None:
    for index, entry in enumerate(entries):
        _check_words(reader, index, entry)
        if not _NAME.fullmatch(entry.name):
            raise reader.error(("export", index, "name"), "name is 1 to 64 letters, digits, dots, _ and -")
        if entry.name in [other.name for other in entries[:index]]:
            raise reader.error(("export", index, "name"), f"export {entry.name!r} is defined twice; rename one")
        given = [way for way in WAYS if getattr(entry, way)]
        if len(given) != 1:
            place = given[1] if given else "name"
            raise reader.error(("export", index, place), "an export has one of output, syslog and webhook")
        if entry.key and not entry.certificate:
            raise reader.error(("export", index, "key"), "key needs certificate, whose key it is")
        _check_place(reader, index, entry)


def _check_words(reader: Reader, index: int, entry: ExportEntry) -> None:
    for key, words, known in (
        ("to", (entry.to,), FORMATS),
        ("records", entry.records, RECORDS),
        ("status", entry.status, STATUSES),
        ("severity", (entry.severity,) if entry.severity else (), SEVERITIES),
    ):
        for word in words:
            if word not in known:
                raise reader.error(("export", index, key), unknown("format" if key == "to" else key, word, known))


def _check_place(reader: Reader, index: int, entry: ExportEntry) -> None:
    from sensor.export.ways.syslog import target
    from sensor.export.ways.webhook import checked

    try:
        if entry.syslog:
            target(entry.syslog)
        if entry.webhook:
            checked(entry.webhook)
    except InputError as error:
        raise reader.error(("export", index, "syslog" if entry.syslog else "webhook"), str(error)) from None
    try:
        entry.job()
    except InputError as error:
        raise reader.error(("export", index, "where" if "where" in str(error) else "since"), str(error)) from None
