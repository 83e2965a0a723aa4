"""The client of the SQL warehouse, against ports that do not answer."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest

from pipeline.foundation.errors import AuthorError
from pipeline.warehouse.hive import HiveWarehouse, QueryRefusedError, QueryWrongError, WarehouseDownError, refusal


def test_port_without_a_listener_is_down() -> None:
    with pytest.raises(WarehouseDownError, match=r"127\.0\.0\.1:1 does not answer.*make warehouse"):
        HiveWarehouse("hive://127.0.0.1:1/smart_factory").query("SELECT 1")


def test_server_that_never_answers_is_down_after_the_time_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        warehouse = HiveWarehouse(f"hive://127.0.0.1:{port}/smart_factory", timedelta(milliseconds=200))
        with pytest.raises(WarehouseDownError, match="does not answer"):
            warehouse.query("SELECT 1")


@pytest.mark.parametrize(
    "url", ["127.0.0.1:10000", "http://127.0.0.1/x", "hive://127.0.0.1:10000", "hive://h:port/x", "hive://h:1/x;y"]
)
def test_invalid_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(AuthorError, match=r"hive://127\.0\.0\.1:10000/smart_factory"):
        HiveWarehouse(url)


def test_refusal_is_one_line_without_java() -> None:
    error = refusal(
        "Error running query: [UNRESOLVED_COLUMN.WITH_SUGGESTION] org.apache.spark.sql.AnalysisException: "
        "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `nope` cannot be resolved.\n\tat org.apache.Foo"
    )
    assert isinstance(error, QueryWrongError)
    assert error.problem == (
        "The warehouse refused the query: [UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `nope` cannot be resolved."
    )


def test_refusal_for_another_reason_is_not_blamed_on_the_query() -> None:
    assert isinstance(refusal("[TABLE_OR_VIEW_NOT_FOUND] x"), QueryRefusedError)
    assert isinstance(refusal(""), QueryRefusedError)
