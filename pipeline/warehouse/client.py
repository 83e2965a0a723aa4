"""Asks a running warehouse, as every client does: over its port."""

from __future__ import annotations

from datetime import timedelta

from alerts.warehouse import HiveWarehouse
from pipeline.errors import LakehouseError

_LONGEST_ANSWER = timedelta(seconds=30)
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - listened on, never asked


def address(host: str, port: int, schema: str) -> str:
    """Return the address that clients on this machine use."""
    return f"hive://{_EVERYWHERE.get(host, host)}:{port}/{schema}"


def table_names(host: str, port: int, schema: str) -> list[str]:
    """Return the names of the tables and views that a warehouse serves, from a query of its own.

    Raises:
        LakehouseError: It does not answer, or refuses.
    """
    warehouse = HiveWarehouse(address(host, port, schema), _LONGEST_ANSWER)
    return [str(row[1]) for row in warehouse.query("SHOW TABLES").rows]


def answers(host: str, port: int, schema: str) -> bool:
    """Tell whether a warehouse answers a query."""
    try:
        table_names(host, port, schema)
    except LakehouseError:
        return False
    return True
