"""Scores -> a digest, or a quiet day with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from enum import IntEnum
from itertools import groupby, islice

from digest.model import (
    Digest,
    Item,
    Paper,
    Provenance,
    Quiet,
    QuietReason,
    Score,
    Slot,
    Subscriber,
)
from digest.ranking.selection.draft import Draft
from digest.ranking.selection.exploration import MAX_CANDIDATES, MIN_LISTED, draw
from digest.ranking.selection.fill import fill
from digest.ranking.selection.rules import Rules


def choose(
    subscriber: Subscriber,
    local_date: date,
    scores: Iterable[Score],
    papers: Mapping[int, Paper],
    *,
    provenance: Provenance,
    rules: Rules | None = None,
) -> Digest | Quiet:
    """Choose the reader's digest for a local date.

    Pinned papers come first, then those at or above the line by the shares of the reader's
    interests, then those with a typed keyword in the title. Where a place is still free, one is
    drawn for exploration. Withdrawn papers and near-duplicates of chosen papers are left out.

    Args:
        scores: of the papers that compete for the reader: those at or above the line, then those
            with a typed keyword in the title, then the others; each best first. Taken one by one
            until the digest is full.
        papers: all of these papers, by id; may hold others.
    """
    rules = rules or Rules()
    candidates = _Candidates(scores, papers, rules)
    draft = Draft(size=subscriber.size, papers=papers, rules=rules)
    others: Iterable[Score] = candidates
    if rules.pinned:
        pinned = set(rules.pinned)
        ranked = list(candidates)
        for score in ranked:
            if score.paper_id in pinned:
                draft.add(score)
        others = (score for score in ranked if score.paper_id not in pinned)
    seed = (subscriber.id, local_date.toordinal())
    items = _fill_places(draft, others, rules, seed)
    if not items:
        return Quiet(
            subscriber_id=subscriber.id,
            local_date=local_date,
            reason=candidates.quiet_reason(),
            provenance=provenance,
            nearest_paper_id=candidates.ranked[0].paper_id if candidates.ranked else None,
        )
    listed = tuple(
        Item(
            position=position,
            score=score,
            seen_before=score.paper_id in rules.maybe_seen,
            slot=slot,
            probability=probability,
            from_day=_origin_day(papers[score.paper_id], local_date, rules),
        )
        for position, (score, slot, probability) in enumerate(items, start=1)
    )
    return Digest(
        subscriber_id=subscriber.id, local_date=local_date, items=listed, provenance=provenance
    )


def _origin_day(paper: Paper, local_date: date, rules: Rules) -> date | None:
    """Return the day of a paper that an earlier digest could have listed."""
    is_earlier = paper.id in rules.left_over and paper.first_seen < local_date
    return paper.first_seen if is_earlier else None


def _fill_places(
    draft: Draft,
    others: Iterable[Score],
    rules: Rules,
    seed: tuple[int, int],
) -> list[tuple[Score, Slot, float]]:
    """Fill the places after the pinned papers; return all with slot and probability."""
    undecided: list[Score] = []
    groups = groupby(others, key=lambda score: _group_of(score, rules))
    for group, scores in groups if draft.room > 0 else ():
        if group is _Group.FITTING:
            fill(draft, scores, rules)
        elif group is _Group.TITLED:
            _list_titled(draft, scores)
        elif rules.explore and len(draft.scores) >= MIN_LISTED:
            undecided = list(islice(draft.without_duplicates(scores), MAX_CANDIDATES))
        if draft.room <= 0 or group is _Group.OTHERS:
            break  # before the next group is looked for, since scores are made when asked for
    items: list[tuple[Score, Slot, float]] = [
        (score, "pinned" if score.paper_id in rules.pinned else "normal", 1.0)
        for score in draft.scores
    ]
    while undecided and draft.room > 0:
        drawn, probability = draw(draft, undecided, rules, seed)
        if draft.add(drawn):
            items.append((drawn, "exploration", probability))
            break
        undecided.remove(drawn)
    return items


class _Group(IntEnum):
    """Why a paper may be listed, in the order in which the scores come."""

    FITTING = 0  # its chance is at or above the line
    TITLED = 1  # its title holds a keyword that the reader typed
    OTHERS = 2


def _group_of(score: Score, rules: Rules) -> _Group:
    if score.chance >= rules.line:
        return _Group.FITTING
    return _Group.TITLED if score.titled else _Group.OTHERS


def _list_titled(draft: Draft, scores: Iterator[Score]) -> None:
    """List papers for a typed keyword in the title while places are free.

    They take half of the places at most.
    """
    places = max(draft.size // 2, 1)
    for score in scores:
        if draft.room <= 0 or not places:
            return
        places -= draft.add(score)


class _Candidates:
    """Yields the scores of papers that may be listed, and notes why others may not."""

    def __init__(self, scores: Iterable[Score], papers: Mapping[int, Paper], rules: Rules) -> None:
        self._scores, self._papers, self._rules = iter(scores), papers, rules
        self._has_seen = self._has_muted = False
        #: those that the reader neither had nor mutes, best first, as far as they have been taken
        self.ranked: list[Score] = []

    def __iter__(self) -> Iterator[Score]:
        papers, seen, muted = self._papers, self._rules.seen, self._rules.muted
        for score in self._scores:
            paper = papers.get(score.paper_id)
            if paper is None or paper.withdrawn:
                continue
            if score.paper_id in seen:
                self._has_seen = True
            elif score.paper_id in muted:
                self._has_muted = True
            else:
                self.ranked.append(score)
                if not self._comes_too_late(score):
                    yield score

    def _comes_too_late(self, score: Score) -> bool:
        """Tell whether a paper of an earlier day fits now, but not so well as to be listed late."""
        rules = self._rules
        return (
            rules.line <= score.chance < rules.left_over_line
            and score.paper_id in rules.left_over
            and not score.titled
        )

    def quiet_reason(self) -> QuietReason:
        """Return why no paper was listed."""
        if self.ranked:
            return QuietReason.BELOW_THRESHOLD
        if self._has_muted:
            return QuietReason.MUTED
        return QuietReason.ALL_SEEN if self._has_seen else QuietReason.NO_NEW_PAPERS
