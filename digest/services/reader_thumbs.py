"""The thumbs that a reader has given, page by page."""

from __future__ import annotations

from dataclasses import dataclass

from digest import store
from digest.app import App
from digest.model import Feedback, Paper

#: thumbs on a page
THUMBS_SHOWN = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Thumbs:
    """One page of a reader's thumbs, the newest first."""

    items: tuple[tuple[Paper, Feedback], ...]
    #: thumbs on all pages
    total: int
    #: this page, from 1
    page: int
    #: how many there are
    pages: int


def load_thumbs(app: App, subscriber_id: int, *, page: int = 1, size: int = THUMBS_SHOWN) -> Thumbs:
    """Load a page of thumbs, without withdrawn ones.

    Args:
        page: from 1; the nearest page that exists is returned.
        size: thumbs on a page.
    """
    with app.store.reading() as tx:
        votes = store.feedback.load_votes(tx, [subscriber_id]).get(subscriber_id, [])
        newest_first = votes[::-1]
        pages = max(1, -(-len(votes) // size))
        page = min(max(page, 1), pages)
        shown = newest_first[(page - 1) * size : page * size]
        papers = store.papers.load(tx, [vote.paper_id for vote in shown])
    return Thumbs(
        items=tuple((papers[vote.paper_id], vote) for vote in shown if vote.paper_id in papers),
        total=len(votes),
        page=page,
        pages=pages,
    )
