"""Pages that move a digest to another address."""

from __future__ import annotations

import pytest

from digest import pipeline, store, subscriptions
from digest.app import App
from digest.model import Purpose, Subscriber
from tests.unit.web.conftest import heading
from tests.webclient import Client, contents

XSS = '"><script>alert(1)</script>'


@pytest.fixture
def path(client: Client, alice: Subscriber) -> str:
    return f"{client.path(Purpose.MANAGE, alice)}/address"


def change_id(app: App, reader: Subscriber) -> int:
    with app.store.reading() as tx:
        return store.address_changes.list_since(tx, reader.id, reader.created)[-1].id


def test_a_reader_moves_and_the_old_address_brings_it_back(
    client: Client, path: str, alice: Subscriber
) -> None:
    assert heading(client.get(path).text) == "Another address"
    assert heading(client.post(path, data={"address": "new@example.org"}).text) == "Check your mail"
    pipeline.send(client.app)
    pending = subscriptions.find(client.app, "new@example.org")
    confirm = client.path(Purpose.CONFIRM, pending, change_id(client.app, alice))
    page = client.get(confirm).text
    assert heading(page) == "Move the digest here?"
    assert alice.email not in page
    assert heading(client.post(confirm).text) == "You have moved"
    assert subscriptions.get(client.app, alice.id).email == "new@example.org"
    assert heading(client.post(confirm).text) == "This is over"
    stop = client.path(Purpose.OBJECT, alice, change_id(client.app, alice))
    assert heading(client.get(stop).text) == "Get the digest back?"
    assert heading(client.post(stop).text) == "It comes here again"
    assert heading(client.post(stop).text) == "Nothing to stop"
    assert subscriptions.get(client.app, alice.id).email == alice.email
    refused = client.post(path, data={"address": "third@example.org"})
    assert refused.status_code == 422
    assert "objected" in refused.text


def test_known_and_unknown_addresses_get_the_same_answer(
    client: Client, path: str, readers: dict[str, Subscriber]
) -> None:
    answers = [
        client.post(path, data={"address": address})
        for address in ("bob@example.org", "eve@example.org")
    ]
    assert answers[0].status_code == answers[1].status_code == 200
    assert answers[0].text.replace("bob@", "eve@") == answers[1].text


@pytest.mark.parametrize("typed", ["", "nobody", "alice@example.org", XSS, "a" * 999])
def test_a_bad_address_is_refused_beside_its_field(client: Client, path: str, typed: str) -> None:
    before = contents(client.app)
    answer = client.post(path, data={"address": typed})
    assert answer.status_code == 422
    assert 'id="address-error"' in answer.text
    assert "<script" not in answer.text
    assert contents(client.app) == before


def test_too_many_are_refused_and_say_when(client: Client, path: str) -> None:
    for number in range(3):
        client.post(path, data={"address": f"new{number}@example.org"})
    answer = client.post(path, data={"address": "new@example.org"})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert "hours" in answer.text


def test_looking_changes_nothing(client: Client, path: str, alice: Subscriber) -> None:
    client.post(path, data={"address": "new@example.org"})
    pipeline.send(client.app)
    ident = change_id(client.app, alice)
    pending = subscriptions.find(client.app, "new@example.org")
    before = contents(client.app)
    for page in (
        path,
        client.path(Purpose.CONFIRM, pending, ident),
        client.path(Purpose.OBJECT, alice, ident),
    ):
        for method in ("GET", "HEAD", "GET"):
            assert client.request(method, page).status_code == 200
    assert contents(client.app) == before


def test_links_are_bound_to_their_purpose(client: Client, path: str, alice: Subscriber) -> None:
    token = client.path(Purpose.MANAGE, alice).rpartition("/")[2]
    assert client.post(f"/o/{token}").status_code == 404
    token = client.path(Purpose.OBJECT, alice, 1).rpartition("/")[2]
    for page in (f"/m/{token}", f"/m/{token}/address", f"/c/{token}", f"/t/{token}"):
        assert client.get(page).status_code == 404
        assert client.post(page).status_code == 404
