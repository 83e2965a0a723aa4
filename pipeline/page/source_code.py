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


def declaration_of(name: str, location: str, folder: Path) -> SourceCode | None:
    """Return the function that declares a dataset, decorators included, without running it.

    Args:
        name: The dataset's name.
        location: What the event log says of it: `file:line`.
        folder: Where the pipeline's source is; a file elsewhere is not shown.
    """
    path, _, line = location.rpartition(":")
    file = Path(path)
    if not line.isdigit() or not file.resolve().is_relative_to(folder.resolve()):
        return None
    try:
        text = file.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except (OSError, ValueError, SyntaxError):
        return None
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    spans = [(min([node.lineno, *(one.lineno for one in node.decorator_list)]), node) for node in functions]
    # The file may have been edited since: the name tells better than the line.
    found = [span for span in spans if span[1].name == name]
    found = found or [span for span in spans if span[0] <= int(line) <= (span[1].end_lineno or 0)]
    if not found:
        return None
    first, node = min(found, key=lambda span: abs(span[0] - int(line)))
    lines = text.splitlines()[first - 1 : node.end_lineno]
    return SourceCode(str(file), first, "\n".join(lines))
