"""The papers of a sent digest with what its reader says of each, for the pages about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from digest import presses, store
from digest.app import App
from digest.errors import NotFoundError
from digest.model import Digest, Item, Link, Paper, Subscriber, Vote
from digest.store.digest_lists import RatedEntry


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
class ThumbPapers:
    """The paper of a thumb, and what there is to rate after it."""

    paper: Paper
    #: papers that the mail lists; 0 where its digest is not stored, as that of a preview
    count: int
    #: the next one without a thumb, from this paper to the end and from the beginning; None = none
    following: Paper | None
    #: of the next one, as the mail numbers it; 0 = none
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


def load_thumb_papers(app: App, link: Link) -> ThumbPapers:
    """Load the paper of a thumb, and the one to rate after it in the mail of the link.

    Raises:
        NotFoundError: no paper has, or had, that id.
    """
    held_since = app.now() - presses.HELD_FOR
    with app.store.reading() as tx:
        entries = store.digest_lists.load_rated(
            tx, link.message_id, link.subscriber_id, held_since=held_since
        )
        number = _find_next_number(entries, link.paper_id)
        paper_ids = [link.paper_id, *([entries[number - 1].paper_id] if number else [])]
        papers = store.papers.load(tx, paper_ids, upvoted=False)  # no page of thumbs shows them
    if link.paper_id not in papers:
        raise NotFoundError(f"no paper {link.paper_id} is stored")
    return ThumbPapers(
        paper=papers[link.paper_id],
        count=len(entries),
        following=papers[paper_ids[1]] if number else None,
        number=number,
    )


def _find_next_number(entries: Sequence[RatedEntry], paper_id: int) -> int:
    """Return the number of the paper to rate after one, counted from 1; 0 where there is none."""
    numbers = range(len(entries))
    here = (n for n in numbers if paper_id in (entries[n].paper_id, entries[n].listed_id))
    start = next(here, None)
    after = [] if start is None else [*numbers[start + 1 :], *numbers[:start]]
    return next((n + 1 for n in after if not (entries[n].vote or entries[n].is_held)), 0)


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
