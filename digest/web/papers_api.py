"""Papers in the API: lists, search, one paper, papers like it.

Programs need a key that may read papers; feeds need none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from digest import services
from digest.app import App
from digest.model import Paper, Scope
from digest.papers import find_resources
from digest.services import CorpusCache, Period, SearchRequest
from digest.web.access import api_router, require_scope
from digest.web.cursors import Cursor, read_cursor, write_cursor, write_next_link
from digest.web.pages import clean
from digest.web.public_pages import Answer, PublicAnswers
from digest.web.versions import VERSIONED

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_RESPONSES: dict[int | str, dict[str, Any]] = {
    **VERSIONED,
    404: {"description": "There is no such paper, period or page"},
    422: {"description": "A value is unknown or out of range"},
    503: {"description": "Busy, or no database; Retry-After says when to come"},
}

Text = Annotated[str, Query(max_length=500)]
PaperId = Annotated[int, Path(ge=1, le=10**18 - 1, description="id of the paper")]
PapersLimit = Annotated[int, Query(ge=1, le=100, description="papers on a page at most")]
Make = Callable[[], Answer]
#: papers on a page unless asked otherwise
PAGE_SIZE = 25


class PaperAnswer(BaseModel):
    """A paper."""

    id: int
    name: str = Field(description="what people type for it, as in arxiv:2606.01234")
    title: str
    abstract: str
    authors: list[str]
    categories: list[str]
    identifiers: list[str] = Field(description="kind:value, as in doi:10.1000/xyz")
    first_seen: date = Field(description="the day on which it was new here")
    upvotes: int
    page: str = Field(description="where to read it")
    venue: str
    code: str = Field(description="address of the authors' code; empty where none is known")
    project: str


class SimilarAnswer(BaseModel):
    """The papers that are nearest to one, the nearest first."""

    papers: list[PaperAnswer]


class PapersAnswer(BaseModel):
    """One page of papers."""

    papers: list[PaperAnswer]
    total: int = Field(description="papers on all pages")
    next: str | None = Field(description="cursor of the next page; null after the last")


def routes(app: App, answers: PublicAnswers, corpora: CorpusCache) -> APIRouter:
    """Build the routes of papers."""
    router = api_router("/api/v1/papers", "papers")
    router.dependencies.append(require_scope(Scope.PAPERS_READ))

    async def answer(request: Request, key: tuple[object, ...], make: Make) -> Response:
        response = await answers.get(request, key, make)
        response.headers["Cache-Control"] = "private, no-cache"  # kept, but checked by its ETag
        return response

    @router.get("", response_model=PapersAnswer, responses=_RESPONSES, summary="List or search")
    async def list_papers(
        request: Request,
        q: Annotated[str, Query(max_length=2000)] = "",
        author: Text = "",
        category: Text = "",
        period: Annotated[
            str, Query(max_length=20, description="2026-06-09, 2026-W24 or 2026-06")
        ] = "",
        order: Literal["best", "new", "meaning"] = "best",
        limit: PapersLimit = PAGE_SIZE,
        cursor: Cursor = "",
    ) -> Response:
        """Search by words or author; without these, list the papers of a period.

        Without a period these are the papers of the latest day. "best" is relevance in a search,
        and upvotes in a list; "meaning" finds what is near the words, whether or not it holds them.
        A search within a period finds papers of these days.
        """

        key = read_cursor(cursor, int)
        after = 0 if key is None else int(key[0])
        # only what this route takes: others get the same answer from the cache
        query = {"q": q, "author": author, "category": category, "period": period, "order": order}
        given = [(name, value) for name, value in query.items() if value]
        given += [("limit", str(limit))] if limit != PAGE_SIZE else []

        def write_page(papers: Sequence[Paper], total: int, *, has_more: bool) -> Answer:
            answers = [to_paper_answer(paper) for paper in papers]
            following = write_cursor(papers[-1].id) if has_more else None
            link = write_next_link(request, [*given, ("cursor", following)]) if following else ""
            page = PapersAnswer(papers=answers, total=total, next=following)
            return write_json(page, {"Link": link} if link else _NO_HEADERS)

        def make() -> Answer:
            days = Period.parse(period) if period else None
            if q.strip() or author.strip():
                result = services.search(
                    app,
                    SearchRequest(
                        text=clean(q),
                        author=clean(author),
                        category=clean(category),
                        since=days.first if days else None,
                        until=days.last if days else None,
                        order="relevance" if order == "best" else order,
                        after=after,
                        size=limit,
                    ),
                    corpora,
                )
                total = result.total + len(result.near)
                return write_page(result.papers, total, has_more=result.has_more)
            paper_list = services.load_list(
                app,
                days or services.find_latest_period(app),
                order="new" if order == "new" else "trending",
                category=clean(category),
                after=after,
                size=limit,
            )
            return write_page(paper_list.papers, paper_list.total, has_more=paper_list.has_more)

        asked = (q, author, category, period, order, after, limit)
        return await answer(request, ("api", *asked), make)

    @router.get(
        "/{paper_id}", response_model=PaperAnswer, responses=_RESPONSES, summary="One paper"
    )
    async def get_paper(request: Request, paper_id: PaperId) -> Response:
        """Return a paper; the id of one that was merged into another yields that one."""

        def make() -> Answer:
            return write_json(to_paper_answer(services.load_paper_page(app, paper_id).paper))

        return await answer(request, ("api paper", paper_id), make)

    @router.get(
        "/{paper_id}/similar",
        response_model=SimilarAnswer,
        responses=_RESPONSES,
        summary="Similar papers",
    )
    async def list_similar(request: Request, paper_id: PaperId) -> Response:
        """List the few papers that are nearest, by the features that digests are chosen by."""

        def make() -> Answer:
            paper = services.load_paper_page(app, paper_id).paper
            similar = services.find_similar(app, paper, corpora)
            return write_json(
                SimilarAnswer(
                    papers=[to_paper_answer(near) for near in similar if services.is_public(near)]
                )
            )

        return await answer(request, ("api similar", paper_id), make)

    return router


def to_paper_answer(paper: Paper) -> PaperAnswer:
    """Return a paper as programs read it."""
    resources = find_resources(paper)
    return PaperAnswer(
        id=paper.id,
        name=paper.name,
        title=paper.title,
        abstract=paper.abstract,
        authors=list(paper.authors),
        categories=list(paper.categories),
        identifiers=[f"{name.kind}:{name.value}" for name in paper.identities],
        first_seen=paper.first_seen,
        upvotes=paper.upvotes,
        page=resources.page,
        venue=resources.venue,
        code=paper.code_url,
        project=paper.project_url,
    )


def write_json(answer: BaseModel, headers: Mapping[str, str] = _NO_HEADERS) -> Answer:
    """Return a value as the answer of a program."""
    body = answer.model_dump_json().encode()
    return Answer(body=body, media_type="application/json", indexed=False, headers=headers)
