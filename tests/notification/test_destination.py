"""Delivery through Apprise and to the outbox, and what it gives away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from alerts.settings import find_destinations, read_settings
from pipeline.foundation.errors import AuthorError, UnknownNameError
from pipeline.notification.destination import DeliveryError, Destination, Message, Notification
from tests.alerts.doubles import Faults, mail_server, settings_of, webhook

if TYPE_CHECKING:
    from pathlib import Path

NOTIFICATION = Notification("0123456789ab", Message("[TRIGGERED] Hot", "A is hot", "failure"))


def destination_of(url: str, home: Path) -> Destination:
    (destination,) = find_destinations(settings_of(home, alert_urls=url), ())
    return destination


def test_webhook_that_accepts_a_notification_gets_subject_body_and_id(tmp_path: Path) -> None:
    with webhook() as receiver:
        destination_of(receiver.url, tmp_path).send(NOTIFICATION)
    (text,) = receiver.texts
    for part in ("[TRIGGERED] Hot", "A is hot", "Notification 0123456789ab"):
        assert part in text


def test_mail_server_that_accepts_a_notification_gets_subject_and_id(tmp_path: Path) -> None:
    with mail_server() as receiver:
        destination_of(receiver.url, tmp_path).send(NOTIFICATION)
    (text,) = receiver.texts
    assert "Subject: [TRIGGERED] Hot" in text
    assert receiver.ids == ["0123456789ab"]


def test_webhook_that_refuses_is_an_error_that_says_why_without_the_secret(tmp_path: Path) -> None:
    with webhook(Faults(refused=1.0)) as receiver, pytest.raises(DeliveryError, match="error=500") as caught:
        destination_of(receiver.url, tmp_path).send(NOTIFICATION)
    assert caught.value.retryable
    assert "webhooktoken0123" not in str(caught.value)


def test_server_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match=r"json://127\.0\.0\.1:1 did not accept"):
        destination_of("json://127.0.0.1:1/", tmp_path).send(NOTIFICATION)


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("json://user:topsecretword@127.0.0.1:1/pathtoken99", ["topsecretword", "pathtoken99"]),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", ["A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ"]),
        ("mailtos://plant:topsecretword@example.org?to=ops@example.org", ["topsecretword"]),
        ("mmost://127.0.0.1:1/webhooktoken0123", ["webhooktoken0123"]),
    ],
)
def test_destination_shows_no_secret(tmp_path: Path, url: str, secrets: list[str]) -> None:
    settings = settings_of(tmp_path, alert_urls=url)
    destination = destination_of(url, tmp_path)
    assert destination.label.startswith(url.partition(":")[0])
    for secret in secrets:
        assert secret not in destination.label + destination.key + repr(settings)


def test_secret_in_a_service_s_message_is_masked(tmp_path: Path) -> None:
    from pipeline.notification.destination import AppriseDestination

    destination = destination_of("json://user:topsecretword@127.0.0.1:1/pathtoken99", tmp_path)
    assert isinstance(destination, AppriseDestination)
    text = destination.masked("topsecretword at http://127.0.0.1:1/pathtoken99?x=1 and pathtoken99")
    assert text == "**** at http://**** and ****"


def test_long_body_is_cut_and_keeps_its_id(tmp_path: Path) -> None:
    long = Notification(NOTIFICATION.id, Message("Hot", "line\n" * 10_000, "failure"))
    with webhook() as receiver:
        destination_of(receiver.url, tmp_path).send(long)
    assert len(receiver.texts) == 1
    assert len(receiver.texts[0]) <= 4000
    assert receiver.ids == [NOTIFICATION.id]
    assert "cut" in receiver.texts[0]


def test_addresses_are_split_where_a_new_one_begins(tmp_path: Path) -> None:
    urls = "json://127.0.0.1:1/a,mailto://example.org?from=p@x.io&to=a@x.io,b@x.io  json://127.0.0.1:1/b,\njson://127.0.0.1:1/b"
    destinations = find_destinations(settings_of(tmp_path, alert_urls=urls), ())
    assert [one.label for one in destinations] == ["json://127.0.0.1:1", "mailto://example.org", "json://127.0.0.1:1"]
    assert len({one.key for one in destinations}) == 3


def test_mail_to_two_recipients_by_two_addresses_has_two_keys(tmp_path: Path) -> None:
    urls = "mailto://example.org?from=p@x.io&to=a@x.io mailto://example.org?from=p@x.io&to=b@x.io"
    assert len(find_destinations(settings_of(tmp_path, alert_urls=urls), ())) == 2


@pytest.mark.parametrize("url", ["nosuch://topsecretword", "topsecretword"])
def test_address_that_apprise_does_not_know_is_refused_without_showing_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(AuthorError, match="address 1") as caught:
        find_destinations(settings_of(tmp_path, alert_urls=url), ())
    assert "topsecretword" not in str(caught.value)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "apprise.yml"
    path.write_text(
        "version: 1\nurls:\n"
        "  - json://127.0.0.1:1/ops:\n    - tag: ops\n"
        "  - json://127.0.0.1:2/all:\n    - tag: ops, plant\n"
    )
    return path


@pytest.mark.parametrize(
    ("tags", "labels"),
    [
        ((), ["json://127.0.0.1:1", "json://127.0.0.1:2"]),
        (("plant",), ["json://127.0.0.1:2"]),
        (("plant", "ops"), ["json://127.0.0.1:1", "json://127.0.0.1:2"]),
    ],
)
def test_configured_services_are_chosen_by_tag(
    tmp_path: Path, config: Path, tags: tuple[str, ...], labels: list[str]
) -> None:
    destinations = find_destinations(settings_of(tmp_path, config=config), tags)
    assert [one.label for one in destinations] == labels


def test_addresses_of_the_environment_serve_every_alert(tmp_path: Path, config: Path) -> None:
    settings = settings_of(tmp_path, alert_urls="json://127.0.0.1:3/", config=config)
    labels = [one.label for one in find_destinations(settings, ["plant"])]
    assert labels == ["json://127.0.0.1:3", "json://127.0.0.1:2"]


def test_tag_without_a_service_is_refused(tmp_path: Path, config: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean `plant`"):
        find_destinations(settings_of(tmp_path, config=config), ["plants"])


@pytest.mark.parametrize("text", [None, "", "version: 1\nurls:\n  - nosuch://x\n"])
def test_configuration_without_services_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "apprise.yml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(AuthorError, match=r"apprise\.yml"):
        find_destinations(settings_of(tmp_path, config=path), ())


def test_outbox_without_destinations_is_shown_and_written(tmp_path: Path) -> None:
    said: list[str] = []
    (outbox,) = find_destinations(settings_of(tmp_path), ("ops",), said.append)
    outbox.send(NOTIFICATION)
    outbox.send(NOTIFICATION)
    path = tmp_path / "state" / "alerts" / "outbox.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert (
        lines
        == [
            {"id": "0123456789ab", "kind": "failure", "subject": "[TRIGGERED] Hot", "body": "A is hot"},
        ]
        * 2
    )
    assert "A is hot" in said[0]
    assert "sets no destination" in said[1]


def test_outbox_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    (outbox,) = find_destinations(settings_of(tmp_path), (), print)
    with pytest.raises(DeliveryError, match="cannot be written"):
        outbox.send(NOTIFICATION)


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    environ = {
        "SMART_FACTORY_WAREHOUSE_URL": "hive://example.org:1/x",
        "SMART_FACTORY_ALERT_URLS": " json://a ",
        "SMART_FACTORY_ALERT_CONFIG": "/etc/apprise.yml",
    }
    settings = read_settings(tmp_path, environ)
    assert (settings.home.root, settings.schema, settings.alert_urls) == (
        tmp_path,
        "x",
        "json://a",
    )
    assert str(settings.config) == "/etc/apprise.yml"
    assert read_settings(tmp_path, {}).config is None
