"""Public lists of papers: those of a day, a week or a month, in an order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from digest import store
from digest.app import App
from digest.errors import NotFoundError
from digest.locales import count_noun
from digest.model import UNSEEN, CuratorPick, Paper
from digest.pipeline.steps.co_likes import least_readers

Order = Literal["trending", "new", "picks"]
Span = Literal["day", "week", "month"]

#: papers on a page, and categories that a list offers
PAGE_SIZE, _CATEGORIES = 25, 8
#: days: a paper that is so much older needs twice the upvotes for the same place in a list
HALF_LIFE = 14
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_WEEK = re.compile(r"(\d{4})-[Ww](\d{2})")
_MONTH = re.compile(r"(\d{4})-(\d{2})")


@dataclass(frozen=True, slots=True)
class Period:
    """A day, an ISO week or a month."""

    span: Span
    first: date
    last: date

    @classmethod
    def around(cls, day: date, span: Span = "day") -> Period:
        """Return the period of a kind that a day is in."""
        if span == "day":
            return cls("day", day, day)
        if span == "week":
            monday = day - timedelta(days=day.weekday())
            return cls("week", monday, monday + timedelta(days=6))
        first = day.replace(day=1)
        return cls("month", first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))

    @classmethod
    def parse(cls, name: str) -> Period:
        """Parse `2026-06-09`, `2026-W24` or `2026-06`.

        Raises:
            NotFoundError: there is no such day, week or month.
        """
        try:
            if _DAY.fullmatch(name):
                return cls.around(date.fromisoformat(name))
            if week := _WEEK.fullmatch(name):
                return cls.around(date.fromisocalendar(int(week[1]), int(week[2]), 1), "week")
            if month := _MONTH.fullmatch(name):
                return cls.around(date(int(month[1]), int(month[2]), 1), "month")
        except (ValueError, OverflowError):
            pass
        raise NotFoundError(f"there is no day, week or month {name[:40]!r}")

    @property
    def name(self) -> str:
        """The name that `parse` reads."""
        if self.span == "day":
            return self.first.isoformat()
        if self.span == "week":
            year, week, _ = self.first.isocalendar()
            return f"{year:04d}-W{week:02d}"
        return f"{self.first:%Y-%m}"


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperList:
    """One page of a list."""

    period: Period
    order: Order
    #: "" = all
    category: str
    papers: tuple[Paper, ...]
    #: paper id -> the picks of curators
    picks: Mapping[int, Sequence[CuratorPick]]
    #: papers on all pages
    total: int
    page: int
    pages: int
    #: whether more papers follow
    has_more: bool
    #: the neighbouring periods that have papers
    previous: Period | None
    next: Period | None
    #: the most frequent categories of the period, and how many papers are in each
    categories: tuple[tuple[str, int], ...]


def find_latest_period(app: App, span: Span = "day") -> Period:
    """Find the latest period with papers; that of today where there are none."""
    today = app.now().date()
    with app.store.reading() as tx:
        latest = store.lists.find_day_before(tx, today + timedelta(days=1))
    return Period.around(today if latest in (None, UNSEEN) else latest, span)


def load_list(
    app: App,
    period: Period,
    *,
    order: Order = "trending",
    category: str = "",
    page: int = 1,
    after: int = 0,
    size: int = PAGE_SIZE,
) -> PaperList:
    """Load one page of the papers that were first seen in a period.

    Trending papers have most upvotes, those of readers and their thumbs up included, where an
    upvote weighs half of one for a paper that is HALF_LIFE days newer; of equals, papers that
    curators picked come first, then those that sources picked, by rank, then newer ones.

    Args:
        order: "picks" = only picked papers, those that curators picked first.
        category: only papers in it, such as "cs.LG", or in one below it, such as "cs".
        after: id of the paper behind which the page begins, whatever its number; 0 = none.
        size: papers of a page.

    Raises:
        NotFoundError: there is no such page.
    """
    with app.store.reading() as tx:
        rows = store.lists.list_between(tx, period.first, period.last)
        matching = [row for row in rows if not category or _is_in(row.categories, category)]
        least = least_readers(app, tx)
        ranked = _sort(tx, period, matching, order, least)
        ids = [row.id for row in ranked]
        start, page_ids = cut_page(ids, page, after, size)
        papers = store.papers.load(tx, page_ids, least=least)
        picks = store.curator_picks.load(tx, page_ids)
        day_before = store.lists.find_day_before(tx, period.first)
        day_after = store.lists.find_day_after(tx, period.last)
    today = app.now().date()
    counts = Counter(name for row in rows for name in row.categories)
    return PaperList(
        period=period,
        order=order,
        category=category,
        papers=tuple(papers[ident] for ident in page_ids),
        picks=picks,
        total=len(ranked),
        page=page,
        pages=count_pages(ids, size),
        has_more=start + size < len(ids),
        previous=None if day_before in (None, UNSEEN) else Period.around(day_before, period.span),
        next=None
        if day_after is None or day_after > today
        else Period.around(day_after, period.span),
        categories=tuple(counts.most_common(_CATEGORIES)),
    )


def count_pages(ids: Sequence[int], size: int) -> int:
    """Count the pages of a list; an empty one has one."""
    return max(1, -(-len(ids) // size))


def cut_page(ids: list[int], page: int, after: int, size: int) -> tuple[int, list[int]]:
    """Cut a page out of a list; return its start, too.

    Args:
        page: its number, from 1; not used with `after`.
        after: the id behind which it begins; 0 = by number.

    Raises:
        NotFoundError: there is no such page, or `after` is not in the list any more.
    """
    if after:
        if after not in ids:
            raise NotFoundError("the list changed, and the last paper is no longer in it")
        start = ids.index(after) + 1
    else:
        pages = count_pages(ids, size)
        if not 1 <= page <= pages:
            raise NotFoundError(f"this list has {count_noun(pages, 'page')}")
        start = (page - 1) * size
    return start, ids[start : start + size]


def _sort(
    tx: store.Connection, period: Period, rows: Sequence[Any], order: Order, least: int | None
) -> list[Any]:
    """Return the rows of the papers in an order, the first first.

    Args:
        least: readers who like a paper before their thumbs count; None = they never do.
    """
    if order == "new":
        return sorted(rows, key=lambda row: (row.first_seen, row.id), reverse=True)
    ranks = store.lists.load_picks(tx, period.first, period.last)
    curated = store.curator_picks.list_picked_between(tx, period.first, period.last)
    thumbs = (
        {}
        if least is None
        else store.likes.count_likes_between(tx, period.first, period.last, least=least)
    )
    votes = store.upvotes.count_between(tx, period.first, period.last, liked=thumbs)

    def points(row: Any) -> float:
        upvotes = row.upvotes + thumbs.get(row.id, 0) + votes.get(row.id, 0)
        return float(upvotes * 2.0 ** ((row.first_seen - period.last).days / HALF_LIFE))

    def picked(row: Any) -> tuple[bool, bool, int]:
        return row.id in curated, row.id in ranks, -(ranks.get(row.id) or 0)

    if order == "picks":
        rows = [row for row in rows if row.id in curated or row.id in ranks]
        return sorted(
            rows,
            key=lambda row: (row.id in curated, points(row), picked(row), row.first_seen, row.id),
            reverse=True,
        )
    return sorted(
        rows, key=lambda row: (points(row), picked(row), row.first_seen, row.id), reverse=True
    )


def list_latest_days(app: App, limit: int) -> list[date]:
    """List the latest days with papers, newest first."""
    with app.store.reading() as tx:
        return [day for day in store.lists.list_days(tx, limit) if day != UNSEEN]


def _is_in(categories: Sequence[str], wanted: str) -> bool:
    wanted = wanted.casefold()
    return any(
        name.casefold() == wanted or name.casefold().startswith(f"{wanted}.") for name in categories
    )
