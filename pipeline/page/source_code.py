"""The source code of a table's declaration."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from pipeline.databricks.notebooks import SOURCE_ENDINGS, SourceCell, read_source
from pipeline.databricks.sql.statements import cells_of, statements_of
from pipeline.foundation.errors import AuthorError

# A cell, and the first and the last line of some of its text, as lines of the file.
_Span = tuple[SourceCell, int, int]


@dataclass(frozen=True)
class SourceCode:
    """Some lines of a file in Python or SQL; those of a notebook stand without what makes them a notebook.

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
    if file.suffix not in SOURCE_ENDINGS:
        return None
    try:
        cells = read_source(file).cells
    except AuthorError:
        return None
    by_name, by_line = [], []
    for cell in cells:
        named, placed = _statements(cell, str(file), line) if cell.language == "sql" else _functions(cell, name, line)
        by_name += named
        by_line += placed
    # The file may have been edited since, so the name is more reliable than the line. A table may also have another
    # name than its function, or come of a call.
    found = by_name or (by_line if is_own else [])
    if not found:
        return None
    cell, first, last = min(found, key=lambda one: (abs(one[1] - line), one[2]))
    lines = cell.text.splitlines()[first - cell.first_line : last - cell.first_line + 1]
    return SourceCode(str(file), first, "\n".join(lines))


def _statements(cell: SourceCell, file: str, line: int) -> tuple[list[_Span], list[_Span]]:
    """Return no statements of a name, and that at a line."""
    try:
        statements = [one for part in cells_of(cell.text) if not part.magic for one in statements_of(part, file)]
    except AuthorError:
        return [], []
    before = cell.first_line - 1
    spans = [
        (cell, before + one.tokens[0].line, before + one.tokens[-1].line + one.tokens[-1].text.count("\n"))
        for one in statements
    ]
    return [], [span for span in spans if span[1] <= line <= span[2]]


def _functions(cell: SourceCell, name: str, line: int) -> tuple[list[_Span], list[_Span]]:
    """Return the functions of a name, and what is written at a line."""
    try:
        tree = ast.parse(cell.text)
    except (SyntaxError, ValueError):
        return [], []
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    placed = [span for node in [*functions, *tree.body] if (span := _span(cell, node))[1] <= line <= span[2]]
    return [_span(cell, node) for node in functions if node.name == name], placed


def _span(cell: SourceCell, node: ast.stmt) -> _Span:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    first = min([node.lineno, *(one.lineno for one in decorators)])
    before = cell.first_line - 1
    return cell, before + first, before + (node.end_lineno or first)
