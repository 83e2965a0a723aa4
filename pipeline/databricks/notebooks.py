"""Source files as cells: plain files, notebooks as Databricks exports them, and Jupyter's."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pipeline.declare.dataset import SourceLocation
from pipeline.foundation.errors import AuthorError

if TYPE_CHECKING:
    from pathlib import Path

SOURCE_ENDINGS = {".py", ".sql", ".ipynb"}
_EXPORTED = {".py": "# Databricks notebook source", ".sql": "-- Databricks notebook source"}
_BETWEEN = re.compile(r"^(#|--) COMMAND -+\s*$")
_MAGIC = re.compile(r"^(?:#|--) MAGIC ?")
_TITLE = re.compile(r"^(#|--) DBTITLE \d+,")
_COMMAND = re.compile(r"^\s*%([\w-]+)\s?")
# A line for the notebook's shell among lines of Python.
_SHELL = re.compile(r"^\s*!(?!=)")
# What a cell of each magic is for a pipeline; any other is refused.
_TEXT = {"md", "md-sandbox", "html"}
_NOT_RUN = {"pip", "conda", "sh", "fs", "environment", "matplotlib", "config", "restart_python"}


@dataclass(frozen=True)
class SourceCell:
    """A piece of source in one language.

    Attributes:
        first_line: The line of its file that it begins on; in a Jupyter notebook the line of the cell.
    """

    language: Literal["python", "sql"]
    text: str
    first_line: int


@dataclass
class SourceFile:
    """A file of a pipeline's source.

    Attributes:
        path: The file.
        cells: What is run, in order.
        not_run: Cells that are passed over, with the place of each.
    """

    path: Path
    cells: list[SourceCell] = field(default_factory=list)
    not_run: list[tuple[SourceLocation, str]] = field(default_factory=list)


def read_source(path: Path) -> SourceFile:
    """Return a file's cells.

    Raises:
        AuthorError: The file cannot be read, or has a cell that cannot be honoured.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise AuthorError(f"{path} cannot be read: {error}.", "Correct `sources` in the settings.") from error
    source = SourceFile(path)
    if path.suffix == ".ipynb":
        _add_jupyter(source, text)
    elif text.startswith(_EXPORTED[path.suffix]):
        for first_line, lines in _exported_cells(text.splitlines()):
            _add(source, "python" if path.suffix == ".py" else "sql", lines, first_line)
    elif path.suffix == ".py" and not _is_python(text):
        _add_lines(source, "python", text.split("\n"), 1)
    else:
        source.cells.append(SourceCell("python" if path.suffix == ".py" else "sql", text, 1))
    return source


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def _exported_cells(lines: list[str]) -> list[tuple[int, list[str]]]:
    cells: list[tuple[int, list[str]]] = [(2, [])]
    for number, line in enumerate(lines[1:], start=2):
        if _BETWEEN.match(line):
            cells.append((number + 1, []))
        else:
            # A title takes the place of an empty line: what a cell is stands on its first line.
            cells[-1][1].append("" if _TITLE.match(line) else line)
    return cells


def _add(source: SourceFile, language: Literal["python", "sql"], lines: list[str], first_line: int) -> None:
    """Add a cell, which a magic may give another language."""
    while lines and not lines[0].strip():
        lines, first_line = lines[1:], first_line + 1
    if not lines:
        return
    if any(map(_MAGIC.match, lines)):
        is_magic = [bool(_MAGIC.match(line)) for line in lines]
        lines = [_MAGIC.sub("", line) if magic else line for line, magic in zip(lines, is_magic, strict=True)]
    command = _COMMAND.match(lines[0])
    if command is None:
        _add_lines(source, language, lines, first_line)
        return
    _add_magic(source, language, command[1], [lines[0][command.end() :], *lines[1:]], first_line)


def _add_magic(
    source: SourceFile, language: Literal["python", "sql"], magic: str, lines: list[str], first_line: int
) -> None:
    """Add a cell that begins with a magic, whose rest is given."""
    text = "\n".join(lines)
    where = SourceLocation(str(source.path), first_line)
    if magic == "python":
        _add(source, "python", lines, first_line)
    elif magic == "sql":
        source.cells.append(SourceCell("sql", text, first_line))
    elif magic in _NOT_RUN:
        source.not_run.append((where, f"%{magic} {lines[0]}".strip()))
        if magic == "pip" and len(lines) > 1:
            _add(source, language, lines[1:], first_line + 1)
    elif magic == "run":
        problem = f"{where}: `%run {lines[0].strip()}` would put another notebook's definitions here."
        raise AuthorError(problem, "Make that notebook a module and import it, or name it under `sources` itself.")
    elif magic not in _TEXT:
        problem = f"{where}: a cell of `%{magic}` cannot run here."
        raise AuthorError(problem, "Write it in Python or SQL.")


def _add_lines(source: SourceFile, language: Literal["python", "sql"], lines: list[str], first_line: int) -> None:
    """Add lines of one language; in those of Python, lines for the notebook such as `%pip` are passed over."""
    if language == "python" and not _is_python("\n".join(lines)):
        lines = list(lines)
        for at, line in enumerate(lines):
            command = _COMMAND.match(line)
            if _SHELL.match(line) or (command is not None and command[1] in _NOT_RUN):
                source.not_run.append((SourceLocation(str(source.path), first_line + at), line.strip()))
                lines[at] = ""
    source.cells.append(SourceCell(language, "\n".join(lines), first_line))


def _add_jupyter(source: SourceFile, text: str) -> None:
    try:
        notebook = json.loads(text)
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        metadata = notebook.get("metadata", {})
    except (ValueError, KeyError, TypeError) as error:
        problem = f"{source.path} is not a Jupyter notebook: {type(error).__name__}: {error}."
        raise AuthorError(problem, "Export it again, or take it out of `sources`.") from error
    is_sql = str(metadata.get("application/vnd.databricks.v1+notebook", {}).get("language", "")).lower() == "sql"
    for cell in cells:
        lines = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        # Messages name lines of the file, where each line of a cell stands by itself.
        first_line = _line_of(text, cell["source"])
        _add(source, "sql" if is_sql else "python", lines.splitlines(), first_line)


def _line_of(text: str, source: str | list[str]) -> int:
    first = source if isinstance(source, str) else next((line for line in source if line.strip()), "")
    position = text.find(json.dumps(first, ensure_ascii=False))
    if position < 0:
        position = text.find(json.dumps(first))
    return text.count("\n", 0, position) + 1 if position >= 0 else 1
