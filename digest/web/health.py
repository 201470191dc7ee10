"""Whether the service answers, for monitors and load balancers."""

from __future__ import annotations

import logging
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


def routes(app: App) -> APIRouter:
    router = APIRouter(tags=["operation"])

    @router.get("/healthz", response_model=Health, responses={503: {"model": Unwell}}, summary="Is it well?")
    def look() -> Any:
        """Counts of papers and active subscribers, and the dump read last; 503 with the reason when the database does not answer."""
        try:
            with app.store.reading() as tx:
                latest = next(iter(store.dumps.latest(tx, 1)), None)
                return Health(
                    papers=store.papers.totals(tx)["papers"],
                    subscribers=store.subscribers.count(tx).get(Standing.ACTIVE, 0),
                    latest_dump=None if latest is None else LatestDump.model_validate(latest),
                )
        except StoreError as error:
            # strangers ask this too: what the error says of the database is for the log
            log.error("healthz: %s", error)  # noqa: TRY400
            reason = "the database does not answer; the log says why"
            return JSONResponse(Unwell(reason=reason).model_dump(), status_code=503)

    return router
