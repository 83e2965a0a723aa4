from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bundle import Asset, load_assets

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, path: str, text: str) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_assets_come_after_what_they_refer_to(tmp_path: Path) -> None:
    for kind in ("charts", "dashboards", "databases", "datasets/plant", "queries"):
        write(tmp_path, f"{kind}/one.yaml", f"uuid: of-{kind}\n")
    kinds = [asset.kind for asset in load_assets(tmp_path)]
    assert kinds == ["databases", "queries", "datasets", "charts", "dashboards"]


def test_mark_changes_with_the_content_and_not_with_its_order(tmp_path: Path) -> None:
    write(tmp_path, "charts/a.yaml", "uuid: a\nname: x\n")
    write(tmp_path, "charts/b.yaml", "name: x\nuuid: a\n")
    first = Asset("charts", "charts/a.yaml", {"uuid": "a", "name": "x"})
    assert first.mark == Asset("charts", "charts/b.yaml", {"name": "x", "uuid": "a"}).mark
    assert first.mark != Asset("charts", "charts/a.yaml", {"uuid": "a", "name": "y"}).mark


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        ({"charts/a.yaml": "uuid: [\n"}, "charts/a.yaml is not YAML"),
        ({"charts/a.yaml": "name: x\n"}, "charts/a.yaml has no uuid"),
        ({"charts/a.yaml": "uuid: x\n", "charts/b.yaml": "uuid: x\n"}, "charts/b.yaml has the uuid of charts/a.yaml"),
    ],
)
def test_invalid_bundle_names_the_file(tmp_path: Path, texts: dict[str, str], problem: str) -> None:
    for path, text in texts.items():
        write(tmp_path, path, text)
    with pytest.raises(ValueError, match=problem):
        load_assets(tmp_path)
