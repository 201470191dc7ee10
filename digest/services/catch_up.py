"""The best papers of some days for one reader, chosen as a digest is. Nothing is stored."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from digest import store
from digest.app import App
from digest.due_dates import local_date_of
from digest.model import Digest, Item, Paper, Subscriber
from digest.pipeline.learn import learn
from digest.pipeline.steps.choose_digests import Candidates, choose_digests
from digest.pipeline.steps.co_likes import CoLikeContext, least_readers
from digest.pipeline.steps.reader_batches import BatchRules
from digest.pipeline.steps.round_day import RoundDay
from digest.pipeline.steps.trained_readers import RecipeSplit

#: days that a reader may catch up with
MOST_DAYS = 30
#: papers that are ranked at most; of more days the newest are
MOST_RANKED = 10_000
#: papers that are shown at most
MOST_SHOWN = 20
#: papers of the last days that were asked for stay in memory for as long
_KEPT_FOR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class CatchUpPaper:
    item: Item
    paper: Paper
    #: local date of the digest that listed it; None where none did
    listed: date | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CatchUp:
    """The best papers of some days, best first."""

    papers: tuple[CatchUpPaper, ...]
    #: papers that were ranked
    read: int
    #: first and last day of the papers
    first: date
    last: date
    #: the days asked for had more papers than are ranked at once
    is_cut: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Span:
    """The days whose papers are ranked: after `since`, up to `until`."""

    since: date
    until: date
    is_cut: bool


class CatchUps:
    """Chooses papers of the last days for readers, one reader at a time.

    Threads may share it. It keeps the papers of the days that were asked for last.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._days: tuple[Hashable, RoundDay] | None = None
        self._until = app.now()

    def choose(self, reader: Subscriber, days: int) -> CatchUp:
        """Choose the best papers of the last days, of those that the reader has not rated.

        What earlier digests listed competes again, and is marked.

        Args:
            days: 1 to MOST_DAYS, today included.
        """
        app = self._app
        span = self._find_span(local_date_of(reader, app.now()), days)
        with app.store.reading() as tx:
            votes = store.feedback.load_votes(tx, [reader.id]).get(reader.id, [])
        liked = [vote.paper_id for vote in votes if vote.vote == 1]
        with self._lock:
            outcome, read = self._choose(reader, span, CoLikeContext(app, span.until, own=liked))
        items = outcome.items if isinstance(outcome, Digest) else ()
        with app.store.reading() as tx:
            listed = store.archive.load_listed_dates(tx, reader.id, since=span.since)
            papers = store.papers.load(
                tx, [item.score.paper_id for item in items], least=least_readers(app, tx)
            )
        return CatchUp(
            papers=tuple(
                CatchUpPaper(
                    item=item,
                    paper=papers[item.score.paper_id],
                    listed=listed.get(item.score.paper_id),
                )
                for item in items
            ),
            read=read,
            first=span.since + timedelta(days=1),
            last=span.until,
            is_cut=span.is_cut,
        )

    def _choose(
        self, reader: Subscriber, span: _Span, co_likes: CoLikeContext
    ) -> tuple[object, int]:
        app, now = self._app, self._app.now()
        key = (span.since, span.until)
        if self._days is None or self._days[0] != key or now >= self._until:
            self._days = key, RoundDay(app, CoLikeContext(app, span.until, own=[]))
            self._until = now + _KEPT_FOR
        with app.store.reading() as tx:
            view, context = self._days[1].read(tx, span.until, span.since, ())
        longer = replace(reader, size=MOST_SHOWN)
        (trained,) = learn(app, [longer], view, context.background, co_likes)
        candidates = Candidates(
            reader=trained, paper_ids=frozenset(context.papers) - trained.rated_ids
        )
        rules = replace(BatchRules.from_config(app.config).rules, explore=False)
        split = RecipeSplit(recipe=app.config.digest.recipe)
        (outcome,) = choose_digests(rules, split, context, [candidates])
        return outcome, len(candidates.paper_ids)

    def _find_span(self, today: date, days: int) -> _Span:
        """Find the days to rank: those asked for, or the newest of them with few enough papers."""
        days = min(max(1, days), MOST_DAYS)
        first = today - timedelta(days=days - 1)
        with self._app.store.reading() as tx:
            rows = store.lists.list_between(tx, first, today)
        papers_by_day = Counter(row.first_seen for row in rows)
        ranked, since = 0, today
        while since >= first:
            ranked += papers_by_day[since]
            if ranked > MOST_RANKED and since < today:
                return _Span(since=since, until=today, is_cut=True)
            since -= timedelta(days=1)
        return _Span(since=since, until=today, is_cut=False)


def count_days_since_last_digest(app: App, reader: Subscriber) -> int | None:
    """Count the days after a reader's last digest, today included; None where none was sent."""
    with app.store.reading() as tx:
        last = store.archive.find_last_date(tx, reader.id)
    if last is None:
        return None
    return min(max(1, (local_date_of(reader, app.now()) - last).days), MOST_DAYS)
