"""The project's own rules, which ruff, mypy and import-linter cannot check; prints `file:line: problem` and exits 1."""

from __future__ import annotations

import ast
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHECKOUT = Path(__file__).resolve().parent.parent
LONGEST_FILE, LONGEST_TEST_FILE = 250, 350
LONGEST_FUNCTION = 40
MOST_LOOSE_MODULES = 8

_TEXT_ENDINGS = {".py", ".toml", ".yml", ".yaml", ".json", ".md", ".sql", ".txt", ".in", ".sh", ".cfg", ".properties"}
_TEXT_NAMES = {"Makefile", "Dockerfile", "run"}
_SKIPPED_FOLDERS = {"lakehouse", "__pycache__", "node_modules"}
_HIDDEN_FOLDERS_READ = {".ci", ".github"}
_VAGUE_MODULES = {"utils", "util", "helpers", "helper", "common", "misc"}
_STOPWATCHES = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"}
_STOPWATCH_PLACES = ("superset/serve.py", "generators/", "tests/", "bench/", "scripts/")
_STORY_FILES = ("pipeline/smart_factory.", "pipeline/sensor_readings.py")
_STORY_WORDS = re.compile(r"sensor|temperature|vibration|overheat|\bMFG\b|smart[_ -]factory", re.IGNORECASE)
# Variables of the environment are called after the product; its default pipeline is named in one constant.
_PRODUCT = re.compile(r"SMART_FACTORY_[A-Z]+|^DEFAULT_SCHEMA = .*")
# Split up, so that this file keeps its own rule.
_REGISTRIES = [
    ".".join(pieces)
    for pieces in (
        ("pypi", "org"), ("pythonhosted", "org"), ("conda", "anaconda", "org"), ("maven", "org"),
        ("maven", "apache", "org"), ("npmjs", "org"), ("npmjs", "com"), ("docker", "io"), ("ghcr", "io"),
        ("gcr", "io"), ("quay", "io"), ("proxy", "golang", "org"), ("crates", "io"),
    )
]  # fmt: skip
_REGISTRY = re.compile(rf"(?:^|[^\w-])(?:[\w-]+\.)*({'|'.join(map(re.escape, _REGISTRIES))})(?![\w.-]*\w)")
_OWN_MACHINE = re.compile(r"(?<![\w./:})~-])/(?:work|tmp|home|root|Users)(?=/|['\"\s`]|$)")
_UNFINISHED = re.compile(r"\b(?:[T]ODO|[F]IXME|[X]XX)\b")


@dataclass(frozen=True)
class Source:
    """A file of the checkout; `path` is relative to its root, with slashes."""

    path: str
    text: str
    tree: ast.Module | None = None

    def is_under(self, *places: str) -> bool:
        """Return whether the file lies at or below one of these places."""
        return self.path.startswith(places)


# A rule yields the lines that break it, each with what is wrong there.
Finding = tuple[int, str]


def file_is_short(source: Source) -> Iterator[Finding]:
    """A Python file has at most 250 lines; a test file, which is a list of cases, has at most 350."""
    lines, longest = source.text.count("\n"), LONGEST_TEST_FILE if source.is_under("tests/") else LONGEST_FILE
    if source.tree and lines > longest:
        yield longest + 1, f"the file has {lines} lines; at most {longest}: split it by subject"


def functions_are_short(source: Source) -> Iterator[Finding]:
    """A function has at most 40 lines without its docstring; tests and benchmarks may have more."""
    if source.is_under("tests/", "bench/"):
        return
    docstrings = _docstring_lines(source.tree) if source.tree else set[int]()
    for node in _nodes(source):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = len(set(range(node.lineno, (node.end_lineno or node.lineno) + 1)) - docstrings)
            if lines > LONGEST_FUNCTION:
                yield node.lineno, f"`{node.name}` has {lines} lines; at most {LONGEST_FUNCTION}: split it"


def only_update_starts_queries(source: Source) -> Iterator[Finding]:
    """Only pipeline/update/query_runner.py starts a streaming query; the benchmark's rivals start theirs."""
    if source.path == "pipeline/update/query_runner.py" or source.is_under("bench/rivals/"):
        return
    for node in _nodes(source):
        starts = isinstance(node, ast.Attribute) and (node.attr == "writeStream" or _starts_result_of_a_method(node))
        if starts and isinstance(node, ast.Attribute):
            yield node.lineno, "only pipeline/update/query_runner.py starts streaming queries: declare a table instead"


def only_pacers_use_a_stopwatch(source: Source) -> Iterator[Finding]:
    """Only code that paces or measures uses a stopwatch; ruff (TID251) forbids asking for the time of day."""
    if source.is_under(*_STOPWATCH_PLACES):
        return
    for line, name in _stopwatches(source):
        yield line, f"time.{name} is a stopwatch: take a pipeline.foundation.clock.Clock as argument"


def modules_have_telling_names(source: Source) -> Iterator[Finding]:
    """No module or folder is called utils, helpers or common."""
    vague = _VAGUE_MODULES.intersection(Path(source.path).with_suffix("").parts)
    if source.tree and vague:
        yield 1, f"`{min(vague)}` does not say what the module is about: name its one subject"


def nothing_is_left_undone(source: Source) -> Iterator[Finding]:
    """No file says that something is unfinished; ruff (FIX) reads the comments of Python files."""
    if source.tree:
        return
    yield from _matches(source, _UNFINISHED, "finish it, or open an issue")


def no_registry_is_named(source: Source) -> Iterator[Finding]:
    """No file names a package or image registry: each machine has its own setting for that."""
    yield from _matches(source, _REGISTRY, "the address of a registry belongs in the machine's settings")


def no_path_of_one_machine(source: Source) -> Iterator[Finding]:
    """No file names a folder of one machine; folders inside a container are the same everywhere."""
    if not source.is_under("docker", "superset/Dockerfile"):
        yield from _matches(source, _OWN_MACHINE, "a path of one machine: start from the file, the home or tempfile")


def engine_knows_no_factory(source: Source) -> Iterator[Finding]:
    """In pipeline/ only the demo's own files mention sensors; examples in docstrings may."""
    if not source.tree or not source.is_under("pipeline/") or source.is_under(*_STORY_FILES):
        return
    examples = _docstring_lines(source.tree)
    for line, text in enumerate(source.text.splitlines(), 1):
        found = _STORY_WORDS.search(_PRODUCT.sub("", text))
        if found and line not in examples:
            yield line, f"`{found[0]}`: the engine knows nothing about factories; move this to the demo's own module"


RULES: tuple[Callable[[Source], Iterator[Finding]], ...] = (
    file_is_short,
    functions_are_short,
    only_update_starts_queries,
    only_pacers_use_a_stopwatch,
    modules_have_telling_names,
    nothing_is_left_undone,
    no_registry_is_named,
    no_path_of_one_machine,
    engine_knows_no_factory,
)


def violations(root: Path) -> list[str]:
    """Return every breach of a rule below a folder as `file:line: problem`, file by file."""
    found = [
        f"{source.path}:{line}: {problem}"
        for source in _sources(root)
        for line, problem in sorted(finding for rule in RULES for finding in rule(source))
    ]
    return [*found, *_loose_modules(root)]


def _loose_modules(root: Path) -> list[str]:
    """Return the breach of the rule that `pipeline/` itself holds few modules; all others belong in its rooms."""
    loose = len(list((root / "pipeline").glob("*.py")))
    problem = f"{loose} loose modules; at most {MOST_LOOSE_MODULES}: each module belongs in a room"
    return [f"pipeline/__init__.py:1: {problem}"] if loose > MOST_LOOSE_MODULES else []


def _sources(root: Path) -> Iterator[Source]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _SKIPPED_FOLDERS and (not name.startswith(".") or name in _HIDDEN_FOLDERS_READ)
        )
        for name in sorted(files):
            file = Path(folder, name)
            if file.suffix in _TEXT_ENDINGS or name in _TEXT_NAMES:
                text = file.read_text(encoding="utf-8")
                tree = ast.parse(text, str(file)) if file.suffix == ".py" else None
                yield Source(file.relative_to(root).as_posix(), text, tree)


def _nodes(source: Source) -> Iterator[ast.AST]:
    return ast.walk(source.tree) if source.tree else iter(())


def _name(node: ast.expr) -> str:
    """Return the last part of a dotted name, or an empty string."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _starts_result_of_a_method(node: ast.Attribute) -> bool:
    """Return whether this is `x.trigger(...).start`, and not `Thread(...).start`, which starts an object of a class."""
    if node.attr != "start" or not isinstance(node.value, ast.Call):
        return False
    maker = node.value.func
    return isinstance(maker, ast.Attribute) and not maker.attr[:1].isupper()


def _stopwatches(source: Source) -> Iterator[tuple[int, str]]:
    """Yield where a stopwatch is used or imported: line and function."""
    for node in _nodes(source):
        if isinstance(node, ast.Attribute) and _name(node.value) == "time" and node.attr in _STOPWATCHES:
            yield node.lineno, node.attr
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name in _STOPWATCHES)


def _matches(source: Source, pattern: re.Pattern[str], remedy: str) -> Iterator[Finding]:
    for line, text in enumerate(source.text.splitlines(), 1):
        found = pattern.search(text)
        if found:
            yield line, f"`{found[0].strip()}`: {remedy}"


def _docstring_lines(tree: ast.Module) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                lines.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return lines


def main() -> int:
    """Check the checkout, or the given folder, and return the exit code."""
    found = violations(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else CHECKOUT)
    for violation in found:
        print(violation)
    print(f"house rules: {len(found)} broken" if found else "house rules: all kept")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
