from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.foundation.errors import DamagedStateError
from pipeline.home.intents import IntentFile

if TYPE_CHECKING:
    from pathlib import Path


def test_intent_is_read_as_it_was_written_until_it_is_cleared(tmp_path: Path) -> None:
    intent = IntentFile(tmp_path / "a folder" / "intent.json")
    assert intent.read() is None
    intent.write({"id": "1", "tables": ["silver"]})
    assert intent.read() == {"id": "1", "tables": ["silver"]}
    intent.clear()
    assert intent.read() is None
    intent.clear()


def test_intent_that_is_damaged_is_refused_with_a_remedy(tmp_path: Path) -> None:
    file = tmp_path / "intent.json"
    file.write_text("{")
    with pytest.raises(DamagedStateError, match=r"cannot be read: .*intent\.json: .* --full-refresh-all"):
        IntentFile(file).read()
