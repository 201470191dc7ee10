"""hear: a link or a command becomes feedback; the next round learns from it."""

from __future__ import annotations

from dataclasses import dataclass

from digest import store
from digest.app import App
from digest.errors import LinkError, NotFoundError
from digest.mail import links
from digest.model import Feedback, Link, MessageState, Paper, Purpose, RevokedLink, Subscriber, Vote
from digest.pipeline.steps.paper_names import find


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedFeedback:
    """A vote as it stands now, and the one that it replaced."""

    subscriber: Subscriber
    paper: Paper
    vote: Vote
    before: Vote


def read_link(app: App, token: str, *purposes: Purpose) -> Link:
    """What a token names.

    Raises:
        LinkError: it is not ours, or is for something else than the purposes that this page serves.
    """
    link = app.with_keys(lambda keys: links.read_token(token, keys))
    if link.purpose not in purposes:
        raise LinkError("this link is for something else. Open it again from the mail")
    return link


def hear(app: App, link: Link, vote: Vote, *, via: str) -> RecordedFeedback:
    """Record the vote that a link's reader gives on its paper; a second time changes nothing."""
    return _record(app, link.subscriber_id, link.paper_id, vote, via)


def arrived(app: App, link: Link) -> None:
    """Whoever answers a message has it: one whose mail server never said that it took it counts as
    accepted from now on.

    A link of a revoked key proves nothing.
    """
    if isinstance(link, RevokedLink):
        return
    with app.store.reading() as tx:
        doubtful = store.deliveries.find_state(tx, link.message_id) in (
            MessageState.UNKNOWN,
            MessageState.SENDING,
        )
    if doubtful:
        with app.store.writing() as tx:
            store.ledger.resolve(
                tx, link.message_id, MessageState.ACCEPTED, "an answer from it", now=app.now()
            )


def rate(app: App, subscriber: Subscriber, name: str, vote: Vote) -> RecordedFeedback:
    """Record a vote on a paper named as people type it.

    Raises:
        NotFoundError: no stored paper has that name.
        InputError: a title that several papers share.
    """
    return _record(app, subscriber.id, find(app, name).id, vote, "command")


def _record(app: App, subscriber_id: int, paper_id: int, vote: Vote, via: str) -> RecordedFeedback:
    def record(tx: store.Connection) -> RecordedFeedback:
        subscriber, found = reader_and_paper(tx, subscriber_id, paper_id)
        given = Feedback(
            subscriber_id=subscriber_id, paper_id=found.id, vote=vote, at=app.now(), via=via
        )
        before = store.feedback.save(tx, given)
        return RecordedFeedback(subscriber=subscriber, paper=found, vote=vote, before=before)

    return app.store.commit(record)


def reader_and_paper(
    tx: store.Connection, subscriber_id: int, paper_id: int
) -> tuple[Subscriber, Paper]:
    """Raises NotFoundError when one of them is not stored."""
    subscriber = store.subscribers.find(tx, subscriber_id)
    found = store.papers.load(tx, [paper_id]).get(paper_id)
    if subscriber is None or found is None:
        raise NotFoundError("the reader or the paper of this link is no longer stored")
    return subscriber, found


def standing_vote(app: App, subscriber_id: int, paper_id: int) -> Vote:
    """The reader's vote on a paper as it stands, 0 for none."""
    with app.store.reading() as tx:
        found = store.papers.load(tx, [paper_id]).get(paper_id)
        votes = store.feedback.load_votes(tx, [subscriber_id]).get(subscriber_id, [])
    return next((v.vote for v in votes if found is not None and v.paper_id == found.id), 0)


def paper(app: App, paper_id: int) -> Paper:
    """Raises NotFoundError when no paper has, or had, that id."""
    with app.store.reading() as tx:
        found = store.papers.load(tx, [paper_id]).get(paper_id)
    if found is None:
        raise NotFoundError(f"no paper {paper_id} is stored")
    return found
