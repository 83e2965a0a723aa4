"""Groups whose results are the greatest or least of their rows, and can be kept up to date from new rows alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pipeline.plans.plan import Tree

_FIELD = "GetStructField"
_EXTREMES = {"Max": True, "Min": False}


@dataclass(frozen=True)
class StoredResult:
    """What a group has the greatest or the least of.

    Attributes:
        columns: The view's columns that hold it: a single one, or one for each field of a struct, in their order.
        is_struct: Whether it is a struct, which is compared field by field.
        is_greatest: Whether it is the greatest value; otherwise it is the least.
    """

    columns: tuple[str, ...]
    is_struct: bool
    is_greatest: bool


def stored_results(outputs: Mapping[str, Tree], keys: Collection[str]) -> tuple[StoredResult, ...] | str:
    """Return the results that a view holds whole, or why the view and new rows do not give the next ones.

    The greatest of all rows is the greater one of that of the rows so far and that of the new rows, and it stays the
    same when rows are counted twice. Sums, counts and averages have only the first of these properties.

    Args:
        outputs: A view's columns, each as an expression over the grouping.
        keys: Those that hold what the view groups by.
    """
    found: dict[str, list[tuple[int | None, str]]] = {}
    aggregates: dict[str, Tree] = {}
    for name, value in outputs.items():
        if name in keys:
            continue
        is_field = value.kind == _FIELD
        aggregate = value.children[0] if is_field else value
        if aggregate.kind != "AggregateExpression" or aggregate.children[0].kind not in _EXTREMES:
            return f"Its column `{name}` is not the greatest or the least value of its group."
        number = str(aggregate.fields["resultId"])
        aggregates[number] = aggregate.children[0]
        found.setdefault(number, []).append((value.fields["ordinal"] if is_field else None, name))
    results = []
    for number, columns in found.items():
        compared = aggregates[number].children[0]
        ordinals = [-1 if ordinal is None else ordinal for ordinal, _ in columns]
        is_struct = ordinals != [-1]
        width = len(compared.children) // 2 if compared.kind == "CreateNamedStruct" else 0
        if is_struct and sorted(ordinals) != list(range(width)):
            names = ", ".join(f"`{name}`" for _, name in columns)
            return f"Its columns {names} are not each field of the struct that is compared, once."
        ordered = tuple(name for _, name in sorted(columns, key=lambda column: column[0] or 0))
        results.append(StoredResult(ordered, is_struct, _EXTREMES[aggregates[number].kind]))
    return tuple(results)
