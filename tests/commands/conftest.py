"""Commands run inside the tests' process, over the session that all tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline import session as session_module

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class KeptSession:
    """A session that those who stop it leave running for the next test."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spark, name)

    def stop(self) -> None:
        pass


@pytest.fixture
def _kept_session(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "build_session", lambda *_args, **_options: KeptSession(spark))
