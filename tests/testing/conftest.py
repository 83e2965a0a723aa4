"""The fixture for authors' tests, over the session that all tests here share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.testing import pipeline_under_test

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["pipeline_under_test"]


@pytest.fixture(scope="session")
def pipeline_session(spark: SparkSession) -> SparkSession:
    return spark
