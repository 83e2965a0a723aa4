"""Queries of the kind that Databricks publishes, over the view of the event log: what has to change, and what they give."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, ParseException

from tests.conftest import TABLES
from tests.docs.conftest import EVENT_LOG_PAGE as PAGE

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse

pytestmark = pytest.mark.spark

BRONZE, SILVER, QUARANTINE, GOLD, STATUS = TABLES
CHANGES = re.findall(r"^\| `(.*?details.*?)` \| `(.*?details.*?)` \|$", PAGE, re.MULTILINE)


def query(part: str) -> str:
    if part.startswith("variant_explode"):
        return "SELECT count(*) FROM event_log_details, LATERAL part".replace("part", part)
    return "SELECT part FROM event_log_details".replace("part", part)


@pytest.mark.parametrize(("published", "here"), CHANGES)
def test_part_of_a_published_query_needs_the_change_that_the_page_lists(
    logged: TestLakehouse,
    published: str,
    here: str,
) -> None:
    with pytest.raises((AnalysisException, ParseException, Py4JJavaError)):
        logged.spark.sql(query(published)).collect()
    assert logged.spark.sql(query(here)).collect()


QUERIES: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "last state and duration of each update": (
        """
        WITH states AS (
          SELECT origin.update_id AS update_id,
                 from_json(details::string, 'struct<update_progress: struct<state: string>>').update_progress.state
                 AS state
          FROM event_log_details WHERE event_type = 'update_progress'
          QUALIFY row_number() OVER (PARTITION BY origin.update_id ORDER BY timestamp DESC, sequence DESC) = 1
        ), times AS (
          SELECT origin.update_id AS update_id, min(sequence) AS begun, TIMESTAMPDIFF(SECOND,
                 min(CASE WHEN event_type = 'create_update' THEN timestamp END),
                 max(CASE WHEN event_type = 'update_progress' THEN timestamp END)) AS seconds
          FROM event_log_details GROUP BY origin.update_id
        )
        SELECT state, seconds FROM states JOIN times USING (update_id) ORDER BY begun
        """,
        [("COMPLETED", 0), ("FAILED", 0)],
    ),
    "expectations, parsed with a schema": (
        """
        SELECT e.dataset, e.name, sum(e.passed_records) AS passed, sum(e.failed_records) AS failed FROM (
          SELECT explode(from_json(details :flow_progress :data_quality :expectations ::string,
            "array<struct<name: string, dataset: string, passed_records: int, failed_records: int>>")) AS e
          FROM event_log_details WHERE event_type = 'flow_progress')
        GROUP BY ALL HAVING failed > 0 ORDER BY name
        """,
        [(SILVER, "high_temperature", 3, 1), (SILVER, "valid_device_id", 3, 1)],
    ),
    "expectations, exploded as variants": (
        """
        SELECT date(e.timestamp) AS date, x.value:name::string AS name, sum(x.value:failed_records::long) AS failed
        FROM event_log_details e, LATERAL variant_explode(e.details:flow_progress:data_quality:expectations) AS x
        WHERE e.event_type = "flow_progress" AND details:flow_progress:data_quality:expectations IS NOT NULL
        GROUP BY ALL HAVING failed > 0 ORDER BY name
        """,
        [("2026-03-01", "high_temperature", 1), ("2026-03-01", "valid_device_id", 1)],
    ),
    "failure rate of each table": (
        """
        SELECT split_part(e.origin.flow_name, ".", -1) AS table_name,
               sum(e.details:flow_progress:data_quality:dropped_records::long)
               / sum(e.details:flow_progress:metrics:num_output_rows::long) AS failure_rate
        FROM event_log_details e
        WHERE e.event_type = "flow_progress" AND details:flow_progress:status::string = "RUNNING"
          AND details:flow_progress:data_quality:dropped_records IS NOT NULL
        GROUP BY ALL
        """,
        [(SILVER, 1 / 3)],
    ),
    "lineage of the newest update": (
        """
        WITH latest AS (
          SELECT origin.update_id AS id FROM event_log_details WHERE event_type = 'create_update'
          ORDER BY sequence DESC LIMIT 1)
        SELECT details:flow_definition.output_dataset::string AS fills, details:flow_definition.input_datasets
        FROM event_log_details, latest
        WHERE event_type = 'flow_definition' AND origin.update_id = latest.id ORDER BY fills
        """,
        [
            (BRONZE, "[]"),
            (STATUS, f'["{SILVER}"]'),
            (GOLD, f'["{SILVER}"]'),
            (SILVER, f'["{BRONZE}"]'),
            (QUARANTINE, f'["{SILVER}"]'),
        ],
    ),
    "listings of Auto Loader": (
        """
        SELECT max(details:operation_progress:auto_loader_details:num_files_listed::bigint) FROM event_log_details
        WHERE event_type LIKE 'operation_progress'
          AND details:operation_progress:type::string IN ('AUTO_LOADER_LISTING', 'AUTO_LOADER_BACKFILL')
          AND details:operation_progress:status::string = 'COMPLETED'
        """,
        [("2",)],
    ),
    "backlog": (
        """
        SELECT count(Double(details :flow_progress.metrics.backlog_bytes)) > 0 FROM event_log_details
        WHERE event_type = 'flow_progress'
        """,
        [("True",)],
    ),
    "progress of streams": (
        """
        SELECT count(parse_json(get_json_object(details::string, '$.stream_progress.progress_json')):batchId) > 0
        FROM event_log_details WHERE event_type = 'stream_progress'
        """,
        [("True",)],
    ),
    "who did what": (
        """
        SELECT details:user_action:action FROM event_log_details WHERE event_type = 'user_action' ORDER BY sequence
        """,
        [("START",), ("START",)],
    ),
}


@pytest.mark.parametrize("name", QUERIES)
def test_published_query_with_the_listed_changes_gives_what_happened(
    logged: TestLakehouse,
    name: str,
) -> None:
    text, expected = QUERIES[name]
    given = [tuple(str(value).strip('"') for value in row) for row in logged.spark.sql(text).collect()]
    assert given == [tuple(str(value) for value in row) for row in expected]
