"""Digests of a reader in the API: past ones, and the one that would come now."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from digest import services
from digest.app import App
from digest.errors import NotFoundError
from digest.services import DigestValues
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
from digest.web.doors import DOORS, Door, load_subscriber
from digest.web.problems import ApiError
from digest.web.single_flight import SingleFlightCache
from digest.web.subscriber_models import DigestAnswer, DigestEntryAnswer, DigestsPage

Previews = SingleFlightCache[DigestValues]
Day = Annotated[date, Path(description="the reader's local date, as in 2026-06-09")]


def routes(app: App) -> APIRouter:
    """Build the routes of digests, for both doors."""
    router, previews = api_router("", "digests"), Previews()
    for door in DOORS:
        _add_list(router, app, door)
        _add_preview(router, app, door, previews)
        _add_reading(router, app, door)
    return router


def _add_list(router: APIRouter, app: App, door: Door) -> None:
    may_read = door.may_read_digests

    @router.get(f"{door.prefix}/digests", response_model=DigestsPage, summary="List digests")
    def list_digests(
        request: Request,
        response: Response,
        subscriber_id: int = may_read,
        limit: Limit = LIMIT,
        cursor: Cursor = "",
    ) -> Any:
        """List digests and quiet days, the newest first, with what became of the mail."""
        key = read_cursor(cursor, str)
        try:
            before = None if key is None else date.fromisoformat(str(key[0]))
        except ValueError:
            raise refuse_cursor() from None
        load_subscriber(app, subscriber_id)
        entries = services.list_digests(app, subscriber_id, before=before, limit=limit + 1)
        more, entries = len(entries) > limit, entries[:limit]
        following = write_cursor(entries[-1].local_date.isoformat()) if more else None
        link_next(request, response, following)
        return DigestsPage(
            digests=[DigestEntryAnswer.of(entry) for entry in entries], next=following
        )


def _add_preview(router: APIRouter, app: App, door: Door, previews: Previews) -> None:
    may_read = door.may_read_digests

    # the path is shorter than that of a date's digest, so it comes first
    @router.get(
        f"{door.prefix}/digests/preview", response_model=DigestAnswer, summary="Preview a digest"
    )
    async def preview_digest(subscriber_id: int = may_read) -> Any:
        """Compose the digest that would come now, with its reasons; nothing is stored or sent.

        It follows settings and thumbs at once, and new papers within a minute.
        """
        subscriber = await run_in_threadpool(load_subscriber, app, subscriber_id)
        known = await run_in_threadpool(services.profile_version, app, subscriber)
        version = (known, subscriber, int(app.now().timestamp() // 60))
        compose = partial(services.preview_digest, app, subscriber)
        return DigestAnswer.of(await previews.get(subscriber_id, version, compose))


def _add_reading(router: APIRouter, app: App, door: Door) -> None:
    may_read = door.may_read_digests

    @router.get(
        f"{door.prefix}/digests/{{day}}", response_model=DigestAnswer, summary="Read a digest"
    )
    def read_digest(day: Day, subscriber_id: int = may_read) -> Any:
        """Return the papers of a digest with their reasons, or why there was none."""
        subscriber = load_subscriber(app, subscriber_id)
        try:
            return DigestAnswer.of(services.load_digest(app, subscriber, day))
        except NotFoundError:
            raise ApiError(
                404,
                "not_found",
                f"there is no digest for {day}",
                "GET the list of digests, which names their dates",
                field="day",
            ) from None
