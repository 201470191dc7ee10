"""Sentences about days without a digest, for the mail of a quiet day and for digests."""

from __future__ import annotations

from digest.mail.messages import texts
from digest.model import QuietReason

TITLE = "Nothing for you today"
#: why no paper was listed, after how many papers were read
_REASONS = {
    QuietReason.MUTED: "each holds something that you mute",
    QuietReason.ALL_SEEN: "you have had all of them",
}


def headline(reason: QuietReason, papers_read: int, days_told: int) -> str:
    """The subject: of the day if papers came, else of the week before."""
    if reason.has_papers or not days_told:
        return f"{TITLE} · {papers_read:,} read"
    return f"{texts.plural(days_told, 'quiet day')} last week"


def sentences(reason: QuietReason, papers_read: int, days_told: int) -> tuple[str, ...]:
    """What happened today, and in the week before if that is told."""
    if reason.has_papers:
        were = "was" if papers_read == 1 else "were"
        why = _REASONS.get(reason, "none fits well enough")
        today = f"{texts.plural(papers_read, 'new paper')} {were} read; {why}."
    else:
        today = "No new papers came today."
    return (today, week_before(days_told)) if days_told else (today,)


def week_before(days_told: int) -> str:
    """The weekly summary of quiet days, in one sentence."""
    days = texts.plural(days_told, "quiet day")
    return f"Last week had {days}: papers came, and none was for you."
