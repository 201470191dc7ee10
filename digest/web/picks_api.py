"""The picks of curators in the API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from digest import services
from digest.app import App
from digest.model import CuratorPick, Scope
from digest.web.access import api_router, require_scope
from digest.web.cursors import (
    LIMIT,
    Cursor,
    Limit,
    link_next,
    read_cursor,
    refuse_cursor,
    write_cursor,
)
from digest.web.papers_api import PaperAnswer, to_paper_answer


class PickAnswer(BaseModel):
    """A paper that a curator recommends."""

    paper: PaperAnswer
    day: date = Field(description="when it was picked, in UTC")
    name: str = Field(description="of the curator; empty where they stay unnamed")
    note: str = Field(description="why it is worth reading; may be empty")


class PicksAnswer(BaseModel):
    """One page of picks, newest first."""

    picks: list[PickAnswer]
    next: str | None = Field(description="cursor of the next page; null after the last")


def routes(app: App) -> APIRouter:
    """Build the route of picks."""
    router = api_router("/api/v1/picks", "papers")
    may_read = require_scope(Scope.PAPERS_READ)

    @router.get("", response_model=PicksAnswer, summary="Curators' picks", dependencies=[may_read])
    def list_picks(
        request: Request, response: Response, limit: Limit = LIMIT, cursor: Cursor = ""
    ) -> Any:
        """List what curators picked, newest first. A paper comes once for each who picked it."""
        key = read_cursor(cursor, str, int, int)
        pairs = services.load_picks(app, limit=limit + 1, after=_read_key(key))
        more, pairs = len(pairs) > limit, pairs[:limit]
        following = _write_cursor(pairs[-1][0]) if more else None
        link_next(request, response, following)
        picks = [
            PickAnswer(
                paper=to_paper_answer(paper), day=pick.at.date(), name=pick.name, note=pick.note
            )
            for pick, paper in pairs
        ]
        return PicksAnswer(picks=picks, next=following)

    return router


def _write_cursor(pick: CuratorPick) -> str:
    return write_cursor(pick.at.isoformat(), pick.paper_id, pick.subscriber_id)


def _read_key(key: tuple[int | str, ...] | None) -> tuple[datetime, int, int] | None:
    if key is None:
        return None
    try:
        at = datetime.fromisoformat(str(key[0]))
    except ValueError:
        raise refuse_cursor() from None
    if at.tzinfo is None:
        raise refuse_cursor()
    return at, int(key[1]), int(key[2])
