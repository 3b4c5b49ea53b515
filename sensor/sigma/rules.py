"""Rules of files: read, checked, made SQL. InputError names file, line and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detectors.attack import NAMES, current
from sensor.config_read import unknown
from sensor.errors import DriftspanError, InputError
from sensor.sigma.fields import CATEGORY, PRODUCT, Table, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sensor.sigma import SigmaSection

_LEVELS = {"informational": "info", "low": "low", "medium": "medium", "high": "high", "critical": "critical"}
_MOST = 1 << 20  # bytes of a file
_MOST_RULES = 2000


@dataclass(frozen=True, slots=True)
class Rule:
    """`condition`: SQL on the columns of `table`."""

    id: str
    title: str
    severity: str
    description: str
    false_positives: tuple[str, ...]
    techniques: tuple[str, ...]
    service: str
    table: Table
    condition: str
    file: str


def load(section: SigmaSection) -> list[Rule]:
    """Every rule of the configuration, by id."""
    library()
    found: dict[str, Rule] = {}
    for name, text in _texts(section):
        for rule in parse(text, name):
            if rule.id in found:
                raise InputError(f"{name}: rule {rule.id} is in {found[rule.id].file} as well; give one another id")
            found[rule.id] = rule
    for wanted in section.off:
        if wanted not in found:
            raise InputError(f"[sigma] off: {unknown('rule', wanted, sorted(found))}")
    if len(found) > _MOST_RULES:
        raise InputError(f"[sigma] rules: {len(found)} rules are more than {_MOST_RULES}, which are asked one by one")
    return [found[key] for key in sorted(found) if key not in section.off]


def library() -> None:
    try:
        import sigma  # noqa: F401  whether it is there
    except ModuleNotFoundError:
        raise DriftspanError(
            "Sigma rules need pysigma, which is not installed: pip install 'driftspan[sigma]'"
        ) from None


def _texts(section: SigmaSection) -> Iterator[tuple[str, str]]:
    if section.shipped:
        folder = files("sensor.sigma") / "rules"
        for item in sorted(folder.iterdir(), key=lambda item: item.name):
            if item.name.endswith(".yml"):
                yield item.name, item.read_text(encoding="utf-8")
    for given in section.rules:
        yield from of_path(Path(given))


def of_path(path: Path) -> Iterator[tuple[str, str]]:
    """A file, or the .yml and .yaml files below a directory."""
    if not path.exists():
        raise InputError(f"{path}: there is no such file or directory; [sigma] rules names them")
    found = sorted(p for p in path.rglob("*") if p.suffix in (".yml", ".yaml")) if path.is_dir() else [path]
    for one in found:
        try:
            data = one.read_bytes()
        except OSError as error:
            raise InputError(f"{one}: cannot be read: {error.strerror}") from None
        if len(data) > _MOST:
            raise InputError(f"{one}: is larger than {_MOST >> 20} MiB, which no rule is")
        try:
            yield str(one), data.decode()
        except UnicodeDecodeError as error:
            raise InputError(f"{one}: is no UTF-8 text (byte {error.start})") from None


def parse(text: str, name: str) -> list[Rule]:
    """The rules of one file; several stand apart by `---`."""
    import yaml
    from sigma.exceptions import SigmaError
    from sigma.rule import SigmaRule

    try:
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}" if mark else name
        raise InputError(f"{place}: is no YAML: {getattr(error, 'problem', None) or 'it cannot be read'}") from None
    except RecursionError:
        raise InputError(f"{name}: is nested too deeply") from None
    rules = []
    for document in documents:
        if not isinstance(document, dict):
            raise InputError(f"{name}:1: is no rule: a rule has title, logsource and detection")
        if "correlation" in document:
            raise InputError(f"{_at(text, name, 'correlation')}: correlations of rules are not asked of these tables")
        for key in ("id", "title", "level", "logsource", "detection"):
            if not document.get(key):
                raise InputError(f"{_at(text, name, 'title')}: the rule lacks {key!r}")
        try:
            rule = SigmaRule.from_dict(document)
        except SigmaError as error:
            raise InputError(f"{_at(text, name, _word(error))}: {_plain(error)}") from None
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            raise InputError(f"{_at(text, name, 'detection')}: is no rule: {_plain(error)}") from None
        rules.append(_made(rule, text, name))
    return rules


def _made(rule: Any, text: str, name: str) -> Rule:
    from sigma.exceptions import SigmaError

    from sensor.sigma.backend import CannotError, ClickHouse

    table = _table(rule, text, name)
    try:
        (condition, *more) = [str(query) for query in ClickHouse(table).convert_rule(rule)]
    except CannotError as error:
        raise InputError(f"{_at(text, name, error.word)}: {error}") from None
    except (SigmaError, NotImplementedError, TypeError, ValueError) as error:
        raise InputError(f"{_at(text, name, _word(error))}: {_plain(error)}") from None
    if more:
        condition = " OR ".join(f"({one})" for one in (condition, *more))
    level = str(rule.level.name).lower()
    return Rule(
        id=str(rule.id),
        title=str(rule.title),
        severity=_LEVELS[level],
        description=str(rule.description or rule.title),
        false_positives=tuple(map(str, rule.falsepositives or ())),
        techniques=tuple(sorted(_techniques(rule))),
        service=str(rule.logsource.service),
        table=table,
        condition=condition,
        file=name,
    )


def _techniques(rule: Any) -> set[str]:
    """Of tags `attack.t0855`; those that are none of the matrices of ours are left out."""
    ids = {current(tag.name.upper()) for tag in rule.tags if tag.namespace == "attack"}
    return {technique for technique in ids if technique in NAMES}


def _table(rule: Any, text: str, name: str) -> Table:
    source = rule.logsource
    if source.product not in (None, PRODUCT) or source.category not in (None, CATEGORY):
        raise InputError(
            f"{_at(text, name, 'logsource')}: the log source is of another product; write product: {PRODUCT}, and"
            f" service: {', '.join(tables())}"
        )
    if source.service not in tables():
        raise InputError(f"{_at(text, name, 'logsource')}: {unknown('service', source.service, tables())}")
    return tables()[source.service]


def _at(text: str, name: str, word: str) -> str:
    """File and line; of the first line that has the word, where there is one."""
    lines = text.splitlines()
    found = next((n for n, line in enumerate(lines, 1) if word and word in line.partition("#")[0]), 1)
    return f"{name}:{found}"


def _word(error: Exception) -> str:
    """What of the rule the error is about, as far as it says so."""
    said = str(error).lower()
    if "not defined in detections" in said:
        return "condition:"
    return next(
        (key for key in ("condition", "level", "status", "logsource", "detection", "id") if key in said), "title"
    )


def _plain(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
