"""What stands before the query of a CREATE statement: name, columns, expectations and clauses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.databricks.declared import DeclaredExpectation, ExpectationAction
from pipeline.databricks.sql.column import ColumnDefinition

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.databricks.sql.cursor import Cursor

_WITHOUT_EFFECT = {
    ("DEFAULT", "COLLATION"): "DEFAULT COLLATION",
    ("CLUSTER", "BY", "AUTO"): "CLUSTER BY AUTO",
    ("CLUSTER", "BY", "NONE"): "CLUSTER BY NONE",
    ("USING", "DELTA"): "",
}
_FILTER = (
    "it has a row filter or a mask, and here every reader would see all that it hides.",
    "Take it out of the declaration, and limit who can read the table's files.",
)
_IDENTITY = (
    "it has an identity column, and the numbers that Databricks would give cannot be given here.",
    "Number the rows in the query, or leave the column out.",
)


@dataclass
class Head:
    """What the clauses of one declaration say, in the order in which they were met."""

    name: str
    columns: list[ColumnDefinition] = field(default_factory=list)
    expectations: list[DeclaredExpectation] = field(default_factory=list)
    comment: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    partition_columns: tuple[str, ...] = ()
    cluster_columns: tuple[str, ...] = ()
    without_effect: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)

    def refuse(self, reason: tuple[str, str]) -> None:
        """Note that the declaration asks for something that cannot be honoured."""
        if reason not in self.refused:
            self.refused.append(reason)


def read_head(cursor: Cursor, name: str) -> Head:
    """Return what comes between a declaration's name and its query, its flow or its end.

    Raises:
        AuthorError: A clause is not one that Databricks knows.
    """
    head = Head(name)
    if cursor.accept("("):
        while not cursor.accept(")"):
            _read_item(cursor, head)
            if cursor.peek() != ")":
                cursor.expect(",")
    while not (cursor.at_end or cursor.peek() in {"AS", "FLOW"}):
        if not _read_clause(cursor, head):
            cursor.fail("a clause of the declaration, `AS` and a query, or `;`")
    return head


def _read_clause(cursor: Cursor, head: Head) -> bool:
    for words, effect in _WITHOUT_EFFECT.items():
        if cursor.accept(*words):
            value = f" {cursor.name_part()}" if words[0] == "DEFAULT" else ""
            head.without_effect += [effect + value] if effect else []
            return True
    for words, read in _CLAUSES:
        if cursor.accept(*words):
            read(cursor, head)
            return True
    if cursor.peek() in {"SCHEDULE", "TRIGGER", "REFRESH"}:
        head.without_effect.append(cursor.text_until(lambda: _begins_clause(cursor)))
        return True
    return False


def _read_comment(cursor: Cursor, head: Head) -> None:
    head.comment = cursor.constant()


def _read_properties(cursor: Cursor, head: Head) -> None:
    head.properties |= _properties(cursor)


def _read_partitions(cursor: Cursor, head: Head) -> None:
    head.partition_columns = cursor.names_in_brackets()
    head.without_effect.append("PARTITIONED BY")


def _read_clusters(cursor: Cursor, head: Head) -> None:
    head.cluster_columns = cursor.names_in_brackets()
    head.without_effect.append("CLUSTER BY")


def _read_location(cursor: Cursor, head: Head) -> None:
    head.without_effect.append(f"LOCATION '{cursor.constant()}'")


def _read_filter(cursor: Cursor, head: Head) -> None:
    cursor.name()
    cursor.accept("ON")
    cursor.text_in_brackets()
    head.refuse(_FILTER)


def _read_loose_constraint(cursor: Cursor, head: Head) -> None:
    _read_constraint(cursor, head)
    cursor.accept(",")


def _begins_clause(cursor: Cursor) -> bool:
    return cursor.peek() in {"AS", "COMMENT", "TBLPROPERTIES", "PARTITIONED", "CLUSTER", "WITH", "FLOW", "LOCATION"}


def _read_item(cursor: Cursor, head: Head) -> None:
    if cursor.accept("CONSTRAINT"):
        _read_constraint(cursor, head)
    elif cursor.peek() in {"PRIMARY", "FOREIGN"} and cursor.peek(1) == "KEY":
        _read_key(cursor, head)
    else:
        _read_column(cursor, head)


def _read_constraint(cursor: Cursor, head: Head) -> None:
    name = cursor.name_part()
    if not cursor.accept("EXPECT"):
        _read_key(cursor, head)
        return
    condition = cursor.text_in_brackets()
    action: ExpectationAction = "warn"
    if cursor.accept("ON", "VIOLATION"):
        if cursor.accept("DROP", "ROW"):
            action = "drop"
        elif cursor.accept("FAIL", "UPDATE"):
            action = "fail"
        else:
            cursor.fail("`DROP ROW` or `FAIL UPDATE`")
    head.expectations.append(DeclaredExpectation(name, condition, action))


def _read_key(cursor: Cursor, head: Head) -> None:
    if cursor.peek() not in {"PRIMARY", "FOREIGN", "REFERENCES"}:
        cursor.fail("`EXPECT (condition)`, `PRIMARY KEY` or `FOREIGN KEY`")
    head.without_effect.append(cursor.text_until(lambda: cursor.peek() in {",", ")", "CONSTRAINT", "COMMENT", "MASK"}))


def _read_column(cursor: Cursor, head: Head) -> None:
    name = cursor.name_part()
    ends = {",", ")", "NOT", "COMMENT", "CONSTRAINT", "PRIMARY", "FOREIGN", "GENERATED", "DEFAULT", "MASK", "COLLATE"}
    type_ = "" if cursor.peek() in ends else _type(cursor, ends)
    not_null, comment, generated = False, "", ""
    while cursor.peek() not in {",", ")"}:
        if cursor.accept("NOT", "NULL"):
            not_null = True
        elif cursor.accept("COMMENT"):
            comment = cursor.constant()
        elif cursor.accept("GENERATED"):
            generated = _generated(cursor, head)
        elif cursor.accept("MASK"):
            cursor.text_until(lambda: cursor.peek() in {",", ")", "COMMENT", "CONSTRAINT", "NOT"})
            head.refuse(_FILTER)
        elif cursor.accept("CONSTRAINT"):
            _read_constraint(cursor, head)
        elif cursor.peek() in {"PRIMARY", "FOREIGN"}:
            _read_key(cursor, head)
        elif cursor.peek() in {"DEFAULT", "COLLATE"}:
            head.without_effect.append(cursor.text_until(lambda: cursor.peek() in ends - {"DEFAULT", "COLLATE"}))
        else:
            cursor.fail("a property of the column, `,` or `)`")
    head.columns.append(ColumnDefinition(name, type_, not_null, comment, generated))


def _type(cursor: Cursor, ends: set[str]) -> str:
    """Return a type; the cursor does not take the signs `<` and `>` of a nested one for brackets."""
    depth = 0

    def is_over() -> bool:
        nonlocal depth
        word = cursor.peek()
        if depth == 0 and word in ends:
            return True
        depth += {"<": 1, ">": -1}.get(word, 0)
        return False

    return cursor.text_until(is_over)


def _generated(cursor: Cursor, head: Head) -> str:
    if not cursor.accept("ALWAYS"):
        cursor.expect("BY", "DEFAULT")
    cursor.expect("AS")
    if not cursor.accept("IDENTITY"):
        return cursor.text_in_brackets()
    if cursor.peek() == "(":
        cursor.text_in_brackets()
    head.refuse(_IDENTITY)
    return ""


def _properties(cursor: Cursor) -> dict[str, str]:
    cursor.expect("(")
    found: dict[str, str] = {}
    while not cursor.accept(")"):
        key = cursor.name()
        cursor.accept("=")
        token = cursor.peek_token()
        is_text = token is not None and token.kind == "string"
        found[key] = cursor.constant() if is_text else cursor.text_until(lambda: cursor.peek() in {",", ")"})
        if cursor.peek() != ")":
            cursor.expect(",")
    return found


_CLAUSES: tuple[tuple[tuple[str, ...], Callable[[Cursor, Head], None]], ...] = (
    (("COMMENT",), _read_comment),
    (("TBLPROPERTIES",), _read_properties),
    (("PARTITIONED", "BY"), _read_partitions),
    (("CLUSTER", "BY"), _read_clusters),
    (("LOCATION",), _read_location),
    (("WITH", "ROW", "FILTER"), _read_filter),
    (("ROW", "FILTER"), _read_filter),
    (("CONSTRAINT",), _read_loose_constraint),
)
