"""Health checks for monitors and load balancers; with the key, also counts."""

from __future__ import annotations

import asyncio
import functools
import hmac
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from digest import store
from digest.app import App
from digest.errors import StoreError
from digest.model import SubscriberStatus
from digest.web.connections import REFUSALS

log = logging.getLogger(REFUSALS)  # anybody may ask, as often as they like


class LatestDump(BaseModel):
    """The dump that was read last."""

    name: str
    #: the day on which its papers count as first seen
    day: date
    started_at: datetime
    #: null while it is read
    finished_at: datetime | None
    new: int


class Health(BaseModel):
    """The database answers; with the key, also what it contains."""

    status: Literal["ok"] = "ok"
    papers: int | None = None
    #: active ones
    subscribers: int | None = None
    latest_dump: LatestDump | None = None


class Unwell(BaseModel):
    """The database does not answer; with the key, also why."""

    status: Literal["unavailable"] = "unavailable"
    reason: str


class Ready(BaseModel):
    """The database can be read and written."""

    status: Literal["ok"] = "ok"


#: seconds after which a check counts as failed
_TIMEOUT = 5.0
_RETRY = {"Retry-After": "10"}


def in_own_thread(check: Callable[..., Any]) -> Callable[..., Any]:
    """Make a route that answers even if the pages have no free thread.

    It runs in its own thread, one request after the other. After the timeout it answers 503.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="digest-health")

    @functools.wraps(check)
    async def answer(*args: Any, **kwargs: Any) -> Any:
        work = asyncio.get_running_loop().run_in_executor(
            thread, functools.partial(check, *args, **kwargs)
        )
        try:
            return await asyncio.wait_for(work, _TIMEOUT)
        except TimeoutError:
            return unwell("slow")

    return answer


def unwell(reason: str) -> JSONResponse:
    """Return a 503 with its reason."""
    return JSONResponse(Unwell(reason=reason).model_dump(), status_code=503, headers=_RETRY)


def routes(app: App) -> APIRouter:
    """Build the routes of the health checks."""
    router = APIRouter(tags=["operation"])
    database = app.store.for_health_checks()
    failing: dict[int | str, dict[str, Any]] = {503: {"model": Unwell}}

    @in_own_thread
    def look(request: Request) -> Any:
        """`{"status": "ok"}`, or 503 when the database does not answer.

        With `Authorization: Bearer KEY`, where KEY is `[web] status_key`, also counts of papers
        and active subscribers and the dump read last, or the reason.
        """
        trusted = _has_key(app, request.headers.get("authorization", ""))
        try:
            with database.reading() as tx:
                counts = _counts(tx) if trusted else {}
                if not trusted:
                    store.papers.find_max_id(tx)
        except StoreError as error:
            # anybody may ask: details of the database belong in the log only
            log.error("healthz: %s", error)  # noqa: TRY400
            reason = str(error) if trusted else "the database does not answer; the log says why"
            return unwell(reason)
        counts = Health(**counts).model_dump(mode="json", exclude_unset=not trusted)
        return JSONResponse(counts | {"status": "ok"})

    router.get("/healthz", response_model=Health, responses=failing, summary="Is it well?")(look)
    router.head("/healthz", include_in_schema=False)(look)

    @router.get("/readyz", response_model=Ready, responses=failing, summary="Can it work?")
    @in_own_thread
    def probe() -> Any:
        """Whether the database can be read and written now; otherwise 503 and the reason."""
        try:
            store.health.check_database(database)
        except StoreError as error:
            log.warning("not ready: %s", error)
            return unwell(error.reason)
        return Ready()

    return router


def _counts(tx: store.Connection) -> dict[str, Any]:
    latest = next(iter(store.dumps.list_latest(tx, 1)), None)
    return {
        "papers": store.papers.count_totals(tx)["papers"],
        "subscribers": store.subscribers.count_by_status(tx).get(SubscriberStatus.ACTIVE, 0),
        "latest_dump": None if latest is None else LatestDump.model_validate(latest),
    }


def _has_key(app: App, authorization: str) -> bool:
    """Return whether the header contains the key; False if no key is set."""
    key = app.config.web.status_key.get_secret_value()
    scheme, _, given_key = authorization.partition(" ")
    if not key or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given_key.strip().encode(), key.encode())
