"""Sign-up by API, for strangers, and for the operator's programs."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import APIRouter, Request

from digest import services, subscriptions
from digest.app import App
from digest.errors import LimitError
from digest.web.access import api_router, client_of
from digest.web.api_models import NewSubscriber, SignUpAccepted, TypedValue
from digest.web.connections import REFUSALS
from digest.web.problems import ApiError

log = logging.getLogger("digest.web")
refusal_log = logging.getLogger(REFUSALS)

_RESPONSES: dict[int | str, dict[str, Any]] = {
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
        summary="Ask for a digest",
    )
    def subscribe(request: Request, body: NewSubscriber) -> Any:
        """Send a confirmation link to the address.

        The digest comes after the confirmation.

        The answer is the same whether or not the address is already known. Its warnings name
        categories and papers of the request that find nothing yet.
        """
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
            remedy = f"try again in {error.retry_after} seconds"
            headers = {"Retry-After": str(error.retry_after)}
            raise ApiError(429, "too_many", message, remedy, headers=headers) from None
        log.info("subscribe via=api")
        with app.store.reading() as tx:
            (warnings,) = services.check_typed(tx, [requested.requested_interests])
        return SignUpAccepted(
            warnings=[TypedValue.model_validate(warning.json) for warning in warnings]
        )

    return router
