"""Find stored papers by what people call them, and rate them by that name."""

from __future__ import annotations

from digest import store
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.model import Paper, Subscriber, Vote
from digest.pipeline.feedback import RecordedFeedback, record_feedback
from digest.pipeline.steps.paper_names import look_up


def find_paper(app: App, name: str) -> Paper:
    """Find a stored paper by arXiv id, DOI, link, `paper:17`, or its whole title.

    Raises:
        NotFoundError: no stored paper has that name.
        InputError: a title that several papers share.
    """
    with app.store.reading() as tx:
        paper_ids = look_up(tx, name)
        if not paper_ids:
            raise NotFoundError(
                f"no stored paper is called {name!r}. Give an arXiv id, a DOI, a link to either, "
                f"or the whole title"
            )
        if len(paper_ids) > 1:
            raise InputError(
                f"{len(paper_ids)} stored papers are called {name!r}: "
                f"{', '.join(f'paper:{ident}' for ident in paper_ids)}. Name one of these"
            )
        return store.papers.load(tx, paper_ids)[paper_ids[0]]


def get_paper(app: App, paper_id: int) -> Paper:
    """Return a paper by id; the id of a merged paper also works.

    Raises:
        NotFoundError: no paper has, or had, that id.
    """
    with app.store.reading() as tx:
        paper = store.papers.load(tx, [paper_id]).get(paper_id)
    if paper is None:
        raise NotFoundError(f"no paper {paper_id} is stored")
    return paper


def rate(app: App, subscriber: Subscriber, name: str, vote: Vote) -> RecordedFeedback:
    """Record a vote on a paper named as people type it; raises as `find_paper`."""
    paper = find_paper(app, name)
    return record_feedback(app, subscriber.id, paper.id, vote, via="command")
