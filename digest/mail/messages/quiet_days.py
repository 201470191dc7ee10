"""Sentences about days without a digest, for the mail of a quiet day and for digests."""

from __future__ import annotations

from digest.locales import gettext, ngettext
from digest.model import QuietReason


def title() -> str:
    """The heading of a quiet day."""
    return gettext("Nothing for you today")


def headline(reason: QuietReason, papers_read: int, days_told: int) -> str:
    """The subject: of the day if papers came, else of the week before."""
    if reason.has_papers or not days_told:
        read = ngettext("%(num)s read", "%(num)s read", papers_read)
        return f"{title()} · {read}"
    return ngettext("%(num)s quiet day last week", "%(num)s quiet days last week", days_told)


def sentences(reason: QuietReason, papers_read: int, days_told: int) -> tuple[str, ...]:
    """What happened today, and in the week before if that is told."""
    today = _say_why(reason, papers_read)
    return (today, week_before(days_told)) if days_told else (today,)


def _say_why(reason: QuietReason, papers_read: int) -> str:
    if not reason.has_papers:
        return gettext("No new papers came today.")
    match reason:
        case QuietReason.MUTED:
            return ngettext(
                "%(num)s new paper was read; each holds something that you mute.",
                "%(num)s new papers were read; each holds something that you mute.",
                papers_read,
            )
        case QuietReason.ALL_SEEN:
            return ngettext(
                "%(num)s new paper was read; you have had all of them.",
                "%(num)s new papers were read; you have had all of them.",
                papers_read,
            )
    return ngettext(
        "%(num)s new paper was read; none fits well enough.",
        "%(num)s new papers were read; none fits well enough.",
        papers_read,
    )


def week_before(days_told: int) -> str:
    """The weekly summary of quiet days, in one sentence."""
    return ngettext(
        "Last week had %(num)s quiet day: papers came, and none was for you.",
        "Last week had %(num)s quiet days: papers came, and none was for you.",
        days_told,
    )
