"""Listed papers without a thumb: which count as ignored.

The service learns from them only if the operator says so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.model import Digest, Feedback, MessageState, Subscriber, Vote
from digest.store.tables import messages
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, TODAY, make_app

Dump = Callable[..., Path]
LATER = NOON + timedelta(minutes=5)
TOMORROW = TODAY + timedelta(days=1)


def send_first_digest(
    app: App, dump: Dump, state: MessageState = MessageState.ACCEPTED
) -> tuple[Subscriber, list[int]]:
    """Send a reader their first digest; returns the reader and the ids of its papers."""
    reader = subscriptions.subscribe(
        app,
        SubscriptionRequest(email="reader@example.org", keywords=("galaxy",), size=16),
        origin="command",
    ).subscriber
    pipeline.ingest(app, [dump()])
    pipeline.compose(app)
    with app.store.writing() as tx:
        tx.execute(messages.update().values(state=state.value))
    return reader, [
        item.score.paper_id for item in services.sent_digest(app, reader, TODAY)[0].items
    ]


def vote(app: App, reader: Subscriber, paper: int, value: Vote) -> None:
    with app.store.writing() as tx:
        store.feedback.save(
            tx, Feedback(subscriber_id=reader.id, paper_id=paper, vote=value, at=LATER)
        )


def load_ignored(app: App, reader: Subscriber, days: int = 90) -> set[int]:
    with app.store.reading() as tx:
        return set(
            store.history.load_ignored(tx, [reader.id], since=NOON - timedelta(days=days)).get(
                reader.id, {}
            )
        )


def test_ignored_is_what_was_listed_beside_a_rated_paper(any_app: App, dump: Dump) -> None:
    reader, papers = send_first_digest(any_app, dump)
    assert load_ignored(any_app, reader) == set()  # nobody knows whether the mail was opened
    vote(any_app, reader, papers[0], 1)
    vote(any_app, reader, papers[1], 1)
    vote(any_app, reader, papers[1], 0)  # a withdrawn thumb is not the same as no thumb
    assert load_ignored(any_app, reader) == set(papers[2:])
    assert load_ignored(any_app, reader, days=0) == set()
    with any_app.store.reading() as tx:
        # Before the thumb.
        assert (
            store.history.load_ignored(
                tx, [reader.id], since=NOON - timedelta(days=9), before=LATER
            )
            == {}
        )
    vote(any_app, reader, papers[0], 0)
    assert load_ignored(any_app, reader) == set()


def test_papers_of_undelivered_digests_are_not_ignored(app: App, dump: Dump) -> None:
    reader, papers = send_first_digest(app, dump, MessageState.UNKNOWN)
    vote(app, reader, papers[0], 1)
    assert load_ignored(app, reader) == set()


def test_ignored_papers_teach_only_where_the_operator_says_so(tmp_path: Path, dump: Dump) -> None:
    app = make_app(tmp_path)
    reader, papers = send_first_digest(app, dump)
    vote(app, reader, papers[0], 1)
    pipeline.ingest(app.at(NOON + timedelta(days=1)), [dump(TOMORROW)])
    app.close()
    values = []
    for weight in ("0", "0.5"):
        service = make_app(tmp_path, digest__ignored_weight=weight).at(NOON + timedelta(days=1))
        outcome = services.preview(service, reader, day=TOMORROW).outcome
        service.close()
        assert isinstance(outcome, Digest)
        assert (outcome.provenance.thumbs_up, outcome.provenance.thumbs_down) == (1, 0)
        values.append({item.score.paper_id: item.score.value for item in outcome.items})
    assert values[0] != values[1]
