"""Read the papers of a date once for all batches of readers of a round."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date

from digest import store
from digest.app import App
from digest.pipeline.steps.calibrations import load_calibrations
from digest.pipeline.steps.co_likes import CoLikeContext
from digest.pipeline.steps.corpus_view import (
    BatchContext,
    CorpusView,
    Moment,
    load_batch_context,
    open_view,
)
from digest.pipeline.steps.word_counts import load_frequencies

#: a batch of readers all over the world has two or three dates, and readers who go further back
_DAYS_KEPT = 4


class RoundDay:
    """What scores the papers of a date; the same for all readers for whom the same compete.

    It is read again when an ingest stored something. Thumbs that come in between count from the
    next round on.
    """

    def __init__(self, app: App, co_likes: CoLikeContext) -> None:
        self._app, self._co_likes = app, co_likes
        #: the days that were read last, by what they depend on
        self._days: dict[tuple[object, ...], tuple[CorpusView, BatchContext]] = {}

    def read(
        self, tx: store.Connection, local_date: date, since: date, carried: Collection[int]
    ) -> tuple[CorpusView, BatchContext]:
        """Read the papers that may compete on a local date.

        Args:
            since: papers first seen after this day compete.
            carried: ids of papers that compete beside them.
        """
        view, context, moment = self.read_shared(tx, local_date, since, carried)
        return view, moment.add_to(context)

    def list_fresh(self, tx: store.Connection, local_date: date, since: date) -> list[int]:
        """List the papers first seen after a day that may compete on a local date."""
        return store.papers.list_seen_between(tx, since, max(local_date, self._app.now().date()))

    def read_shared(
        self, tx: store.Connection, local_date: date, since: date, carried: Collection[int]
    ) -> tuple[CorpusView, BatchContext, Moment]:
        """Read the same in two parts, of which the context is one object for many batches."""
        now = self._app.now()
        until = max(local_date, now.date())
        fresh = self.list_fresh(tx, local_date, since)
        paper_ids = fresh + sorted(set(carried) - set(fresh))
        newest_dumps = store.dumps.list_latest(tx, 1, libraries=True)
        ingested = tuple((dump["id"], dump["read"]) for dump in newest_dumps)
        key = (local_date, until, tuple(paper_ids), ingested)
        if key not in self._days:
            view = open_view(
                tx,
                now=now,
                until=until,
                frequencies=load_frequencies(tx),
                least_readers=self._co_likes.least_readers,
                encoder=self._app.config.features.encoder,
            )
            if len(self._days) >= _DAYS_KEPT:
                del self._days[next(iter(self._days))]
            self._days[key] = view, load_batch_context(tx, paper_ids, local_date, view)
        view, context = self._days[key]
        moment = Moment(now=now, calibrations=load_calibrations(tx))
        return replace(view, now=now), context, moment
