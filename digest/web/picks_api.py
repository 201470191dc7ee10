"""The picks of curators in the API. They need no key: everybody sees them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from digest import services
from digest.app import App
from digest.web.access import api_router
from digest.web.cursors import write_next_link
from digest.web.papers_api import PaperAnswer, to_paper_answer, write_json
from digest.web.public_pages import Answer, PublicAnswers
from digest.web.versions import VERSIONED

_RESPONSES: dict[int | str, dict[str, Any]] = {
    **VERSIONED,
    404: {"description": "There is no such page"},
    422: {"description": "A value is unknown or out of range"},
    503: {"description": "Busy, or no database; Retry-After says when to come"},
}


class PickAnswer(BaseModel):
    """A paper that a curator recommends."""

    paper: PaperAnswer
    day: date = Field(description="when it was picked, in UTC")
    name: str = Field(description="of the curator; empty where they stay unnamed")
    note: str = Field(description="why it is worth reading; may be empty")


class PicksAnswer(BaseModel):
    """One page of picks, newest first."""

    picks: list[PickAnswer]
    total: int = Field(description="picks on all pages")
    page: int
    pages: int


def routes(app: App, answers: PublicAnswers) -> APIRouter:
    """Build the route of picks."""
    router = api_router("/api/v1/picks", "papers")

    @router.get("", response_model=PicksAnswer, responses=_RESPONSES, summary="Curators' picks")
    async def list_picks(
        request: Request, page: Annotated[int, Query(ge=1, le=10_000)] = 1
    ) -> Response:
        """List what curators picked, newest first. A paper comes once for each who picked it."""

        def make() -> Answer:
            picks_page = services.load_picks(app, page)
            picks = [
                PickAnswer(
                    paper=to_paper_answer(paper),
                    day=pick.at.date(),
                    name=pick.name,
                    note=pick.note,
                )
                for pick, paper in picks_page.picks
            ]
            pages = picks_page.pages
            link = write_next_link(request, [("page", str(page + 1))])
            return write_json(
                PicksAnswer(picks=picks, total=picks_page.total, page=page, pages=pages),
                {"Link": link} if page < pages else {},
            )

        return await answers.get(request, ("api picks", page), make)

    return router
