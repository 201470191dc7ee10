"""Store digests and quiet days with their messages, and add them to the report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from digest import store
from digest.app import App
from digest.due_dates import due_at, next_due
from digest.model import MessageKind, Quiet, QuietReason, Subscriber
from digest.pipeline.steps.compose_report import ComposeReport, PlannedDigest, QuietDay
from digest.pipeline.steps.due_readers import Decision
from digest.pipeline.steps.quiet_days import sends_mail
from digest.store.digests import Plan, Window


def may_still_come(app: App, decision: Decision, started: datetime | None) -> bool:
    """Whether a quiet day is not over.

    Papers may come while there is time to send a digest.

    Args:
        started: since when the service runs; None = it does not run by itself.
    """
    due = decision.due
    if decision.reason in ("", QuietReason.BELOW_THRESHOLD):
        return False
    hours = timedelta(hours=app.config.digest.window_hours)
    closes = due_at(due.subscriber, due.local_date) + hours
    # After an outage, the papers of that time are still to be fetched.
    if started is not None and started >= closes:
        closes = started + hours
    return app.now() < closes


def store_outcomes(
    app: App, decisions: Sequence[Decision], report: ComposeReport
) -> list[Decision]:
    """Store outcomes with their messages, in one transaction.

    Returns:
        Those that were stored. Another process was faster with the others, or the reader is gone.
    """
    now = app.now()
    plans = [_make_plan(app, decision) for decision in decisions]

    def store_all(tx: store.Connection) -> list[int | None]:
        ids = store.digests.plan_all(tx, plans, now=now)
        for decision, ident in zip(decisions, ids, strict=True):
            if ident is not None:
                due = decision.due
                store.digests.close_missed(tx, due.subscriber.id, due.missed, now=now)
        return ids

    stored = []
    for decision, ident in zip(decisions, app.store.commit(store_all), strict=True):
        if ident is not None:
            stored.append(decision)
        else:
            report.leave_out(
                decision.due.subscriber,
                f"has a digest for {decision.outcome.local_date} already, or is gone",
            )
    return stored


def _make_plan(app: App, decision: Decision) -> Plan:
    reader, outcome = decision.due.subscriber, decision.outcome
    window = None
    if sends_mail(reader, outcome):
        key = outcome.local_date.isoformat()
        window = Window(
            message_id=app.message_id(MessageKind.DIGEST, key, reader.id),
            not_before=app.now(),
            expires_at=_expires_at(app, reader, outcome.local_date),
        )
    return Plan(outcome=outcome, max_paper_id=decision.max_paper_id, window=window)


def _expires_at(app: App, reader: Subscriber, local_date: date) -> datetime:
    """Return until when a digest composed now may be sent.

    That is `window_hours` from now, or from when it is due if it is composed by hand before that;
    at most until the next digest is due.
    """
    begins = max(due_at(reader, local_date), app.now())
    following = next_due(reader, begins)
    expires = begins + timedelta(hours=app.config.digest.window_hours)
    return expires if following is None else min(expires, following[1])


def add_to_report(report: ComposeReport, decision: Decision, *, with_digest: bool) -> None:
    """Add what a reader gets, and the due dates that passed without a digest."""
    reader, outcome = decision.due.subscriber, decision.outcome
    report.quiet += [
        QuietDay(email=reader.email, local_date=day, reason=QuietReason.MISSED)
        for day in decision.due.missed
    ]
    local_date = outcome.local_date
    if isinstance(outcome, Quiet):
        quiet = QuietDay(email=reader.email, local_date=local_date, reason=outcome.reason)
        report.quiet.append(quiet)
        return
    papers = len(outcome.items)
    planned = PlannedDigest(email=reader.email, local_date=local_date, papers=papers)
    report.planned.append(planned)
    if with_digest:
        report.digests.append((reader, outcome))
