"""The page on which readers delete themselves."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from digest import subscriptions
from digest.app import App
from digest.errors import NotFoundError
from digest.model import (
    Purpose,
    Subscriber,
)
from digest.subscriptions import SubscriptionRequest
from tests.unit.web.conftest import heading
from tests.webclient import Client, contents

Cast = Callable[[App], dict[str, Subscriber]]


@pytest.fixture
def client(app: App) -> Client:
    return Client(app)


@pytest.fixture
def alice(app: App, cast: Cast) -> Subscriber:
    return cast(app)["alice"]


def test_deleting_oneself_needs_the_address_and_one_press(
    client: Client, alice: Subscriber
) -> None:
    settings = client.path(Purpose.MANAGE, alice)
    path = f"{settings}/delete"
    assert f'href="{path}"' in client.get(settings).text
    before = contents(client.app)
    assert heading(client.get(path).text) == "Delete everything?"
    for typed in ("", "bob@example.org", "alice"):
        answer = client.post(path, data={"address": typed})
        assert answer.status_code == 422
        assert 'id="address-error"' in answer.text
        assert contents(client.app) == before
    answer = client.post(path, data={"address": f" {alice.email.upper()} "})
    assert (answer.status_code, heading(answer.text)) == (200, "Deleted")
    with pytest.raises(NotFoundError):
        subscriptions.get(client.app, alice.id)
    assert (
        client.get(path).status_code,
        client.post(path, data={"address": alice.email}).status_code,
    ) == (404, 404)
    assert client.post(client.path(Purpose.UNSUBSCRIBE, alice)).status_code == 200


def test_a_program_deletes_a_reader_with_token_and_address(
    client: Client, alice: Subscriber
) -> None:
    token = client.path(Purpose.MANAGE, alice).removeprefix("/m/")
    path = f"/api/v1/readers/{token}/delete"
    wrong = client.path(Purpose.UP, alice, 1).removeprefix("/t/")
    right = {"address": " Alice@Example.org "}
    assert client.post(f"/api/v1/readers/{wrong}/delete", json=right).status_code == 404
    assert subscriptions.get(client.app, alice.id) == alice
    answer = client.post(
        path, json=right | {"confirm": True}
    )  # as programs sent it to earlier versions
    assert (answer.status_code, answer.json()) == (200, {"deleted": True})
    assert client.post(path, json=right).status_code == 404


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, None),
        ({"json": {}}, "address"),
        ({"json": {"confirm": True}}, "address"),
        ({"json": {"address": ""}}, "address"),
        ({"json": {"address": "a…@example.org"}}, "address"),
        ({"json": {"address": "bob@example.org"}}, "address"),
        ({"json": {"address": "alice@example.org.evil.example"}}, "address"),
        ({"json": {"address": None}}, "address"),
        ({"json": {"address": ["alice@example.org"]}}, "address"),
        ({"json": {"address": "alice@example.org", "confirm": False}}, "confirm"),
        ({"json": {"address": "alice@example.org", "sure": True}}, "sure"),
        ({"json": "alice@example.org"}, None),
        ({"data": {"address": "alice@example.org"}}, None),
        ({"params": {"address": "alice@example.org", "confirm": "true"}}, None),
    ],
)
def test_a_forwarded_link_deletes_nobody(
    client: Client, alice: Subscriber, sent: dict[str, object], field: str | None
) -> None:
    token = client.path(Purpose.MANAGE, alice).removeprefix("/m/")
    before = contents(client.app)
    answer = client.post(f"/api/v1/readers/{token}/delete", **sent)
    error = answer.json()["error"]
    assert (answer.status_code, error["field"]) == (422, field)
    assert '"address"' in error["remedy"], "how it is done"
    assert "alice@" not in answer.text.replace(str(sent.get("json", "")), "")
    assert contents(client.app) == before
    for method in ("GET", "HEAD", "DELETE", "PUT"):
        assert client.request(method, f"/api/v1/readers/{token}/delete").status_code == 405


def test_pages_behind_a_link_do_not_reveal_the_address(app: App) -> None:
    address = "carla.diaz@example.org"
    request = SubscriptionRequest(email=address, name=address)
    reader = subscriptions.subscribe(app, request, origin="file").subscriber
    client = Client(app)
    manage = client.path(Purpose.MANAGE, reader)
    leave = client.path(Purpose.UNSUBSCRIBE, reader)
    token = manage.removeprefix("/m/")
    for answer in (
        *map(client.get, (manage, f"{manage}/delete", f"{manage}/learned", leave)),
        client.get(f"{manage}/delete?address={address}"),
        client.post(f"{manage}/delete", data={"address": "c…@example.org"}),
        client.post(f"{manage}/delete"),
        client.post(manage, data={"do": "pause"}),
        client.get(f"/api/v1/readers/{token}/learned"),
    ):
        assert "carla" not in answer.text
        assert "set-cookie" not in answer.headers
    assert "c…@example.org" in client.get(f"{manage}/delete").text


def test_the_page_is_never_filled_in_by_somebody_else(client: Client, alice: Subscriber) -> None:
    """No query fills the form, no cookie replaces the link, no frame shows the page."""
    path = f"{client.path(Purpose.MANAGE, alice)}/delete"
    page = client.get(f"{path}?address=alice@example.org")
    (field,) = re.findall(r"<input[^>]*>", page.text)
    assert "value=" not in field
    assert 'autocomplete="off"' in field
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert client.post(f"{path}?address=alice@example.org").status_code == 422
    assert client.post(f"{path}?address=alice@example.org", data={"address": ""}).status_code == 422
    assert subscriptions.get(client.app, alice.id) == alice
