"""Whether the service answers, for monitors and load balancers."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from digest import store
from digest.app import App
from digest.errors import StoreError
from digest.model import Standing

log = logging.getLogger("digest.web")


class LatestDump(BaseModel):
    """The dump that was read last."""

    name: str
    #: the day on which its papers count as first seen
    day: date
    started_at: datetime
    #: null while it is being read
    finished_at: datetime | None
    new: int


class Health(BaseModel):
    """The database answers; what is in it."""

    status: Literal["ok"] = "ok"
    papers: int
    #: active ones
    subscribers: int
    latest_dump: LatestDump | None


class Unwell(BaseModel):
    """The database does not answer."""

    status: Literal["unavailable"] = "unavailable"
    reason: str


class Ready(BaseModel):
    """The database can be read and written."""

    status: Literal["ok"] = "ok"


#: seconds after which a look counts as failed
_LIMIT = 5.0
_AGAIN = {"Retry-After": "10"}


def aside(look: Callable[..., Any]) -> Callable[..., Any]:
    """A route that answers though every thread and connection of the pages waits.

    It runs in a thread of its own, one request after the other; what takes too long is a 503.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="digest-health")

    @functools.wraps(look)
    async def answer(*given: Any, **named: Any) -> Any:
        work = asyncio.get_running_loop().run_in_executor(
            thread, functools.partial(look, *given, **named)
        )
        try:
            return await asyncio.wait_for(work, _LIMIT)
        except TimeoutError:
            return unwell("slow")

    return answer


def unwell(reason: str) -> JSONResponse:
    """503, with what is told to whoever asks."""
    return JSONResponse(Unwell(reason=reason).model_dump(), status_code=503, headers=_AGAIN)


def routes(app: App) -> APIRouter:
    router = APIRouter(tags=["operation"])
    database = app.store.aside()
    failing: dict[int | str, dict[str, Any]] = {503: {"model": Unwell}}

    @router.get("/healthz", response_model=Health, responses=failing, summary="Is it well?")
    @aside
    def look() -> Any:
        """Counts of papers and active subscribers, and the dump read last.

        503 with the reason when the database does not answer.
        """
        try:
            with database.reading() as tx:
                latest = next(iter(store.dumps.latest(tx, 1)), None)
                return Health(
                    papers=store.papers.totals(tx)["papers"],
                    subscribers=store.subscribers.count(tx).get(Standing.ACTIVE, 0),
                    latest_dump=None if latest is None else LatestDump.model_validate(latest),
                )
        except StoreError as error:
            # strangers ask this too: what the error says of the database is for the log
            log.error("healthz: %s", error)  # noqa: TRY400
            return unwell("the database does not answer; the log says why")

    @router.get("/readyz", response_model=Ready, responses=failing, summary="Can it work?")
    @aside
    def probe() -> Any:
        """Whether the database can be read and written now; 503 with one word of why not."""
        try:
            store.health.probe(database)
        except StoreError as error:
            log.warning("not ready: %s", error)
            return unwell(error.reason)
        return Ready()

    return router
