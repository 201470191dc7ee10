"""Changed and foreign tokens, and unsubscribing with one press."""

from __future__ import annotations

import sqlite3

import pytest

from digest import subscriptions
from digest.mail import links
from digest.model import Link, Purpose, Subscriber, SubscriberStatus
from tests.unit.web.conftest import heading, hidden, set_status, vote
from tests.webclient import Client, contents

# ----------------------------------------------------------------------------------------------
# tokens


def test_the_case_of_a_token_does_not_matter(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.UP, alice, 1)
    assert path == path.lower()
    assert client.post("/t/" + path.removeprefix("/t/").upper()).status_code == 200
    assert vote(client, alice) == 1


def test_a_token_changed_by_one_letter_is_refused(client: Client, alice: Subscriber) -> None:
    before = contents(client.app)
    for path in (
        client.path(Purpose.UP, alice, 1),
        client.path(Purpose.UNSUBSCRIBE, alice),
        client.path(Purpose.MANAGE, alice),
    ):
        for place in range(3, len(path), 7):
            wrong = path[:place] + ("a" if path[place] != "a" else "b") + path[place + 1 :]
            for answer in (client.get(wrong), client.post(wrong, data={"do": "pause"})):
                assert answer.status_code == 404
                assert heading(answer.text) == "This link does not work"
    assert contents(client.app) == before


def test_a_token_does_not_work_at_another_page(client: Client, alice: Subscriber) -> None:
    pages = {
        "/t/": (Purpose.UP, Purpose.DOWN),
        "/u/": (Purpose.UNSUBSCRIBE,),
        "/m/": (Purpose.MANAGE,),
        "/c/": (Purpose.CONFIRM,),
    }
    before = contents(client.app)
    for purpose in Purpose:
        link = Link(
            purpose=purpose,
            subscriber_id=alice.id,
            paper_id=1 if purpose in (Purpose.UP, Purpose.DOWN) else 0,
        )
        token = links.write_token(link, client.app.keys()[-1])
        for page, served in pages.items():
            if purpose not in served:
                assert client.post(page + token, data={"do": "pause"}).status_code == 404
    assert contents(client.app) == before


def test_another_readers_token_changes_only_that_reader(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    client.post(client.path(Purpose.UP, readers["bob"], 1))
    client.post(client.path(Purpose.UNSUBSCRIBE, readers["bob"]))
    assert vote(client, readers["alice"]) == 0
    assert subscriptions.get(client.app, readers["alice"].id).status is SubscriberStatus.ACTIVE
    assert subscriptions.get(client.app, readers["bob"].id).status is SubscriberStatus.LEFT


@pytest.mark.parametrize(
    "token", ["x", "a" * 3000, "%00", "%F0%9F%98%80", "..%2f..", "{{7*7}}", "<script>"]
)
def test_a_garbled_token_gets_a_friendly_page(client: Client, token: str) -> None:
    for path in (f"/t/{token}", f"/u/{token}", f"/m/{token}", f"/c/{token}"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert "<script>" not in answer.text


def test_a_link_to_a_deleted_paper_says_so(client: Client, alice: Subscriber) -> None:
    for answer in (
        client.get(client.path(Purpose.UP, alice, 4711)),
        client.post(client.path(Purpose.UP, alice, 4711)),
    ):
        assert answer.status_code == 404
        assert heading(answer.text) == "This is no longer here"


# ----------------------------------------------------------------------------------------------
# leaving


def test_the_unsubscribe_page_has_a_button_and_changes_nothing(
    client: Client, alice: Subscriber
) -> None:
    answer = client.get(client.path(Purpose.UNSUBSCRIBE, alice))
    assert answer.text.count("<button") == 1
    assert 'method="post"' in answer.text
    assert subscriptions.get(client.app, alice.id).status is SubscriberStatus.ACTIVE


@pytest.mark.parametrize("encoding", ["form", "multipart", "with a charset", "nothing"])
def test_one_click_unsubscribes_in_every_encoding_without_cookie_or_redirect(
    client: Client, alice: Subscriber, encoding: str
) -> None:
    sent: dict[str, object] = {
        "form": {"data": {"List-Unsubscribe": "One-Click"}},
        "multipart": {"files": {"List-Unsubscribe": (None, "One-Click")}},
        "with a charset": {
            "content": b"List-Unsubscribe=One-Click",
            "headers": {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"},
        },
        "nothing": {},
    }[encoding]
    path = client.path(Purpose.UNSUBSCRIBE, alice)
    for _ in range(2):
        answer = client.post(path, **sent)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        assert heading(answer.text) == "You have left"
        assert subscriptions.get(client.app, alice.id).status is SubscriberStatus.LEFT


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xfe\x00", "application/x-www-form-urlencoded"),
        (b"no boundary at all", "multipart/form-data"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"{}", "application/json"),
        (b"undo=" + b"&a=1" * 2000, "application/x-www-form-urlencoded"),
    ],
)
def test_a_garbled_body_still_unsubscribes(
    client: Client, alice: Subscriber, content: bytes, kind: str
) -> None:
    answer = client.post(
        client.path(Purpose.UNSUBSCRIBE, alice), content=content, headers={"content-type": kind}
    )
    assert answer.status_code == 200
    assert subscriptions.get(client.app, alice.id).status is SubscriberStatus.LEFT


def test_coming_back_undoes_unsubscribing(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.UNSUBSCRIBE, alice)
    answer = client.post(path)
    back = client.post(path, data=hidden(answer.text))
    assert heading(back.text) == "Welcome back"
    assert subscriptions.get(client.app, alice.id).status is SubscriberStatus.ACTIVE
    client.post(path, data={"undo": "1", "List-Unsubscribe": "One-Click"})
    assert subscriptions.get(client.app, alice.id).status is SubscriberStatus.LEFT


def test_a_deleted_reader_can_still_unsubscribe(client: Client, alice: Subscriber) -> None:
    connection = sqlite3.connect(str(client.app.store.url.database))
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("DELETE FROM subscribers WHERE id = ?", (alice.id,))
    connection.commit()
    connection.close()
    path = client.path(Purpose.UNSUBSCRIBE, alice)
    for answer in (client.get(path), client.post(path), client.post(path, data={"undo": "1"})):
        assert answer.status_code == 200
        assert heading(answer.text) == "You are not on the list"


def test_an_address_that_bounced_stays_suppressed(client: Client, alice: Subscriber) -> None:
    set_status(client.app, alice, SubscriberStatus.SUPPRESSED)
    path = client.path(Purpose.UNSUBSCRIBE, alice)
    for answer in (client.get(path), client.post(path), client.post(path, data={"undo": "1"})):
        assert heading(answer.text) == "No mail goes to this address"
        assert subscriptions.get(client.app, alice.id).status is SubscriberStatus.SUPPRESSED
