"""A declaration is shown as it stands in its file, and no other file is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.page.source_code import SourceCode, declaration_of

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """import pipeline


@pipeline.table(
    comment="Orders",
)
def orders():
    return 1


def other():
    return 2
"""


def test_declaration_comes_with_its_decorators_and_its_line(tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    file.write_text(TEXT, encoding="utf-8")
    expected = SourceCode(str(file), 4, "\n".join(TEXT.splitlines()[3:8]))
    source = tmp_path / "main.py"
    assert declaration_of("orders", f"{file}:7", source) == expected
    assert declaration_of("orders", f"{file}:99", source) == expected
    assert declaration_of("renamed", f"{file}:5", source) == expected


def test_log_that_was_written_elsewhere_is_answered_from_the_pipelines_own_source(tmp_path: Path) -> None:
    source = tmp_path / "shop.py"
    source.write_text(TEXT, encoding="utf-8")
    found = declaration_of("orders", "/another/machine/shop.py:7", source)
    assert found is not None
    assert (found.file, found.line) == (str(source), 4)
    assert declaration_of("unknown", "/another/machine/shop.py:5", source) is None


def test_file_elsewhere_or_gone_or_broken_is_not_shown(tmp_path: Path) -> None:
    folder = tmp_path / "pipeline"
    folder.mkdir()
    outside = tmp_path / "secret.py"
    outside.write_text(TEXT, encoding="utf-8")
    broken = folder / "broken.py"
    broken.write_text("def (", encoding="utf-8")
    for location in (
        f"{outside}:7", f"{folder}/../secret.py:7", f"{folder}/gone.py:7", f"{broken}:1", f"{broken}", "", "x:y",
    ):  # fmt: skip
        assert declaration_of("orders", location, folder / "main.py") is None
