"""The digest that a visitor would get today. Nothing is stored."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from digest import store
from digest.app import App
from digest.model import Digest, Interest, Paper, Score, Strictness, Subscriber
from digest.pipeline.compose import decide_for
from digest.pipeline.steps.co_likes import CoLikeContext, least_readers
from digest.pipeline.steps.round_day import RoundDay

#: id of the visitor; ids of stored readers begin at 1
_VISITOR = 0
#: thumbs that come in between count afterwards
_KEPT_FOR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitorPreview:
    """A digest that was chosen and not stored."""

    #: each with the score that says why it is listed
    papers: tuple[tuple[Paper, Score], ...]
    #: papers that were read for it; 0 = none are new
    read: int


class VisitorPreviews:
    """Chooses digests for what visitors typed, and keeps the papers of the day for the next.

    Threads may share it; it chooses one digest at a time.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._day: RoundDay | None = None
        self._until = app.now()

    def choose(
        self, interests: Sequence[Interest], strictness: Strictness | None = None
    ) -> VisitorPreview:
        """Choose the digest of the latest day with papers.

        Args:
            strictness: None = that of new readers.
        """
        app, now = self._app, self._app.now()
        with app.store.reading() as tx:
            latest = store.lists.find_day_before(tx, now.date() + timedelta(days=1))
        local_date = latest or now.date()
        defaults = app.config.digest
        reader = Subscriber(
            id=_VISITOR,
            email="",
            size=defaults.size,
            strictness=strictness or cast("Strictness", defaults.new_strictness()),
            interests=tuple(interests),
            created=now,
        )
        with self._lock:
            if self._day is None or now >= self._until:
                self._day = RoundDay(app, CoLikeContext(app, local_date, own=[]))
                self._until = now + _KEPT_FOR
            outcome = decide_for(app, reader, local_date, round_day=self._day)
        items = outcome.items if isinstance(outcome, Digest) else ()
        with app.store.reading() as tx:
            papers = store.papers.load(
                tx, [item.score.paper_id for item in items], least=least_readers(app, tx)
            )
        return VisitorPreview(
            papers=tuple((papers[item.score.paper_id], item.score) for item in items),
            read=outcome.provenance.papers_read,
        )
