"""Select the papers that compete for a reader's digest.

They are those since the last digest that arrived, and those of the last days that it did not list.

Pure: it works on ids and on the days on which papers were first seen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from digest.due_dates import LOOK_BACK
from digest.model import Subscriber
from digest.store.history import Cutoff, History


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """From when on papers compete for one reader; both days are just before it."""

    #: papers first seen later compete, if they came since the last digest that arrived
    new_after: date
    #: papers first seen later compete, whether or not an earlier digest could have listed them
    any_after: date


def find_window(
    subscriber: Subscriber, arrived: Cutoff | None, local_date: date, window_days: int
) -> Window:
    """Find the window of a reader's digest.

    It goes back to the day of the last digest that arrived, or to the day on which the reader
    came to this service; at most `LOOK_BACK`, and at least `window_days`.
    """
    came = subscriber.added or subscriber.created
    last = came.date() if arrived is None else arrived.first_day
    usual = local_date - timedelta(days=window_days)
    earliest = min(usual, max(last - timedelta(days=1), local_date - LOOK_BACK))
    return Window(new_after=earliest, any_after=earliest if arrived is None else usual)


@dataclass(frozen=True, slots=True)
class DayPapers:
    """The days on which papers were first seen.

    Readers of a date mostly have the same window and the same last round, so each set of ids is
    made once.
    """

    #: in the order of the papers of the day
    first_seen: Mapping[int, date]
    _sets: dict[tuple[object, ...], frozenset[int]] = field(default_factory=dict)
    _marks: dict[frozenset[int], NDArray[np.bool_]] = field(default_factory=dict)
    _rows: dict[int, int] = field(default_factory=dict)

    def seen_after(self, day: date) -> frozenset[int]:
        """Return the papers that were first seen after a day."""
        key = ("seen after", day)
        if key not in self._sets:
            self._sets[key] = frozenset(
                ident for ident, first_seen in self.first_seen.items() if first_seen > day
            )
        return self._sets[key]

    def newer_than(self, cutoff: Cutoff) -> frozenset[int]:
        """Return the papers that did not exist yet when a digest was composed."""
        key = ("newer", cutoff.max_paper_id, cutoff.last_day)
        if key not in self._sets:
            max_paper_id, last_day = cutoff.max_paper_id, cutoff.last_day
            self._sets[key] = frozenset(
                ident
                for ident, first_seen in self.first_seen.items()
                if ident > max_paper_id or first_seen > last_day
            )
        return self._sets[key]

    def left_over(self, latest: Cutoff | None) -> frozenset[int]:
        """Return the papers of an earlier digest's days: those that it had, or that came late.

        Args:
            latest: cutoff of the reader's last digest or quiet day; None = there is none.
        """
        if latest is None:
            return frozenset()
        key = ("left over", latest.local_date, latest.max_paper_id, latest.last_day)
        if key not in self._sets:
            before = latest.local_date - timedelta(days=1)
            new = self.newer_than(latest) & self.seen_after(before)
            self._sets[key] = frozenset(self.first_seen) - new
        return self._sets[key]

    def mark(self, ids: frozenset[int], but: Collection[int]) -> NDArray[np.bool_]:
        """Return which papers of the day have one of some ids, but for others; shape (papers,).

        Args:
            ids: a set that many readers have, as the other methods return it.
        """
        if not self._rows:
            self._rows.update({ident: row for row, ident in enumerate(self.first_seen)})
        if ids not in self._marks:
            self._marks[ids] = np.array([ident in ids for ident in self.first_seen], np.bool_)
        marks = self._marks[ids].copy()
        marks[[self._rows[ident] for ident in but if ident in self._rows]] = False
        return marks

    def in_window(self, window: Window, arrived: Cutoff | None) -> frozenset[int]:
        """Return the papers of a window, rated and listed ones included."""
        if arrived is None or window.new_after == window.any_after:
            return self.seen_after(window.new_after)
        key = ("window", window, arrived.max_paper_id, arrived.last_day)
        if key not in self._sets:
            new = self.seen_after(window.new_after) & self.newer_than(arrived)
            self._sets[key] = self.seen_after(window.any_after) | new
        return self._sets[key]


def competing(
    past: History, papers: DayPapers, window: Window, seen: Collection[int]
) -> frozenset[int]:
    """Return the ids that compete for a reader.

    They are the papers of the window, and those of digests that failed since the last one that
    arrived.

    Args:
        seen: ids that were rated, or listed by a digest that did not fail.
    """
    ids = papers.in_window(window, past.arrived)
    if past.carried:
        ids |= past.carried & papers.first_seen.keys()
    # most readers rated none of these papers, and share one set
    return ids if ids.isdisjoint(seen) else ids.difference(seen)


def mark_competing(
    past: History, papers: DayPapers, window: Window, seen: Collection[int]
) -> NDArray[np.bool_] | None:
    """Return which papers of the day `competing` returns, shape (papers,).

    None where papers of digests that failed are among them: these are no set of many readers.
    """
    return None if past.carried else papers.mark(papers.in_window(window, past.arrived), seen)


def has_news(past: History, among: frozenset[int], papers: DayPapers) -> bool:
    """Whether any of these papers is new, or of a digest that failed.

    New means since the last digest.

    If none is, the digest waits for the papers of its day, though older ones may compete again.
    """
    last = past.latest
    return (
        last is None
        or not among.isdisjoint(past.carried)
        or not among.isdisjoint(papers.newer_than(last))
    )


def count_new(past: History, among: frozenset[int], papers: DayPapers) -> int:
    """Count the papers that came since the reader's last digest or quiet day."""
    return len(among if past.latest is None else among & papers.newer_than(past.latest))


def may_have_news(past: History, highest_id: int, last_day: date | None) -> bool:
    """Whether any paper at all may be new.

    The highest id and the latest day of any paper decide.
    """
    last = past.latest
    if last is None or past.carried or highest_id > last.max_paper_id:
        return True
    return last_day is not None and last_day > last.last_day
