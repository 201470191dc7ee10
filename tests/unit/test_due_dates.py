"""Due digests over zones, clock changes, weekdays, outages, pauses and moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.due_dates import (
    LOOK_BACK,
    NEAR,
    Due,
    due,
    due_at,
    earliest_due,
    local_date_of,
    next_due,
    start_of_day,
    why_not_due,
)
from digest.model import Subscriber

#: clocks that jump by an hour, by half of one, across midnight, by a date; and none that jump
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Nuuk",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Pacific/Honolulu",
    "Asia/Tokyo",
)
DAILY = (1, 2, 3, 4, 5, 6, 7)
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def reader(joined: str = "2026-01-01 00:00", **settings: object) -> Subscriber:
    return Subscriber(id=1, email="a@example.org", created=at(joined), **settings)  # type: ignore[arg-type]


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


# ------------------------------------------------------------------------------------- single cases


@pytest.mark.parametrize(
    ("zone", "local_date", "hour", "instant"),
    [
        # 2:00 does not exist: 3:00 is the first that does
        ("Europe/Berlin", date(2026, 3, 29), 2, at("2026-03-29 01:00")),
        # 2:00 exists twice: the first
        ("Europe/Berlin", date(2026, 10, 25), 2, at("2026-10-25 00:00")),
        # 23:00 of Saturday does not exist: 0:00 of Sunday
        ("America/Nuuk", date(2026, 3, 28), 23, at("2026-03-29 01:00")),
        ("America/New_York", date(2026, 6, 9), 7, at("2026-06-09 11:00")),
    ],
)
def test_the_hour_of_a_digest_survives_changes_of_the_clock(
    zone: str, local_date: date, hour: int, instant: datetime
) -> None:
    assert due_at(reader(timezone=zone, hour=hour), local_date) == instant


def test_a_digest_missed_over_local_midnight_is_made_under_its_own_date() -> None:
    weekly = reader(days=(7,), hour=22)
    assert due(weekly, at("2026-06-08 00:30"), closed=[day("05-31")]) == Due(
        local_date=day("06-07")
    )


def test_of_several_missed_dates_the_latest_is_composed_and_the_others_are_closed() -> None:
    due_date = due(reader(), at("2026-06-12 20:00"), closed=[day("06-09")])
    assert due_date == Due(local_date=day("06-12"), missed=(day("06-10"), day("06-11")))


@pytest.mark.parametrize(
    ("now", "local_date", "missed"),
    [
        ("06-10 00:59", "06-09", []),  # six hours and a minute before the next
        ("06-10 01:00", "06-09", []),
        ("06-10 07:00", "06-10", ["06-09"]),  # the next digest takes all papers
    ],
)
def test_a_missed_digest_is_left_to_a_next_one_that_is_near(
    now: str, local_date: str, missed: list[str]
) -> None:
    due_date = due(reader(), at(f"2026-{now}"), closed=[day("06-08")])
    assert due_date == Due(local_date=day(local_date), missed=tuple(map(day, missed)))


def test_within_six_hours_of_the_next_digest_nothing_is_due_and_the_reason_is_given() -> None:
    closed = [day("06-08")]
    now = at("2026-06-10 01:01")
    assert due(reader(), now, closed=closed) is None
    assert why_not_due(reader(), now, closed=closed) == (
        "the digest of 2026-06-09 was not made in time; that of 2026-06-10 takes its papers"
    )


def test_a_reader_who_joins_after_their_hour_gets_one_digest_at_once() -> None:
    late = reader(joined="2026-06-09 22:00", hour=3)
    assert due(late, at("2026-06-09 22:01"), closed=[]) == Due(local_date=day("06-09"))
    early = reader(joined="2026-06-09 02:00", hour=3)
    assert due(early, at("2026-06-09 02:59"), closed=[]) is None


def test_a_digest_composed_by_hand_for_a_future_date_blocks_none() -> None:
    closed = [day("06-08"), date(2027, 1, 1)]
    assert due(reader(), at("2026-06-09 08:00"), closed=closed) == Due(local_date=day("06-09"))


def test_after_a_move_west_the_next_digest_is_the_first_missing_one() -> None:
    west = reader(timezone="Pacific/Honolulu")
    closed_dates = [day("06-09"), day("06-10")]
    assert next_due(west, at("2026-06-10 04:00"), taken=closed_dates) == (
        day("06-11"),
        at("2026-06-11 17:00"),
    )


def test_nothing_is_due_for_a_date_that_the_zone_skipped() -> None:
    skipped = date(2011, 12, 30)
    apia = replace(reader(joined="2011-12-01 00:00"), timezone="Pacific/Apia")
    due_date = due(apia, at("2011-12-30 18:00"), closed=[skipped - timedelta(days=1)])
    assert due_date == Due(local_date=date(2011, 12, 31))


def test_a_reader_who_resumes_after_their_hour_waits_for_the_next_digest() -> None:
    back = replace(reader(), due_from=at("2026-06-09 15:00"))
    assert due(back, at("2026-06-09 16:00"), closed=[day("06-05")]) is None
    assert "they were away at 7:00" in why_not_due(back, at("2026-06-09 16:00"), closed=[])
    assert due(back, at("2026-06-10 07:00"), closed=[day("06-05")]) == Due(local_date=day("06-10"))


# ----------------------------------------------------------------------------------------- the rule


@dataclass
class Life:
    """The dates of a reader that a service composed or closed at its ticks."""

    subscriber: Subscriber
    #: local date -> the instant at which its digest was made
    composed_at: dict[date, datetime] = field(default_factory=dict)
    missed: set[date] = field(default_factory=set)

    def tick(self, now: datetime) -> Due | None:
        closed = self.composed_at.keys() | self.missed
        due_date = due(self.subscriber, now, closed=closed)
        if due_date is None:
            return None
        assert due_date.local_date not in closed
        assert not closed & set(due_date.missed)
        assert list(due_date.missed) == sorted(due_date.missed)
        assert all(earlier < due_date.local_date for earlier in due_date.missed)
        for local_date in (due_date.local_date, *due_date.missed):
            assert earliest_due(self.subscriber) <= due_at(self.subscriber, local_date) <= now
            assert local_date >= local_date_of(self.subscriber, self.subscriber.created)
            assert local_date.isoweekday() in self.subscriber.days
        self.composed_at[due_date.local_date] = now
        self.missed |= set(due_date.missed)
        assert due(self.subscriber, now, closed=self.composed_at.keys() | self.missed) is None
        return due_date


zones = st.sampled_from(ZONES)
hours = st.integers(0, 23)
weekdays = st.sets(st.sampled_from(DAILY), min_size=1).map(lambda days: tuple(sorted(days)))
#: the weeks of the clocks' changes, and the one in which Apia skipped a date
starts = st.sampled_from(
    ["2026-03-20", "2026-10-20", "2026-04-01", "2011-12-27", "2026-06-01"]
).map(lambda text: at(f"{text} 00:00"))
offsets = st.integers(0, 7 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
#: from one tick to the next: a service that runs, and outages
gaps = st.one_of(
    st.integers(1, 90).map(lambda minutes: timedelta(minutes=minutes)),
    st.integers(1, 40 * 24).map(lambda hours: timedelta(hours=hours)),
)


@given(zones, hours, weekdays, starts, offsets, st.lists(gaps, min_size=1, max_size=25))
def test_every_due_date_is_composed_closed_or_left_to_a_near_one(
    zone: str,
    hour: int,
    days: tuple[int, ...],
    start: datetime,
    offset: timedelta,
    steps: Sequence[timedelta],
) -> None:
    joined = start + offset
    subscriber = Subscriber(
        id=1, email="a@example.org", created=joined, timezone=zone, hour=hour, days=days
    )
    life = Life(subscriber)
    now = joined
    for step in steps:
        now += step
        life.tick(now)
    settled = life.composed_at.keys() | life.missed
    first, last = local_date_of(subscriber, joined), local_date_of(subscriber, now)
    latest = max(settled, default=date.min)
    for number in range((last - first).days + 1):
        local_date = first + timedelta(days=number)
        if next_due(subscriber, due_at(subscriber, local_date) - timedelta(seconds=1)) != (
            local_date,
            due_at(subscriber, local_date),
        ):
            continue  # not one of their weekdays, or a date that does not exist
        if (
            local_date not in settled
            and due_at(subscriber, local_date) <= now
            and last - local_date <= LOOK_BACK
        ):
            # The last tick saw one waiting date, and the next digest was near.
            assert local_date > latest
            following = next_due(subscriber, now)
            assert following is not None
            assert following[1] - now < NEAR
    instants = sorted(life.composed_at.values())
    for earlier, later in pairwise(instants):
        assert later - earlier >= NEAR or earlier == min(instants)


@given(zones, hours, weekdays, starts, offsets)
def test_a_running_service_composes_every_digest_at_its_hour(
    zone: str, hour: int, days: tuple[int, ...], start: datetime, offset: timedelta
) -> None:
    joined = start + offset
    life = Life(
        Subscriber(id=1, email="a@example.org", created=joined, timezone=zone, hour=hour, days=days)
    )
    for number in range(24 * 16):
        life.tick(joined + number * HOUR)
    assert not life.missed
    for local_date, instant in life.composed_at.items():
        assert instant - due_at(life.subscriber, local_date) < HOUR or instant == joined
    assert len(life.composed_at) >= 2 * len(days) - 1  # Apia skipped a Friday


changes = st.one_of(
    zones.map(lambda zone: {"timezone": zone}),
    hours.map(lambda hour: {"hour": hour}),
    weekdays.map(lambda days: {"days": days}),
    st.just({}),  # a pause until the next step
)


@given(zones, hours, weekdays, starts, st.lists(st.tuples(gaps, st.none() | changes), max_size=30))
def test_no_date_is_composed_twice_or_due_from_before_a_change(
    zone: str,
    hour: int,
    days: tuple[int, ...],
    start: datetime,
    steps: Sequence[tuple[timedelta, dict[str, object] | None]],
) -> None:
    life = Life(
        Subscriber(id=1, email="a@example.org", created=start, timezone=zone, hour=hour, days=days)
    )
    now = start
    for step, change in steps:
        now += step
        if change is None:
            life.tick(now)  # asserts that no date comes twice, and none from before `earliest_due`
        elif change:
            changed = replace(life.subscriber, **change)  # type: ignore[arg-type]
            since = max(earliest_due(life.subscriber), start_of_day(changed, now))
            life.subscriber = replace(changed, due_from=since)
        else:
            life.subscriber = replace(life.subscriber, due_from=now)
            assert life.tick(now) is None or due_at(life.subscriber, max(life.composed_at)) == now
