"""Dates in an unusual order: no reader gets a paper twice in accepted digests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from digest import pipeline, subscriptions
from digest.app import App
from digest.model import MessageState
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, TODAY

Dump = Callable[..., Path]
ALICE = "alice@example.org"


def list_accepted_papers(app: App) -> list[int]:
    """List the paper ids of all accepted digests, repeats included."""
    with app.store.reading() as tx:
        return list(
            tx.exec_driver_sql(
                "SELECT paper_id FROM digest_items JOIN messages ON messages.digest_id = "
                "digest_items.digest_id "
                f"WHERE state = '{MessageState.ACCEPTED.value}'"
            ).scalars()
        )


def test_a_reader_who_moves_west_gets_no_paper_twice(any_app: App, dump: Dump) -> None:
    request = SubscriptionRequest(email=ALICE, timezone="Pacific/Kiritimati", keywords=("robot",))
    alice = subscriptions.subscribe(any_app, request, origin="command").subscriber
    pipeline.ingest(any_app, [dump(per_topic=10)])
    pipeline.round(any_app)  # for 10 June, the date in that time zone
    subscriptions.change(
        any_app, alice.id, SubscriptionRequest(email=ALICE, timezone="Pacific/Honolulu")
    )
    for hours in (6, 24, 48):
        pipeline.round(any_app.at(NOON + timedelta(hours=hours)))
        assert len(set(list_accepted_papers(any_app))) == len(list_accepted_papers(any_app)) >= 20


def test_a_late_digest_lists_no_paper_of_a_later_date(any_app: App, dump: Dump) -> None:
    subscriptions.subscribe(
        any_app, SubscriptionRequest(email=ALICE, keywords=("robot",)), origin="command"
    )
    yesterday = NOON - timedelta(days=1)
    pipeline.ingest(any_app, [dump(yesterday.date(), per_topic=10)], seen=yesterday.date())
    for when in (NOON, yesterday, NOON + timedelta(days=1)):
        pipeline.ingest(any_app.at(when), [dump(TODAY, per_topic=1)])
        pipeline.round(any_app.at(when))
        assert len(set(list_accepted_papers(any_app))) == len(list_accepted_papers(any_app)) >= 10
