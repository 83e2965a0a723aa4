"""Documents of every kind land at once: no one of them stops the update, and every record of a valid one is a row."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.records.json_documents import EITHER, IN_ANOTHER_ENCODING, INVALID, VALID

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import TestLakehouse


@pytest.mark.spark
@pytest.mark.parametrize("inference", ["scalars", "all"])
def test_documents_of_every_kind_are_ingested_and_valid_ones_whole(
    things: Callable[[str], TestLakehouse], inference: str
) -> None:
    lakehouse = things(f'infer_column_types="{inference}"')
    for number, (document, _) in enumerate(VALID):
        lakehouse.land(f"valid-{number:04}.json", document, folder="things")
    for number, content in enumerate([*INVALID, *EITHER]):
        lakehouse.land(f"other-{number:04}.json", content, folder="things")
    assert not lakehouse.update().errors
    files = lakehouse.files("things")
    states = Counter(record.state for record in files.values())
    assert states == {"ingested": len(files) - len(IN_ANOTHER_ENCODING), "set aside": len(IN_ANOTHER_ENCODING)}
    counts = {path.rsplit("/", 1)[-1]: record.rows for path, record in files.items()}
    assert [counts[f"valid-{number:04}.json"] for number in range(len(VALID))] == [len(records) for _, records in VALID]
