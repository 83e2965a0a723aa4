"""The types of columns: as authors write them in SQL, and as Arrow has them."""

from __future__ import annotations

import re
from functools import cache

import pyarrow as pa

_SCALARS = {
    "string": pa.string(),
    "double": pa.float64(),
    "float": pa.float32(),
    "boolean": pa.bool_(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "smallint": pa.int16(),
    "tinyint": pa.int8(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "timestamp_ntz": pa.timestamp("us"),
    "binary": pa.binary(),
}
_NAMES = {kind: name for name, kind in _SCALARS.items()}
# Other words of Spark SQL for the same.
_SYNONYMS = {
    "long": "bigint", "integer": "int", "short": "smallint", "byte": "tinyint", "real": "float", "bool": "boolean",
    "timestamp_ltz": "timestamp", "dec": "decimal", "numeric": "decimal",
}  # fmt: skip
_TOKEN = re.compile(r"\s*(?:`(?P<quoted>(?:[^`]|``)+)`|(?P<word>\w+)|(?P<sign>[<>(),:])|(?P<other>\S))")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_DIGITS = 38
_EXPECTED = ", ".join([*map(str.upper, _SCALARS), "DECIMAL(p,s)", "STRUCT<…>", "ARRAY<…>", "MAP<…>"])


# What the name of a column or of a field may not contain: Delta refuses all but the backtick, deltalake that one. Nor
# may it contain what neither is visible nor can be written as UTF-8.
NOT_IN_NAMES = "blanks, line ends, backticks or ,;{}()="
_NOT_IN_NAMES = re.compile(r"[ ,;{}()=`\x00-\x1f\x7f\ud800-\udfff]")
_LONGEST_NAME_BYTES = 255


class SqlTypeError(ValueError):
    """A text that does not name the type of a column.

    Attributes:
        remedy: What to write instead.
    """

    def __init__(self, problem: str, remedy: str = "Write for example `amount DECIMAL(10,2)`.") -> None:
        super().__init__(problem)
        self.remedy = remedy


@cache
def arrow_type(sql_type: str) -> pa.DataType:
    """Return a type as Arrow has it, every part of it nullable.

    Raises:
        SqlTypeError: The text is not the type of a column.
    """
    parser = _Parser(sql_type)
    kind = parser.type()
    parser.end()
    return kind


def sql_type_of(kind: pa.DataType) -> str:
    """Return Arrow's type as SQL has it: in lower case, without blanks, the same text for the same type."""
    if pa.types.is_struct(kind):
        return f"struct<{','.join(f'{_quoted(field.name)}:{sql_type_of(field.type)}' for field in kind)}>"
    if pa.types.is_map(kind):
        return f"map<{sql_type_of(kind.key_type)},{sql_type_of(kind.item_type)}>"
    if pa.types.is_list(kind):
        return f"array<{sql_type_of(kind.value_type)}>"
    return f"decimal({kind.precision},{kind.scale})" if pa.types.is_decimal(kind) else _NAMES[kind]


def parse_columns(text: str) -> list[tuple[str, str]]:
    """Return the names and types of a list such as `device_id STRING, pair STRUCT<a: INT, b: INT>`.

    Raises:
        SqlTypeError: It is not such a list, or a column cannot have one of the types.
    """
    parser = _Parser(text)
    return [(name, sql_type_of(kind)) for name, kind in parser.columns()]


class _Parser:
    """Reads a text from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = [token for token in _TOKEN.finditer(text) if token[0].strip()]
        self._at = 0

    def columns(self) -> list[tuple[str, pa.DataType]]:
        found = []
        while self._at < len(self._tokens):
            found.append(self._field())
            if self._at < len(self._tokens):
                self._take(",")
        return found

    def type(self) -> pa.DataType:
        word = self._next("a type").lower()
        word = _SYNONYMS.get(word, word)
        if word in _SCALARS:
            return _SCALARS[word]
        if word == "decimal":
            return self._decimal()
        if word == "array":
            self._take("<")
            item = self.type()
            self._take(">")
            return pa.list_(pa.field("element", item))
        if word == "map":
            return self._map()
        if word == "struct":
            return self._struct()
        instead = "TIMESTAMP" if word.startswith("timestamp") else "STRING"
        problem = f"`{word.upper()}` is not a type that a column can have; expected {_EXPECTED}"
        raise SqlTypeError(problem, f"Write for example {instead}.")

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise SqlTypeError(f"`{self._tokens[self._at][0].strip()}` was not expected")

    def _field(self) -> tuple[str, pa.DataType]:
        name = self._next("a name")
        if self._peek() == ":":
            self._at += 1
        try:
            return name, self.type()
        except SqlTypeError as error:
            raise SqlTypeError(f"`{name}`: {error}", error.remedy) from None

    def _decimal(self) -> pa.DataType:
        digits = [10, 0]
        if self._peek() == "(":
            self._at += 1
            digits = [self._number(), 0]
            if self._peek() == ",":
                self._at += 1
                digits[1] = self._number()
            self._take(")")
        precision, scale = digits
        if not 1 <= precision <= _MOST_DIGITS or scale > precision:
            raise SqlTypeError(
                f"`DECIMAL({precision},{scale})` must have 1 to {_MOST_DIGITS} digits, and no more behind the point"
            )
        return pa.decimal128(precision, scale)

    def _map(self) -> pa.DataType:
        self._take("<")
        key = self.type()
        if pa.types.is_nested(key):
            raise SqlTypeError("the key of a MAP must be of a simple type")
        self._take(",")
        item = self.type()
        self._take(">")
        return pa.map_(key, item)

    def _struct(self) -> pa.DataType:
        self._take("<")
        fields = [self._field()]
        while self._peek() == ",":
            self._at += 1
            fields.append(self._field())
        self._take(">")
        names = [name.lower() for name, _ in fields]
        if len(set(names)) < len(names) or not all(map(can_name_column, names)):
            raise SqlTypeError(f"the fields of a STRUCT must have different names, without {NOT_IN_NAMES} in them")
        return pa.struct(fields)

    def _peek(self) -> str | None:
        return self._tokens[self._at]["sign"] if self._at < len(self._tokens) else None

    def _next(self, expected: str) -> str:
        if self._at == len(self._tokens):
            raise SqlTypeError(f"{expected} is missing at its end")
        token = self._tokens[self._at]
        name = token["quoted"].replace("``", "`") if token["quoted"] else token["word"]
        if name is None:
            raise SqlTypeError(f"expected {expected}, got `{token[0].strip()}`")
        self._at += 1
        return str(name)

    def _number(self) -> int:
        word = self._next("a number")
        if not word.isdecimal():
            raise SqlTypeError(f"expected a number, got `{word}`")
        return int(word)

    def _take(self, sign: str) -> None:
        if self._peek() != sign:
            got = self._tokens[self._at][0].strip() if self._at < len(self._tokens) else "the end"
            raise SqlTypeError(f"expected `{sign}`, got `{got}`")
        self._at += 1


def _quoted(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else "`{}`".format(name.replace("`", "``"))


def can_name_column(name: str) -> bool:
    """Return whether Delta and deltalake store a column or a field of this name, in a table without column mapping."""
    return bool(name) and not _NOT_IN_NAMES.search(name) and len(name.encode()) <= _LONGEST_NAME_BYTES
