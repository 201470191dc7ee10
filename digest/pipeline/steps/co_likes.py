"""What readers' thumbs say to other readers: read once a round, and only where enough of them say
the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np

from digest import store
from digest.app import App
from digest.model import Feedback
from digest.ranking import co_likes
from digest.ranking.co_likes import CoLikeBoost, CoLikes

#: thumbs that the likeness of papers is worked out from at most; 16 bytes each
_MOST = 2_000_000
#: local dates lie so far around the date in UTC
_AROUND = timedelta(days=1)


def least_readers(app: App, tx: store.Connection) -> int | None:
    """Readers who must like a paper before their thumbs say anything to others; None where the
    install has not even so many.
    """
    wanted = app.config.digest.least_readers
    return wanted if store.likes.count_active_readers(tx) >= wanted else None


class CoLikeContext:
    """The likes of all readers during one round (`before`: as they were at a time); nothing is read
    before somebody asks.
    """

    def __init__(self, app: App, day: date | None, *, before: datetime | None = None) -> None:
        self._app = app
        self._day = day or app.now().date()
        self._before = before

    @cached_property
    def least(self) -> int | None:
        with self._app.store.reading() as tx:
            return least_readers(self._app, tx)

    @cached_property
    def _colikes(self) -> CoLikes | None:
        if self.least is None:
            return None
        window = timedelta(days=self._app.config.digest.window_days)
        with self._app.store.reading() as tx:
            fresh = store.papers.list_seen_between(
                tx, self._day - window - _AROUND, self._day + _AROUND
            )
            pairs = np.array(
                store.likes.load_co_likes(
                    tx, fresh, least=self.least, most=_MOST, before=self._before
                ),
                dtype=np.int64,
            ).reshape(-1, 2)
            ids, here = np.unique(pairs[:, 1], return_counts=True)
            counts = store.likes.count_likes(
                tx, ids[here >= self.least].tolist(), least=self.least, before=self._before
            )
        return co_likes.count_co_likes(pairs[:, 0], pairs[:, 1], fresh, counts, least=self.least)

    def boosts_of_readers(
        self, votes: Sequence[Sequence[Feedback]]
    ) -> list[tuple[CoLikeBoost, ...]]:
        """What others' likes add, for each of a batch of readers by their votes."""
        if self._colikes is None:
            return [()] * len(votes)
        return co_likes.boosts_of_readers(
            self._colikes, [{vote.paper_id for vote in some if vote.vote == 1} for some in votes]
        )
