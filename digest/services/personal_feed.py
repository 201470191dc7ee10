"""The feed of a reader: the papers of their digests, at an address that they can change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from digest import store
from digest.app import App
from digest.errors import NotFoundError
from digest.model import Link, Paper, Purpose
from digest.ranking import scores
from digest.store.feeds import Feed

#: digests whose papers a feed holds
_DIGESTS = 14
#: papers in a feed at most
_PAPERS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedPaper:
    """A paper as a digest listed it."""

    paper: Paper
    reason: str
    #: local date of the digest
    day: date


def find_feed(app: App, subscriber_id: int) -> Feed | None:
    """Find the address of a reader's feed; None where there never was one."""
    with app.store.reading() as tx:
        return store.feeds.find(tx, subscriber_id)


def renew_feed(app: App, subscriber_id: int, known: int, *, is_open: bool) -> Feed:
    """Make a new address for a reader's feed, or close it; either ends the address before.

    Args:
        known: number of the address that the reader saw, 0 for none. Where it is another one by
            now, as when a page is posted twice, nothing changes.

    Raises:
        NotFoundError: the reader is not stored.
    """

    def renew(tx: store.Connection) -> Feed:
        store.subscribers.lock(tx, subscriber_id)
        if store.subscribers.find(tx, subscriber_id) is None:
            raise NotFoundError(f"no subscriber {subscriber_id}; the row was deleted")
        feed = store.feeds.find(tx, subscriber_id)
        now = feed or Feed(number=0, is_open=False, at=app.now())
        if now.number != known or not (is_open or now.is_open):
            return now
        renewed = Feed(number=now.number + 1, is_open=is_open, at=app.now())
        store.feeds.save(tx, subscriber_id, renewed)
        return renewed

    return app.store.commit(renew)


def feed_link(subscriber_id: int, feed: Feed) -> Link:
    """Return what the token of a feed's address says."""
    return Link(Purpose.FEED, subscriber_id, message_id=feed.number)


def load_feed(app: App, link: Link) -> list[FeedPaper]:
    """Load the papers of a reader's last digests, newest digest first, each paper once.

    Raises:
        NotFoundError: the address was changed or closed, or the reader is not stored.
    """
    with app.store.reading() as tx:
        feed = store.feeds.find(tx, link.subscriber_id)
        if feed is None or not feed.is_open or feed.number != link.message_id:
            raise NotFoundError("this address of a feed is no longer in use")
        past = store.archive.list_digests(tx, link.subscriber_id, limit=_DIGESTS)
        digests = store.digests.load_many(tx, [digest.digest_id for digest in past])
        papers = store.papers.load(
            tx, [item.score.paper_id for digest in digests.values() for item in digest.items]
        )
    entries: dict[int, FeedPaper] = {}
    for digest in (digests[row.digest_id] for row in past if row.digest_id in digests):
        for item in digest.items:
            paper = papers[item.score.paper_id]
            if not paper.withdrawn and len(entries) < _PAPERS:
                entry = FeedPaper(
                    paper=paper, reason=scores.write_reason(item.score), day=digest.local_date
                )
                entries.setdefault(paper.id, entry)
    return list(entries.values())
