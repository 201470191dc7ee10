"""status: what happened, what waits, and what is wrong. Silence is an alarm."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from digest import store
from digest.app import App
from digest.model import Fault, Pause, SubmissionState
from digest.pipeline import DayLimit, load_day_limit
from digest.pipeline.steps.calibrations import CalibrationProgress, calibration_progress
from digest.services.alarm_rules import find
from digest.services.alarms import Alarm
from digest.services.watch import facts
from digest.store.sending import Stop

#: how far back refusals are counted
_RECENT = timedelta(days=1)


@dataclass(kw_only=True, slots=True)
class Status:
    """The state of the service, as plain values.

    `alarms` are what an operator should look at.
    """

    now: datetime
    papers: dict[str, Any]
    dumps: list[dict[str, Any]]
    subscribers: dict[str, int]
    thumbs: tuple[int, int]
    #: papers that readers suggested, by what the operator decided
    suggestions: dict[SubmissionState, int]
    #: of the recipe that ranks, and of one that shares its digests: whether matches are numbers, or
    #: how many ratings there are
    calibration_progress: list[CalibrationProgress]
    messages: dict[str, int]
    due: int
    later: int
    #: each reader's newest digest or quiet day
    digests: list[dict[str, Any]]
    troubles: list[dict[str, Any]]
    #: who was to blame for refusals of the last day, what a server last said of it, and how many
    #: there were
    faults: list[tuple[Fault, str, int]]
    #: the newest round of each verb
    rounds: dict[str, dict[str, Any] | None]
    #: mail servers and recipient domains that asked for quiet, while it lasts
    pauses: list[Pause]
    #: how much may be sent today; None = there is no limit
    day_limit: DayLimit | None = None
    #: why and since when all sending is stopped; None = it goes on
    stop: Stop | None = None
    #: when a backup was last restored: each reader's local date up to then is closed
    closed_until: datetime | None = None
    alarms: list[Alarm] = field(default_factory=list)

    @property
    def json(self) -> dict[str, Any]:
        return {
            "now": self.now,
            "papers": self.papers,
            "dumps": self.dumps,
            "subscribers": self.subscribers,
            "thumbs": {"up": self.thumbs[0], "down": self.thumbs[1]},
            "suggestions": self.suggestions,
            "matches": [progress.json for progress in self.calibration_progress],
            "messages": self.messages,
            "waiting": self.due,
            "later": self.later,
            "digests": self.digests,
            "troubles": self.troubles,
            "faults": [
                {"fault": fault, "said": said, "deliveries": n} for fault, said, n in self.faults
            ],
            "rounds": self.rounds,
            "pauses": [
                {
                    "kind": pause.kind,
                    "name": pause.name,
                    "until": pause.until,
                    "why": pause.reason,
                    "text": pause.text,
                }
                for pause in self.pauses
            ],
            "day_limit": self.day_limit.json if self.day_limit else None,
            "halted": {"since": self.stop.at, "why": self.stop.what} if self.stop else None,
            "closed_until": self.closed_until,
            "alarms": [
                {
                    "kind": alarm.kind,
                    "what": alarm.what,
                    "remedy": alarm.remedy,
                    "details": list(alarm.details),
                }
                for alarm in self.alarms
            ],
        }


def status(app: App) -> Status:
    """Read it all in one view of the database."""
    now, clock = app.now(), datetime.now(UTC)
    with app.store.reading() as tx:
        people = {s.id: s for s in store.subscribers.list_by_status(tx)}
        due, later = store.deliveries.count_waiting(tx, now=now)
        report = Status(
            now=now,
            papers=store.papers.count_totals(tx),
            dumps=store.dumps.list_latest(tx),
            subscribers={
                status.value: n for status, n in store.subscribers.count_by_status(tx).items()
            },
            thumbs=store.feedback.count_thumbs(tx),
            suggestions=store.submissions.count_by_state(tx),
            calibration_progress=calibration_progress(
                tx,
                [name for name in (app.config.digest.recipe, app.config.evaluate.recipe_b) if name],
            ),
            messages={state.value: n for state, n in store.deliveries.count_by_state(tx).items()},
            due=due,
            later=later,
            digests=[
                row | {"email": people[row["subscriber_id"]].email}
                for row in store.digests.list_latest(tx)
            ],
            troubles=store.deliveries.list_troubles(tx),
            faults=store.deliveries.list_faults(tx, since=clock - _RECENT),
            pauses=[
                pause for pause in store.pauses.load_all(tx, clock=clock) if pause.until > clock
            ],
            rounds={
                verb: store.rounds.load_latest(tx, verb)
                for verb in ("fetch", "ingest", "compose", "send")
            },
            day_limit=load_day_limit(app, tx, clock=clock),
            stop=store.sending.find_stop(tx),
            closed_until=store.installation.load_closed_until(tx),
        )
        report.alarms = find(facts(app, tx))
    return report
