"""Recent thumbs of a sample of readers -> rates by position and week, and true matches.

It replays nothing, so it takes seconds. What is counted is bounded: of each week the digests of
some readers who gave a thumb in it, so a service of any size takes about as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from digest import store
from digest.app import App
from digest.evaluate.rates import Rate, estimate_thumbs_up, rate_by_match, rate_by_position
from digest.evaluate.replay import match_thumbs
from digest.evaluate.reranking import RatedDigest
from digest.mail.messages import texts

WEEKS = 12
#: of each week: newest thumbs that are looked at, and readers whose digests are counted
THUMBS, READERS = 500, 50
_WEEK = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecentRates:
    """How often listed papers got a thumb up, of readers who gave thumbs in that week."""

    #: readers and digests that were counted
    readers: int
    digests: int
    #: the first day of each week, oldest first; None = nobody gave a thumb
    weeks: list[tuple[date, Rate | None]]
    positions: list[Rate]
    #: thumbs up among rated papers, by the match that was printed
    matches: list[Rate]


def load_recent_rates(
    app: App, *, weeks: int = WEEKS, thumbs: int = THUMBS, readers: int = READERS
) -> RecentRates:
    """Count the digests of the last weeks up to now."""
    now = app.now()
    by_week: list[tuple[date, list[RatedDigest]]] = []
    with app.store.reading() as tx:
        for back in reversed(range(weeks)):
            until = now - back * _WEEK
            rated = _load_week(tx, until - _WEEK, until, thumbs=thumbs, readers=readers)
            by_week.append(((until - _WEEK).date() + timedelta(days=1), rated))
    everything = [rated for _, week in by_week for rated in week]
    return RecentRates(
        readers=len({rated.digest.subscriber_id for rated in everything}),
        digests=len(everything),
        weeks=[(first, _rate_week(first, week)) for first, week in by_week],
        positions=rate_by_position(everything),
        matches=rate_by_match(everything, app.config.digest.recipe),
    )


def _load_week(
    tx: store.Connection, since: datetime, until: datetime, *, thumbs: int, readers: int
) -> list[RatedDigest]:
    """Load the digests of a week that some who gave a thumb in it got."""
    raters = store.operator_pages.list_raters(
        tx, since=since, until=until, thumbs=thumbs, readers=readers
    )
    past = store.past.load_digests(tx, raters, since=since.date(), until=until.date())
    votes = store.feedback.load_votes(tx, raters, since=since)
    return [rated for rated in match_thumbs(past, votes) if rated.votes]


def _rate_week(first: date, rated: Sequence[RatedDigest]) -> Rate | None:
    votes = [vote for digest in rated for vote in digest.votes]
    return estimate_thumbs_up(texts.format_date(first), votes) if votes else None
