"""pySigma's conditions as SQL of ClickHouse. Texts are compared as Sigma wants: without regard to case, `*` and `?`
standing for others. A field that a row lacks matches nothing, so that `not` finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from sigma.conditions import ConditionAND, ConditionItem, ConditionNOT, ConditionOR
from sigma.conversion.base import TextQueryBackend
from sigma.types import CompareOperators, SigmaRegularExpressionFlag, SigmaString, SpecialChars

from sensor.sigma.fields import ADDRESS, ALIASES, NUMBER, TEXT, Table
from sensor.store.literal import quote

if TYPE_CHECKING:
    from collections.abc import Callable

_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
_WILD = {SpecialChars.WILDCARD_MULTI: "%", SpecialChars.WILDCARD_SINGLE: "_"}


class CannotError(Exception):
    """The rule asks for what these tables do not have. `word`: what it names, to be found in its text."""

    def __init__(self, text: str, word: str = "") -> None:
        super().__init__(text)
        self.word = word


class ClickHouse(TextQueryBackend):
    name = "ClickHouse"
    formats: ClassVar[dict[str, str]] = {"default": "SQL conditions"}
    precedence: ClassVar[tuple[type[ConditionItem], type[ConditionItem], type[ConditionItem]]] = (
        ConditionNOT,
        ConditionAND,
        ConditionOR,
    )
    group_expression = "({expr})"
    or_token, and_token, not_token, eq_token = "OR", "AND", "NOT", " = "
    compare_operators: ClassVar[dict[CompareOperators, str]] = {
        CompareOperators.LT: "<",
        CompareOperators.LTE: "<=",
        CompareOperators.GT: ">",
        CompareOperators.GTE: ">=",
        CompareOperators.NEQ: "!=",
    }

    def __init__(self, table: Table) -> None:
        super().__init__()
        self._table = table

    def decide_convert_condition_as_in_expression(self, cond: Any, state: Any) -> bool:
        return False

    def _field(self, name: str, make: Callable[[str, str], str]) -> str:
        """`make` gets an expression and what kind of value it has; an array matches if any of its items does."""
        column = ALIASES.get(name, name)
        if column not in self._table.columns:
            known = ", ".join(sorted(self._table.columns))
            raise CannotError(f"there is no field {name!r} here; there are {known}", name)
        kind, array = self._table.columns[column]
        quoted = f"`{column}`"
        if array:
            return f"arrayExists(x -> {make('x', kind)}, {quoted})"
        shown = f"replaceOne(toString({quoted}), '::ffff:', '')" if kind == ADDRESS else quoted
        return f"ifNull({make(shown, kind)}, 0)"

    def convert_condition_field_eq_val_str(self, cond: Any, state: Any) -> str:
        return self._field(cond.field, lambda value, _: _like(value, cond.value, exact=False))

    def convert_condition_field_eq_val_str_case_sensitive(self, cond: Any, state: Any) -> str:
        return self._field(cond.field, lambda value, _: _like(value, cond.value, exact=True))

    def convert_condition_field_eq_val_num(self, cond: Any, state: Any) -> str:
        number = str(cond.value)
        return self._field(
            cond.field,
            lambda value, kind: f"{value} = {number}" if kind == NUMBER else f"toString({value}) = {quote(number)}",
        )

    def convert_condition_field_eq_val_bool(self, cond: Any, state: Any) -> str:
        return self._number(cond.field, f"= {int(bool(cond.value.boolean))}")

    def convert_condition_field_compare_op_val(self, cond: Any, state: Any) -> str:
        return self._number(cond.field, f"{self.compare_operators[cond.value.op]} {cond.value.number}")

    def _number(self, name: str, rest: str) -> str:
        def made(value: str, kind: str) -> str:
            if kind != NUMBER:
                raise CannotError(f"field {name!r} is no number here", name)
            return f"{value} {rest}"

        return self._field(name, made)

    def convert_condition_field_eq_val_re(self, cond: Any, state: Any) -> str:
        flags = "".join(_FLAGS[flag] for flag in sorted(cond.value.flags, key=lambda f: str(f.name)))
        pattern = (f"(?{flags})" if flags else "") + str(cond.value.regexp)
        return self._field(cond.field, lambda value, kind: f"match({_text(value, kind)}, {quote(pattern)})")

    def convert_condition_field_eq_val_cidr(self, cond: Any, state: Any) -> str:
        network = cond.value.network

        def made(value: str, kind: str) -> str:
            if kind != ADDRESS:
                raise CannotError(f"field {cond.field!r} is no address here", cond.field)
            # A range of the other family is no match, and no error.
            of_six = f"(position({value}, ':') > 0) = {int(network.version == 6)}"
            return f"{of_six} AND isIPAddressInRange({value}, '{network}')"

        return self._field(cond.field, made)

    def convert_condition_field_eq_val_null(self, cond: Any, state: Any) -> str:
        return "NOT " + self.convert_condition_field_exists(cond, state)

    def convert_condition_field_eq_val_exists(self, cond: Any, state: Any) -> str:
        there = self.convert_condition_field_exists(cond, state)
        return there if cond.value else f"NOT {there}"

    def convert_condition_field_exists(self, cond: Any, state: Any) -> str:
        return self._field(cond.field, lambda value, _: f"isNotNull({value}) AND toString({value}) != ''")

    def convert_condition_field_not_exists(self, cond: Any, state: Any) -> str:
        return "NOT " + self.convert_condition_field_exists(cond, state)

    def convert_condition_val_str(self, cond: Any, state: Any) -> str:
        """Keywords: in any text of the row."""
        texts = [name for name, (kind, _) in self._table.columns.items() if kind == TEXT]
        wanted = SigmaString(f"*{cond.value}*")
        return "(" + " OR ".join(self._field(n, lambda v, _: _like(v, wanted, exact=False)) for n in texts) + ")"

    def convert_condition_val_num(self, cond: Any, state: Any) -> str:
        raise CannotError("a keyword must be a text here", str(cond.value))

    def convert_condition_val_re(self, cond: Any, state: Any) -> str:
        raise CannotError("a regular expression needs a field here", "|re")

    def convert_condition_field_eq_field(self, cond: Any, state: Any) -> str:
        raise CannotError("fields cannot be compared with each other here", "fieldref")

    def convert_correlation_rule(
        self, rule: Any, output_format: Any = None, method: Any = None, callback: Any = None
    ) -> Any:
        raise CannotError("correlations of rules are not asked of these tables", "correlation")


def _text(value: str, kind: str) -> str:
    return value if kind == TEXT else f"toString({value})"


def _like(value: str, wanted: SigmaString, *, exact: bool) -> str:
    value = f"toString({value})"
    if not wanted.contains_special():
        plain = "".join(str(part) for part in wanted.s)
        return f"{value} = {quote(plain)}" if exact else f"lowerUTF8({value}) = lowerUTF8({quote(plain)})"
    pattern = "".join(_WILD[part] if isinstance(part, SpecialChars) else _escaped(str(part)) for part in wanted.s)
    return f"{value} {'LIKE' if exact else 'ILIKE'} {quote(pattern)}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
