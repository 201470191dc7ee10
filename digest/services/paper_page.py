"""One paper with what is known about it, for its public page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from digest import store
from digest.app import App
from digest.errors import NotFoundError
from digest.model import UNSEEN, Paper
from digest.papers import parse_name
from digest.pipeline.steps.co_likes import least_readers


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A record that says something about the paper."""

    #: format of its dump
    format: str
    day: date
    version: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperPage:
    paper: Paper
    sources: tuple[Source, ...]


def find_public_paper(app: App, name: str) -> int:
    """Find a paper by its id, or by an identifier such as `arxiv:2606.01234`.

    Raises:
        NotFoundError: there is none, or no dump has brought it.
    """
    with app.store.reading() as tx:
        if name.isascii() and name.isdecimal() and len(name) <= 18:
            ids = [int(name)]
        else:
            identity = parse_name(name)
            ids = (
                []
                if identity is None
                else store.papers.find_by_identity(tx, identity.kind, identity.value)
            )
        papers = store.papers.load(tx, ids)
    for paper in papers.values():
        if paper.title and paper.first_seen != UNSEEN:
            return paper.id
    raise NotFoundError("this paper is not stored here")


def load_paper_page(app: App, paper_id: int) -> PaperPage:
    """Load a paper by the id that `find_public_paper` returned."""
    with app.store.reading() as tx:
        papers = store.papers.load(tx, [paper_id], least=least_readers(app, tx))
        if paper_id not in papers:
            raise NotFoundError("this paper is not stored here")
        paper = papers[paper_id]
        sources = store.lists.list_sources(tx, paper.id)
    return PaperPage(
        paper=paper,
        sources=tuple(
            Source(format=format, day=day, version=version) for format, day, version in sources
        ),
    )
