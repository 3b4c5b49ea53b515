"""Where a server is: `clickhouse://user:password@host:port[,host2:port2]/database?secure=1`."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from sensor.config_read import unknown
from sensor.errors import InputError
from sensor.service.credentials import credential

PASSWORD = "DRIFTSPAN_STORE_PASSWORD"  # noqa: S105  the name of a variable
SCHEMES = ("clickhouse", "clickhouses", "http", "https")
COMPRESSIONS = ("lz4", "none")
_OPTIONS = ("secure", "verify", "ca", "compression")
_PORTS = {(False, False): 9000, (False, True): 9440, (True, False): 8123, (True, True): 8443}  # (HTTP, TLS)
_YES, _NO = ("1", "true", "yes"), ("0", "false", "no")


@dataclass(frozen=True, slots=True, repr=False)
class Place:
    """`hosts` are tried in turn. `ca`: a file of authorities to trust in place of the system's."""

    hosts: tuple[tuple[str, int], ...]
    user: str = "default"
    password: str = ""
    database: str = ""
    secure: bool = False
    verify: bool = True
    ca: str = ""
    http: bool = False
    compression: str = "lz4"

    def __str__(self) -> str:
        """For messages: without the password."""
        scheme = ("https" if self.secure else "http") if self.http else "clickhouse" + "s" * self.secure
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        return f"{scheme}://{quote(self.user)}@{hosts}/{quote(self.database)}"

    __repr__ = __str__

    def on(self, host: str, port: int) -> Place:
        """The same on another machine."""
        return replace(self, hosts=((host, port),))


def is_server(location: str) -> bool:
    return "://" in location


def parse(location: str) -> Place:
    """InputError names what is wrong with it, never the password."""
    try:
        parts = urlsplit(location)
        _ = parts.netloc.encode()
    except ValueError as error:
        raise InputError(f"the store's address makes no sense: {error}") from None
    if parts.scheme not in SCHEMES:
        named = unknown("kind of store", f"{parts.scheme}://", [f"{scheme}://" for scheme in SCHEMES])
        raise InputError(f"{named}; a directory is named without one")
    who, _, where = parts.netloc.rpartition("@")
    user, _, password = who.partition(":")
    options = _options(parts.query)
    http = parts.scheme.startswith("http")
    secure = parts.scheme.endswith("s") or _flag("secure", options.get("secure", "0"))
    compression = options.get("compression", "lz4")
    if compression not in COMPRESSIONS:
        raise InputError(f"the store's address: {unknown('compression', compression, COMPRESSIONS)}")
    database = unquote(parts.path.strip("/"))
    if database and not (database.isidentifier() and database.isascii()):
        raise InputError("the store's address: the database must be a plain name of letters, digits and _")
    return Place(
        hosts=tuple(_host(part, _PORTS[http, secure]) for part in where.split(",")),
        user=unquote(user) or "default",
        password=unquote(password) or os.environ.get(PASSWORD, "") or credential("store-password"),
        database=database,
        secure=secure,
        verify=_flag("verify", options.get("verify", "1")),
        ca=options.get("ca", ""),
        http=http,
        compression=compression,
    )


def without_password(location: str, password_file: str = "") -> str:
    """The address as it may be shown and given to other processes; the password of the address, or of the file, goes
    to the environment, where all of ours look for it. InputError for a file that cannot be used."""
    parse(location)
    parts = urlsplit(location)
    who, at, where = parts.netloc.rpartition("@")
    user, colon, password = who.partition(":")
    if colon:
        os.environ[PASSWORD] = unquote(password)
    elif password_file:
        os.environ[PASSWORD] = _of_file(Path(password_file))
    elif (found := credential("store-password")) and PASSWORD not in os.environ:
        os.environ[PASSWORD] = found
    return parts._replace(netloc=f"{user}{at}{where}").geturl()


def _of_file(path: Path) -> str:
    try:
        with path.open("rb") as handle:
            mode = os.fstat(handle.fileno()).st_mode
            line = handle.readline(4096)
    except OSError as error:
        raise InputError(f"{path}: the store's password cannot be read: {error.strerror}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"{path}: others may read this password; chmod 600 mends that")
    try:
        return line.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text; its first line is the store's password") from None


def _options(query: str) -> dict[str, str]:
    found = dict(parse_qsl(query, keep_blank_values=True))
    for name in found:
        if name not in _OPTIONS:
            raise InputError(f"the store's address: {unknown('option', name, _OPTIONS)}")
    return found


def _flag(name: str, text: str) -> bool:
    if text.lower() not in (*_YES, *_NO):
        raise InputError(f"the store's address: {name} is 1 or 0, not {text!r}")
    return text.lower() in _YES


def _host(text: str, port: int) -> tuple[str, int]:
    """`host`, `host:port`, `[IPv6]`, `[IPv6]:port`."""
    name, _, rest = text.partition("]") if text.startswith("[") else (text.partition(":")[0], "", text)
    digits = rest.rpartition(":")[2] if ":" in rest else str(port)
    name = name.removeprefix("[")
    if not name or not digits.isdecimal() or not 0 < int(digits) < 1 << 16:
        raise InputError(
            f"the store's address: {text!r} is no host and port, as in clickhouse://user@host:9000/database"
        )
    return name, int(digits)
