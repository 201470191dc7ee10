"""Read the papers of a date once for all batches of readers of a round."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from typing import Any

from digest import store
from digest.app import App
from digest.pipeline.steps.calibrations import load_calibrations
from digest.pipeline.steps.co_likes import CoLikeContext
from digest.pipeline.steps.corpus_view import (
    BatchContext,
    CorpusView,
    load_batch_context,
    open_view,
)
from digest.pipeline.steps.word_counts import load_frequencies


class RoundDay:
    """What scores the papers of a date; the same for all readers for whom the same compete.

    It is read again when the papers that compete are others, or when an ingest stored something.
    Thumbs that come in between count from the next round on.
    """

    def __init__(self, app: App, co_likes: CoLikeContext) -> None:
        self._app, self._co_likes = app, co_likes
        self._key: Any = None
        self._day: tuple[CorpusView, BatchContext] | None = None

    def read(
        self, tx: store.Connection, local_date: date, since: date, carried: Collection[int]
    ) -> tuple[CorpusView, BatchContext]:
        """Read the papers that may compete on a local date.

        Args:
            since: papers first seen from this day on compete.
            carried: ids of papers that compete beside them.
        """
        now = self._app.now()
        until = max(local_date, now.date())
        fresh = store.papers.list_seen_between(tx, since, until)
        paper_ids = fresh + sorted(set(carried) - set(fresh))
        newest_dumps = store.dumps.list_latest(tx, 1, libraries=True)
        ingested = [(dump["id"], dump["read"]) for dump in newest_dumps]
        key = (local_date, until, paper_ids, ingested)
        if self._day is None or self._key != key:
            view = open_view(
                tx,
                now=now,
                until=until,
                frequencies=load_frequencies(tx),
                least_readers=self._co_likes.least_readers,
                encoder=self._app.config.features.encoder,
            )
            self._key = key
            self._day = view, load_batch_context(tx, paper_ids, local_date, view)
        view, context = self._day
        return replace(view, now=now), replace(
            context,
            calibrations=load_calibrations(tx),
            provenance=replace(context.provenance, at=now),
        )
