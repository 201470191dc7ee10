"""Papers that a reader saved for later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from digest import store
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.locales import format_number, gettext
from digest.model import Paper
from digest.services.paper_page import is_public

#: papers that a reader may keep; more is no list to read
MOST_SAVED = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedPaper:
    paper: Paper
    at: datetime


def save_paper(app: App, subscriber_id: int, paper_id: int) -> Paper:
    """Save a paper for later; a second time changes nothing.

    Raises:
        NotFoundError: the reader or the paper is not stored.
        InputError: the list is full.
    """

    def save(tx: store.Connection) -> Paper:
        paper = store.papers.load(tx, [paper_id]).get(paper_id)
        if paper is None or not is_public(paper) or not store.subscribers.load(tx, [subscriber_id]):
            raise NotFoundError("the reader or the paper is no longer stored")
        saved = store.saved.load(tx, subscriber_id)
        if len(saved) >= MOST_SAVED and paper.id not in saved:
            raise InputError(
                gettext(
                    "you have saved %(limit)s papers, which is the most; remove some first",
                    limit=format_number(MOST_SAVED),
                )
            )
        store.saved.add(tx, subscriber_id, paper.id, at=app.now())
        return paper

    return app.store.commit_together(save)


def remove_saved(app: App, subscriber_id: int, paper_id: int) -> Paper:
    """Take a paper off the list; one that is not on it changes nothing.

    Raises:
        NotFoundError: the paper is not stored.
    """

    def remove(tx: store.Connection) -> Paper:
        paper = store.papers.load(tx, [paper_id]).get(paper_id)
        if paper is None:
            raise NotFoundError("the paper is no longer stored")
        same = store.papers.load(tx, store.saved.load(tx, subscriber_id))
        merged = [ident for ident, kept in same.items() if kept.id == paper.id]
        store.saved.remove(tx, subscriber_id, merged)
        return paper

    return app.store.commit_together(remove)


def load_saved(app: App, subscriber_id: int) -> list[SavedPaper]:
    """Load the papers that a reader saved, newest first, each once."""
    with app.store.reading() as tx:
        saved = store.saved.load(tx, subscriber_id)
        papers = store.papers.load(tx, saved)
    by_id: dict[int, SavedPaper] = {}
    for ident, at in saved.items():
        if paper := papers.get(ident):
            by_id.setdefault(paper.id, SavedPaper(paper=paper, at=at))
    return list(by_id.values())
