"""One event log, and every JSON document that shows its figures: they are a public interface."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.page.shop import Shop

DOCUMENTS = json.loads(Path(__file__).with_name("figures.json").read_text())


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_document_about_an_update_keeps_its_fields(shop: Shop, name: str) -> None:
    assert shop.document(name) == DOCUMENTS[name]
