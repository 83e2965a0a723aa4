"""The documentation as a site: links from the checkout lead to pages of the site, and versions stand side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from scripts.docs_site import list_versions
from scripts.site_links import rewritten

if TYPE_CHECKING:
    from pathlib import Path


def test_versions_are_listed_newest_first_and_the_root_leads_there(tmp_path: Path) -> None:
    for name in ("0.1.0", "0.3.0", "0.2.0"):
        (tmp_path / name).mkdir()
    list_versions(tmp_path, "0.3.0")
    assert json.loads((tmp_path / "versions.json").read_text("utf-8")) == [
        {"version": "0.3.0", "title": "0.3.0", "aliases": ["latest"]},
        {"version": "0.2.0", "title": "0.2.0", "aliases": []},
        {"version": "0.1.0", "title": "0.1.0", "aliases": []},
    ]
    assert 'url=0.3.0/index.html"' in (tmp_path / "index.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("page", "markdown", "on_site"),
    [
        ("index.md", "[a](docs/page.md)", "[a](page.md)"),
        ("index.md", "![a](docs/images/x.png)", "![a](images/x.png)"),
        ("index.md", "[a](alerts)", "[a](files/alerts.md)"),
        ("page.md", "[a](../CONTRIBUTING.md#tests)", "[a](CONTRIBUTING.md#tests)"),
        ("page.md", "[a](alerts.md#x) [b](#here)", "[a](alerts.md#x) [b](#here)"),
        ("decisions/0001.md", "[a](../tables.md)", "[a](../tables.md)"),
        ("decisions/0001.md", "[a](../../bench/README.md)", "[a](../bench/README.md)"),
        ("tables.md", "[a](../pipeline/sensor.py)", "[a](files/pipeline/sensor.py.md)"),
        ("bench/README.md", "![a](results/latest.svg)", "![a](../files/bench/results/latest.svg)"),
        ("tables.md", "[a](https://spark.example/x)", "[a](https://spark.example/x)"),
    ],
)
def test_link_of_the_checkout_becomes_a_link_of_the_site(page: str, markdown: str, on_site: str) -> None:
    assert rewritten(markdown, page) == on_site
