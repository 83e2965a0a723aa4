"""The house's own rules, those that neither ruff nor mypy knows; prints `file:line: what` and exits 1."""

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

_TEXT_ENDINGS = {".py", ".toml", ".yml", ".yaml", ".json", ".md", ".sql", ".txt", ".in", ".sh", ".cfg", ".properties"}
_TEXT_NAMES = {"Makefile", "Dockerfile", "run"}
_SKIPPED_FOLDERS = {"lakehouse", "__pycache__", "node_modules"}
_HIDDEN_FOLDERS_READ = {".ci", ".github"}
_VAGUE_MODULES = {"utils", "util", "helpers", "helper", "common", "misc"}
# What asks for the time, by the object that is asked.
_TIME_CALLS = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "localtime", "gmtime"},
}
_STOPWATCHES = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"}
_STOPWATCH_PLACES = ("superset/serve.py", "generators/", "tests/", "bench/")
_STORY_FILES = ("pipeline/smart_factory.", "pipeline/sensor_readings.py")
_STORY_WORDS = re.compile(r"sensor|temperature|vibration|\bMFG\b", re.IGNORECASE)
# In pieces, so that this file obeys its own rule.
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
    """A file of the checkout; `path` counts from its root, with slashes."""

    path: str
    text: str
    tree: ast.Module | None = None

    def is_under(self, *places: str) -> bool:
        """Tell whether it stands at or below one of some places."""
        return self.path.startswith(places)


# A rule yields the lines that break it, each with what is wrong there.
Finding = tuple[int, str]


def file_is_short(source: Source) -> Iterator[Finding]:
    """A Python file has at most 250 lines; a test file, which is a list of cases, 350."""
    lines, longest = source.text.count("\n"), LONGEST_TEST_FILE if source.is_under("tests/") else LONGEST_FILE
    if source.tree and lines > longest:
        yield longest + 1, f"the file has {lines} lines; at most {longest}: part it by subject"


def functions_are_short(source: Source) -> Iterator[Finding]:
    """A function has at most 40 lines, its docstring not counted; tests and benchmarks may have more."""
    if source.is_under("tests/", "bench/"):
        return
    docstrings = _docstring_lines(source.tree) if source.tree else set[int]()
    for node in _nodes(source):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = len(set(range(node.lineno, (node.end_lineno or node.lineno) + 1)) - docstrings)
            if lines > LONGEST_FUNCTION:
                yield node.lineno, f"`{node.name}` has {lines} lines; at most {LONGEST_FUNCTION}: part it"


def only_session_builds_sessions(source: Source) -> Iterator[Finding]:
    """Only pipeline/session.py builds a Spark session."""
    if source.path == "pipeline/session.py":
        return
    for node in _nodes(source):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in {"builder", "Builder"}
            and _name(node.value) == "SparkSession"
        ):
            yield node.lineno, "a Spark session is built by pipeline/session.py alone: call build_session()"


def only_update_starts_queries(source: Source) -> Iterator[Finding]:
    """Only pipeline/update.py starts a streaming query; the benchmark's rivals have their own."""
    if source.path == "pipeline/update.py" or source.is_under("bench/rivals/"):
        return
    for node in _nodes(source):
        starts = isinstance(node, ast.Attribute) and (node.attr == "writeStream" or _starts_what_a_method_gave(node))
        if starts and isinstance(node, ast.Attribute):
            yield node.lineno, "a streaming query is started by pipeline/update.py alone: declare a table instead"


def only_clock_tells_time(source: Source) -> Iterator[Finding]:
    """Only pipeline/clock.py asks for the time; what paces or measures may use a stopwatch."""
    if source.path == "pipeline/clock.py":
        return
    may_stop_time = source.is_under(*_STOPWATCH_PLACES)
    for line, module, name in _asked(source):
        is_stopwatch = module == "time" and name in _STOPWATCHES
        if name in _TIME_CALLS.get(module, ()) or (is_stopwatch and not may_stop_time):
            yield line, f"{module}.{name} asks for the time: take a pipeline.clock.Clock as argument"


def modules_say_what_they_hold(source: Source) -> Iterator[Finding]:
    """No module or folder is called utils, helpers or common."""
    vague = _VAGUE_MODULES.intersection(Path(source.path).with_suffix("").parts)
    if source.tree and vague:
        yield 1, f"`{min(vague)}` says nothing of what it holds: name the one thing it is about"


def nothing_is_left_undone(source: Source) -> Iterator[Finding]:
    """No note says that something is unfinished."""
    yield from _matches(source, _UNFINISHED, "finish it, or open an issue")


def no_registry_is_named(source: Source) -> Iterator[Finding]:
    """No file names a package or image registry: where packages come from is the machine's own setting."""
    yield from _matches(source, _REGISTRY, "a registry's address belongs to the machine's settings")


def no_path_of_one_machine(source: Source) -> Iterator[Finding]:
    """No file names a folder of one machine; a container's own folders are everybody's."""
    if not source.is_under("docker", "superset/Dockerfile"):
        yield from _matches(source, _OWN_MACHINE, "a path of one machine: count from the file, the home or tempfile")


def engine_knows_no_factory(source: Source) -> Iterator[Finding]:
    """In pipeline/ only the demo's own files speak of sensors; examples in docstrings may."""
    if not source.tree or not source.is_under("pipeline/") or source.is_under(*_STORY_FILES):
        return
    examples = _docstring_lines(source.tree)
    for line, text in enumerate(source.text.splitlines(), 1):
        found = _STORY_WORDS.search(text)
        if found and line not in examples:
            yield line, f"`{found[0]}`: the engine knows nothing of factories; move it to the pipeline's own module"


RULES: tuple[Callable[[Source], Iterator[Finding]], ...] = (
    file_is_short,
    functions_are_short,
    only_session_builds_sessions,
    only_update_starts_queries,
    only_clock_tells_time,
    modules_say_what_they_hold,
    nothing_is_left_undone,
    no_registry_is_named,
    no_path_of_one_machine,
    engine_knows_no_factory,
)


def violations(root: Path) -> list[str]:
    """Return every breach of a rule below a folder as `file:line: what`, file by file."""
    return [
        f"{source.path}:{line}: {problem}"
        for source in _sources(root)
        for line, problem in sorted(finding for rule in RULES for finding in rule(source))
    ]


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
    """Return the last part of a dotted name, or nothing."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _starts_what_a_method_gave(node: ast.Attribute) -> bool:
    """Tell `x.trigger(...).start` from `Thread(...).start`, whose maker is a class."""
    if node.attr != "start" or not isinstance(node.value, ast.Call):
        return False
    maker = node.value.func
    return isinstance(maker, ast.Attribute) and not maker.attr[:1].isupper()


def _asked(source: Source) -> Iterator[tuple[int, str, str]]:
    """Yield what might ask for the time: line, the object that is asked, the function."""
    for node in _nodes(source):
        if isinstance(node, ast.Attribute):
            yield node.lineno, _name(node.value), node.attr
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from ((node.lineno, "time", alias.name) for alias in node.names)


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
    """Check the checkout, or the folder that is given, and return the exit code."""
    found = violations(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else CHECKOUT)
    for violation in found:
        print(violation)
    print(f"house rules: {len(found)} broken" if found else "house rules: all kept")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
