"""Evidence that settles messages in the state unknown."""

from __future__ import annotations

from typing import Any

import pytest

from digest import pipeline, services, store
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.model import Purpose
from tests.fakes.post_office import PostOffice
from tests.integration.send.conftest import Cast, Dump, S, counts
from tests.webclient import Client


@pytest.fixture
def unknown_message(any_app: App, cast: Cast, dump: Dump) -> tuple[App, dict[str, Any]]:
    """An app in which alice's digest is unknown, and the row of that message."""
    alice = cast(any_app)["alice"]
    pipeline.ingest(any_app, [dump()])
    pipeline.compose(any_app, only=alice)
    office = PostOffice()
    office.set_reply(alice.email, outcome="unknown")
    pipeline.send(office.serving(any_app))
    with any_app.store.reading() as tx:
        (row,) = store.deliveries.list_messages(tx)
    return any_app, row


@pytest.mark.parametrize("purpose", [Purpose.UP, Purpose.DOWN, Purpose.UNSUBSCRIBE, Purpose.MANAGE])
def test_an_answer_from_an_unknown_message_proves_that_it_was_accepted(
    unknown_message: tuple[App, dict[str, Any]], purpose: Purpose
) -> None:
    app, row = unknown_message
    url = app.url(purpose, row["subscriber_id"], paper_id=1, message_id=row["id"]).removeprefix(
        app.config.web.base_url
    )
    assert Client(app).get(url).status_code == 200
    assert counts(app) == {S.UNKNOWN: 1}
    assert Client(app).post(url, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert counts(app) == {S.ACCEPTED: 1}
    (message,) = services.deliveries(app)
    assert message["evidence"] == "an answer from it"


def test_an_answer_from_an_older_message_proves_nothing_of_this_one(
    unknown_message: tuple[App, dict[str, Any]],
) -> None:
    app, row = unknown_message
    url = app.url(Purpose.UP, row["subscriber_id"], paper_id=1, message_id=0).removeprefix(
        app.config.web.base_url
    )
    assert Client(app).post(url).status_code == 200
    assert counts(app) == {S.UNKNOWN: 1}


def test_the_operator_settles_what_the_server_s_log_knows(
    unknown_message: tuple[App, dict[str, Any]],
) -> None:
    app, row = unknown_message
    with pytest.raises(NotFoundError, match="no message"):
        services.resolve(app, "<nobody@example.org>", S.ACCEPTED)
    services.resolve(app, row["message_id"].strip("<>"), S.REJECTED)
    (message,) = services.deliveries(app, state=S.REJECTED)
    assert (message["evidence"], [delivery["outcome"] for delivery in message["deliveries"]]) == (
        "the operator",
        ["unknown"],
    )
    with pytest.raises(InputError, match="is rejected: only an unknown one"):
        services.resolve(app, row["message_id"], S.ACCEPTED)
