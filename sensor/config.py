"""The configuration: one TOML file, read once into frozen dataclasses. No file at all is one too."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping  # noqa: TC003  the types of fields are read when the file is
from dataclasses import dataclass, field
from pathlib import Path

from detectors.models import DataSource, Model, Models
from detectors.outputs import selectors
from detectors.outputs.answer import KINDS
from detectors.zones import Conduit, Zone
from sensor.access.oidc_config import OidcSection, check_oidc
from sensor.alerting import AlertingSection, ChangeEntry, LearningSection, SuppressEntry, check_alerting
from sensor.config_read import Reader, check_size, unknown
from sensor.errors import ConfigError
from sensor.evidence_config import EvidenceSection, check_evidence
from sensor.export.entry import ExportEntry
from sensor.export.entry import check as check_exports
from sensor.insight_config import ContextSection, DriftSection
from sensor.insight_config import check as check_insight
from sensor.ledger.config import LedgerSection, check_ledger
from sensor.service.config import LogSection, MetricsSection
from sensor.service.config import check as check_service
from sensor.sigma import SigmaSection
from sensor.store import Layout
from sensor.store.bounds import LONGEST
from sensor.store.keeping import PARTITIONS
from sensor.zoning import check_policy

DEFAULT_NAME = "driftspan.toml"
SYSTEM = Path("/etc/driftspan") / DEFAULT_NAME  # of the service
MOST_WORKERS = 256
_LONGEST_WINDOW = 3600  # seconds
_LONGEST_UNIT = 24
_DAY = 1440  # minutes


@dataclass(frozen=True, slots=True)
class SensorSection:
    """`confine`: the processes of `driftspan run` give up what they do not need."""

    name: str = "driftspan"
    confine: bool = True


@dataclass(frozen=True, slots=True)
class CaptureSection:
    """`interfaces` and what follows are of live capture. `rings`: sockets that share an interface's packets;
    `ring_mib`: the kernel's buffer of each. `snaplen` 0: packets are kept whole."""

    window_seconds: float = 10.0
    workers: int = 1
    vlan_in_key: bool = False
    interfaces: tuple[str, ...] = ()
    ring_mib: int = 64
    rings: int = 1
    snaplen: int = 0
    promiscuous: bool = True
    filter: str = ""


@dataclass(frozen=True, slots=True)
class StoreSection:
    """`password_file`: its first line is the password of a server. `cluster`: name of the cluster that a server is of;
    `replicated`: whether its shards have copies. `partition`: what of time a part of a table holds. `keep_days`,
    `keep_alert_days`: how long rows of live runs are kept, 0: for ever. `spool`: directory in which rows wait for the
    store; empty: the store's name with `-spool`."""

    path: str = "driftspan-store"
    database: str = "driftspan"
    password_file: str = ""
    cluster: str = ""
    replicated: bool = True
    partition: str = "month"
    keep_days: int = 0
    keep_alert_days: int = 0
    spool: str = ""
    spool_mib: int = 4096


@dataclass(frozen=True, slots=True)
class IntakeSection:
    """Files and directories: drift that other tools report, inference logs of the models' own hosts."""

    drift: tuple[str, ...] = ()
    inference: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsoleSection:
    """`enabled`: `driftspan run` begins it too. `token_file`: its first line is a token that programs may show besides
    those that users made. `state`: directory of users and tokens; empty: the store's name with `-console`.
    `certificate`, `key`: files, PEM. `insecure`: other machines may connect without TLS. `query_seconds`: that a
    question on the page Hunt, or to the API, may take."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = 8642
    token_file: str = ""
    state: str = ""
    certificate: str = ""
    key: str = ""
    insecure: bool = False
    idle_minutes: int = 30
    session_hours: int = 12
    query_seconds: int = 120


@dataclass(frozen=True, slots=True)
class Config:
    sensor: SensorSection = SensorSection()
    capture: CaptureSection = CaptureSection()
    store: StoreSection = StoreSection()
    console: ConsoleSection = ConsoleSection()
    oidc: OidcSection = field(default_factory=OidcSection)
    intake: IntakeSection = IntakeSection()
    evidence: EvidenceSection = field(default_factory=EvidenceSection)
    ledger: LedgerSection = field(default_factory=LedgerSection)
    limits: Mapping[str, int] = field(default_factory=dict)
    zones: tuple[Zone, ...] = ()
    conduits: tuple[Conduit, ...] = ()
    models: tuple[Model, ...] = ()
    data_sources: tuple[DataSource, ...] = ()
    learning: LearningSection = field(default_factory=LearningSection)
    alerting: AlertingSection = field(default_factory=AlertingSection)
    changes: tuple[ChangeEntry, ...] = ()
    suppressed: tuple[SuppressEntry, ...] = ()
    drift: DriftSection = field(default_factory=DriftSection)
    context: ContextSection = field(default_factory=ContextSection)
    log: LogSection = field(default_factory=LogSection)
    metrics: MetricsSection = field(default_factory=MetricsSection)
    sigma: SigmaSection = field(default_factory=SigmaSection)
    export: tuple[ExportEntry, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    detectors: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def layout(self) -> Layout:
        store = self.store
        plain = store.cluster, store.replicated, store.partition, store.keep_days, store.keep_alert_days
        return Layout(*plain, self.ledger)


SECTIONS = (
    "sensor", "capture", "limits", "store", "console", "oidc", "intake", "evidence", "ledger", "learning", "alerting",
    "drift", "context", "log", "metrics", "sigma", "zone", "conduit", "model", "data_source", "change", "suppress",
    "export", "units", "detectors",
)  # fmt: skip


def find(given: str | None) -> Path | None:
    """The file to read: the one given, else `driftspan.toml` here, else that of the service; None: there is none."""
    if given is not None:
        return Path(given)
    return next((path for path in (Path(DEFAULT_NAME), SYSTEM) if os.access(path, os.F_OK)), None)


def load(path: Path | None) -> Config:
    """Reads and checks the file; ConfigError names file, line and mend."""
    if path is None:
        return Config()
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; 'driftspan init' writes one") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; --config names another") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is no UTF-8 text (byte {error.start}); save it as UTF-8") from None
    return parse(text, str(path))


def parse(text: str, name: str) -> Config:
    check_size(text, name)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax(error, name, text)) from None
    except RecursionError:
        raise ConfigError(f"{name}: is nested too deeply for a configuration; flatten it") from None
    except ValueError:
        raise ConfigError(f"{name}: holds a number of thousands of digits, which no configuration does") from None
    reader = Reader(name, text)
    for key in data:
        if key not in SECTIONS:
            raise reader.error((key,), unknown("section", key, SECTIONS))
    config = Config(
        sensor=reader.section("sensor", data, SensorSection),
        capture=reader.section("capture", data, CaptureSection),
        store=reader.section("store", data, StoreSection),
        console=reader.section("console", data, ConsoleSection),
        oidc=reader.section("oidc", data, OidcSection),
        intake=reader.section("intake", data, IntakeSection),
        evidence=reader.section("evidence", data, EvidenceSection),
        ledger=reader.section("ledger", data, LedgerSection),
        limits=_limits(reader, data.get("limits", {})),
        zones=reader.entries("zone", data, Zone),
        conduits=reader.entries("conduit", data, Conduit, {"from": "source", "to": "target"}),
        models=reader.entries("model", data, Model),
        data_sources=reader.entries("data_source", data, DataSource),
        learning=reader.section("learning", data, LearningSection),
        alerting=reader.section("alerting", data, AlertingSection),
        changes=reader.entries("change", data, ChangeEntry),
        suppressed=reader.entries("suppress", data, SuppressEntry),
        drift=reader.section("drift", data, DriftSection),
        context=reader.section("context", data, ContextSection),
        log=reader.section("log", data, LogSection),
        metrics=reader.section("metrics", data, MetricsSection),
        sigma=reader.section("sigma", data, SigmaSection),
        export=reader.entries("export", data, ExportEntry),
        units=_units(reader, data.get("units", {})),
        detectors=_detectors(reader, data.get("detectors", {})),
    )
    _check(reader, config)
    return config


def check_detectors(config: Config, path: Path | None) -> None:
    """Checks `[detectors.NAME]` as the detectors themselves read it, which imports them."""
    if not config.detectors or path is None:
        return
    from detectors import registry

    for name, section in config.detectors.items():
        try:
            registry.check({name: section})
        except (TypeError, ValueError) as error:
            reader = Reader(str(path), path.read_text(encoding="utf-8"))
            key = next((key for key in section if key in str(error).replace("'", " ").split()), "")
            place = ("detectors", name, key) if key else ("detectors", name)
            raise reader.error(place, str(error)) from None


def _syntax(error: tomllib.TOMLDecodeError, name: str, text: str) -> str:
    """Put the line in front; tomllib has it at the end, as in: … (at line 3, column 5)."""
    message, _, place = str(error).partition(" (at ")
    words = place.rstrip(")").replace(",", "").split()
    if words[:1] == ["line"]:
        return f"{name}:{words[1]}: is no TOML: {message} (column {words[3]})"
    return f"{name}:{max(1, len(text.splitlines()))}: is no TOML: {message}, at the end of the file"


def _limits(reader: Reader, data: object) -> dict[str, int]:
    table = reader.mapping(("limits",), data, None)
    if not table:
        return {}
    from parsers import limits

    least = {name: min(1, default) for name, default, _ in limits()}  # 0 where that is the default: none at all
    for key, value in table.items():
        if key not in least:
            raise reader.error(("limits", key), unknown("limit", key, tuple(least)))
        if isinstance(value, bool) or not isinstance(value, int) or not least[key] <= value < 2**63:
            meant = "a whole number above 0" if least[key] else "a whole number, or 0"
            raise reader.error(("limits", key), f"limit {key!r} must be {meant}, not {value!r}")
    return {key: value for key, value in table.items() if isinstance(value, int)}


def _units(reader: Reader, data: object) -> dict[str, str]:
    table = reader.mapping(("units",), data, None)
    for tag, unit in table.items():
        if not isinstance(unit, str) or not unit.isprintable() or len(unit) > _LONGEST_UNIT:
            message = f"the unit of {tag!r} must be a text of at most {_LONGEST_UNIT} printable characters"
            raise reader.error(("units", tag), message)
    return {tag: str(unit) for tag, unit in table.items()}


def _detectors(reader: Reader, data: object) -> dict[str, Mapping[str, object]]:
    table = reader.mapping(("detectors",), data, None)
    return {name: reader.mapping(("detectors", name), section, None) for name, section in table.items()}


def _check(reader: Reader, config: Config) -> None:
    if not 0 < config.capture.window_seconds <= _LONGEST_WINDOW:
        message = f"window_seconds must be above 0 and at most {_LONGEST_WINDOW}"
        raise reader.error(("capture", "window_seconds"), message)
    if not 1 <= config.capture.workers <= MOST_WORKERS:
        raise reader.error(("capture", "workers"), f"workers must be between 1 and {MOST_WORKERS}")
    _check_live(reader, config)
    if not config.store.database.isidentifier():
        raise reader.error(("store", "database"), "database must be a plain name of letters, digits and _")
    if config.store.partition not in PARTITIONS:
        raise reader.error(("store", "partition"), unknown("partition", config.store.partition, PARTITIONS))
    if config.store.cluster and not config.store.cluster.replace("-", "_").isidentifier():
        raise reader.error(("store", "cluster"), "cluster must be a plain name of letters, digits, - and _")
    if not config.store.path:
        raise reader.error(
            ("store", "path"), "path is empty; name a directory, or a server: clickhouse://host/database"
        )
    _check_console(reader, config)
    check_oidc(reader, config.oidc)
    check_service(reader, config)
    check_policy(reader, config.zones, config.conduits)
    check_alerting(reader, config.learning, config.alerting, config.changes, config.suppressed)
    check_insight(reader, config.drift, config.context)
    check_evidence(reader, config.evidence)
    check_ledger(reader, config.ledger)
    check_exports(reader, config.export)
    if not 1 <= config.sigma.minutes <= _DAY:
        raise reader.error(("sigma", "minutes"), f"minutes must be between 1 and {_DAY}")
    models = _unique(reader, "model", [model.id for model in config.models])
    _unique(reader, "data_source", [source.id for source in config.data_sources])
    _check_models(reader, config.models)
    _check_sources(reader, config.data_sources, models)


def _check_sources(reader: Reader, sources: tuple[DataSource, ...], models: set[str]) -> None:
    for index, source in enumerate(sources):
        try:
            Models((), [source])
        except ValueError as error:
            raise reader.error(("data_source", index, "hosts"), str(error)) from None
        for tag in source.tags:
            try:
                selectors.parse(tag)
            except ValueError as error:
                raise reader.error(("data_source", index, "tags"), str(error)) from None
        for wanted in source.models:
            if wanted not in models:
                raise reader.error(("data_source", index, "models"), unknown("model", wanted, sorted(models)))


def _check_console(reader: Reader, config: Config) -> None:
    if not 0 <= config.console.port < 1 << 16:
        raise reader.error(("console", "port"), "port must be between 0 (any free one) and 65535")
    if not config.console.host:
        raise reader.error(("console", "host"), 'host is empty; 127.0.0.1 is this machine alone, "::" every address')
    if bool(config.console.certificate) != bool(config.console.key):
        raise reader.error(("console", "certificate"), "certificate and key are needed together")
    for key, most in (("idle_minutes", 60 * 24 * 30), ("session_hours", 24 * 30), ("query_seconds", LONGEST)):
        if not 1 <= getattr(config.console, key) <= most:
            raise reader.error(("console", key), f"{key} must be between 1 and {most}")


def _check_live(reader: Reader, config: Config) -> None:
    for section, key, least, most in (
        ("capture", "ring_mib", 2, 65_536), ("capture", "rings", 1, 64), ("capture", "snaplen", 0, 262_144),
        ("store", "spool_mib", 1, 1 << 30), ("store", "keep_days", 0, 36_500), ("store", "keep_alert_days", 0, 36_500),
    ):  # fmt: skip
        value = getattr(getattr(config, section), key)
        if not least <= value <= most:
            raise reader.error((section, key), f"{key} must be between {least} and {most}")


def _check_models(reader: Reader, models: tuple[Model, ...]) -> None:
    for index, model in enumerate(models):
        _check_outputs(reader, index, model)
        try:
            Models([model])
        except ValueError as error:
            key = "hosts" if "is no SHA-256" not in str(error) else "approved"
            raise reader.error(("model", index, key), str(error)) from None
        if model.manifest and bool(model.manifest_key) == bool(model.manifest_certificate):
            message = "a manifest needs manifest_key or manifest_certificate, one of them, to verify its signature"
            raise reader.error(("model", index, "manifest"), message)
        if model.rollback_minutes < 0:
            raise reader.error(("model", index, "rollback_minutes"), "rollback_minutes must not be negative")


def _check_outputs(reader: Reader, index: int, model: Model) -> None:
    for key, texts in (("inputs", model.inputs), ("outputs", model.outputs)):
        for text in texts:
            try:
                selectors.parse(text)
            except ValueError as error:
                raise reader.error(("model", index, key), str(error)) from None
    if model.kind and model.kind not in KINDS:
        raise reader.error(("model", index, "kind"), unknown("kind of model", model.kind, KINDS))


def _unique(reader: Reader, section: str, names: list[str]) -> set[str]:
    for index, name in enumerate(names):
        if not name:
            raise reader.error((section, index, "id"), f"this {section} has an empty id")
        if name in names[:index]:
            raise reader.error((section, index, "id"), f"{section} {name!r} is defined twice; rename one")
    return set(names)
