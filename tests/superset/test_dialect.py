from __future__ import annotations

from typing import Any

import pytest
from spark_warehouse.dialect import SparkWarehouseDialect
from sqlalchemy import exc

ANSWERS: dict[str, list[tuple[Any, ...]]] = {
    "SHOW SCHEMAS": [("default",), ("smart_factory",)],
    "SHOW TABLES IN `smart_factory`": [
        ("smart_factory", "readings", False),
        ("smart_factory", "readings_by_hour", False),
        ("", "of_one_session", True),
    ],
    "SHOW VIEWS IN `smart_factory`": [("smart_factory", "readings_by_hour", False), ("", "of_one_session", True)],
    "DESCRIBE `smart_factory`.`readings`": [
        ("device_id", "string", "who sent it"),
        ("temperature_celsius", "double", None),
        ("taken_at", "timestamp", None),
        ("local_time", "timestamp_ntz", None),
        ("amount", "decimal(10,2)", None),
        ("warnings", "array<string>", None),
        ("details", "variant", ""),
        ("# Partition Information", "", ""),
        ("# col_name", "data_type", "comment"),
        ("device_id", "string", None),
    ],
}


class Connection:
    """Answers as Spark's Thrift Server did when it was asked."""

    def execute(self, statement: Any) -> list[tuple[Any, ...]]:
        return ANSWERS[str(statement)]


@pytest.fixture
def dialect() -> SparkWarehouseDialect:
    return SparkWarehouseDialect()


def test_dialect_tells_schemas_tables_and_views_apart(dialect: SparkWarehouseDialect) -> None:
    connection = Connection()
    assert dialect.get_schema_names(connection) == ["default", "smart_factory"]
    assert dialect.get_table_names(connection, "smart_factory") == ["readings"]
    assert dialect.get_view_names(connection, "smart_factory") == ["readings_by_hour"]
    assert dialect.has_table(connection, "readings_by_hour", "smart_factory")
    assert not dialect.has_table(connection, "gone", "smart_factory")


def test_dialect_gives_columns_with_types_and_comments_and_partition_columns_once(
    dialect: SparkWarehouseDialect,
) -> None:
    columns = dialect.get_columns(Connection(), "readings", "smart_factory")
    assert [(column["name"], column["type"].__name__, column["comment"]) for column in columns] == [
        ("device_id", "String", "who sent it"),
        ("temperature_celsius", "Float", None),
        ("taken_at", "HiveTimestamp", None),
        ("local_time", "HiveTimestamp", None),
        ("amount", "HiveDecimal", None),
        ("warnings", "String", None),
        ("details", "String", None),
    ]
    assert dialect.get_indexes(Connection(), "readings", "smart_factory") == []


def test_dialect_asked_for_the_columns_of_no_table_says_so(dialect: SparkWarehouseDialect) -> None:
    with pytest.raises(exc.NoSuchTableError, match="gone"):
        dialect.get_columns(Connection(), "gone", "smart_factory")
