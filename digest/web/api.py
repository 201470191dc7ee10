"""The API, version 1.

Every error is `{"error": {...}}` with the field it is about and what to do.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from digest import services, subscriptions
from digest.app import App
from digest.errors import AddressError, InputError, LimitError
from digest.locales import count_noun
from digest.web.api_models import (
    Failure,
    NewInterest,
    NewSubscriber,
    Problem,
    SignUpAccepted,
    TypedValue,
)
from digest.web.client_addresses import Proxies
from digest.web.connections import REFUSALS
from digest.web.settings_form import split_field_error

log = logging.getLogger("digest.web")
refusal_log = logging.getLogger(REFUSALS)


_RESPONSES: dict[int | str, dict[str, Any]] = {
    403: {"model": Failure, "description": "This service takes no new readers"},
    413: {"model": Failure, "description": "The body is too large"},
    422: {"model": Failure, "description": "A value is missing, unknown or out of range"},
    429: {
        "model": Failure,
        "description": "Too many sign-ups in an hour; Retry-After says when",
    },
    503: {"model": Failure, "description": "The database does not answer; try again later"},
}


def failure(status: int, problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return the answer for an error."""
    return JSONResponse(Failure(error=problem).model_dump(), status_code=status, headers=headers)


def answer_invalid_body(request: Request, error: Exception) -> JSONResponse:
    """Return the first error of a body, with a remedy from the field's description."""
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {}
    if "/subscribers" in request.scope["path"]:
        return failure(422, _describe_error(first))
    name = next(
        (str(part) for part in first.get("loc", ()) if part != "body" and isinstance(part, str)),
        None,
    )
    message = f"{name or 'the body'}: {first.get('msg', 'cannot be used').lower()}"
    remedy = _remedy(request, name)
    return failure(422, Problem(code="invalid", field=name, message=message, remedy=remedy))


def _remedy(request: Request, name: str | None) -> str:
    """Describe what the route takes: the field, or else all required fields."""
    body = getattr(request.scope.get("route"), "body_field", None)
    model = body.field_info.annotation if body is not None else None
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return "send what /openapi.json says of this address"
    field = model.model_fields.get(name or "")
    if field is not None and field.description:
        return f"give {field.description}"
    required = [
        f'"{key}", {field.description or "see /openapi.json"}'
        for key, field in model.model_fields.items()
        if field.is_required()
    ]
    return f"send a JSON object as application/json with {'; '.join(required) or 'no other keys'}"


def _describe_error(first: Mapping[str, Any]) -> Problem:
    fields = NewSubscriber.model_fields
    path = [part for part in first.get("loc", ()) if part != "body"]
    name = str(path[0]) if path and isinstance(path[0], str) else None
    if first.get("type") == "extra_forbidden":
        allowed = NewInterest.model_fields if len(path) > 1 else fields
        return Problem(
            code="invalid",
            field=name,
            message=f"{path[-1]} is unknown",
            remedy=f"leave it out; known are {', '.join(allowed)}",
        )
    if name not in fields:
        remedy = "send a JSON object as application/json, with email at least"
        return Problem(
            code="invalid", field=None, message="the body is no JSON object", remedy=remedy
        )
    reason = str(first.get("msg", "cannot be used"))
    message = (
        f"{name} is missing"
        if first["type"] == "missing"
        else f"{name}: {reason[:1].lower()}{reason[1:]}"
    )
    return Problem(
        code="invalid", field=name, message=message, remedy=f"give {fields[name].description}"
    )


def routes(app: App, proxies: Proxies) -> APIRouter:
    """Build the routes of the API."""
    router = APIRouter(prefix="/api/v1", tags=["subscribers"])

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
            return failure(
                403, Problem(code="closed", field=None, message=message, remedy="ask its operator")
            )
        try:
            client_address = proxies.client(request.scope)
            requested = body.subscription_request
            subscriptions.sign_up(app, requested, origin="api", client=client_address)
        except LimitError as error:
            refusal_log.info("subscribe refused=limit via=api")
            message = (
                "too many sign-ups within an hour, from your address or in total; no mail was sent"
            )
            remedy = f"try again in {count_noun(error.retry_after, 'second')}"
            problem = Problem(code="too_many", field=None, message=message, remedy=remedy)
            return failure(429, problem, {"Retry-After": str(error.retry_after)})
        except AddressError as error:
            remedy = "give an address that mail can be sent to"
            return failure(
                422, Problem(code="invalid", field="email", message=str(error), remedy=remedy)
            )
        except InputError as error:
            name, text = split_field_error(error)
            field = NewSubscriber.model_fields.get(name)
            remedy = f"give {field.description}" if field else text
            return failure(
                422, Problem(code="invalid", field=name or None, message=str(error), remedy=remedy)
            )
        log.info("subscribe via=api")
        with app.store.reading() as tx:
            (warnings,) = services.check_typed(tx, [requested.requested_interests])
        return SignUpAccepted(
            warnings=[TypedValue.model_validate(warning.json) for warning in warnings]
        )

    return router
