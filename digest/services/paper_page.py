"""One paper with what is known about it, for its public page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from digest import store
from digest.app import App
from digest.errors import NotFoundError
from digest.model import UNSEEN, CuratorPick, Identity, Paper
from digest.papers import parse_name
from digest.pipeline.steps.co_likes import least_readers

#: what a database can store
MAX_ID = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperSource:
    """A record that says something about the paper."""

    #: format of its dump
    format: str
    day: date
    version: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperPage:
    paper: Paper
    sources: tuple[PaperSource, ...]
    #: the picks of curators, oldest first
    picks: tuple[CuratorPick, ...]


def find_public_paper(app: App, name: str) -> int:
    """Find the id of a paper by an identifier such as `arxiv:2606.01234`.

    Raises:
        NotFoundError: there is none, or no dump has brought it.
    """
    with app.store.reading() as tx:
        paper_id = find_public(tx, parse_name(name))
    if paper_id is not None:
        return paper_id
    raise NotFoundError("this paper is not stored here")


def find_public(tx: store.Connection, identity: Identity | None) -> int | None:
    """Find the id of the public paper with an identifier; None where there is none."""
    if identity is None:
        return None
    ids = store.papers.find_by_identity(tx, identity.kind, identity.value)
    return next((p.id for p in store.papers.load(tx, ids).values() if is_public(p)), None)


def load_paper_page(app: App, paper_id: int) -> PaperPage:
    """Load a paper; the id of one that was merged into another yields that one.

    Raises:
        NotFoundError: there is none, or no dump has brought it.
    """
    ids = [paper_id] if paper_id <= MAX_ID else []
    with app.store.reading() as tx:
        paper = store.papers.load(tx, ids, least=least_readers(app, tx)).get(paper_id)
        if paper is None or not is_public(paper):
            raise NotFoundError("this paper is not stored here")
        sources = store.lists.list_sources(tx, paper.id)
        picks = store.curator_picks.load(tx, [paper.id]).get(paper.id, ())
    return PaperPage(
        paper=paper,
        picks=picks,
        sources=tuple(
            PaperSource(format=format, day=day, version=version) for format, day, version in sources
        ),
    )


def is_public(paper: Paper) -> bool:
    """Tell whether everybody may see a paper: what a reader's library alone has brought is not."""
    return bool(paper.title) and paper.first_seen != UNSEEN
