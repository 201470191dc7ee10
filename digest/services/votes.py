"""Up-votes of readers on the lists that everybody sees.

A reader has one vote on a paper. It counts beside the upvotes of the sources, in lists and where a
digest falls back on what is trending.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from digest import store
from digest.app import App
from digest.errors import LimitError, NotFoundError
from digest.model import Paper, Subscriber, SubscriberStatus
from digest.services.paper_page import MAX_ID, is_public

#: papers that one reader may up-vote within a day: more is no reading
VOTES_A_DAY = 100
#: what limits of a day count
DAY = timedelta(days=1)
#: who may vote, suggest and pick: those whose thumbs count for others too
_ALLOWED = (SubscriberStatus.ACTIVE, SubscriberStatus.PAUSED)


def may_take_part(subscriber: Subscriber) -> bool:
    """Tell whether a reader may vote, suggest and pick: one who has confirmed and not left."""
    return subscriber.status in _ALLOWED


def up_vote(app: App, subscriber_id: int, paper_id: int) -> Paper:
    """Record a reader's up-vote on a public paper; a second time changes nothing.

    Raises:
        NotFoundError: the reader is gone or may not vote, or the paper is not public.
        LimitError: the reader has up-voted too many papers within a day.
    """
    now = app.now()

    def record(tx: store.Connection) -> Paper:
        lock_participant(tx, subscriber_id)
        paper = load_public_paper(tx, paper_id)
        if store.upvotes.load_own(tx, subscriber_id, [paper.id]):
            return paper
        if store.upvotes.count_own(tx, subscriber_id, since=now - DAY) >= VOTES_A_DAY:
            raise LimitError(
                f"you have up-voted {VOTES_A_DAY} papers within a day, which is the most; this "
                "vote was not counted",
                retry_after=int(DAY.total_seconds()),
            )
        store.upvotes.add(tx, subscriber_id, paper.id, at=now)
        return paper

    return app.store.commit_together(record)


def take_back_vote(app: App, subscriber_id: int, paper_id: int) -> Paper:
    """Take an up-vote back; where there is none, nothing changes.

    Raises:
        NotFoundError: as `up_vote` does.
    """

    def record(tx: store.Connection) -> Paper:
        lock_participant(tx, subscriber_id)
        paper = load_public_paper(tx, paper_id)
        store.upvotes.remove(tx, subscriber_id, paper.id)
        return paper

    return app.store.commit_together(record)


def load_own_votes(app: App, subscriber_id: int, paper_ids: Iterable[int]) -> set[int]:
    """Load which of the papers a reader has up-voted."""
    with app.store.reading() as tx:
        return store.upvotes.load_own(tx, subscriber_id, paper_ids)


def has_voted_since(app: App, subscriber_id: int, since: datetime) -> bool:
    """Tell whether a reader has up-voted a paper since a time, and not taken it back."""
    with app.store.reading() as tx:
        return store.upvotes.count_own(tx, subscriber_id, since=since) > 0


def lock_participant(tx: store.Connection, subscriber_id: int) -> Subscriber:
    """Lock a reader who may take part, so that limits hold for presses at the same time.

    Raises:
        NotFoundError: the reader is gone, has left, or has not confirmed.
    """
    store.subscribers.lock(tx, subscriber_id)
    subscriber = store.subscribers.find(tx, subscriber_id)
    if subscriber is None or not may_take_part(subscriber):
        raise NotFoundError("only confirmed readers vote, suggest and pick")
    return subscriber


def load_public_paper(tx: store.Connection, paper_id: int) -> Paper:
    """Load a paper that everybody sees.

    Raises:
        NotFoundError: there is none of that id.
    """
    paper = store.papers.load(tx, [paper_id] if paper_id <= MAX_ID else []).get(paper_id)
    if paper is None or not is_public(paper):
        raise NotFoundError("this paper is not stored here")
    return paper
