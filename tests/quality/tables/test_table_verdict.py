from __future__ import annotations

from pipeline.quality.rules import TableExpectation
from pipeline.quality.tables.table_verdict import verdicts_of


def test_verdict_on_a_table_without_rows_is_reported_although_nothing_was_counted() -> None:
    result = {
        "success": True,
        "expectation_config": {"type": "expect_column_values_to_be_unique", "meta": {"name": "unique_key"}},
        "result": {"unexpected_count": None, "element_count": None},
    }
    (verdict,) = verdicts_of({"results": [result]}, [TableExpectation("unique_key", "warn", "")])
    assert (verdict.name, verdict.passed, verdict.observed) == ("unique_key", True, "")
