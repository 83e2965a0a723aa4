"""The source code of a table's declaration."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from pipeline.databricks.sql.statements import cells_of, statements_of
from pipeline.foundation.errors import AuthorError


@dataclass(frozen=True)
class SourceCode:
    """Some lines of a file in Python or SQL.

    Attributes:
        file: The file's path.
        line: The first line's number, counted from 1.
        text: The lines, decorators included.
    """

    file: str
    line: int
    text: str


def declaration_of(name: str, location: str, source: Path) -> SourceCode | None:
    """Return the function or the statement that declares a dataset, without running it.

    Args:
        name: The dataset's name.
        location: Where the event log places it: `file:line`.
        source: The pipeline's source. A file outside its folder is never read: if the log was written on another
            machine, the declaration is looked up in the source itself.
    """
    path, _, number = location.rpartition(":")
    line = int(number) if number.isdecimal() else 0
    file = Path(path)
    is_own = file.resolve().is_relative_to(source.parent.resolve())
    file = file if is_own else source
    try:
        text = file.read_text(encoding="utf-8")
        span = (
            _statement(text, str(file), line) if file.suffix == ".sql" else _function(text, name, line, by_line=is_own)
        )
    except (OSError, ValueError, SyntaxError, AuthorError):
        return None
    if span is None:
        return None
    first, last = span
    return SourceCode(str(file), first, "\n".join(text.splitlines()[first - 1 : last]))


def _statement(text: str, file: str, line: int) -> tuple[int, int] | None:
    """Return the first and the last line of the SQL statement at a line."""
    for cell in cells_of(text):
        for statement in [] if cell.magic else statements_of(cell, file):
            last = statement.tokens[-1]
            span = (statement.tokens[0].line, last.line + last.text.count("\n"))
            if span[0] <= line <= span[1]:
                return span
    return None


def _function(text: str, name: str, line: int, *, by_line: bool) -> tuple[int, int] | None:
    """Return the first and the last line of the function of a name, or else of what is written at a line."""
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    # The file may have been edited since, so the name is more reliable than the line.
    found = [_lines(node) for node in functions if node.name == name]
    if not found and by_line:
        # A table may have another name than its function, or come of a call.
        found = [span for span in map(_lines, [*functions, *tree.body]) if span[0] <= line <= span[1]]
    return min(found, key=lambda span: (abs(span[0] - line), span[1])) if found else None


def _lines(node: ast.stmt) -> tuple[int, int]:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    first = min([node.lineno, *(one.lineno for one in decorators)])
    return first, node.end_lineno or first
