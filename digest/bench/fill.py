"""Fill a store with invented readers, fast."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice

from digest import store
from digest.bench.readers import Invention
from digest.due_dates import LOOK_BACK
from digest.errors import InputError
from digest.model import Feedback, Strictness

#: readers stored at once
_BATCH = 1000
#: readers take their words from the papers of so many days, and rate those
_PAPER_DAYS = 2 * LOOK_BACK


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """What a store holds now."""

    papers: int
    readers: int
    thumbs_up: int
    thumbs_down: int


def require_unused(url: str) -> None:
    """Refuse a database that holds readers or papers.

    Raises:
        InputError: it does.
        StoreError: it does not answer, or its tables are not this version's.
    """
    if store.schema.is_empty(url):
        return
    opened = store.Store(url)
    try:
        store.schema.require(opened)
        with opened.reading() as tx:
            readers = sum(store.subscribers.count_by_status(tx).values())
            papers = store.papers.count(tx)
    finally:
        opened.close()
    if readers or papers:
        raise InputError(
            f"{opened.display_name}: holds {readers} readers and {papers} papers. The bench adds "
            "invented readers and mails them, so it needs an empty database. Make one, and name it"
        )


def find_newest_day(opened: store.Store) -> date:
    """Find the latest day on which a paper was first seen.

    Raises:
        InputError: there is no paper.
    """
    with opened.reading() as tx:
        _, day = store.papers.find_newest(tx)
    if day is None:
        raise InputError("the dumps brought no paper. Name others")
    return day


def add_readers(
    opened: store.Store,
    count: int,
    *,
    day: date,
    seed: int,
    size: int = 10,
    strictness: Strictness = "balanced",
) -> Filled:
    """Invent readers and store them with their thumbs.

    They came to this install on the evening before, so that the papers of their first digest are
    those of a usual day, and not of all the weeks that a newcomer gets.

    Args:
        day: for which their digests will be composed.
        seed: another one gives other readers.
        size: papers in a digest at most.
        strictness: of every reader.

    Raises:
        InputError: no readers can be invented from the stored papers.
    """
    with opened.reading() as tx:
        paper_ids = store.papers.list_seen_between(tx, day - _PAPER_DAYS, day)
        papers = list(store.papers.load(tx, paper_ids).values())
    invention = Invention(papers, day=day, seed=seed, size=size, strictness=strictness)
    invented = invention.invent(count)
    now = datetime.combine(day - timedelta(days=1), time(20), UTC)
    while batch := list(islice(invented, _BATCH)):
        with opened.writing() as tx:
            ids = store.subscribers.add_many(
                tx, [reader.subscriber for reader in batch], origin="file", now=now
            )
            votes = [
                Feedback(subscriber_id=ident, paper_id=paper_id, vote=vote, at=at, via="mail")
                for ident, reader in zip(ids, batch, strict=True)
                for paper_id, vote, at in reader.thumbs
            ]
            store.feedback.add_many(tx, votes)
    with opened.reading() as tx:
        thumbs_up, thumbs_down = store.feedback.count_thumbs(tx)
        return Filled(
            papers=store.papers.count(tx),
            readers=count,
            thumbs_up=thumbs_up,
            thumbs_down=thumbs_down,
        )
