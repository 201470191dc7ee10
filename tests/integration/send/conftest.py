"""Thirty readers with a planned digest, and the states of their messages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from digest import pipeline, store, subscriptions
from digest.app import App
from digest.model import MessageState, Subscriber
from digest.subscriptions import SubscriptionRequest

S = MessageState
Cast = Callable[[App], dict[str, Subscriber]]
Dump = Callable[..., Path]


def readers(app: App, count: int) -> list[Subscriber]:
    requests = [
        SubscriptionRequest(email=f"r{number}@example.org", keywords=("robot",), size=3)
        for number in range(count)
    ]
    return [
        done.subscriber
        for done in subscriptions.subscribe_many(app, requests, origin="file")
        if not isinstance(done, tuple)
    ]


@pytest.fixture
def many(any_app: App, dump: Dump) -> App:
    """Thirty readers with a planned digest."""
    pipeline.ingest(any_app, [dump()])
    readers(any_app, 30)
    assert len(pipeline.compose(any_app).planned) == 30
    return any_app


def counts(app: App) -> dict[MessageState, int]:
    with app.store.reading() as tx:
        return store.deliveries.count_by_state(tx)
