"""The modules `dlt` and `pyspark.pipelines`, as a pipeline's source finds them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from inspect import signature
from types import ModuleType
from typing import TYPE_CHECKING, Any, Never

from pipeline.databricks.changes import changes, changes_of_snapshots, names_of
from pipeline.databricks.declared import (
    Declared,
    DeclaredChanges,
    DeclaredDataset,
    DeclaredExpectation,
    DeclaredFlow,
    DeclaredKind,
    ExpectationAction,
)
from pipeline.databricks.running import location_of
from pipeline.declare.dataset import SourceLocation
from pipeline.foundation.errors import AuthorError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyspark.sql import Column

    from pipeline.databricks.declared import Reads
    from pipeline.declare.dataset import Query

_EXPECTATIONS = "_lakehouse_expectations"
_DLTHUB = {"pipeline", "resource", "source", "destinations", "sources", "transformer", "destination", "run"}
_DATASET_OPTIONS = {
    "name", "comment", "spark_conf", "table_properties", "path", "partition_cols", "cluster_by", "cluster_by_auto",
    "schema", "row_filter", "temporary", "private", "format", "refresh_policy",
}  # fmt: skip
_NO_EFFECT = ("spark_conf", "cluster_by", "cluster_by_auto", "partition_cols", "path", "format", "refresh_policy")
_EXPECT_OPTIONS: dict[str, ExpectationAction] = {
    "expect_all": "warn", "expect_all_or_drop": "drop", "expect_all_or_fail": "fail",
}  # fmt: skip


@dataclass
class Module:
    """What a pipeline's source declares through its modules.

    Args:
        reads: What its queries read through.
        files: The files of the source.
    """

    reads: Reads
    files: set[str]
    _declared: list[Callable[[], Declared]] = field(default_factory=list)

    def declared(self) -> list[Declared]:
        """Return the declarations, once the source has run: expectations may stand above or below a declaration."""
        return [declaration() for declaration in self._declared]

    def add(self, declaration: Declared) -> None:
        """Add a declaration that was made otherwise."""
        self._declared.append(lambda: declaration)

    def as_module(self, name: str) -> ModuleType:
        """Return the module of this name."""
        module = ModuleType(name)
        functions: dict[str, Any] = {
            "table": self._decorator("table"),
            "create_table": self._decorator("table"),
            "materialized_view": self._decorator("materialized_view"),
            "view": self._decorator("temporary_view"),
            "create_view": self._decorator("temporary_view"),
            "temporary_view": self._decorator("temporary_view"),
            "View": self._decorator("temporary_view"),
            "append_flow": self._append_flow,
            "read": lambda name: self.reads.table(name, as_stream=False),
            "on_event_hook": self._refusing("on_event_hook", "Notifications and alerts are in the settings."),
            "create_sink": self._refusing("create_sink", "Write a table, and read it from elsewhere."),
            "foreach_batch_sink": self._refusing("foreach_batch_sink", "Write a table, and read it from elsewhere."),
            "update_flow": self._refusing("update_flow", "Use append_flow()."),
        }
        functions |= dict.fromkeys(("read_stream", "readStream"), lambda name: self.reads.table(name, as_stream=True))
        for old in ("create_streaming_table", "create_target_table", "create_streaming_live_table"):
            functions[old] = self._create_streaming_table
        for action, ending in (("warn", ""), ("drop", "_or_drop"), ("fail", "_or_fail")):
            functions[f"expect{ending}"] = _expect(action)  # type: ignore[arg-type]
            functions[f"expect_all{ending}"] = _expect_all(action)  # type: ignore[arg-type]
        for name_of_call in ("apply_changes", "create_auto_cdc_flow"):
            functions[name_of_call] = self._changes
        for name_of_call in ("apply_changes_from_snapshot", "create_auto_cdc_from_snapshot_flow"):
            functions[name_of_call] = self._changes_of_snapshots
        module.__dict__.update(functions)
        module.__dict__["__getattr__"] = self._missing(sorted(functions))
        return module

    def _here(self) -> SourceLocation:
        return location_of(self.files, sys._getframe(2)) or SourceLocation("<source>", 1)  # noqa: SLF001

    def _decorator(self, kind: DeclaredKind) -> Callable[..., Any]:
        def decorator(query_function: Query | None = None, **options: Any) -> Any:
            where = self._here()
            if isinstance(query_function, str):
                options["name"], query_function = query_function, None
            for option in options:
                if option not in _DATASET_OPTIONS:
                    raise UnknownNameError("option", option, _DATASET_OPTIONS, str(where))

            def declare(function: Query) -> Query:
                self._declared.append(lambda: _dataset(kind, function, options, where))
                return function

            return declare if query_function is None else declare(query_function)

        return decorator

    def _create_streaming_table(self, name: str, **options: Any) -> None:
        where = self._here()
        expectations = [
            DeclaredExpectation(rule, condition, action)
            for option, action in _EXPECT_OPTIONS.items()
            for rule, condition in (options.pop(option, None) or {}).items()
        ]
        for option in options:
            if option not in _DATASET_OPTIONS:
                raise UnknownNameError("option", option, _DATASET_OPTIONS | _EXPECT_OPTIONS.keys(), str(where))
        options["name"] = name
        self.add(_dataset("streaming_table", None, options, where, tuple(expectations)))

    def _append_flow(self, query_function: Query | None = None, *, target: str = "", **options: Any) -> Any:
        where = self._here()
        if not target:
            raise AuthorError(f"{where}: append_flow() names no target.", 'Write @dlt.append_flow(target="table").')
        name, once = options.get("name"), bool(options.get("once"))

        def declare(function: Query) -> Query:
            self.add(DeclaredFlow(target, function, where, name or function.__name__, once=once))
            return function

        return declare if query_function is None else declare(query_function)

    def _changes(self, *arguments: Any, **named: Any) -> None:
        self._add_changes(changes, arguments, named)

    def _changes_of_snapshots(self, *arguments: Any, **named: Any) -> None:
        self._add_changes(changes_of_snapshots, arguments, named)

    def _add_changes(
        self, declaration: Callable[..., DeclaredChanges], arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> None:
        """Add a flow of changes, unless its arguments are not the declaration's."""
        where = self._here()
        known = list(signature(declaration).parameters)[1:]
        for option in named:
            if option not in known:
                raise UnknownNameError("option", option, known, str(where))
        try:
            self.add(declaration(where, *arguments, **named))
        except TypeError as error:
            problem = f"{where}: the arguments of the flow of changes do not fit: {error}."
            raise AuthorError(problem, f"It takes: {', '.join(known)}.") from error

    def _refusing(self, what: str, remedy: str) -> Callable[..., Never]:
        def refuse(*_: Any, **__: Any) -> Never:
            raise AuthorError(f"{self._here()}: `{what}` does not run here.", remedy)

        return refuse

    def _missing(self, known: list[str]) -> Callable[[str], Any]:
        def getattr_(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            where = self._here()
            if name in _DLTHUB:
                problem = f"{where}: `{name}` is of dlthub's `dlt`; in a pipeline's source the name is Databricks'."
                raise AuthorError(problem, "Use it in another program.")
            raise UnknownNameError("function of the module", name, known, str(where))

        return getattr_


def _expect(action: ExpectationAction) -> Callable[..., Any]:
    def expect(name: str, inv: str | Column | None = None, **more: Any) -> Callable[[Query], Query]:
        condition = inv if inv is not None else next(iter(more.values()))
        return _noted([DeclaredExpectation(name, condition, action)])

    return expect


def _expect_all(action: ExpectationAction) -> Callable[..., Any]:
    def expect_all(expectations: Mapping[str, str | Column]) -> Callable[[Query], Query]:
        return _noted([DeclaredExpectation(name, condition, action) for name, condition in expectations.items()])

    return expect_all


def _noted(expectations: list[DeclaredExpectation]) -> Callable[[Query], Query]:
    """Return a decorator that notes expectations on a function; those that stand above come first."""

    def note(function: Query) -> Query:
        below: list[DeclaredExpectation] = getattr(function, _EXPECTATIONS, [])
        setattr(function, _EXPECTATIONS, [*expectations, *below])
        return function

    return note


def _dataset(
    kind: DeclaredKind,
    function: Query | None,
    options: Mapping[str, Any],
    where: SourceLocation,
    expectations: tuple[DeclaredExpectation, ...] = (),
) -> DeclaredDataset:
    filters = [("A row filter would not apply: here every reader sees all rows.", "Take it out.")]
    return DeclaredDataset(
        name=str(options.get("name") or getattr(function, "__name__", "")),
        kind=kind,
        where=where,
        query=function,
        comment=options.get("comment") or (getattr(function, "__doc__", None) or "").strip(),
        schema=options.get("schema"),
        properties={key: str(value) for key, value in (options.get("table_properties") or {}).items()},
        partition_columns=names_of(options.get("partition_cols") or (), "partition_cols", where),
        cluster_columns=names_of(options.get("cluster_by") or (), "cluster_by", where),
        expectations=(*expectations, *getattr(function, _EXPECTATIONS, ())),
        is_private=bool(options.get("temporary") or options.get("private")),
        without_effect=tuple(option for option in _NO_EFFECT if options.get(option)),
        refused=tuple(filters if options.get("row_filter") else ()),
    )
