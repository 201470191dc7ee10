"""Thumbs of a reader in the API. A paper is named by its id, or as people type it."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from digest import pipeline, services, store
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.model import Paper, Vote
from digest.web.access import api_router
from digest.web.cursors import (
    LIMIT,
    Cursor,
    Limit,
    link_next,
    read_cursor,
    refuse_cursor,
    write_cursor,
)
from digest.web.doors import DOORS, Door, load_subscriber, refuse_unknown_subscriber
from digest.web.pages import clean
from digest.web.problems import ApiError
from digest.web.subscriber_models import FeedbackPage, RatedPaperAnswer, Thumb

log = logging.getLogger("digest.web")

PaperName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=600,
        description="id of the paper, or an arXiv id, DOI or link, as in arxiv:2606.01234",
    ),
]
_VOTES: dict[str, Vote] = {"up": 1, "down": -1}


def routes(app: App) -> APIRouter:
    """Build the routes of thumbs, for both doors."""
    router = api_router("", "feedback")
    for door in DOORS:
        _add_list(router, app, door)
        _add_changing(router, app, door)
    return router


def _add_list(router: APIRouter, app: App, door: Door) -> None:
    may_read = door.may_read

    @router.get(f"{door.prefix}/feedback", response_model=FeedbackPage, summary="List thumbs")
    def list_feedback(
        request: Request,
        response: Response,
        subscriber_id: int = may_read,
        limit: Limit = LIMIT,
        cursor: Cursor = "",
    ) -> Any:
        """List the thumbs that count, the newest first; withdrawn ones are gone."""
        before = _read_position(cursor)
        load_subscriber(app, subscriber_id)
        with app.store.reading() as tx:
            votes = store.feedback.list_page(tx, subscriber_id, before=before, limit=limit + 1)
            more, votes = len(votes) > limit, votes[:limit]
            papers = store.papers.load(tx, [vote.paper_id for vote in votes])
        following = write_cursor(votes[-1].at.isoformat(), votes[-1].paper_id) if more else None
        link_next(request, response, following)
        answers = [
            RatedPaperAnswer.of(papers[vote.paper_id], vote)
            for vote in votes
            if vote.paper_id in papers
        ]
        return FeedbackPage(feedback=answers, next=following)


def _read_position(cursor: str) -> tuple[datetime, int] | None:
    key = read_cursor(cursor, str, int)
    if key is None:
        return None
    try:
        at = datetime.fromisoformat(str(key[0]))
    except ValueError:
        raise refuse_cursor() from None
    if at.tzinfo is None:
        raise refuse_cursor()
    return at, int(key[1])


def _add_changing(router: APIRouter, app: App, door: Door) -> None:
    may_rate = door.may_rate

    @router.put(
        f"{door.prefix}/feedback/{{paper:path}}",
        response_model=RatedPaperAnswer,
        summary="Set a thumb",
    )
    def set_thumb(paper: PaperName, body: Thumb, subscriber_id: int = may_rate) -> Any:
        """Set the thumb on a paper; the next digest learns from it.

        Set again it changes nothing, and keeps its time.
        """
        rated = _find_paper(app, door, subscriber_id, paper)
        recorded = _record(app, subscriber_id, rated, _VOTES[body.vote])
        return RatedPaperAnswer.of(rated, recorded)

    @router.delete(
        f"{door.prefix}/feedback/{{paper:path}}",
        status_code=204,
        response_model=None,
        summary="Withdraw a thumb",
    )
    def withdraw_thumb(paper: PaperName, subscriber_id: int = may_rate) -> None:
        """Withdraw the thumb on a paper; where there is none, nothing changes."""
        _record(app, subscriber_id, _find_paper(app, door, subscriber_id, paper), 0)


def _record(app: App, subscriber_id: int, paper: Paper, vote: Vote) -> Any:
    try:
        pipeline.record_feedback(app, subscriber_id, paper.id, vote, via="api")
    except NotFoundError:
        raise refuse_unknown_subscriber() from None
    log.info("thumb subscriber=%d paper=%d vote=%d via=api", subscriber_id, paper.id, vote)
    with app.store.reading() as tx:
        return store.feedback.load(tx, subscriber_id, paper.id)


def _find_paper(app: App, door: Door, subscriber_id: int, name: str) -> Paper:
    """Find a paper by id or name.

    A reader finds the papers that everybody sees, and those that they have rated: others may be in
    the library of another reader alone.

    Raises:
        ApiError: 404, or 422 where several papers have the name.
    """
    load_subscriber(app, subscriber_id)
    text = clean(name).strip()
    try:
        is_id = text.isascii() and text.isdecimal() and len(text) <= 18
        found = services.get_paper(app, int(text)) if is_id else services.find_paper(app, text)
    except NotFoundError:
        found = None
    except InputError as error:
        raise ApiError(
            422, "invalid", str(error), "name the paper by its id", field="paper"
        ) from None
    if found is not None and not door.is_operator and not services.is_public(found):
        with app.store.reading() as tx:
            own = store.feedback.load(tx, subscriber_id, found.id)
        found = found if own is not None else None
    if found is None:
        raise ApiError(
            404,
            "not_found",
            "no such paper is stored here",
            "give its id, an arXiv id, a DOI or a link; GET /api/v1/papers?q= finds papers",
            field="paper",
        )
    return found
