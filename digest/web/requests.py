"""Count each request, and log it if the operator asks for that.

A request is named by the pattern of its route: the path itself holds a token, which is a secret.
Neither its query nor the address of its client is kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.types import Scope

from digest import metrics

log = logging.getLogger("digest.web.requests")

#: called with a request's scope, the status of its answer, and its duration in seconds
Observe = Callable[[Scope, int, float], None]


def make_observer(*, logs_requests: bool) -> Observe:
    """Return what is called after each answer."""

    def observe(scope: Scope, status: int, seconds: float) -> None:
        method, route = str(scope["method"]), find_route(scope)
        metrics.count_request(method, route, status, seconds=seconds)
        if logs_requests:
            log.info(
                "request method=%s route=%s status=%d seconds=%.3f",
                method,
                route or "-",
                status,
                seconds,
            )

    return observe


def find_route(scope: Scope) -> str:
    """Return the pattern of the path; "" where no route has it."""
    return str(getattr(scope.get("route"), "path", ""))
