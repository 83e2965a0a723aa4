"""The settings that are written for a pipeline that exists on Databricks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from pipeline.databricks.adopting import adopt
from pipeline.foundation.errors import AuthorError
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """
import dlt
KEY = dbutils.secrets.get("shop", key="api-key")

@dlt.table
def raw():
    return spark.readStream.format("cloudFiles").load("/Volumes/main/shop/raw/orders/")
"""
BUNDLE = """
bundle: {name: shop}
include: [resources/*.yml]
variables: {catalog: {default: dev}}
targets: {dev: {default: true, variables: {schema: Sales}}, prod: {}}
"""
RESOURCE = """
resources:
  pipelines:
    orders:
      name: "[${bundle.target}] orders"
      catalog: ${var.catalog}
      target: ${var.schema}
      continuous: true
      configuration: {bundle.env: "${bundle.target}"}
      libraries: [{notebook: {path: ../src/raw}}, {glob: {include: ../src/more/**}}]
"""


def written(folder: Path, **files: str) -> None:
    for name, text in files.items():
        file = folder / name.replace("__", "/").replace("_py", ".py").replace("_yml", ".yml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def test_folder_without_a_bundle_gives_its_declaring_files(tmp_path: Path) -> None:
    folder = tmp_path / "My Shop"
    written(folder, src__raw_py=SOURCE, src__helper_py="x = 1\n", tests__raw_py=SOURCE)
    (adopted,) = adopt(folder)
    assert yaml.safe_load(adopted.file.read_text()) == {
        "name": "My Shop",
        "schema": "my_shop",
        "catalog": "main",
        "sources": ["src/raw.py"],
        "paths": {"/Volumes/main/shop/raw/orders": "landing/orders"},
        "secrets": {"shop/api-key": "${SHOP_API_KEY}"},
    }
    assert load_settings(adopted.file).sources == ("src/raw.py",)
    assert len(adopted.to_do) == 2


def test_bundle_gives_names_sources_and_parameters_with_its_variables(tmp_path: Path) -> None:
    written(tmp_path, databricks_yml=BUNDLE, resources__orders_yml=RESOURCE, src__raw_py=SOURCE, src__more__b_py=SOURCE)
    (adopted,) = adopt(tmp_path)
    settings = yaml.safe_load(adopted.file.read_text())
    assert {key: settings[key] for key in ("name", "schema", "catalog", "sources", "mode", "configuration")} == {
        "name": "[dev] orders",
        "schema": "sales",
        "catalog": "dev",
        "sources": ["src/raw.py", "src/more/**"],
        "mode": "continuous",
        "configuration": {"bundle.env": "dev"},
    }


def test_settings_that_are_there_are_left_alone(tmp_path: Path) -> None:
    written(tmp_path, pipeline_yml="name: mine\n", raw_py=SOURCE)
    with pytest.raises(AuthorError, match="is there already"):
        adopt(tmp_path)
    assert (tmp_path / "pipeline.yml").read_text() == "name: mine\n"


def test_folder_that_declares_nothing_is_refused(tmp_path: Path) -> None:
    written(tmp_path, a_py="x = 1\n")
    with pytest.raises(AuthorError, match="declares a table"):
        adopt(tmp_path)
