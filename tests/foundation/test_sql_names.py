from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from pipeline.delta.reading import rows_of
from pipeline.foundation.sql_names import literal, quoted

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("name", "sql"), [("a", "`a`"), ("a.b c", "`a.b c`"), ("a`b", "`a``b`"), ("", "``")])
def test_column_name_is_quoted_with_its_quotes_doubled(name: str, sql: str) -> None:
    assert quoted(name) == sql


def test_literal_is_the_text_whatever_quotes_and_backslashes_it_has(tmp_path: Path) -> None:
    texts = ["a", "a'b", "a\\", "a\\'b", "a\\nb", "a\nb", "%"]
    write_deltalake(tmp_path, pa.table({"text": texts}))
    found = [rows_of(DeltaTable(tmp_path), where=f"text = {literal(text)}")["text"].to_pylist() for text in texts]
    assert found == [[text] for text in texts]
