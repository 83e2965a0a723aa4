"""Row values as JSON has them, cut where they are long."""

from __future__ import annotations

from pipeline.page.plain import plain


def test_long_text_is_cut_and_says_how_long_it_is() -> None:
    cut = plain("x" * 340_000)
    assert cut == "x" * 500 + "… of 340,000 characters"
    assert plain("x" * 340_000, whole=True) == "x" * 340_000
    assert plain("x" * 500) == "x" * 500
    assert plain(b"y" * 501) == "y" * 500 + "… of 501 characters"


def test_value_of_many_parts_is_cut_at_every_level() -> None:
    found = plain({"a": list(range(1_000)), "b": {str(key): "z" * 501 for key in range(60)}})
    assert found["a"] == [*range(50), "… of 1,000 values"]
    assert len(found["b"]) == 51
    assert found["b"]["0"] == "z" * 500 + "… of 501 characters"
    assert found["b"]["…"] == "of 60 keys"
    assert plain([[1] * 51], whole=True) == [[1] * 51]
