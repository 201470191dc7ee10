"""Subscribing by page: confirmed by mail, and nothing told of who is there."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from digest import subscriptions
from digest.app import App
from digest.model import MessageKind, Purpose, Standing, Subscriber
from tests.conftest import make_app
from tests.unit.web.conftest import heading
from tests.webclient import Client


def letters(app: App, kind: MessageKind) -> int:
    connection = sqlite3.connect(str(app.store.url.database))
    try:
        return int(connection.execute("SELECT count(*) FROM messages WHERE kind = ?", (kind.value,)).fetchone()[0])
    finally:
        connection.close()


def test_the_front_page_subscribes_by_mail(client: Client) -> None:
    sent = {"email": "dave@example.org", "keywords": "proteins\r\nprotein folding, cells", "categories": "q-bio; cs.LG"}
    answer = client.post("/", data=sent)
    assert heading(answer.text) == "Check your mail"
    dave = subscriptions.by_email(client.app, "dave@example.org")
    assert dave.standing is Standing.PENDING
    assert dave.interests[0].keywords == ("proteins", "protein folding", "cells")
    assert dave.interests[0].categories == ("q-bio", "cs.LG")
    assert letters(client.app, MessageKind.CONFIRM) == 1


def test_a_known_address_gets_the_same_answer_as_a_new_one(client: Client) -> None:
    answers = [client.post("/", data={"email": email}) for email in ("alice@example.org", "erin@example.org")]
    assert answers[0].status_code == answers[1].status_code == 200
    assert answers[0].text.replace("alice@", "erin@") == answers[1].text


def test_a_stranger_cannot_change_or_flood_a_reader(client: Client, alice: Subscriber) -> None:
    for _ in range(3):
        client.post("/", data={"email": "alice@example.org", "keywords": "gardening"})
    assert subscriptions.by_id(client.app, alice.id) == alice
    assert letters(client.app, MessageKind.WELCOME) == 1


def test_a_stranger_cannot_change_what_who_left_had_set(client: Client, alice: Subscriber) -> None:
    leave = client.path(Purpose.UNSUBSCRIBE, alice)
    client.post(leave)
    client.post("/", data={"email": alice.email, "keywords": "spam"})
    client.post("/api/v1/subscribers", json={"email": alice.email, "size": 99, "interests": [{"name": "spam", "keywords": ["spam"]}]})
    assert subscriptions.by_id(client.app, alice.id) == replace(alice, standing=Standing.PENDING)
    client.post(leave, data={"undo": "1"})
    back = subscriptions.by_id(client.app, alice.id)
    assert replace(back, due_from=None) == alice


def test_who_never_confirmed_may_ask_again_for_something_else_until_they_do(client: Client) -> None:
    for keyword in ("first", "second"):
        client.post("/", data={"email": "new@example.org", "keywords": keyword})
    new = subscriptions.by_email(client.app, "new@example.org")
    assert [interest.keywords for interest in new.interests] == [("second",)]
    client.post(client.path(Purpose.CONFIRM, new))
    client.post(client.path(Purpose.UNSUBSCRIBE, new))
    client.post("/", data={"email": "new@example.org", "keywords": "third"})
    assert replace(subscriptions.by_id(client.app, new.id), due_from=None) == new


def test_a_bad_address_is_named_next_to_its_field_and_nothing_is_lost(client: Client) -> None:
    answer = client.post("/", data={"email": "nobody@", "keywords": "<b>cells</b>"})
    assert answer.status_code == 422
    assert 'id="email-error"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert 'value="nobody@"' in answer.text
    assert "&lt;b&gt;cells&lt;/b&gt;" in answer.text


def test_a_service_without_signup_says_so(tmp_path: Path) -> None:
    app = make_app(tmp_path, web__signup="false")
    client = Client(app)
    assert "takes no new readers" in client.get("/").text
    answer = client.post("/", data={"email": "dave@example.org"})
    assert answer.status_code == 403
    assert subscriptions.everybody(app) == []
    app.close()


def test_confirming_starts_the_digest_once(client: Client) -> None:
    client.post("/", data={"email": "dave@example.org"})
    dave = subscriptions.by_email(client.app, "dave@example.org")
    path = client.path(Purpose.CONFIRM, dave)
    assert "<button" in client.get(path).text
    assert subscriptions.by_id(client.app, dave.id).standing is Standing.PENDING
    assert heading(client.post(path).text) == "You are subscribed"
    assert subscriptions.by_id(client.app, dave.id).standing is Standing.ACTIVE
    client.post(path)
    assert letters(client.app, MessageKind.WELCOME) == 1


def test_an_old_confirmation_does_not_bring_back_who_left(client: Client, alice: Subscriber) -> None:
    subscriptions.unsubscribe(client.app, alice.id)
    answer = client.post(client.path(Purpose.CONFIRM, alice))
    assert heading(answer.text) == "You have left since"
    assert subscriptions.by_id(client.app, alice.id).standing is Standing.LEFT
