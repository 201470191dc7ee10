"""The papers of a sent digest with what its reader says of each, for the pages about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from digest import presses, store
from digest.app import App
from digest.errors import NotFoundError
from digest.model import Digest, Item, Link, Paper, Subscriber, Vote


@dataclass(frozen=True, kw_only=True, slots=True)
class RatedItem:
    """A listed paper and the reader's thumb on it."""

    #: as the mail numbers it
    number: int
    item: Item
    paper: Paper
    vote: Vote
    #: both thumbs were pressed, and wait until a person confirms one
    is_held: bool
    #: the reader saved it for later
    is_saved: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestPapers:
    """A digest as its mail lists it: without papers that were withdrawn."""

    subscriber: Subscriber
    digest: Digest
    items: tuple[RatedItem, ...]

    def find(self, paper_id: int) -> RatedItem | None:
        """Find a paper of the digest by its id, or that of a record merged into it."""
        return next(
            (
                listed
                for listed in self.items
                if paper_id in (listed.paper.id, listed.item.score.paper_id)
            ),
            None,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RestOfDigest:
    """What there is to rate after one paper of a digest."""

    #: papers that the mail lists
    count: int
    #: the next one without a thumb, from this paper to the end and from the beginning; None = none
    paper: Paper | None
    #: as the mail numbers it, 0 = none
    number: int


def load_digest_papers(app: App, link: Link) -> DigestPapers:
    """Load the digest that the message of a link carried.

    Raises:
        NotFoundError: it is not stored; a preview's never is.
    """
    with app.store.reading() as tx:
        digest = store.digests.find_by_message(tx, link.message_id, link.subscriber_id)
        reader = store.subscribers.find(tx, link.subscriber_id)
        if digest is None or reader is None:
            raise NotFoundError("the digest of this link is no longer stored, or was a preview")
        paper_ids = [item.score.paper_id for item in digest.items]
        papers = store.papers.load(tx, paper_ids, upvoted=False)  # no page shows their upvotes
    listed = [
        (item, papers[item.score.paper_id])
        for item in digest.items
        if not papers[item.score.paper_id].withdrawn
    ]
    return DigestPapers(subscriber=reader, digest=digest, items=add_ratings(app, reader.id, listed))


def find_next_unrated(app: App, link: Link) -> RestOfDigest:
    """Find the paper to rate after that of a link, in the digest that its message carried.

    A digest that is not stored, as that of a preview, has no papers.
    """
    held_since = app.now() - presses.HELD_FOR
    with app.store.reading() as tx:
        entries = store.digest_lists.load_rated(
            tx, link.message_id, link.subscriber_id, held_since=held_since
        )
        numbers = range(len(entries))
        here = (n for n in numbers if link.paper_id in (entries[n].paper_id, entries[n].listed_id))
        start = next(here, None)
        after = [] if start is None else [*numbers[start + 1 :], *numbers[:start]]
        following = next((n for n in after if not (entries[n].vote or entries[n].is_held)), None)
        if following is None:
            return RestOfDigest(count=len(entries), paper=None, number=0)
        ident = entries[following].paper_id
        paper = store.papers.load(tx, [ident], upvoted=False)[ident]
    return RestOfDigest(count=len(entries), paper=paper, number=following + 1)


def add_ratings(
    app: App, subscriber_id: int, listed: Iterable[tuple[Item, Paper]]
) -> tuple[RatedItem, ...]:
    """Number listed papers, and add what their reader says of each."""
    with app.store.reading() as tx:
        given = store.feedback.load_votes(tx, [subscriber_id]).get(subscriber_id, [])
        held = store.presses.list_held(tx, subscriber_id, since=app.now() - presses.HELD_FOR)
        saved = store.saved.load(tx, subscriber_id).keys()
    votes: dict[int, Vote] = {feedback.paper_id: feedback.vote for feedback in given}
    held_ids = {press.paper_id for press in held}
    return tuple(
        RatedItem(
            number=number,
            item=item,
            paper=paper,
            vote=votes.get(paper.id, 0),
            is_held=paper.id in held_ids,
            is_saved=not saved.isdisjoint((paper.id, item.score.paper_id)),
        )
        for number, (item, paper) in enumerate(listed, start=1)
    )
