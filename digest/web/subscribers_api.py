"""Subscribers in the API: list, read, change, pause, leave, delete."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from digest import store, subscriptions
from digest.app import App
from digest.errors import AddressError, InputError, NotFoundError
from digest.model import ApiKey, Scope, Subscriber, SubscriberStatus
from digest.subscriptions import SubscriptionRequest
from digest.web.access import api_router, require_scope
from digest.web.cursors import LIMIT, Cursor, Limit, link_next, read_cursor, write_cursor
from digest.web.doors import DOORS, Door, load_subscriber, refuse_unknown_subscriber
from digest.web.problems import ApiError
from digest.web.subscriber_models import SubscriberAnswer, SubscriberChange, SubscribersPage
from digest.web.versions import CHANGED, VERSIONED, answer_with_etag, check_if_match

log = logging.getLogger("digest.web")

_MERGE_PATCH = {
    "requestBody": {
        "content": {
            "application/merge-patch+json": {
                "schema": {"$ref": "#/components/schemas/SubscriberChange"}
            }
        }
    }
}
_DELETING: dict[int | str, dict[str, Any]] = {
    409: {"description": "The config of the service names the reader"},
    **CHANGED,
}


def routes(app: App) -> APIRouter:
    """Build the routes of subscribers, for both doors."""
    router = api_router("", "subscribers")
    _add_list(router, app)
    for door in DOORS:
        _add_reading(router, app, door)
        _add_states(router, app, door)
    return router


def _add_list(router: APIRouter, app: App) -> None:
    @router.get(
        "/api/v1/subscribers", response_model=SubscribersPage, summary="List or find subscribers"
    )
    def list_subscribers(
        request: Request,
        response: Response,
        key: Annotated[ApiKey, require_scope(Scope.SUBSCRIBERS_READ)],
        status: Annotated[SubscriberStatus | None, Query(description="only these")] = None,
        email: Annotated[str, Query(max_length=320, description="only who has this address")] = "",
        limit: Limit = LIMIT,
        cursor: Cursor = "",
    ) -> Any:
        """List subscribers in order of joining, also those who have left."""
        after = read_cursor(cursor, int)
        if email:
            found = _find_by_email(app, email)
            page = [found] if found and status in (None, found.status) else []
            more = False
        else:
            with app.store.reading() as tx:
                page = store.subscribers.load_page(
                    tx, after=int(after[0]) if after else 0, limit=limit + 1, status=status
                )
            more, page = len(page) > limit, page[:limit]
        following = write_cursor(page[-1].id) if more else None
        link_next(request, response, following)
        return SubscribersPage(
            subscribers=[SubscriberAnswer.of(subscriber) for subscriber in page], next=following
        )


def _find_by_email(app: App, email: str) -> Subscriber | None:
    try:
        return subscriptions.find(app, email)
    except (NotFoundError, AddressError):
        return None


def _add_reading(router: APIRouter, app: App, door: Door) -> None:
    may_read, may_change = door.may_read, door.may_change

    @router.get(
        door.prefix, response_model=SubscriberAnswer, responses=VERSIONED, summary="Read settings"
    )
    def read(request: Request, subscriber_id: int = may_read) -> Any:
        """Return settings and interests."""
        return answer_with_etag(request, SubscriberAnswer.of(load_subscriber(app, subscriber_id)))

    @router.patch(
        door.prefix,
        response_model=SubscriberAnswer,
        responses=VERSIONED,
        openapi_extra=_MERGE_PATCH,
        summary="Change settings",
    )
    def change(request: Request, body: SubscriberChange, subscriber_id: int = may_change) -> Any:
        """Change what is given (JSON merge patch); the next digest follows it.

        The address stays: it is what a subscriber has confirmed.
        """
        default = subscriptions.make_default_subscriber(app, "")

        def make_request(stored: Subscriber) -> SubscriptionRequest:
            check_if_match(request, SubscriberAnswer.of(stored))
            return body.make_request(default)

        changed = change_subscriber(app, subscriber_id, make_request)
        return answer_with_etag(request, SubscriberAnswer.of(changed))

    @router.delete(
        door.prefix,
        status_code=204,
        response_model=None,
        responses=_DELETING,
        summary="Delete everything",
    )
    def delete(request: Request, subscriber_id: int = may_change) -> None:
        """Delete the reader with everything stored about them. This cannot be undone.

        They get no mail about it. A suppressed address stays suppressed.
        """

        def check(stored: Subscriber) -> None:
            check_if_match(request, SubscriberAnswer.of(stored))

        try:
            subscriptions.delete(app, subscriber_id, check=check)
        except NotFoundError:
            raise refuse_unknown_subscriber() from None
        except InputError:
            message = "the config of the service names this reader, and would bring them back"
            remedy = "take them out of [[subscribers]] first, or ask the operator to"
            raise ApiError(409, "conflict", message, remedy) from None
        log.info("delete subscriber=%d via=api", subscriber_id)


def _add_states(router: APIRouter, app: App, door: Door) -> None:
    may_change = door.may_change

    def answer(request: Request, subscriber: Subscriber, verb: str) -> Response:
        log.info("%s subscriber=%d via=api", verb, subscriber.id)
        return answer_with_etag(request, SubscriberAnswer.of(subscriber))

    @router.post(f"{door.prefix}/pause", response_model=SubscriberAnswer, summary="Pause")
    def pause(request: Request, subscriber_id: int = may_change) -> Any:
        """Send nothing until the reader resumes. Only an active reader can be paused."""
        return answer(request, _set_pause(app, subscriber_id, paused=True), "pause")

    @router.post(f"{door.prefix}/resume", response_model=SubscriberAnswer, summary="Resume")
    def resume(request: Request, subscriber_id: int = may_change) -> Any:
        """End a pause. The next digest takes the papers of the pause; nothing counts as missed."""
        return answer(request, _set_pause(app, subscriber_id, paused=False), "resume")

    @router.post(
        f"{door.prefix}/unsubscribe", response_model=SubscriberAnswer, summary="Unsubscribe"
    )
    def unsubscribe(request: Request, subscriber_id: int = may_change) -> Any:
        """End the subscription at once. Settings and thumbs stay, in case the reader returns.

        An operator's request lets one last mail tell them.
        """
        load_subscriber(app, subscriber_id)
        left = subscriptions.unsubscribe(app, subscriber_id, farewell=door.is_operator)
        return answer(request, left, "unsubscribe")


def _set_pause(app: App, subscriber_id: int, *, paused: bool) -> Subscriber:
    """Pause or resume.

    Raises:
        ApiError: 404, or 409 where the reader neither gets digests nor has paused them.
    """
    load_subscriber(app, subscriber_id)
    subscriber = subscriptions.pause(app, subscriber_id, paused=paused)
    if subscriber.status not in (SubscriberStatus.ACTIVE, SubscriberStatus.PAUSED):
        raise ApiError(
            409,
            "conflict",
            f"the subscriber is {subscriber.status.value}; only active and paused ones change so",
            "nothing has to be done: no digest goes to them",
        )
    return subscriber


def change_subscriber(
    app: App, subscriber_id: int, make_request: Callable[[Subscriber], SubscriptionRequest]
) -> Subscriber:
    """Change settings as `subscriptions.change_by` does.

    Raises:
        ApiError: 404.
    """
    try:
        changed = subscriptions.change_by(app, subscriber_id, make_request)
    except NotFoundError:
        raise refuse_unknown_subscriber() from None
    log.info("change subscriber=%d via=api", subscriber_id)
    return changed
