"""Interests of a reader in the API. Each is named by its name, in any case."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Request

from digest.app import App
from digest.model import NAME_MAX, Interest, Subscriber
from digest.subscriptions import SubscriptionRequest
from digest.web.access import api_router
from digest.web.api_models import NewInterest
from digest.web.doors import DOORS, Door, load_subscriber
from digest.web.problems import ApiError
from digest.web.subscriber_models import InterestAnswer, InterestsAnswer
from digest.web.subscribers_api import change_subscriber
from digest.web.versions import CHANGED, VERSIONED, answer_with_etag, check_if_match

Name = Annotated[
    str,
    Path(min_length=1, max_length=NAME_MAX, description="name of the interest, percent-encoded"),
]
_CREATED: dict[int | str, dict[str, Any]] = {
    409: {"description": "The reader has an interest of that name"}
}


def routes(app: App) -> APIRouter:
    """Build the routes of interests, for both doors."""
    router = api_router("", "interests")
    for door in DOORS:
        _add_reading(router, app, door)
        _add_creating(router, app, door)
        _add_changing(router, app, door)
    return router


def _add_reading(router: APIRouter, app: App, door: Door) -> None:
    may_read = door.may_read

    @router.get(
        f"{door.prefix}/interests",
        response_model=InterestsAnswer,
        responses=VERSIONED,
        summary="List interests",
    )
    def list_interests(request: Request, subscriber_id: int = may_read) -> Any:
        """List the interests of a reader in their order; there are 20 at most."""
        return answer_with_etag(request, InterestsAnswer.of(load_subscriber(app, subscriber_id)))

    @router.get(
        f"{door.prefix}/interests/{{name:path}}",
        response_model=InterestAnswer,
        responses=VERSIONED,
        summary="Read an interest",
    )
    def read_interest(request: Request, name: Name, subscriber_id: int = may_read) -> Any:
        """Return an interest."""
        interests = load_subscriber(app, subscriber_id).interests
        return answer_with_etag(request, InterestAnswer.of(interests[_find(interests, name)]))


def _add_creating(router: APIRouter, app: App, door: Door) -> None:
    may_change = door.may_change

    @router.post(
        f"{door.prefix}/interests",
        status_code=201,
        response_model=InterestAnswer,
        responses=_CREATED,
        summary="Add an interest",
    )
    def create_interest(
        request: Request, body: NewInterest, subscriber_id: int = may_change
    ) -> Any:
        """Add an interest behind the others. It has to wish for something, or mute something."""
        new = body.interest
        _refuse_empty(new)

        def make_request(stored: Subscriber) -> SubscriptionRequest:
            if any(_same(interest.name, new.name) for interest in stored.interests):
                raise ApiError(
                    409,
                    "conflict",
                    f"name: there is an interest called {new.name!r} already",
                    "replace that one with PUT, or take another name",
                    field="name",
                )
            return _with_interests(stored, (*stored.interests, new))

        changed = change_subscriber(app, subscriber_id, make_request)
        added = changed.interests[-1]
        response = answer_with_etag(request, InterestAnswer.of(added), status=201)
        path = door.prefix.format(subscriber_id=subscriber_id)
        root = str(request.scope.get("root_path", ""))
        response.headers["Location"] = f"{root}{path}/interests/{quote(added.name, safe='')}"
        return response


def _add_changing(router: APIRouter, app: App, door: Door) -> None:
    may_change = door.may_change

    @router.put(
        f"{door.prefix}/interests/{{name:path}}",
        response_model=InterestAnswer,
        responses=VERSIONED,
        summary="Replace an interest",
    )
    def replace_interest(
        request: Request, body: NewInterest, name: Name, subscriber_id: int = may_change
    ) -> Any:
        """Replace an interest in its place; another name in the body renames it."""
        new, place = body.interest, -1
        _refuse_empty(new)

        def make_request(stored: Subscriber) -> SubscriptionRequest:
            nonlocal place
            place = _find(stored.interests, name)
            check_if_match(request, InterestAnswer.of(stored.interests[place]))
            interests = list(stored.interests)
            interests[place] = new
            return _with_interests(stored, tuple(interests))

        changed = change_subscriber(app, subscriber_id, make_request)
        return answer_with_etag(request, InterestAnswer.of(changed.interests[place]))

    @router.delete(
        f"{door.prefix}/interests/{{name:path}}",
        status_code=204,
        response_model=None,
        responses=CHANGED,
        summary="Delete an interest",
    )
    def delete_interest(request: Request, name: Name, subscriber_id: int = may_change) -> None:
        """Delete an interest. Without any, the digest lists what is trending."""

        def make_request(stored: Subscriber) -> SubscriptionRequest:
            place = _find(stored.interests, name)
            check_if_match(request, InterestAnswer.of(stored.interests[place]))
            rest = stored.interests[:place] + stored.interests[place + 1 :]
            return _with_interests(stored, rest)

        change_subscriber(app, subscriber_id, make_request)


def _with_interests(stored: Subscriber, interests: tuple[Interest, ...]) -> SubscriptionRequest:
    return SubscriptionRequest(email=stored.email, interests=interests)


def _find(interests: tuple[Interest, ...], name: str) -> int:
    """Return the place of an interest.

    Raises:
        ApiError: 404.
    """
    for place, interest in enumerate(interests):
        if _same(interest.name, name):
            return place
    known = ", ".join(interest.name for interest in interests) or "none"
    raise ApiError(
        404,
        "not_found",
        f"there is no interest called {name!r}",
        f"known are {known}; add one with POST",
        field="name",
    )


def _same(name: str, other: str) -> bool:
    return " ".join(name.split()).casefold() == " ".join(other.split()).casefold()


def _refuse_empty(interest: Interest) -> None:
    if interest.empty:
        raise ApiError(
            422,
            "invalid",
            "keywords: the interest says nothing",
            "give at least one of keywords, categories, authors, papers, text",
            field="keywords",
        )
