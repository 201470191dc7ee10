"""How the places of a digest are filled: by rank, shares of interests, and limits."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from itertools import chain

from digest.model import Score
from digest.ranking.selection.draft import Draft
from digest.ranking.selection.rules import Rules
from digest.ranking.shares import allocate_places

#: part of a paper's chance that a replacement needs, where the paper's category is full
REPLACEMENT = 0.75


def fill(draft: Draft, others: Iterator[Score], rules: Rules) -> None:
    """Fill the places after the pinned papers, ranked as one list.

    Args:
        draft: holds the pinned papers already.
        others: the scores of the other papers that fit, best first.
    """
    pinned_count = len(draft.scores)
    places_left: dict[str, int] = {}
    if rules.shares:
        pool, available = _take_enough(others, rules.shares, draft.size)
        others = chain(pool, others)
        places_left = _allocate(draft, available, rules)
    passed_over: list[tuple[int, Score]] = []
    waiting = _WaitingPapers()
    listed: dict[int, Score] = {}

    def offer(
        rank: int, score: Score, *, within_share: bool, is_blocked: Callable[[Score], bool]
    ) -> bool:
        """List a paper, unless its interest has no place left or it is blocked."""
        if within_share and rules.shares and places_left.get(score.interest, 0) <= 0:
            return False
        if is_blocked(score) or not draft.add(score):
            return False
        listed[rank] = score
        places_left[score.interest] = places_left.get(score.interest, 0) - 1
        return True

    for rank, score in enumerate(others if draft.room > 0 else ()):
        for better in waiting.pop_much_better(score):
            offer(*better, within_share=True, is_blocked=draft.exceeds_author_limit)
        if draft.room <= 0 or not offer(
            rank, score, within_share=True, is_blocked=draft.exceeds_limits
        ):
            passed_over.append((rank, score))
            waiting.add(rank, score, draft)
        if draft.room <= 0:
            break
    # The reader asked for the shares, so they come before the limits. The places that are then
    # left go to the best papers, whatever their interest.
    for within_share, is_blocked in (
        (True, _never),
        (False, draft.exceeds_limits),
        (False, _never),
    ):
        for rank, score in passed_over if draft.room > 0 else ():
            if rank not in listed:
                offer(rank, score, within_share=within_share, is_blocked=is_blocked)
    draft.scores[pinned_count:] = [listed[rank] for rank in sorted(listed)]


class _WaitingPapers:
    """Papers whose category is full, best first."""

    def __init__(self) -> None:
        self._papers: deque[tuple[int, Score]] = deque()

    def add(self, rank: int, score: Score, draft: Draft) -> None:
        if draft.exceeds_category_limit(score):
            self._papers.append((rank, score))

    def pop_much_better(self, than: Score) -> Iterator[tuple[int, Score]]:
        """Yield, once each, the papers that `than` is not good enough to replace."""
        while self._papers and than.chance < REPLACEMENT * self._papers[0][1].chance:
            yield self._papers.popleft()


def _never(_: Score) -> bool:
    return False


def _take_enough(
    scores: Iterator[Score], shares: Mapping[str, float], size: int
) -> tuple[list[Score], Mapping[str, int]]:
    """Take scores until each interest could fill the digest alone.

    Returns:
        The scores, and how many of them each interest has.
    """
    pool: list[Score] = []
    available = dict.fromkeys(shares, 0)
    lacking = len(available)
    for score in scores if lacking else ():
        pool.append(score)
        if score.interest in available:
            available[score.interest] += 1
            lacking -= available[score.interest] == size
            if not lacking:
                break
    return pool, available


def _allocate(draft: Draft, available: Mapping[str, int], rules: Rules) -> dict[str, int]:
    """Return how many more papers each interest may list after the pinned ones."""
    listed = Counter(score.interest for score in draft.scores)
    places = allocate_places(
        draft.size,
        rules.shares,
        {name: listed[name] + available.get(name, 0) for name in rules.shares},
    )
    return {name: places[name] - listed[name] for name in rules.shares}
