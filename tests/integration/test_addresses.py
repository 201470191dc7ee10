"""Addresses that differ in more than case belong to different readers everywhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from digest import config, subscriptions
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.model import Purpose
from digest.subscriptions import SubscriptionRequest
from tests.webclient import Client

PAIRS = [
    ("straße@example.org", "strasse@example.org"),
    ("ﬁnn@example.org", "finn@example.org"),
    ("İpek@example.org", "ipek@example.org"),
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_addresses_are_two_readers(any_app: App, first: str, second: str) -> None:
    for email in (first, second, first):
        subscriptions.subscribe(any_app, SubscriptionRequest(email=email), origin="command")
    readers = subscriptions.list_subscribers(any_app)
    assert [reader.email for reader in readers] == [first, second]
    subscriptions.suppress(
        any_app, [subscriptions.make_suppression(any_app, first, "asked by phone")]
    )
    assert [suppression.address for suppression in subscriptions.list_suppressions(any_app)] == [
        first
    ]
    assert subscriptions.find(any_app, second).status == "active"


def test_the_local_part_is_sent_to_as_it_was_typed(any_app: App) -> None:
    subscriptions.subscribe(
        any_app, SubscriptionRequest(email="Ada.Lovelace@Example.ORG"), origin="command"
    )
    assert (
        subscriptions.find(any_app, "ADA.LOVELACE@example.org").email == "Ada.Lovelace@example.org"
    )


@pytest.mark.parametrize(
    ("named", "expected"), [("strasse@example.org", False), ("STRAẞE@example.org", True)]
)
def test_only_the_reader_whom_the_config_names_is_kept(
    app: App, tmp_path: Path, named: str, expected: bool
) -> None:
    reader = subscriptions.subscribe(
        app, SubscriptionRequest(email="straße@example.org"), origin="command"
    ).subscriber
    path = tmp_path / "config.toml"
    path.write_text(f'[[subscribers]]\nemail = "{named}"\n', "utf-8")
    configured = replace(app, config=config.load(path, {}))
    if expected:
        with pytest.raises(InputError, match="subscribers"):
            subscriptions.delete(configured, reader.id)
    else:
        assert subscriptions.delete(configured, reader.id) == reader


def test_readers_type_their_address_to_delete_themselves(app: App) -> None:
    reader = subscriptions.subscribe(
        app, SubscriptionRequest(email="Straße@example.org"), origin="command"
    ).subscriber
    path = app.url(Purpose.MANAGE, reader.id).removeprefix(app.config.web.base_url)
    client = Client(app)
    assert client.post(f"{path}/delete", data={"address": "strasse@example.org"}).status_code == 422
    assert client.post(f"{path}/delete", data={"address": "straße@EXAMPLE.org"}).status_code == 200
    with pytest.raises(NotFoundError):
        subscriptions.find(app, "straße@example.org")
