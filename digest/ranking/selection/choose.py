"""Scores -> a digest, or a quiet day with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import islice

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
    Threshold,
)
from digest.ranking.selection.draft import Draft
from digest.ranking.selection.exploration import MAX_CANDIDATES, MIN_DIGEST_SIZE, draw
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

    Pinned papers come first, then the best others by the shares of the reader's interests, and at
    the end one that is drawn for exploration. Withdrawn papers, near-duplicates of chosen papers
    and those below the reader's threshold are left out. Of the rules only muting makes a digest
    shorter.

    Args:
        scores: of the papers that compete for the reader, best first; taken one by one until the
            digest is full.
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
    if threshold := least_match(subscriber):
        # Not cut off at the first one below: the order of several profiles is not that of matches.
        others = (score for score in others if score.reaches(threshold))
    seed = (subscriber.id, local_date.toordinal())
    items = _fill_places(draft, iter(others), candidates, rules, seed)
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


def least_match(subscriber: Subscriber) -> Threshold:
    """Return the match below which no paper is listed for a reader; 0 = any is."""
    return "strong" if subscriber.strictness == "few" else subscriber.threshold


def _origin_day(paper: Paper, local_date: date, rules: Rules) -> date | None:
    """Return the day of a paper that an earlier digest could have listed."""
    is_earlier = paper.id in rules.left_over and paper.first_seen < local_date
    return paper.first_seen if is_earlier else None


def _fill_places(
    draft: Draft,
    others: Iterator[Score],
    candidates: _Candidates,
    rules: Rules,
    seed: tuple[int, int],
) -> list[tuple[Score, Slot, float]]:
    """Fill the places after the pinned papers; return all with slot and probability."""
    pinned_count = len(draft.scores)
    explore = rules.explore and draft.size >= MIN_DIGEST_SIZE and draft.room > 1
    draft.size -= explore
    below = fill(draft, others, rules)
    draft.size += explore
    undecided = list(islice(draft.without_duplicates(below), MAX_CANDIDATES if explore else 0))
    if len(undecided) == 1:
        # Nothing to draw from: it is listed in its rank, which shares may have passed over.
        draft.add(undecided.pop())
        draft.scores[pinned_count:] = sorted(
            draft.scores[pinned_count:], key=candidates.ranked.index
        )
    items: list[tuple[Score, Slot, float]] = [
        (score, "pinned" if score.paper_id in rules.pinned else "normal", 1.0)
        for score in draft.scores
    ]
    if undecided:
        drawn, probability = draw(draft, undecided, rules, seed)
        items.append((drawn, "exploration", probability))
    return items


class _Candidates:
    """Yields the scores of papers that may be listed, and notes why others may not."""

    def __init__(self, scores: Iterable[Score], papers: Mapping[int, Paper], rules: Rules) -> None:
        self._scores, self._papers, self._rules = iter(scores), papers, rules
        self._has_seen = self._has_muted = False
        #: those that may be listed, best first, as far as they have been taken
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
                yield score

    def quiet_reason(self) -> QuietReason:
        """Return why no paper was listed."""
        if self.ranked:
            return QuietReason.BELOW_THRESHOLD
        if self._has_muted:
            return QuietReason.MUTED
        return QuietReason.ALL_SEEN if self._has_seen else QuietReason.NO_NEW_PAPERS
