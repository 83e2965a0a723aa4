"""Conditions in SQL whose meaning an expectation of Great Expectations has exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql.types import BooleanType, NumericType, StringType

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql.types import DataType, StructType

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'[^'\\]*')|(?P<quoted>`[^`]*`)|(?P<number>[+-]?\d+(?:\.\d+)?)(?![\w.])"
    r"|(?P<word>[A-Za-z_]\w*)|(?P<sign><=|>=|<>|!=|==|[<>=(),]))"
)
# A number that Spark converts to the type of the column beside it, as conditions that are columns have it.
_CONVERTED = re.compile(r"CAST\(([+-]?\d+) AS (?:SMALLINT|INT|BIGINT|DOUBLE)\)|CAST\(([+-]?\d+\.\d+) AS DOUBLE\)")
_VALUES = {"NULL", "TRUE", "FALSE"}
_SWAPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "==": "==", "<>": "<>", "!=": "!="}
_BOUNDS: dict[str, dict[str, Any]] = {
    "<": {"strict_max": True}, "<=": {}, ">": {"strict_min": True}, ">=": {},
}  # fmt: skip


@dataclass(frozen=True)
class Expected:
    """An expectation as a suite writes it."""

    type: str
    arguments: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind == "word" else self.text if self.kind == "sign" else ""


def expected_of(condition: str, columns: StructType) -> list[Expected]:
    """Return expectations that exactly the rows for which a condition is false violate.

    Parts that `AND` joins are expectations of their own: a row violates the whole if it violates one of them, and NULL
    violates neither. A condition with another shape becomes a query for the rows that violate it.

    Args:
        condition: Spark SQL.
        columns: The columns of the rows; their types decide which comparisons mean the same in both.
    """
    types = {field.name.lower(): (field.name, field.dataType) for field in columns}
    found = []
    tokens = _tokens_of(condition)
    for part in _parts(tokens) if tokens else ():
        one = _Shape(part, types).expected()
        if one is None:
            break
        found.append(one)
    else:
        if found:
            return found
    # Great Expectations replaces braces and the name between them.
    condition = condition.replace("{", "{{").replace("}", "}}")
    query = f"SELECT * FROM {{batch}} WHERE ({condition}) IS FALSE"  # noqa: S608 - it is shown, and the author's own
    return [Expected("unexpected_rows_expectation", (("unexpected_rows_query", query),))]


def _tokens_of(condition: str) -> list[_Token]:
    """Return a condition's tokens; none if it has any that simple conditions lack."""
    condition = _CONVERTED.sub(lambda match: match[1] or match[2], condition)
    tokens, place = [], 0
    while place < len(condition.rstrip()):
        match = _TOKEN.match(condition, place)
        if match is None:
            return []
        assert match.lastgroup is not None
        tokens.append(_Token(match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return tokens


def _parts(tokens: list[_Token]) -> Iterator[list[_Token]]:
    """Yield what `AND` joins, but for that of `BETWEEN`, without brackets around it."""
    while len(tokens) > 1 and tokens[0].word == "(" and _closing(tokens, 0) == len(tokens) - 1:
        tokens = tokens[1:-1]
    depth, start, between = 0, 0, False
    cuts = []
    for place, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.word, 0)
        if depth == 0 and token.word == "BETWEEN":
            between = True
        elif depth == 0 and token.word == "AND":
            if not between:
                cuts.append((start, place))
                start = place + 1
            between = False
    if not cuts:
        yield tokens
        return
    for first, last in [*cuts, (start, len(tokens))]:
        yield from _parts(tokens[first:last])


def _closing(tokens: Sequence[_Token], opening: int) -> int:
    depth = 0
    for place in range(opening, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[place].word, 0)
        if depth == 0:
            return place
    return -1


@dataclass(frozen=True)
class _Shape:
    """One condition without `AND`."""

    tokens: list[_Token]
    types: dict[str, tuple[str, DataType]]

    def expected(self) -> Expected | None:
        """Return the expectation that means the same, or None."""
        words = [token.word for token in self.tokens]
        column, kind = self._column(0)
        found: Expected | None = None
        match words[1:]:
            case [sign, _] if sign in _SWAPPED and not column:
                column, kind = self._column(2)
                found = self._compared(column, kind, _SWAPPED[sign], self._value(0))
            case [sign, _] if sign in _SWAPPED:
                found = self._compared(column, kind, sign, self._value(2))
            case ["IS", "NULL"]:
                found = _of("expect_column_values_to_be_null", column)
            case ["IS", "NOT", "NULL"]:
                found = _of("expect_column_values_to_not_be_null", column)
            case ["BETWEEN", _, "AND", _] if isinstance(kind, NumericType):
                least, most = self._value(2), self._value(4)
                if _is_number(least) and _is_number(most):
                    found = _of("expect_column_values_to_be_between", column, min_value=least, max_value=most)
            case ["IN", "(", *_, ")"]:
                found = self._in_set("expect_column_values_to_be_in_set", column, kind, 3)
            case ["NOT", "IN", "(", *_, ")"]:
                found = self._in_set("expect_column_values_to_not_be_in_set", column, kind, 4)
        return found if column else None

    def _compared(self, column: str, kind: DataType | None, sign: str, value: Any) -> Expected | None:
        if sign in _BOUNDS:
            if not (isinstance(kind, NumericType) and _is_number(value)):
                return None
            bound = "max_value" if sign.startswith("<") else "min_value"
            return _of("expect_column_values_to_be_between", column, **{bound: value}, **_BOUNDS[sign])
        name = "be_in_set" if sign in {"=", "=="} else "not_be_in_set"
        return _of(f"expect_column_values_to_{name}", column, value_set=[value]) if _fits(value, kind) else None

    def _in_set(self, name: str, column: str, kind: DataType | None, first: int) -> Expected | None:
        inside = self.tokens[first:-1]
        values = [self._value(first + at) for at in range(0, len(inside), 2)]
        if any(token.word != "," for token in inside[1::2]) or not all(_fits(value, kind) for value in values):
            return None
        return _of(name, column, value_set=values) if values and len(inside) % 2 else None

    def _column(self, place: int) -> tuple[str, DataType | None]:
        """Return a column's name and type; an empty name where there is none."""
        token = self.tokens[place] if place < len(self.tokens) else _Token("", "")
        if token.kind not in {"word", "quoted"} or token.word in _VALUES:
            return "", None
        return self.types.get(token.text.strip("`").lower(), ("", None))

    def _value(self, place: int) -> Any:
        """Return a literal's value, or None."""
        token = self.tokens[place]
        if token.kind == "text":
            return token.text[1:-1]
        if token.kind == "number":
            return float(token.text) if "." in token.text else int(token.text)
        return {"TRUE": True, "FALSE": False}.get(token.word)


def _of(name: str, column: str, **arguments: Any) -> Expected:
    return Expected(name, tuple({"column": column, **arguments}.items()))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fits(value: Any, kind: DataType | None) -> bool:
    """Return whether a value is compared with a column as it is, and not converted first."""
    if isinstance(value, bool):
        return isinstance(kind, BooleanType)
    if isinstance(value, str):
        return isinstance(kind, StringType)
    return _is_number(value) and isinstance(kind, NumericType)
