"""Is it any good? Thumbs by position and over time, true matches, and the relevance report."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from digest.app import App
from digest.errors import DigestError
from digest.mail.messages import texts
from digest.web.operator.desk import Desk
from digest.web.single_flight import SingleFlightCache

if TYPE_CHECKING:
    from digest.evaluate import Report

log = logging.getLogger("digest.web.operator")
#: figures are counted anew after so long
_KEPT = timedelta(minutes=10)
#: of the report that the page makes: fewer than the command's, since it works beside the pages
_READERS, _DIGESTS = 50, 10


class ReportRun:
    """Makes the relevance report in a thread, one at a time, and keeps the last one.

    It is kept in this process alone.
    """

    def __init__(self, app: App) -> None:
        self._app, self._lock = app, threading.Lock()
        self.state = ReportState()

    def start(self) -> bool:
        """Start unless one is being made; return whether it was started."""
        with self._lock:
            if self.state.running:
                return False
            self.state = ReportState(
                running=True, report=self.state.report, made_at=self.state.made_at
            )
        # a daemon: it reads only, so the service need not wait for it to stop
        threading.Thread(target=self._run, name="digest-report", daemon=True).start()
        return True

    def _run(self) -> None:
        from digest import evaluate

        state = self.state
        try:
            report = evaluate.evaluate(
                self._app, readers=_READERS, digests=_DIGESTS, progress=state.note_progress
            )
        except DigestError as error:
            log.warning("operator report failed: %s", error)
            self.state = ReportState(report=state.report, made_at=state.made_at, problem=str(error))
        except Exception:
            log.exception("operator report failed by a bug")
            self.state = ReportState(
                report=state.report,
                made_at=state.made_at,
                problem="This is a bug; the log says where",
            )
        else:
            self.state = ReportState(report=report, made_at=self._app.now())


@dataclass(kw_only=True, slots=True)
class ReportState:
    """The last report, and how far the next one is."""

    running: bool = False
    progress: tuple[int, int] = (0, 0)
    report: Report | None = None
    made_at: datetime | None = None
    problem: str = ""

    def note_progress(self, done: int, total: int) -> None:
        self.progress = (done, total)


def routes(app: App, desk: Desk) -> APIRouter:
    router = APIRouter()
    rates: SingleFlightCache[dict[str, Any]] = SingleFlightCache(workers=1, queue_size=1)
    run = ReportRun(app)

    @router.api_route("/thumbs", methods=["GET", "HEAD"])
    async def show_thumbs(request: Request) -> HTMLResponse:
        version = int(app.now().timestamp() // _KEPT.total_seconds())
        values = await rates.get("recent", version, lambda: _load_rates(app))
        return desk.show(request, "thumbs", **values)

    @router.api_route("/report", methods=["GET", "HEAD"])
    def show_report(request: Request) -> HTMLResponse:
        from digest.evaluate import pages as evaluation

        state = run.state
        report = state.report
        values: dict[str, Any] = (
            {"report": None} if report is None else evaluation.report_values(report)
        )
        return desk.show(
            request,
            "report",
            state=state,
            readers_max=_READERS,
            digests_max=_DIGESTS,
            **values,
        )

    @router.post("/report")
    def make_report(request: Request) -> Response:
        if run.start():
            desk.record(request, "report")
        return desk.go("/report")

    return router


def _load_rates(app: App) -> dict[str, Any]:
    """Count recent thumbs, and draw the pictures that there are numbers for."""
    # imported in the thread of the job: it takes a second the first time
    from digest.evaluate import pages as evaluation
    from digest.evaluate import plots
    from digest.evaluate.recent import load_recent_rates

    recent = load_recent_rates(app)
    pictures: dict[str, Any] = {
        "recent": recent,
        "weeks_picture": None,
        "positions_picture": None,
        "matches_picture": None,
        "percent": plots.percent,
        "weeks": [(texts.format_date(first), rate) for first, rate in recent.weeks],
        "positions": [(rate.label, rate) for rate in recent.positions],
        "matches": [(f"{rate.label} %", rate) for rate in recent.matches],
    }
    if any(rate is not None for _, rate in recent.weeks):
        line = plots.Line(
            name="thumbs up among the papers listed",
            values=tuple(
                None if rate is None else evaluation.to_plot_value(rate.estimate)
                for _, rate in recent.weeks
            ),
        )
        labels = [f"{first.day}.{first.month}." for first, _ in recent.weeks]
        pictures["weeks_picture"] = plots.draw_lines(
            "Thumbs up by week", "first day of the week", labels, [line], format_value=plots.percent
        ).svg
    if recent.positions:
        pictures["positions_picture"] = evaluation.draw_rates(
            "Thumbs up by position in the mail", recent.positions
        ).svg
    if (picture := evaluation.draw_matches(recent.matches)) is not None:
        pictures["matches_picture"] = picture.svg
    return pictures
