"""Subscribing by page: confirmed by mail, without revealing who subscribes."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest import subscriptions
from digest.app import App
from digest.model import MessageKind, Purpose, Subscriber, SubscriberStatus
from tests.conftest import make_app
from tests.unit.web.conftest import heading, hidden
from tests.webclient import Client


def letters(app: App, kind: MessageKind) -> int:
    connection = sqlite3.connect(str(app.store.url.database))
    try:
        return int(
            connection.execute(
                "SELECT count(*) FROM messages WHERE kind = ?", (kind.value,)
            ).fetchone()[0]
        )
    finally:
        connection.close()


def test_the_front_page_subscribes_by_mail(client: Client) -> None:
    sent = {
        "email": "dave@example.org",
        "keywords": "proteins\r\nprotein folding, cells",
        "categories": "q-bio; cs.LG",
    }
    answer = client.sign_up(**sent)
    assert heading(answer.text) == "Check your mail"
    dave = subscriptions.find(client.app, "dave@example.org")
    assert dave.status is SubscriberStatus.PENDING
    assert dave.interests[0].keywords == ("proteins", "protein folding", "cells")
    assert dave.interests[0].categories == ("q-bio", "cs.LG")
    assert letters(client.app, MessageKind.CONFIRM) == 1


def test_an_unknown_category_is_told_and_kept(client: Client) -> None:
    def ask(**fields: str) -> str:
        return client.sign_up(**fields).text

    told = ask(email="dave@example.org", categories="machine learning")
    assert heading(told) == "Check your mail"
    assert "is unknown; did you mean cs.LG (Machine Learning)" in told
    (topic,) = subscriptions.find(client.app, "dave@example.org").interests
    assert topic.categories == ("machine learning",)
    assert "is unknown" not in ask(email="erin@example.org", categories="cs.LG")


def test_a_known_address_gets_the_same_answer_as_a_new_one(client: Client) -> None:
    answers = [client.sign_up(email=email) for email in ("alice@example.org", "erin@example.org")]
    assert answers[0].status_code == answers[1].status_code == 200
    assert answers[0].text.replace("alice@", "erin@") == answers[1].text


def test_a_stranger_cannot_change_or_flood_a_reader(client: Client, alice: Subscriber) -> None:
    for _ in range(3):
        client.sign_up(email="alice@example.org", keywords="gardening")
    assert subscriptions.get(client.app, alice.id) == alice
    assert letters(client.app, MessageKind.WELCOME) == 1


def test_a_stranger_cannot_change_the_settings_of_a_reader_who_left(
    client: Client, alice: Subscriber
) -> None:
    leave = client.path(Purpose.UNSUBSCRIBE, alice)
    client.post(leave)
    client.sign_up(email=alice.email, keywords="spam")
    client.post(
        "/api/v1/subscribers",
        json={
            "email": alice.email,
            "size": 99,
            "interests": [{"name": "spam", "keywords": ["spam"]}],
        },
    )
    assert subscriptions.get(client.app, alice.id) == replace(
        alice, status=SubscriberStatus.PENDING
    )
    client.post(leave, data={"undo": "1"})
    back = subscriptions.get(client.app, alice.id)
    assert replace(back, due_from=None) == alice


def test_an_unconfirmed_reader_may_change_the_request(client: Client) -> None:
    for keyword in ("first", "second"):
        client.sign_up(email="new@example.org", keywords=keyword)
    new = subscriptions.find(client.app, "new@example.org")
    assert [interest.keywords for interest in new.interests] == [("second",)]
    client.post(client.path(Purpose.CONFIRM, new))
    client.post(client.path(Purpose.UNSUBSCRIBE, new))
    client.sign_up(email="new@example.org", keywords="third")
    assert replace(subscriptions.get(client.app, new.id), due_from=None) == new


def test_a_bad_address_is_named_next_to_its_field_and_nothing_is_lost(client: Client) -> None:
    answer = client.sign_up(email="nobody@", keywords="<b>cells</b>")
    assert answer.status_code == 422
    assert 'id="email-error"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert 'value="nobody@"' in answer.text
    assert "&lt;b&gt;cells&lt;/b&gt;" in answer.text


def test_a_service_without_signup_says_so(tmp_path: Path) -> None:
    app = make_app(tmp_path, web__signup="false")
    client = Client(app)
    assert "takes no new readers" in client.get("/subscribe").text
    assert 'action="/subscribe"' not in client.get("/").text
    answer = client.sign_up(email="dave@example.org")
    assert answer.status_code == 403
    assert subscriptions.list_subscribers(app) == []
    app.close()


def test_confirming_starts_the_digest_once(client: Client) -> None:
    client.sign_up(email="dave@example.org")
    dave = subscriptions.find(client.app, "dave@example.org")
    path = client.path(Purpose.CONFIRM, dave)
    assert "<button" in client.get(path).text
    assert subscriptions.get(client.app, dave.id).status is SubscriberStatus.PENDING
    assert heading(client.post(path).text) == "You are subscribed"
    assert subscriptions.get(client.app, dave.id).status is SubscriberStatus.ACTIVE
    client.post(path)
    assert letters(client.app, MessageKind.WELCOME) == 1


def test_an_old_confirmation_does_not_bring_back_a_reader_who_left(
    client: Client, alice: Subscriber
) -> None:
    subscriptions.unsubscribe(client.app, alice.id)
    answer = client.post(client.path(Purpose.CONFIRM, alice))
    assert heading(answer.text) == "You have left since"
    assert subscriptions.get(client.app, alice.id).status is SubscriberStatus.LEFT


# ------------------------------------------------------------------------------ programs and crowds


def fill_in(client: Client, **fields: str) -> dict[str, str]:
    """Fill in a form as a browser does.

    Returns:
        The fields of the form as it was opened, and what was typed.
    """
    return hidden(client.get("/subscribe").text) | {"homepage": ""} | fields


def advance(client: Client, later: timedelta) -> Client:
    return Client(client.app.at(client.app.now() + later))


@pytest.mark.parametrize("open_for", [timedelta(seconds=2), timedelta(hours=9), timedelta(days=6)])
def test_a_form_may_be_open_for_long(client: Client, open_for: timedelta) -> None:
    sent = fill_in(client, email="dave@example.org")
    answer = advance(client, open_for).post("/", data=sent)
    assert heading(answer.text) == "Check your mail"


def check_refused(client: Client, sent: dict[str, str], reason: str) -> dict[str, str]:
    """Check that an answer explains why nothing happened and loses nothing.

    Returns:
        What the next press sends.
    """
    before = letters(client.app, MessageKind.CONFIRM)
    answer = client.post("/", data=sent)
    assert answer.status_code == 422
    assert reason in answer.text
    assert f'value="{sent["email"]}"' in answer.text
    assert 'role="alert"' in answer.text
    assert letters(client.app, MessageKind.CONFIRM) == before
    return hidden(answer.text) | {"homepage": "", "email": sent["email"]}


def test_a_too_fast_form_must_be_sent_again(client: Client) -> None:
    sent = fill_in(client, email="dave@example.org")
    again = check_refused(advance(client, timedelta(seconds=1.9)), sent, "as fast as a program")
    assert (
        heading(advance(client, timedelta(seconds=2)).post("/", data=again).text)
        == "Check your mail"
    )


def test_a_filled_honeypot_is_refused_with_the_reason(client: Client) -> None:
    sent = fill_in(client, email="dave@example.org", homepage="https://spam.example")
    later = advance(client, timedelta(minutes=1))
    again = check_refused(later, sent, "that is not shown was filled in")
    assert "spam.example" not in later.post("/", data=sent).text
    after = advance(client, timedelta(minutes=2))
    assert heading(after.post("/", data=again).text) == "Check your mail"


@pytest.mark.parametrize("opened", [None, "", "00", "ab" * 23, "aeaq"])
def test_a_form_without_a_timestamp_gets_a_new_one(client: Client, opened: str | None) -> None:
    sent = {"email": "dave@example.org"} | ({} if opened is None else {"opened": opened})
    again = check_refused(client, sent, "came without its date")
    later = advance(client, timedelta(seconds=3))
    assert heading(later.post("/", data=again).text) == "Check your mail"


def test_a_form_of_last_week_gets_a_new_timestamp(client: Client) -> None:
    sent = fill_in(client, email="dave@example.org")
    later = advance(client, timedelta(days=8))
    again = check_refused(later, sent, "open for very long")
    assert (
        heading(advance(later, timedelta(seconds=3)).post("/", data=again).text)
        == "Check your mail"
    )


def test_a_timestamp_works_after_a_new_key(client: Client) -> None:
    sent = fill_in(client, email="dave@example.org")
    client.app.rotate_keys()
    answer = advance(client, timedelta(minutes=1)).post("/", data=sent)
    assert heading(answer.text) == "Check your mail"


def test_an_operators_own_front_page_needs_no_timestamp(tmp_path: Path) -> None:
    (tmp_path / "own" / "web").mkdir(parents=True)
    own = '<h1>Ours</h1><form method="post"><input name="email"></form>'
    (tmp_path / "own" / "web" / "front.html").write_text(own, encoding="utf-8")
    app = make_app(tmp_path, mail__templates=str(tmp_path / "own"))
    answer = Client(app).post("/", data={"email": "dave@example.org"})
    assert heading(answer.text) == "Check your mail"
    app.close()


def test_a_sign_up_above_the_limit_says_when_to_come_back(tmp_path: Path) -> None:
    app = make_app(tmp_path, web__signups_per_client="2")
    client = Client(app)
    for number in range(2):
        assert client.sign_up(email=f"r{number}@example.org").status_code == 200
    answer = client.sign_up(email="dave@example.org", keywords="proteins")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) == 3600
    assert "again in 60 minutes" in answer.text
    assert 'value="dave@example.org"' in answer.text
    assert "proteins" in answer.text
    error = client.post("/api/v1/subscribers", json={"email": "dave@example.org"})
    assert error.status_code == 429
    assert int(error.headers["retry-after"]) > 0
    assert error.json()["error"]["code"] == "too_many"
    assert letters(app, MessageKind.CONFIRM) == 2
    app.close()


def test_the_limit_is_the_same_for_a_known_address(tmp_path: Path) -> None:
    app = make_app(tmp_path, web__signups_per_client="2")
    client = Client(app)
    for _ in range(2):
        assert client.sign_up(email="dave@example.org").status_code == 200
    assert client.sign_up(email="dave@example.org").status_code == 429
    app.close()


def test_clients_behind_a_proxy_have_separate_limits(tmp_path: Path) -> None:
    app = make_app(tmp_path, web__signups_per_client="1")
    client = Client(app)
    codes = [
        client.request(
            "POST",
            "/api/v1/subscribers",
            json={"email": f"r{number}@example.org"},
            headers={"x-forwarded-for": f"203.0.113.9, {hop}"},
        ).status_code
        for number, hop in enumerate(["192.0.2.1", "192.0.2.2", "192.0.2.1"])
    ]
    assert codes == [202, 202, 429]
    app.close()


def test_a_confirmation_of_a_deleted_reader_says_what_to_do(client: Client) -> None:
    client.sign_up(email="dave@example.org")
    path = client.path(Purpose.CONFIRM, subscriptions.find(client.app, "dave@example.org"))
    subscriptions.delete_unconfirmed(client.app.at(client.app.now() + timedelta(days=15)))
    for answer in (client.get(path), client.post(path)):
        assert answer.status_code == 404
        assert "subscribe again on the front page" in answer.text
