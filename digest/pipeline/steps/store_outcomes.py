"""What is chosen for a reader becomes a row with its message and times, and a line of
the report."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from digest import store
from digest.app import App
from digest.due_dates import due_at, next_due
from digest.model import Digest, MessageKind, Quiet, QuietReason, Subscriber
from digest.pipeline.steps.compose_report import ComposeReport, LeftOut, PlannedDigest, QuietDay
from digest.pipeline.steps.due_readers import DueReader
from digest.store.digests import Window


def may_still_come(app: App, turn: DueReader, quiet: Quiet, started: datetime | None) -> bool:
    """Whether a day without a digest is not over: papers may come while there is time to send."""
    if quiet.reason is QuietReason.BELOW_THRESHOLD:
        return False
    hours = timedelta(hours=app.config.digest.window_hours)
    closes = due_at(turn.subscriber, turn.local_date) + hours
    # Where the service was down until then, the papers of that time are still to be fetched.
    if started is not None and started >= closes:
        closes = started + hours
    return app.now() < closes


def _expires(app: App, subscriber: Subscriber, local_date: date) -> datetime:
    """Until when a digest that is composed now may be sent: for its hours, at most to the next."""
    begins = max(due_at(subscriber, local_date), app.now())
    following = next_due(subscriber, begins)
    expires = begins + timedelta(hours=app.config.digest.window_hours)
    return expires if following is None else min(expires, following[1])


def store_outcome(
    app: App, turn: DueReader, outcome: Digest | Quiet, max_paper_id: int, report: ComposeReport
) -> bool:
    """Whether it was stored: another process may have been faster."""
    now, subscriber = app.now(), turn.subscriber
    key = outcome.local_date.isoformat()
    window = Window(
        message_id=app.message_id(MessageKind.DIGEST, key, subscriber.id),
        not_before=now,
        expires_at=_expires(app, subscriber, outcome.local_date),
    )

    def plan(tx: store.Connection) -> bool:
        stored = (
            store.digests.plan(tx, outcome, max_paper_id=max_paper_id, window=window, now=now)
            is not None
        )
        if stored:
            store.digests.close_missed(tx, subscriber.id, turn.missed, now=now)
        return stored

    stored = app.store.commit(plan)
    if not stored:
        reason = f"has a digest for {outcome.local_date} already"
        report.left_out.append(LeftOut(email=subscriber.email, reason=reason))
    return stored


def add(report: ComposeReport, turn: DueReader, outcome: Digest | Quiet, *, whole: bool) -> None:
    """Tell of a reader; `whole`: with the digest itself."""
    email = turn.subscriber.email
    report.quiet += [
        QuietDay(email=email, local_date=day, reason=QuietReason.MISSED) for day in turn.missed
    ]
    if isinstance(outcome, Quiet):
        quiet = QuietDay(email=email, local_date=outcome.local_date, reason=outcome.reason)
        report.quiet.append(quiet)
        return
    papers = len(outcome.items)
    report.planned.append(PlannedDigest(email=email, local_date=outcome.local_date, papers=papers))
    if whole:
        report.digests.append((turn.subscriber, outcome))
