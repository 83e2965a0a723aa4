from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from pyhive.exc import OperationalError
from TCLIService import ttypes

from pipeline.warehouse.read_only import allowed_functions
from tests.warehouse.attacks import AT_CONNECT, ATTACKS
from tests.warehouse.conftest import message_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.warehouse.conftest import Server

pytestmark = [pytest.mark.spark, pytest.mark.slow]

OURS = "This warehouse only reads"


def fingerprint(*folders: Path) -> dict[str, str]:
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for folder in folders
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@pytest.fixture(scope="module", autouse=True)
def nothing_changes(warehouse: Server, outside: Path) -> Iterator[None]:
    before = fingerprint(warehouse.home, outside)
    objects = warehouse.ask("SHOW TABLES")
    yield
    assert fingerprint(warehouse.home, outside) == before
    assert warehouse.ask("SHOW TABLES") == objects
    assert {row[0] for row in warehouse.ask("SHOW DATABASES")} == {"default", "smart_factory", "smart_factory_files"}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_refused_with_one_sentence(warehouse: Server, outside: Path, name: str) -> None:
    statement = ATTACKS[name].replace("{outside}", str(outside)).replace("{home}", str(warehouse.home))
    said = warehouse.refusal(statement)
    assert OURS in said
    assert "\n" not in said
    assert "secret'" not in said


@pytest.mark.parametrize("name", AT_CONNECT)
def test_setting_at_connect_is_refused(warehouse: Server, outside: Path, name: str) -> None:
    settings = {key: value.replace("{outside}", str(outside)) for key, value in AT_CONNECT[name].items()}
    with pytest.raises(OperationalError) as raised:
        warehouse.connect(configuration=settings)
    assert OURS in message_of(raised.value)


def test_settings_beside_a_statement_have_no_effect(warehouse: Server, outside: Path) -> None:
    connection = warehouse.connect()
    request = ttypes.TExecuteStatementReq(
        connection.sessionHandle,
        f"SELECT * FROM text.`{outside}/secret.txt`",  # noqa: S608
        confOverlay={"spark.sql.runSQLOnFiles": "true", "set:hiveconf:spark.sql.runSQLOnFiles": "true"},
    )
    response = connection.client.ExecuteStatement(request)
    connection.close()
    assert OURS in response.status.errorMessage


def test_environment_is_not_put_into_statements(warehouse: Server) -> None:
    for variable in ("env:SMART_FACTORY_TEST_SECRET", "system:user.home", "spark:spark.app.name"):
        assert warehouse.ask(f"SELECT '${{{variable}}}'") == [(f"${{{variable}}}",)]


def test_client_can_continue_after_a_refusal(warehouse: Server) -> None:
    with closing(warehouse.connect()) as connection, closing(connection.cursor()) as cursor:
        with pytest.raises(OperationalError):
            cursor.execute("DROP TABLE event_log")
        cursor.execute("SELECT 1")
        assert cursor.fetchall() == [(1,)]


def test_mistyped_query_gets_the_place_of_the_mistake(warehouse: Server) -> None:
    said = warehouse.refusal("SELECT id FORM event_log")
    assert "PARSE_SYNTAX_ERROR" in said
    assert OURS not in said


@pytest.mark.parametrize("statement", ["SELECT ';' AS a", "/* ; */ SELECT 1;", "-- a;\n( SELECT 1 ) ;"])
def test_semicolon_that_separates_no_statements_is_served(warehouse: Server, statement: str) -> None:
    assert len(warehouse.ask(statement)) == 1


def test_functions_that_reach_beyond_the_query_are_not_listed() -> None:
    names = set(allowed_functions())
    reaching = {"java_method", "reflect", "try_reflect", "from_xml", "schema_of_xml", "xpath", "xpath_string",
                "from_avro", "from_protobuf", "python_worker_logs", "table_changes"}  # fmt: skip
    assert not names & reaching
    assert {"count", "sum", "max_by", "percentile_approx", "try_parse_json", "from_json", "date_trunc"} <= names
