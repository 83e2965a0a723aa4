from __future__ import annotations

import pytest
from warehouse import URL_VARIABLE, Warehouse


def test_warehouse_without_an_address_is_this_machines_and_may_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    found = Warehouse.find()
    assert found.url == "spark://superset@127.0.0.1:10000/smart_factory"
    assert found.is_ours
    assert found.command[1:] == ["-m", "pipeline", "warehouse", "--host", "127.0.0.1", "--port", "10000"]


def test_warehouse_of_the_environment_is_asked_and_never_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL_VARIABLE, "hive://thrift-host:10017/plant")
    found = Warehouse.find()
    assert (found.url, found.is_ours) == ("spark://superset@thrift-host:10017/plant", False)


def test_warehouse_port_of_the_command_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL_VARIABLE, "hive://thrift-host:10017/plant")
    assert Warehouse.find(10020) == Warehouse("127.0.0.1", 10020, "smart_factory", is_ours=True)


@pytest.mark.parametrize("address", ["thrift-host:10000", "hive://:10000/x", "hive://host:none/x", "hive://host:1/"])
def test_invalid_warehouse_address_says_what_is_expected(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv(URL_VARIABLE, address)
    with pytest.raises(ValueError, match=r"must read hive://127\.0\.0\.1:10000/smart_factory; got") as caught:
        Warehouse.find()
    assert URL_VARIABLE in str(caught.value)


def test_warehouse_that_nobody_runs_does_not_answer() -> None:
    assert not Warehouse("127.0.0.1", 1, "smart_factory", is_ours=True).answers()
