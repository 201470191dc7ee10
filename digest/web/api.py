"""The API, version 1.

Every error is `{"error": {...}}` with the field it is about and what to do.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from digest import subscriptions
from digest.app import App
from digest.errors import AddressError, InputError, LimitError
from digest.model import INTERESTS_MAX, NAME_MAX, SHARE_MAX, Interest
from digest.subscriptions import SubscriptionRequest
from digest.web.clients import Proxies
from digest.web.connections import REFUSALS
from digest.web.forms import blame
from digest.web.pages import clean

log = logging.getLogger("digest.web")
refusals = logging.getLogger(REFUSALS)

_T = TypeVar("_T")
_TOO_MANY = 200


def _clean(value: object) -> object:
    return clean(value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_clean), Field(max_length=600)]
Texts = Annotated[list[Text], Field(max_length=_TOO_MANY)]


class NewInterest(BaseModel):
    """One of a reader's interests."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Text = Field(min_length=1, max_length=NAME_MAX)
    share: int = Field(1, ge=1, le=SHARE_MAX)
    keywords: Texts = []
    categories: Texts = []
    authors: Texts = []
    papers: Texts = []
    text: str = Field("", max_length=4000)

    @property
    def interest(self) -> Interest:
        return Interest(
            name=self.name,
            share=self.share,
            keywords=tuple(self.keywords),
            categories=tuple(self.categories),
            authors=tuple(self.authors),
            papers=tuple(self.papers),
            text=clean(self.text),
        )


class NewSubscriber(BaseModel):
    """A reader who asks for the digest. What is left out gets the service's default."""

    model_config = ConfigDict(extra="forbid", strict=True)

    email: Text = Field(max_length=320, description="an e-mail address, as in reader@example.org")
    name: Text | None = Field(
        None, max_length=200, description="text of up to 200 characters: how to greet the reader"
    )
    timezone: Text | None = Field(None, description="the name of a time zone, as in Europe/Berlin")
    hour: int | None = Field(
        None,
        ge=0,
        le=23,
        description="a whole number from 0 to 23: the local hour from which the digest may come",
    )
    days: list[Annotated[int, Field(ge=1, le=7)]] | None = Field(
        None,
        min_length=1,
        max_length=7,
        description="a list of weekdays, numbers from 1 (Monday) to 7 (Sunday)",
    )
    size: int | None = Field(
        None, ge=1, le=100, description="a whole number from 1 to 100: papers in a digest at most"
    )
    threshold: Annotated[int, Field(ge=0, le=100)] | Literal["good", "strong"] | None = Field(
        None,
        description=(
            'a whole number from 0 to 100, "good" or "strong": match below which a paper is not '
            "listed; 0 = none"
        ),
    )
    keywords: Texts | None = Field(
        None,
        description=(
            'a list of up to 200 texts; papers with one that begins with "-" are never listed, '
            'those with a "+" always'
        ),
    )
    categories: Texts | None = Field(
        None,
        description='a list of up to 200 arXiv categories or archives, as in ["cs.LG", "q-bio"]',
    )
    authors: Texts | None = Field(None, description="a list of up to 200 names of authors")
    papers: Texts | None = Field(
        None,
        description=(
            "a list of up to 200 example papers: arXiv ids, DOIs or links, as in "
            '["arxiv:2604.00001"]'
        ),
    )
    interests: list[NewInterest] | None = Field(
        None,
        max_length=INTERESTS_MAX,
        description="a list of up to 20 objects instead of the keys before, each learned apart, "
        "with a name of up to 100 characters, a share "
        'from 1 to 100, and any of keywords, categories, authors, papers, text, as in [{"name": '
        '"robots", "share": 2, "keywords": ["grasping"]}]',
    )

    @property
    def subscription_request(self) -> SubscriptionRequest:
        return SubscriptionRequest(
            email=self.email,
            name=self.name,
            timezone=self.timezone,
            hour=self.hour,
            days=_tuple(self.days),
            size=self.size,
            threshold=self.threshold,
            keywords=_tuple(self.keywords),
            categories=_tuple(self.categories),
            authors=_tuple(self.authors),
            papers=_tuple(self.papers),
            interests=None
            if self.interests is None
            else tuple(one.interest for one in self.interests),
        )


def _tuple(values: list[_T] | None) -> tuple[_T, ...] | None:
    return None if values is None else tuple(values)


class Asked(BaseModel):
    """A mail with a confirmation link is on its way, if mail can be sent to that address; nothing
    else has happened yet.
    """

    status: Literal["asked"] = "asked"


class Problem(BaseModel):
    """What is wrong, where, and what to do."""

    code: str = Field(
        description="invalid, closed, too_large, too_many, not_found, method, unavailable, internal"
    )
    message: str
    field: str | None = Field(description="the field it is about, null where it is about none")
    remedy: str


class Failure(BaseModel):
    """The body of every answer that is an error."""

    error: Problem


_DESCRIBED: dict[int | str, dict[str, Any]] = {
    403: {"model": Failure, "description": "This service takes no new readers"},
    413: {"model": Failure, "description": "The body is too large"},
    422: {"model": Failure, "description": "A value is missing, unknown or out of range"},
    429: {"model": Failure, "description": "Too many asked within an hour; Retry-After says when"},
    503: {"model": Failure, "description": "The database does not answer; try again later"},
}


def failure(status: int, problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(Failure(error=problem).model_dump(), status_code=status, headers=headers)


def refused(request: Request, error: Exception) -> JSONResponse:
    """The first thing that is wrong with a body, and the remedy in the words of the field's own
    description.
    """
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {}
    if "/subscribers" in request.scope["path"]:
        return failure(422, _problem(first))
    name = next(
        (str(part) for part in first.get("loc", ()) if part != "body" and isinstance(part, str)),
        None,
    )
    message = f"{name or 'the body'}: {first.get('msg', 'cannot be used').lower()}"
    remedy = _remedy(request, name)
    return failure(422, Problem(code="invalid", field=name, message=message, remedy=remedy))


def _remedy(request: Request, name: str | None) -> str:
    """In the words of the body that the route takes: of the field, else of all that it needs."""
    body = getattr(request.scope.get("route"), "body_field", None)
    model = body.field_info.annotation if body is not None else None
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return "send what /openapi.json says of this address"
    field = model.model_fields.get(name or "")
    if field is not None and field.description:
        return f"give {field.description}"
    needed = [
        f'"{key}", {field.description or "see /openapi.json"}'
        for key, field in model.model_fields.items()
        if field.is_required()
    ]
    return f"send a JSON object as application/json with {'; '.join(needed) or 'no other keys'}"


def _problem(first: Mapping[str, Any]) -> Problem:
    known = NewSubscriber.model_fields
    place = [part for part in first.get("loc", ()) if part != "body"]
    name = str(place[0]) if place and isinstance(place[0], str) else None
    if first.get("type") == "extra_forbidden":
        within = NewInterest.model_fields if len(place) > 1 else known
        return Problem(
            code="invalid",
            field=name,
            message=f"{place[-1]} is unknown",
            remedy=f"leave it out; known are {', '.join(within)}",
        )
    if name not in known:
        remedy = "send a JSON object as application/json, with email at least"
        return Problem(
            code="invalid", field=None, message="the body is no JSON object", remedy=remedy
        )
    told = str(first.get("msg", "cannot be used"))
    message = (
        f"{name} is missing"
        if first["type"] == "missing"
        else f"{name}: {told[:1].lower()}{told[1:]}"
    )
    return Problem(
        code="invalid", field=name, message=message, remedy=f"give {known[name].description}"
    )


def routes(app: App, proxies: Proxies) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["subscribers"])

    @router.post("/subscribers", status_code=202, responses=_DESCRIBED, summary="Ask for a digest")
    def subscribe(request: Request, wanted: NewSubscriber) -> Any:
        """Send a confirmation link to the address; the digest comes once it was opened and
        confirmed.

        The answer is the same whether or not the address is known already.
        """
        if not app.config.web.signup:
            message = "this service takes no new readers by page or API"
            return failure(
                403, Problem(code="closed", field=None, message=message, remedy="ask its operator")
            )
        try:
            client = proxies.client(request.scope)
            subscriptions.sign_up(app, wanted.subscription_request, origin="api", client=client)
        except LimitError as error:
            refusals.info("subscribe refused=limit via=api")
            told = "too many have asked within an hour, from there or in all; no mail was sent"
            remedy = f"try again in {error.retry_after} seconds"
            problem = Problem(code="too_many", field=None, message=told, remedy=remedy)
            return failure(429, problem, {"Retry-After": str(error.retry_after)})
        except AddressError as error:
            remedy = "give an address that mail can be sent to"
            return failure(
                422, Problem(code="invalid", field="email", message=str(error), remedy=remedy)
            )
        except InputError as error:
            name, text = blame(error)
            field = NewSubscriber.model_fields.get(name)
            remedy = f"give {field.description}" if field else text
            return failure(
                422, Problem(code="invalid", field=name or None, message=str(error), remedy=remedy)
            )
        log.info("subscribe via=api")
        return Asked()

    return router
