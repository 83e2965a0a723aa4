"""The server itself: how it starts, follows the lakehouse, and parts from its clients."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.warehouse.conftest import CHECKOUT

if TYPE_CHECKING:
    from tests.warehouse.conftest import Server

pytestmark = pytest.mark.spark


def test_client_that_leaves_is_let_go_at_once_and_hive_starts_no_database(warehouse: Server) -> None:
    for _ in range(3):
        connection = warehouse.connect()
        started = time.monotonic()
        connection.close()
        assert time.monotonic() - started < 1
    for folder in (CHECKOUT, warehouse.home):
        assert [path for name in ("derby.log", "metastore_db") for path in folder.glob(name)] == []
