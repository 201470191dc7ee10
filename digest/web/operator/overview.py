"""The first page of the operator: what is wrong, what happens, what comes next."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from digest import services
from digest.app import App
from digest.mail.messages import texts
from digest.model import MessageState, SubscriberStatus
from digest.services.operator_overview import VERBS
from digest.store.operator_pages import COUNTED_MAX
from digest.web.operator.desk import Desk

#: counts of a round that are shown, at most
_COUNTS = 8


def routes(app: App, desk: Desk) -> APIRouter:
    router, schedules = APIRouter(), services.ScheduleCache()

    @router.api_route("", methods=["GET", "HEAD"])
    @router.api_route("/", methods=["GET", "HEAD"])
    def show(request: Request) -> HTMLResponse:
        from digest.evaluate import plots
        from digest.evaluate.svg import Value

        overview = services.load_overview(app, schedules)
        bars = [
            plots.Bar(label=texts.format_date(day), value=Value(value=float(papers)))
            for day, papers in overview.papers_by_day
        ]
        picture = plots.draw_bars("New papers by day", bars, format_value=lambda n: f"{n:,.0f}")
        return desk.show(
            request,
            "overview",
            overview=overview,
            readers=[(status, overview.readers.get(status, 0)) for status in SubscriberStatus],
            messages=[
                (state, _format_capped(overview.messages.get(state, 0))) for state in MessageState
            ],
            rounds=[(verb, _round(overview.rounds[verb])) for verb in VERBS],
            picture=picture.svg,
            suggestions=services.count_submissions(app).get("waiting", 0),
        )

    return router


def _format_capped(count: int) -> str:
    return f"{count:,}" if count < COUNTED_MAX else f"{COUNTED_MAX:,} or more"


def _round(latest: dict[str, object] | None) -> dict[str, object] | None:
    """Return a round with its numbers in words: "planned 12, quiet 3"."""
    if latest is None:
        return None
    report = latest["report"]
    counts = [
        f"{str(name).replace('_', ' ')} {number:,}"
        for name, number in (report.items() if isinstance(report, dict) else ())
        if isinstance(number, int) and not isinstance(number, bool) and number
    ]
    return latest | {"counts": ", ".join(counts[:_COUNTS])}
