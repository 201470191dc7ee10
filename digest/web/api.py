"""Sign-up by API, for strangers, and for the operator's programs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from digest import services, subscriptions
from digest.app import App
from digest.errors import LimitError, NotFoundError
from digest.locales import count_noun
from digest.model import ApiKey, Interest, Scope, Subscriber, SubscriberStatus
from digest.web.access import allow_scope, api_router, client_of
from digest.web.api_models import NewSubscriber, SignUpAccepted, TypedValue
from digest.web.connections import REFUSALS
from digest.web.problems import ApiError
from digest.web.subscriber_models import Subscribed, SubscriberAnswer

log = logging.getLogger("digest.web")
refusal_log = logging.getLogger(REFUSALS)

_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": Subscribed, "description": "With a key: the reader was known"},
    201: {"model": Subscribed, "description": "With a key: the reader is new"},
    409: {"description": "With a key: no mail may go to this address, or the reader has left"},
    403: {"description": "This service takes no new readers"},
    429: {"description": "Too many sign-ups in an hour; Retry-After says when"},
}


def routes(app: App) -> APIRouter:
    """Build the routes of the API."""
    router = api_router("/api/v1", "subscribers")

    @router.post(
        "/subscribers",
        status_code=202,
        response_model=SignUpAccepted,
        responses=_RESPONSES,
        # the key is optional
        openapi_extra={"security": [{}]},
        summary="Ask for a digest",
    )
    def subscribe(
        request: Request,
        body: NewSubscriber,
        key: Annotated[ApiKey | None, allow_scope(Scope.SUBSCRIBERS_WRITE)],
    ) -> Any:
        """Send a confirmation link to the address.

        The digest comes after the confirmation. The answer is 202, the same whether or not the
        address is already known. Its warnings name categories and papers of the request that find
        nothing yet.

        With a key of the operator, who answers for the reader's consent, the reader is subscribed
        at once, or changed; `"confirmed": false` asks them by mail instead. The answer is 201 for
        a new reader, else 200.
        """
        if key is not None:
            return _subscribe_by_operator(app, request, body)
        if body.confirmed is not None:
            message = "confirmed: only a program of the operator may say so"
            remedy = "leave it out, or send a key with the scope subscribers:write"
            raise ApiError(403, "forbidden", message, remedy, field="confirmed")
        if not app.config.web.signup:
            message = "this service takes no new readers by page or API"
            raise ApiError(403, "closed", message, "ask its operator")
        requested = body.subscription_request
        try:
            subscriptions.sign_up(app, requested, origin="api", client=client_of(request))
        except LimitError as error:
            refusal_log.info("subscribe refused=limit via=api")
            message = (
                "too many sign-ups within an hour, from your address or in total; no mail was sent"
            )
            remedy = f"try again in {count_noun(error.retry_after, 'second')}"
            headers = {"Retry-After": str(error.retry_after)}
            raise ApiError(429, "too_many", message, remedy, headers=headers) from None
        log.info("subscribe via=api")
        return SignUpAccepted(warnings=_check_typed(app, requested.requested_interests))

    return router


def _subscribe_by_operator(app: App, request: Request, body: NewSubscriber) -> Response:
    """Subscribe a reader on the word of the operator, as the command does.

    A reader who has left comes back by their own confirmation alone.

    Raises:
        ApiError: 409 for an address to which no mail may go.
    """
    requested, known = body.subscription_request, None
    if body.confirmed is False:
        known = _find(app, requested.email)
        result = subscriptions.sign_up(app, requested, origin="api", by_operator=True)
        outcome = "asked"
    else:
        result = subscriptions.subscribe(app, requested, origin="key")
        outcome = result.outcome
    subscriber = result.subscriber
    if outcome == "left":
        message = "email: this reader has left, and only they can come back"
        remedy = 'send "confirmed": false, and a mail asks them'
        raise ApiError(409, "conflict", message, remedy, field="email")
    is_stopped = subscriber.status is SubscriberStatus.SUPPRESSED or not subscriber.id
    if outcome == "suppressed" or is_stopped:
        message = "email: no mail goes to this address: it bounced, or it was stopped by hand"
        remedy = "if it takes mail again: digest suppressions release"
        raise ApiError(409, "conflict", message, remedy, field="email")
    request.state.about = subscriber.id
    log.info("subscribe subscriber=%d outcome=%s via=api", subscriber.id, outcome)
    answer = Subscribed(
        outcome=outcome,
        subscriber=SubscriberAnswer.of(subscriber),
        warnings=_check_typed(app, subscriber.interests),
    )
    is_new = outcome == "new" or (outcome == "asked" and known is None)
    root = str(request.scope.get("root_path", ""))
    return JSONResponse(
        answer.model_dump(mode="json"),
        status_code=201 if is_new else 200,
        headers={"Location": f"{root}/api/v1/subscribers/{subscriber.id}"},
    )


def _find(app: App, email: str) -> Subscriber | None:
    try:
        return subscriptions.find(app, email)
    except NotFoundError:
        return None


def _check_typed(app: App, interests: Sequence[Interest]) -> list[TypedValue]:
    with app.store.reading() as tx:
        (warnings,) = services.check_typed(tx, [interests])
    return [TypedValue.model_validate(warning.json) for warning in warnings]
