"""Which column the values of a key become, whatever their order."""

from __future__ import annotations

from functools import reduce
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.records.columns import Column
from pipeline.records.kind import column_type, kinds_of, merged, observe_keys
from pipeline.records.values import Corrupt, RawNumber

if TYPE_CHECKING:
    from pipeline.records.kind import Inference, Kind
    from pipeline.records.values import Record


def types_of(values: list[Any], inference: Inference, *, only_texts: bool = False) -> set[str | None]:
    """The types that the values found, in each order they may come in."""
    kind_of = kinds_of(inference, only_texts=only_texts)
    found = set()
    for ordered in permutations(values):
        kind: Kind = None
        for value in ordered:
            kind = merged(kind, kind_of(value))
        found.add(column_type(kind))
    return found


@pytest.mark.parametrize(
    ("values", "sql_type"),
    [
        pytest.param([None], None, id="null_waits"),
        pytest.param([None, 1], "double", id="null_and_number"),
        pytest.param([1, 2.5, RawNumber("21.50"), RawNumber("NaN")], "double", id="numbers"),
        pytest.param([RawNumber("NaN"), None], None, id="not_a_number_waits"),
        pytest.param([2**53, -(2**53), 1.5], "double", id="integers_that_a_double_holds"),
        pytest.param([1, 2**53 + 1], "string", id="integer_beyond_2_to_53"),
        pytest.param([-(2**60), 0.5], "string", id="integer_beyond_2_to_53_that_a_double_holds"),
        pytest.param([RawNumber("123456789012345678901234567890")], "string", id="integer_of_thirty_digits"),
        pytest.param([RawNumber("1e999"), 1], "string", id="number_beyond_a_double"),
        pytest.param([True, None, False], "boolean", id="booleans"),
        pytest.param([True, 1], "string", id="boolean_and_number"),
        pytest.param(["1"], "string", id="text_that_spells_a_number"),
        pytest.param([{}], "string", id="object"),
        pytest.param([[], 1], "string", id="array_and_number"),
    ],
)
def test_new_column_of_scalars_holds_all_values(values: list[Any], sql_type: str | None) -> None:
    assert types_of(values, "scalars") == {sql_type}


@pytest.mark.parametrize(
    ("values", "sql_type"),
    [
        pytest.param([1, 2**53 + 1, -(2**63)], "bigint", id="integers_of_64_bits"),
        pytest.param([1, 2**63], "string", id="integer_beyond_64_bits"),
        pytest.param([1, 1.5, None], "double", id="small_integers_and_fractions"),
        pytest.param([1, 2**53 + 1, 1.5], "string", id="large_integers_and_fractions"),
        pytest.param([True], "boolean", id="boolean"),
        pytest.param([True, 1], "string", id="boolean_and_integer"),
        pytest.param(["2026-11-30", None], "date", id="date"),
        pytest.param(["2026-11-30T10:00:00+01:00", "2026-11-30 10:00"], "timestamp", id="timestamps"),
        pytest.param(["2026-11-30", "2026-11-30T10:00:00Z"], "timestamp", id="date_and_timestamp"),
        pytest.param(["2026-11-30", "2026-02-30"], "string", id="no_date"),
        pytest.param(["2026-11-30T10:00:00.123456789Z"], "string", id="nanoseconds"),
        pytest.param(["2026-11-30", 7], "string", id="date_and_number"),
        pytest.param([{"a": 1}, {"b": [True]}, {"a": 0.5}], "struct<a:double,b:array<boolean>>", id="objects"),
        pytest.param([{"a": None}, {}], "struct<a:string>", id="object_of_null"),
        pytest.param([{}, None], "string", id="object_without_keys"),
        pytest.param([{"a": 1}, 1], "string", id="object_and_number"),
        pytest.param([{"a": 1, "A": 2}], "string", id="keys_differing_by_case"),
        pytest.param([{"a b": 1}], "string", id="key_that_names_no_field"),
        pytest.param([[1], [], None], "array<bigint>", id="arrays"),
        pytest.param([[], [None]], "array<string>", id="arrays_without_a_value"),
        pytest.param([[1, "x"], [{"a": 1}]], "array<string>", id="arrays_of_anything"),
        pytest.param([[{"a": [2**60]}], [{"a": [1]}]], "array<struct<a:array<bigint>>>", id="nested_deeply"),
        pytest.param([{f"MFG-{number}": number for number in range(201)}], "string", id="keys_that_are_values"),
    ],
)
def test_new_column_of_any_type_holds_all_values(values: list[Any], sql_type: str | None) -> None:
    found = types_of(values, "all")
    # The order of a struct's fields is that of their appearance.
    assert sql_type in found
    assert len({"".join(sorted(str(each))) for each in found}) == 1


@pytest.mark.parametrize(
    ("texts", "scalars", "every"),
    [
        (["1", "+2.50", ".5", "1e3"], "double", "double"),
        (["1", "007"], "double", "bigint"),
        (["5.0"], "double", "double"),
        (["9007199254740993", "1"], "string", "bigint"),
        (["9007199254740993", "1.5"], "string", "string"),
        (["9223372036854775808"], "string", "string"),
        (["9" * 5000], "string", "string"),
        (["1", "NaN"], "string", "string"),
        (["1.5d"], "string", "string"),
        (["True", "false"], "boolean", "boolean"),
        (["2026-11-30"], "string", "date"),
        (["2026-11-30 10:00:00"], "string", "timestamp"),
        (["hot", "1"], "string", "string"),
    ],
)
def test_new_column_of_texts_is_what_all_of_them_spell(texts: list[str], scalars: str, every: str) -> None:
    assert types_of([*texts, None], "scalars", only_texts=True) == {scalars}
    assert types_of([*texts, None], "all", only_texts=True) == {every}


@pytest.mark.parametrize("only_texts", [True, False])
def test_new_column_without_inference_is_a_text(only_texts: bool) -> None:
    assert types_of(["1", None], "none", only_texts=only_texts) == {"string"}
    assert types_of([None], "none", only_texts=only_texts) == {None}


def test_value_too_deep_for_a_type_is_a_text() -> None:
    value: Any = 1
    for _ in range(100):
        value = [value]
    (found,) = types_of([value], "all")
    assert found is not None
    assert found == "array<" * 30 + "string" + ">" * 30


def test_new_keys_come_in_order_of_appearance_and_known_ones_not_at_all() -> None:
    records: list[Record] = [{"b": 1, "known": 1, "a": "x"}, Corrupt("x"), {"c": None, "a": "y", "Known": True}]
    columns = [Column("known", "string")]
    observed = observe_keys(records, columns, kinds_of("scalars"))
    assert list(observed.items()) == [("b", "double"), ("a", "string"), ("c", None), ("Known", "boolean")]
    assert observe_keys([{"known": 1}], columns, kinds_of("scalars")) == {}


@pytest.mark.parametrize(
    ("kinds", "sql_type"),
    [
        (["tinyint", "int", "smallint"], "int"),
        (["int", "large"], "bigint"),
        (["int", "double", "float"], "double"),
        (["int", "double", "large"], "string"),
        (["float", "large", "int"], "string"),
        (["decimal(4,2)", "decimal(6,2)"], "string"),
    ],
)
def test_types_that_files_give_are_widened_alike_in_any_order(kinds: list[Kind], sql_type: str) -> None:
    assert {column_type(reduce(merged, ordered)) for ordered in permutations(kinds)} == {sql_type}
