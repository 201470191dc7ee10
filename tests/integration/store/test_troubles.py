"""Which messages `status` reports as troubles: none that a server accepted since."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, update

from digest import store, subscriptions
from digest.app import App
from digest.model import MessageState
from digest.store.tables import deliveries, messages
from digest.subscriptions import SubscriptionRequest


@pytest.mark.parametrize("outcome", ["lost", "deferred", "unknown", "rejected"])
def test_a_finally_accepted_message_is_not_a_trouble(any_app: App, outcome: str) -> None:
    subscriptions.sign_up(any_app, SubscriptionRequest(email="a@example.org"), origin="page")
    now = datetime(2026, 6, 9, tzinfo=UTC)
    with any_app.store.writing() as tx:
        (ident,) = tx.execute(messages.select()).scalars()
        said = {"server": "s", "phase": "DATA", "code": 0, "enhanced": "", "fault": "", "text": ""}
        times = {"started_at": now, "ended_at": now}
        tx.execute(insert(deliveries).values(message_id=ident, outcome=outcome, **said, **times))
        assert [trouble["outcome"] for trouble in store.deliveries.list_troubles(tx)] == [outcome]
        tx.execute(update(messages).values(state=MessageState.ACCEPTED.value))
        assert store.deliveries.list_troubles(tx) == []
