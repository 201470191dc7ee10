"""Read the likes of all readers.

They add to the scores of papers that the same readers like.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np

from digest import store
from digest.app import App
from digest.model import Feedback
from digest.ranking import co_likes
from digest.ranking.co_likes import CoLikeBoost, CoLikes

#: thumbs up that similarities are computed from at most; 16 bytes each
_MAX_LIKES = 2_000_000
#: local dates differ from the date in UTC by so much at most
_ZONE_MARGIN = timedelta(days=1)


def least_readers(app: App, tx: store.Connection) -> int | None:
    """How many readers must like a paper before their thumbs count for others.

    None where this service has fewer readers than that, so no thumb counts for others.
    """
    least = app.config.digest.least_readers
    return least if store.likes.has_active_readers(tx, least) else None


class CoLikeContext:
    """The likes of all readers during one round; nothing is read before it is needed.

    Args:
        day: the local date of the round; None = today.
        before: later likes do not count; None = all do.
        own: ids of the papers that one reader likes, where boosts are asked for that reader alone.
    """

    def __init__(
        self,
        app: App,
        day: date | None,
        *,
        before: datetime | None = None,
        own: Collection[int] | None = None,
    ) -> None:
        self._app = app
        self._day = day or app.now().date()
        self._before = before
        self._own = own

    @cached_property
    def least_readers(self) -> int | None:
        with self._app.store.reading() as tx:
            return least_readers(self._app, tx)

    @cached_property
    def _co_likes(self) -> CoLikes | None:
        least, before = self.least_readers, self._before
        if least is None:
            return None
        window = timedelta(days=self._app.config.digest.window_days)
        first, last = self._day - window - _ZONE_MARGIN, self._day + _ZONE_MARGIN
        with self._app.store.reading() as tx:
            fresh = store.papers.list_seen_between(tx, first, last)
            likes = np.array(
                store.likes.load_co_likes(
                    tx, fresh, least=least, most=_MAX_LIKES, before=before, own=self._own
                ),
                dtype=np.int64,
            ).reshape(-1, 2)
            paper_ids, likes_here = np.unique(likes[:, 1], return_counts=True)
            liked_enough = paper_ids[likes_here >= least].tolist()
            counts = store.likes.count_likes(tx, liked_enough, least=least, before=before)
        return co_likes.count_co_likes(likes[:, 0], likes[:, 1], fresh, counts, least=least)

    def boosts_of_readers(
        self, votes: Sequence[Sequence[Feedback]]
    ) -> list[tuple[CoLikeBoost, ...]]:
        """What the likes of others add for each reader, by the votes of each."""
        if self._co_likes is None:
            return [()] * len(votes)
        liked = [{vote.paper_id for vote in own if vote.vote == 1} for own in votes]
        return co_likes.boosts_of_readers(self._co_likes, liked)
