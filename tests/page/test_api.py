"""What the page's API answers over a lakehouse with two updates, through a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.page.conftest import SCRIPT

if TYPE_CHECKING:
    from tests.conftest import TestLakehouse
    from tests.page.conftest import Client

pytestmark = [pytest.mark.spark, pytest.mark.slow]

BRONZE, SILVER, QUARANTINE, GOLD, STATUS = (
    "bronze_sensor_readings",
    "silver_cleaned_sensors",
    "silver_quarantined_sensors",
    "gold_hourly_device_summary",
    "gold_device_status",
)
LANDING = "landing/sensor_readings"


def nodes_of(graph: Any) -> dict[str, Any]:
    return {node["name"]: node for node in graph["nodes"]}


def test_graph_has_every_dataset_with_its_figures_in_this_update_and_in_total(client: Client) -> None:
    graph = client.get("/api/graph")
    nodes = nodes_of(graph)
    assert set(nodes) == {LANDING, BRONZE, SILVER, QUARANTINE, GOLD, STATUS}
    assert {name: node["status"] for name, node in nodes.items() if name != LANDING} == dict.fromkeys(
        (BRONZE, SILVER, QUARANTINE, GOLD, STATUS), "COMPLETED"
    )
    figures = ("rows_in", "rows_written", "rows_dropped", "rows_warned", "rows_total")
    assert [nodes[SILVER][name] for name in figures] == [1, 1, 0, 0, 4]
    assert nodes[QUARANTINE]["quarantine_of"] == SILVER
    assert nodes[QUARANTINE]["rows_total"] == 1
    files = nodes[LANDING]["files"]
    assert [files[name] for name in ("listed", "ingested", "waiting", "set_aside", "ingested_now")] == [2, 2, 0, 0, 1]
    assert {(edge["source"], edge["target"]): edge["rows"] for edge in graph["edges"]} == {
        (LANDING, BRONZE): 1, (BRONZE, SILVER): 1, (SILVER, QUARANTINE): 0, (SILVER, GOLD): 1,
        (SILVER, STATUS): 1,
    }  # fmt: skip
    assert (graph["update"]["state"], graph["update"]["is_newest"], graph["runner"]["state"]) == (
        "COMPLETED", True, "idle",
    )  # fmt: skip


def test_cards_are_placed_from_files_on_the_left_to_gold_on_the_right(client: Client) -> None:
    graph = client.get("/api/graph")
    nodes = nodes_of(graph)
    lefts = [nodes[name]["x"] for name in (LANDING, BRONZE, SILVER, GOLD)]
    assert lefts == sorted(set(lefts))
    assert nodes[QUARANTINE]["x"] == nodes[GOLD]["x"]
    assert max(lefts) + graph["board"]["card_width"] == graph["board"]["width"]


def test_every_node_says_whether_its_rows_are_conserved(client: Client) -> None:
    nodes = nodes_of(client.get("/api/graph"))
    assert {name: node["conservation"]["text"] for name, node in nodes.items()} == {
        LANDING: "5 in files = 5 in the table",
        BRONZE: "1 in = 1 out",
        SILVER: "1 in = 1 out + 0 quarantined",
        QUARANTINE: "0 rejected = 0 dropped upstream",
        GOLD: "log: 2 rows = table: 2 rows",
        STATUS: "log: 2 rows = table: 2 rows",
    }
    assert {node["conservation"]["state"] for node in nodes.values()} == {"holds"}
    assert nodes[SILVER]["conservation"]["checks"] == [{"state": "holds", "text": "log: 4 rows = table: 4 rows"}]


def test_updates_are_listed_newest_first_and_an_earlier_one_has_its_own_graph(client: Client) -> None:
    updates = client.get("/api/updates")
    assert [update["rows_in"] for update in updates] == [1, 4]
    assert [update["is_newest"] for update in updates] == [True, False]
    assert [update["created_at"] for update in updates] == ["2026-03-01T12:05:00Z", "2026-03-01T12:00:00Z"]
    first = updates[1]["update_id"]
    nodes = nodes_of(client.get(f"/api/graph?update={first}"))
    assert [nodes[SILVER][name] for name in ("rows_in", "rows_written", "rows_dropped", "rows_warned")] == [4, 3, 1, 2]
    assert nodes[SILVER]["conservation"]["text"] == "4 in = 3 out + 1 quarantined"
    whole = client.get(f"/api/updates/{first[:8]}")
    assert (whole["update_id"], whole["rows_dropped"], len(whole["nodes"])) == (first, 1, 6)


def test_table_shows_its_expectations_now_and_over_past_updates(client: Client) -> None:
    rules = {rule["name"]: rule for rule in client.get(f"/api/tables/{SILVER}")["expectations"]}
    device = rules["valid_device_id"]
    assert (device["action"], device["passed"], device["failed"]) == ("drop", 1, 0)
    assert device["why"]
    assert [(point["passed"], point["failed"]) for point in device["series"]] == [(3, 1), (1, 0)]
    assert [(point["passed"], point["failed"]) for point in rules["high_temperature"]["series"]] == [(3, 1), (1, 0)]


def test_table_shows_columns_and_which_file_brought_a_later_one(client: Client) -> None:
    bronze = client.get(f"/api/tables/{BRONZE}")
    newest, *_, first = bronze["schema_versions"]
    assert [column["name"] for column in newest["added"]] == ["humidity_percent"]
    assert newest["added"][0]["brought_by"].endswith("/b.json")
    assert {column["brought_by"] for column in first["added"] if column["name"] == "device_id"} == {"schema_hints"}
    silver = client.get(f"/api/tables/{SILVER}")
    assert [column["name"] for column in silver["columns"]][:3] == ["record_id", "device_id", "event_timestamp"]
    assert silver["columns"][0]["comment"]
    assert [(one["name"], one["brought_by"].rsplit("/", 1)[-1]) for one in silver["schema_versions"][0]["added"]] == [
        ("humidity_percent", "b.json")
    ]


def test_table_shows_rows_history_and_the_declaration_with_its_line(client: Client, updated: TestLakehouse) -> None:
    silver = client.get(f"/api/tables/{SILVER}")
    assert {row["device_id"] for row in silver["rows"]} == {"MFG-A-1000", SCRIPT}
    assert silver["rows"][0]["humidity_percent"] == 40.5
    assert [commit["version"] for commit in silver["history"]] == [1, 0]
    updates = [update["update_id"] for update in client.get("/api/updates")]
    assert [commit["update_id"] for commit in silver["history"]] == updates
    source = silver["source"]
    lines = load(source["file"])
    assert source["text"].splitlines()[0] == lines[source["line"] - 1]
    assert source["text"].startswith("@table(")
    assert "def silver_cleaned_sensors()" in source["text"]
    assert updated.home.root.name == "a home"


def load(file: str) -> list[str]:
    with open(file, encoding="utf-8") as lines:  # noqa: PTH123 - a path that came as text
        return lines.read().splitlines()


def test_bronze_shows_its_files_with_their_states_and_so_does_their_folder(client: Client) -> None:
    for name in (BRONZE, LANDING):
        files = client.get(f"/api/tables/{name}")["files"]
        assert files["states"] == {"ingested": 2}
        assert [(file["path"].rsplit("/", 1)[-1], file["rows"]) for file in files["newest"]] == [
            ("b.json", 1),
            ("a.json", 4),
        ]


def test_quarantine_shows_reasons_and_the_raw_record(client: Client) -> None:
    quarantine = client.get(f"/api/tables/{QUARANTINE}")
    assert quarantine["reasons"] == [{"name": "valid_device_id", "rows": 1}]
    (row,) = quarantine["rows"]
    assert (row["device_id"], row["failed_expectations"]) == (None, ["valid_device_id"])
    assert row["note"] == SCRIPT


def test_events_come_newest_first_filtered_and_with_all_details(client: Client) -> None:
    everything = client.get("/api/events?limit=1000")["events"]
    sequences = [event["sequence"] for event in everything]
    assert sequences == sorted(sequences, reverse=True)
    page = client.get("/api/events?level=METRICS&event_type=flow_progress&limit=3")
    assert [event["level"] for event in page["events"]] == ["METRICS"] * 3
    assert page["has_older"] is True
    assert page["events"][0]["details"]["metrics"]["num_output_rows"] >= 0
    only = client.get(f"/api/events?table={GOLD}&limit=1000")["events"]
    assert {event["origin"]["dataset_name"] for event in only} == {GOLD}


def test_alerts_without_an_evaluation_are_empty(client: Client) -> None:
    assert client.get("/api/alerts") == []


@pytest.mark.parametrize("path", ["/api/tables/no_table", "/api/updates/nothing", "/api/graph?update=nothing"])
def test_unknown_name_is_answered_with_404_and_what_helps(client: Client, path: str) -> None:
    answer = client.ask("GET", path)
    assert answer.status == 404
    assert answer.body["problem"]
    assert answer.body["remedy"]
