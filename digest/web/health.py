"""Health checks for monitors and load balancers.

`/healthz` is for who restarts a process that hangs, and does not ask the database: a database that
is away is mended by no restart. `/readyz` is for who sends requests, and for monitors.
"""

from __future__ import annotations

import asyncio
import functools
import hmac
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
    """The process works; with the key, also what its database contains."""

    status: Literal["ok"] = "ok"
    papers: int | None = None
    #: active ones
    subscribers: int | None = None
    latest_dump: LatestDump | None = None


class Unwell(BaseModel):
    """Something is missing; the reason is one word, or with the key a sentence."""

    status: Literal["unavailable"] = "unavailable"
    reason: str
    #: what more is known
    detail: str | None = None


class Ready(BaseModel):
    """The database can be read and written, and the roles of this process run."""

    status: Literal["ok"] = "ok"
    #: of this process: "web", "scheduler", "sender"
    roles: list[str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """What a process knows of its own parts."""

    roles: tuple[str, ...] = ()
    #: what keeps it from its work: "starting", "stopping", "stalled"; "" = nothing
    reason: str = ""
    #: which part, and since when
    detail: str = ""


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


def unwell(reason: str, detail: str = "") -> JSONResponse:
    """Return a 503 with its reason."""
    answer = Unwell(reason=reason, detail=detail or None).model_dump(exclude_none=True)
    return JSONResponse(answer, status_code=503, headers=_RETRY)


class _Readiness:
    """Logs once when a process is not ready, and once when it is again."""

    def __init__(self) -> None:
        self._reason = ""
        self._lock = threading.Lock()

    def note(self, reason: str, text: str = "") -> None:
        """Note what is wrong; "" = nothing."""
        with self._lock:
            is_news, self._reason = reason != self._reason, reason
        if is_news and reason:
            log.warning("not ready: %s", text or reason)
        elif is_news:
            log.info("ready again")


def routes(app: App, condition: Callable[[], Condition] = Condition) -> APIRouter:
    """Build the routes of the health checks.

    Args:
        app: whose database is checked.
        condition: returns what the process knows of its own parts.
    """
    router = APIRouter(tags=["operation"])
    database = app.store.for_health_checks()
    readiness = _Readiness()
    failing: dict[int | str, dict[str, Any]] = {503: {"model": Unwell}}

    @in_own_thread
    def count() -> Any:
        """Count what the database contains."""
        try:
            with database.reading() as tx:
                counts = _counts(tx)
        except StoreError as error:
            log.error("healthz: %s", error)  # noqa: TRY400
            return unwell(str(error))
        return JSONResponse(Health(**counts).model_dump(mode="json"))

    async def look(request: Request) -> Any:
        """`{"status": "ok"}` while the process works; 503 when a part of it hangs.

        With `Authorization: Bearer KEY`, where KEY is `[web] status_key`, also counts of papers
        and active subscribers and the dump read last, or why the database does not answer.
        """
        now = condition()
        if now.reason == "stalled":
            return unwell(now.reason, now.detail)
        if _has_key(app, request.headers.get("authorization", "")):
            return await count()
        return JSONResponse({"status": "ok"})

    router.get("/healthz", response_model=Health, responses=failing, summary="Is it alive?")(look)
    router.head("/healthz", include_in_schema=False)(look)

    @in_own_thread
    def probe() -> Any:
        """Whether the database can be read and written, its schema is right and all roles run.

        Otherwise 503 and the reason: `stalled` or `stopping` of this process, `schema`, or of the
        database `gone`, `read-only`, `full`, `locked` and others.
        """
        now = condition()
        reason, detail = now.reason, now.detail
        text = detail
        if not reason:
            try:
                store.health.check_database(database)
            except StoreError as error:
                reason, text = error.reason, str(error)
        readiness.note(reason, text)
        if reason:
            return unwell(reason, detail)
        return JSONResponse(Ready(roles=list(now.roles) or None).model_dump(exclude_none=True))

    router.get("/readyz", response_model=Ready, responses=failing, summary="Can it work?")(probe)
    router.head("/readyz", include_in_schema=False)(probe)
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
