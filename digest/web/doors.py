"""The two ways to a reader's data: by id for the operator, and as oneself for a reader.

The routes behind them are the same; each is added once for each door.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path, Request

from digest.app import App
from digest.errors import NotFoundError
from digest.model import ApiKey, Scope, Subscriber
from digest.subscriptions import get
from digest.web.access import require_reader, require_scope
from digest.web.problems import ApiError

SubscriberId = Annotated[int, Path(ge=1, le=10**18 - 1, description="id of the subscriber")]


@dataclass(frozen=True, kw_only=True)
class Door:
    """How a route learns whose data it is about.

    Each value but the first two is a dependency that yields the reader's id.
    """

    prefix: str
    is_operator: bool
    may_read: Any
    may_change: Any
    may_rate: Any
    may_read_digests: Any


def _named(scope: Scope) -> Any:
    admitted = require_scope(scope)

    async def name_subscriber(
        request: Request, subscriber_id: SubscriberId, key: ApiKey = admitted
    ) -> int:
        request.state.about = subscriber_id
        return subscriber_id

    return Depends(name_subscriber)


_OWN = require_reader()
DOORS = (
    Door(
        prefix="/api/v1/subscribers/{subscriber_id}",
        is_operator=True,
        may_read=_named(Scope.SUBSCRIBERS_READ),
        may_change=_named(Scope.SUBSCRIBERS_WRITE),
        may_rate=_named(Scope.FEEDBACK_WRITE),
        may_read_digests=_named(Scope.DIGESTS_READ),
    ),
    Door(
        prefix="/api/v1/me",
        is_operator=False,
        may_read=_OWN,
        may_change=_OWN,
        may_rate=_OWN,
        may_read_digests=_OWN,
    ),
)


def load_subscriber(app: App, subscriber_id: int) -> Subscriber:
    """Load a subscriber.

    Raises:
        ApiError: 404.
    """
    try:
        return get(app, subscriber_id)
    except NotFoundError:
        raise refuse_unknown_subscriber() from None


def refuse_unknown_subscriber() -> ApiError:
    return ApiError(
        404,
        "not_found",
        "there is no such subscriber, or no longer",
        "list them with GET /api/v1/subscribers, which also finds them by address",
    )
