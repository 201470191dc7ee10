"""Papers in the API: lists, search, one paper. They need no key: everybody sees them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from digest import services
from digest.app import App
from digest.model import Paper
from digest.papers import find_resources
from digest.services import CorpusCache, Period, SearchRequest
from digest.web.api_models import Failure
from digest.web.pages import clean
from digest.web.public_pages import Answer, PublicAnswers

_RESPONSES: dict[int | str, dict[str, Any]] = {
    404: {"model": Failure, "description": "There is no such paper, period or page"},
    422: {"model": Failure, "description": "A value is unknown or out of range"},
    503: {"model": Failure, "description": "Busy, or no database; Retry-After says when to come"},
}

Text = Annotated[str, Query(max_length=500)]


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


class PapersAnswer(BaseModel):
    """One page of papers."""

    papers: list[PaperAnswer]
    total: int = Field(description="papers on all pages")
    page: int
    pages: int


def routes(app: App, answers: PublicAnswers, corpora: CorpusCache) -> APIRouter:
    """Build the routes of papers."""
    router = APIRouter(prefix="/api/v1/papers", tags=["papers"])

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
        page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    ) -> Response:
        """Search by words or author; without these, list the papers of a period.

        Without a period these are the papers of the latest day. "best" is relevance in a search,
        and upvotes in a list; "meaning" finds what is near the words, whether or not it holds them.
        A search within a period finds papers of these days.
        """

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
                        page=page,
                    ),
                    corpora,
                )
                total = result.total + len(result.near)
                return _write_page(result.papers, total, page, result.pages)
            paper_list = services.load_list(
                app,
                days or services.find_latest_period(app),
                order="new" if order == "new" else "trending",
                category=clean(category),
                page=page,
            )
            return _write_page(paper_list.papers, paper_list.total, page, paper_list.pages)

        return await answers.get(request, ("api", q, author, category, period, order, page), make)

    @router.get(
        "/{paper_id}", response_model=PaperAnswer, responses=_RESPONSES, summary="One paper"
    )
    async def get_paper(
        request: Request, paper_id: Annotated[int, Path(ge=1, le=10**18 - 1)]
    ) -> Response:
        """Return a paper; the id of one that was merged into another yields that one."""

        def make() -> Answer:
            return _write(_to_answer(services.load_paper_page(app, paper_id).paper))

        return await answers.get(request, ("api paper", paper_id), make)

    return router


def _to_answer(paper: Paper) -> PaperAnswer:
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


def _write_page(papers: tuple[Paper, ...], total: int, page: int, pages: int) -> Answer:
    answers = [_to_answer(paper) for paper in papers]
    return _write(PapersAnswer(papers=answers, total=total, page=page, pages=pages))


def _write(answer: BaseModel) -> Answer:
    body = answer.model_dump_json().encode()
    return Answer(body=body, media_type="application/json", indexed=False)
