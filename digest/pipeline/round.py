"""A round: compose for those who are due, then send."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from digest.app import App
from digest.model import Subscriber
from digest.pipeline.compose import compose
from digest.pipeline.send import send
from digest.pipeline.steps.compose_report import ComposeReport
from digest.pipeline.steps.send_report import SendReport


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundReport:
    """What compose and send did."""

    composed: ComposeReport
    sent: SendReport

    @property
    def json(self) -> dict[str, object]:
        return {"compose": self.composed.json, "send": self.sent.json}


def round(
    app: App,
    *,
    day: date | None = None,
    only: Subscriber | None = None,
    due: bool = False,
    started: datetime | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> RoundReport:
    """Compose and send; the arguments are those of both.

    A second run on the same date sends nobody a second digest.
    """
    composed = compose(app, day=day, only=only, due=due, started=started, stop=stop)
    return RoundReport(composed=composed, sent=send(app, only=only, stop=stop))
