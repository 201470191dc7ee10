"""Which papers compete for a digest, and which are too old."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.due_dates import LOOK_BACK
from digest.model import Subscriber
from digest.pipeline.steps.candidates import (
    DayPapers,
    competing,
    count_new,
    find_window,
    has_news,
    mark_competing,
)
from digest.store.history import Cutoff, History

TODAY = date(2026, 6, 30)


def days_ago(number: int) -> datetime:
    return datetime(2026, 6, 30, 7, tzinfo=UTC) - timedelta(days=number)


def cutoff(number: int) -> Cutoff:
    at = days_ago(number)
    return Cutoff(local_date=at.date(), composed_at=at, max_paper_id=1)


@pytest.mark.parametrize(
    ("joined", "added", "arrived", "days"),
    [
        (90, 90, 1, 7),  # every day
        (90, 90, 7, 8),  # every week: the day of the last digest again
        (90, 90, 20, 21),  # the digests of three weeks failed or bounced
        (90, 90, 60, 31),
        (0, 0, None, 7),  # new
        (5, 5, None, 7),
        (12, 12, None, 13),  # no digest has arrived since they joined
        (12, None, None, 13),
        (90, 90, None, 31),
        (500, 0, None, 7),  # moved here from another service today
        (500, 10, None, 11),
        (500, 10, 3, 7),
    ],
)
def test_it_reaches_to_the_last_digest_that_arrived_within_31_days(
    joined: int, added: int | None, arrived: int | None, days: int
) -> None:
    subscriber = Subscriber(
        id=1,
        email="a@example.org",
        created=days_ago(joined),
        added=None if added is None else days_ago(added),
        due_from=days_ago(0),  # after a pause or a change of days no paper is lost
    )
    last = None if arrived is None else cutoff(arrived)
    assert TODAY - find_window(subscriber, last, TODAY, 7).new_after == timedelta(days=days)


days = st.integers(-40, 1).map(lambda number: TODAY + timedelta(days=number))
cutoffs = st.builds(
    lambda day, hours, newest: Cutoff(
        local_date=day,
        composed_at=datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hours),
        max_paper_id=newest,
    ),
    days.filter(lambda day: day < TODAY),
    st.integers(-12, 36),
    st.integers(0, 30),
)
histories = st.builds(
    History,
    arrived=st.none() | cutoffs,
    latest=st.none() | cutoffs,
    listed=st.frozensets(st.integers(1, 30), max_size=8),
    carried=st.frozensets(st.integers(1, 40), max_size=4),
)
reader = Subscriber(id=1, email="a@example.org", created=days_ago(90))


@given(st.dictionaries(st.integers(1, 30), days), histories, st.integers(1, 14))
def test_papers_of_the_window_compete_whether_or_not_a_digest_had_them(
    first_seen: dict[int, date], past: History, window_days: int
) -> None:
    window = find_window(reader, past.arrived, TODAY, window_days)
    ids = competing(past, DayPapers(first_seen), window, past.listed)
    for ident, day in first_seen.items():
        age = (TODAY - day).days
        if ident in past.listed:
            assert ident not in ids
        elif age < window_days or ident in past.carried:
            assert ident in ids
        elif ident in ids:  # no earlier digest that arrived had it
            assert age <= LOOK_BACK.days
            assert past.arrived is None or (
                ident > past.arrived.max_paper_id or day > past.arrived.last_day
            )
    assert ids <= first_seen.keys()


@given(st.dictionaries(st.integers(1, 30), days), histories, st.integers(1, 14))
def test_no_digest_is_made_of_left_over_papers_alone(
    first_seen: dict[int, date], past: History, window_days: int
) -> None:
    papers = DayPapers(first_seen)
    window = find_window(reader, past.arrived, TODAY, window_days)
    ids = competing(past, papers, window, past.listed)
    news = [
        ident
        for ident in ids
        if past.latest is None
        or ident in past.carried
        or ident > past.latest.max_paper_id
        or first_seen[ident] > past.latest.last_day
    ]
    assert has_news(past, ids, papers) == (past.latest is None or bool(news))


@given(st.dictionaries(st.integers(1, 30), days), st.none() | cutoffs)
def test_left_over_is_what_an_earlier_digest_could_have_listed(
    first_seen: dict[int, date], latest: Cutoff | None
) -> None:
    papers = DayPapers(first_seen)
    left_over = papers.left_over(latest)
    for ident, day in first_seen.items():
        assert (ident in left_over) == (
            latest is not None
            and (
                day < latest.local_date or (ident <= latest.max_paper_id and day <= latest.last_day)
            )
        )
    count = count_new(History(latest=latest), frozenset(first_seen), papers)
    late = [] if latest is None else [n for n in left_over if n in papers.newer_than(latest)]
    assert count == len(first_seen) - len(left_over) + len(late)


@given(st.dictionaries(st.integers(1, 30), days), st.lists(histories, max_size=4))
def test_sets_that_readers_share_say_the_same_as_their_own(
    first_seen: dict[int, date], pasts: list[History]
) -> None:
    shared = DayPapers(first_seen)
    for past in (*pasts, *pasts):
        window = find_window(reader, past.arrived, TODAY, 7)
        assert competing(past, shared, window, ()) == competing(
            past, DayPapers(first_seen), window, ()
        )
        assert shared.left_over(past.latest) == DayPapers(first_seen).left_over(past.latest)


@given(
    st.dictionaries(st.integers(1, 30), days),
    st.lists(st.tuples(histories, st.frozensets(st.integers(1, 40), max_size=9)), max_size=4),
)
def test_the_papers_that_compete_are_marked(
    first_seen: dict[int, date], pasts: list[tuple[History, frozenset[int]]]
) -> None:
    shared = DayPapers(first_seen)
    for past, seen in pasts:
        window = find_window(reader, past.arrived, TODAY, 7)
        marks = mark_competing(past, shared, window, seen)
        ids = competing(past, shared, window, seen)
        assert (marks is None) == bool(past.carried)
        if marks is not None:
            assert marks.tolist() == [ident in ids for ident in first_seen]
