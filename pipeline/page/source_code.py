"""The declaration of a table as it stands in its file."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SourceCode:
    """A piece of a Python file.

    Attributes:
        file: The file's path.
        line: The line that the piece begins at, counted from 1.
        text: The lines, decorators included.
    """

    file: str
    line: int
    text: str


def declaration_of(name: str, location: str, source: Path) -> SourceCode | None:
    """Return the function that declares a dataset, decorators included, without running it.

    Args:
        name: The dataset's name.
        location: What the event log says of it: `file:line`.
        source: The pipeline's source. A file outside its folder is not read: the log may have been written where
            the code stood elsewhere, and then the source itself is looked into.
    """
    path, _, number = location.rpartition(":")
    line = int(number) if number.isdecimal() else 0
    file = Path(path)
    if not file.resolve().is_relative_to(source.parent.resolve()):
        file = source
    try:
        text = file.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except (OSError, ValueError, SyntaxError):
        return None
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    spans = [(min([node.lineno, *(one.lineno for one in node.decorator_list)]), node) for node in functions]
    # The file may have been edited since: the name tells better than the line.
    found = [span for span in spans if span[1].name == name]
    if not found and file != source:
        found = [span for span in spans if span[0] <= line <= (span[1].end_lineno or 0)]
    if not found:
        return None
    first, node = min(found, key=lambda span: abs(span[0] - line))
    lines = text.splitlines()[first - 1 : node.end_lineno]
    return SourceCode(str(file), first, "\n".join(lines))
