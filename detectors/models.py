"""The models of the plant: where they run, and which artefacts of them are approved."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  the types of fields are read at run time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from detectors import address
from detectors.outputs.carried import wanted_of

if TYPE_CHECKING:
    from collections.abc import Iterable

APPROVED, OLD, REVOKED, UNKNOWN = "approved", "old", "revoked", "unknown"


@dataclass(frozen=True, slots=True)
class Model:
    """`approved`: version → SHA-256 (hexadecimal) of its file, or of each of its files, the newest last. `revoked`:
    SHA-256 sums that were approved once and must not be used any more. `hosts`: addresses or networks it runs on.
    `manifest`: paths of signed manifests, the newest last, whose files are approved as well once the signature is
    verified, against the public key or the certificate authority in the files named. `inputs`, `outputs`: see
    `detectors.outputs.selectors`; `kind`: what its outputs are, where their names do not tell. `canary`: tags with the
    outputs for frozen reference inputs, or `sha256:` and the hash of such inputs."""

    id: str
    hosts: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    approved: Mapping[str, tuple[str, ...] | str] = field(default_factory=dict)
    revoked: tuple[str, ...] = ()
    manifest: tuple[str, ...] | str = ()
    manifest_key: str = ""
    manifest_certificate: str = ""
    rollback_minutes: int = 15
    canary: tuple[str, ...] = ()
    kind: str = ""

    def sums(self, version: str) -> tuple[str, ...]:
        """The SHA-256 sums of an approved version, 64 lower case digits each. ValueError for one that is none."""
        return tuple(checked(self.id, digest) for digest in several(self.approved[version]))


@dataclass(frozen=True, slots=True)
class DataSource:
    """What feeds models: its hosts, the tags it provides, the models that read them."""

    id: str
    hosts: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


class Verdict(NamedTuple):
    """`state`: `approved`, `old` (approved, not the newest), `revoked`, `unknown`; empty: nobody keeps a list."""

    state: str
    model: str = ""
    version: str = ""


class Models:
    """ValueError for a hash that is none, a host that is no address or network, an input or output that nothing can be
    selected with."""

    def __init__(self, models: Iterable[Model] = (), sources: Iterable[DataSource] = ()) -> None:
        self.all = tuple(models)
        self.sources = tuple(sources)
        self._by_hash: dict[str, Verdict] = {}
        self._networks: list[tuple[tuple[int, int], Model]] = []
        for model in self.all:
            wanted_of(model)
            newest = list(model.approved)[-1:]
            for version in model.approved:
                state = APPROVED if [version] == newest else OLD
                for digest in model.sums(version):
                    known = self._by_hash.get(digest)
                    if state == APPROVED or known is None or known.state == OLD:  # a file of several: of the newest
                        self._by_hash[digest] = Verdict(state, model.id, version)
        for model in self.all:
            for digest in model.revoked:
                plain = checked(model.id, digest)
                known = self._by_hash.get(plain)
                self._by_hash[plain] = Verdict(REVOKED, model.id, known.version if known else "")
            self._networks += [(network, model) for network in _networks(f"model {model.id!r}", model.hosts)]
        for source in self.sources:
            _networks(f"data source {source.id!r}", source.hosts)

    def __bool__(self) -> bool:
        return bool(self.all)

    def verdict(self, sha256: str) -> Verdict:
        """What the lists say of an artefact. `sha256` may be empty: not all of it was seen."""
        if not self._by_hash:
            return Verdict("")
        return self._by_hash.get(sha256.lower(), Verdict(UNKNOWN))

    def on(self, ip: bytes) -> Model | None:
        """The model that runs on a host (16 bytes)."""
        return next((model for network, model in self._networks if address.within(ip, network)), None)


def _networks(whose: str, hosts: Iterable[str]) -> list[tuple[int, int]]:
    try:
        return [address.prefix(host) for host in hosts]
    except ValueError as error:
        raise ValueError(f"{whose}: {error}") from None


def several(value: tuple[str, ...] | str) -> tuple[str, ...]:
    """One may be written without brackets."""
    return (value,) if isinstance(value, str) else tuple(value)


def checked(model: str, digest: str) -> str:
    """A SHA-256 as 64 lower case digits; ValueError if it is none."""
    plain = digest.strip().lower().removeprefix("sha256:")
    if len(plain) != 64 or any(c not in "0123456789abcdef" for c in plain):
        raise ValueError(f"model {model!r}: {digest!r} is no SHA-256 (64 hexadecimal digits)")
    return plain
