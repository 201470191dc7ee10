"""What a reader is told of days without a digest, as they chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from digest import store
from digest.app import App
from digest.model import Digest, Quiet, Subscriber
from digest.pipeline.steps.due_readers import Decision


def count_quiet_days_to_tell(
    app: App, readers: Sequence[Subscriber], local_date: date
) -> dict[int, int]:
    """Count the last week's quiet days for readers who are told of them on this date.

    They are those who chose a weekly summary and get their first digest or quiet day of the ISO
    week.

    Returns:
        subscriber id -> quiet days, without those who have none.
    """
    weekly = [reader.id for reader in readers if reader.quiet_days == "weekly"]
    if not weekly:
        return {}
    with app.store.reading() as tx:
        return store.quiet_days.count_of_last_week(tx, weekly, local_date)


def tell_quiet_days(decision: Decision, days: int) -> Decision:
    """Note in a decision of how many quiet days its mail tells."""
    return replace(decision, outcome=replace(decision.outcome, quiet_days_told=days))


def sends_mail(reader: Subscriber, outcome: Digest | Quiet) -> bool:
    """Whether the outcome of a day is mailed: a digest, or what the reader asked to be told."""
    if isinstance(outcome, Digest) or outcome.quiet_days_told:
        return True
    return reader.quiet_days == "line" and outcome.reason.has_papers
