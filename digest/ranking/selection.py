"""Scores -> the papers of a reader's digest, or why there is none.

Decides by the scores it is given, best first; reads no clock and remembers nothing. First come the
papers that are always listed, then the best ones by the shares of the reader's interests, at the
end one that is drawn: what the reader says of it teaches most.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

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

#: titles that share this much of their words are one paper in two guises
ALIKE = 0.9
#: papers just below the line among which the exploration is drawn, and the ranks below it in which
#: its weight halves
UNSURE, HALF = 50, 15
#: part of how far a paper stands above the recent ones that another has to reach to be listed in
#: its place, where its category has had its part
STAND_IN = 0.75
#: a smaller digest has no place for a paper that is only tried
EXPLORED_FROM = 5


def _unlike(some: Sequence[int], others: Sequence[int]) -> NDArray[np.float64]:
    return np.zeros((len(some), len(others)))


def _alone(_: int) -> Collection[int]:
    return ()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rules:
    """What a digest has to hold to beside the scores. The default is none of it."""

    #: ids that are never listed, whatever else is said
    muted: Collection[int] = frozenset()
    #: ids that are always listed, on top, even below the threshold
    pinned: Collection[int] = frozenset()
    #: share of each of several interests, by `Score.interest`
    shares: Mapping[str, float] = field(default_factory=dict)
    #: (size, shares, papers available) -> places of each interest
    places: Callable[[int, Mapping[str, float], Mapping[str, int]], Mapping[str, int]] = field(
        default=lambda size, shares, there: {}
    )
    #: id -> ids of those that hold the same words: one paper in several guises
    copies: Callable[[int], Collection[int]] = _alone
    #: what was found of these for other readers whose papers are the same
    guises: NearDuplicates = field(default_factory=lambda: NearDuplicates())
    #: (ids, ids) -> cosines of their words, shape (first, second)
    cosines: Callable[[Sequence[int], Sequence[int]], NDArray[np.float64]] = _unlike
    #: papers by one author at most while there are others; 0 = any number
    author_most: int = 0
    #: part of the digest, in per cent, that one primary category takes while there are others
    #: nearly as good; 0 and 100 = all of it
    category_most: int = 0
    #: categories or archives that the reader follows: these may take all of it
    followed: Collection[str] = frozenset()
    #: whether one paper is drawn from those that the scores are unsure of
    explore: bool = False


def choose(
    subscriber: Subscriber,
    local_date: date,
    scores: Iterable[Score],
    papers: Mapping[int, Paper],
    *,
    provenance: Provenance,
    seen: Collection[int] = (),
    carried: Collection[int] = (),
    rules: Rules | None = None,
) -> Digest | Quiet:
    """The reader's digest for a local date.

    `scores` come best first, of the papers that compete for the reader, and are taken one by one
    until the digest is full. `papers` holds all of these, by id, and may hold others. `seen` are
    ids listed or rated before: they are left out here, whether or not the scores still hold them.
    `carried` are ids that an earlier digest may already have shown: listed, with a mark. Withdrawn
    papers and near-copies of a paper chosen already are left out, and so are those below the
    reader's threshold. The `rules` never make a digest shorter but by what they mute.
    """
    rules = rules or Rules()
    looked_at = _Looked(scores, papers, seen, rules.muted)
    pinned, threshold = set(rules.pinned), subscriber.threshold
    ranked: Iterable[Score] = looked_at if not pinned else list(looked_at)
    top = [score for score in ranked if score.paper_id in pinned] if pinned else []
    others = iter(ranked)
    if pinned or threshold:
        # Not cut at the first one below: of several profiles the order is not that of the matches.
        others = (
            score
            for score in ranked
            if score.paper_id not in pinned and (not threshold or score.reaches(threshold))
        )
    chosen = _Chosen(size=subscriber.size, papers=papers, rules=rules)
    for score in top:
        chosen.add(score)
    fixed = len(chosen.scores)
    explore = rules.explore and chosen.size >= EXPLORED_FROM and chosen.room > 1
    chosen.size -= explore
    below = _fill(chosen, others, rules)
    chosen.size += explore
    unsure = list(islice(chosen.others(below), UNSURE if explore else 0))
    if (
        len(unsure) == 1
    ):  # nothing to draw from: it is listed in its rank, which shares may have passed over
        chosen.add(unsure.pop())
        chosen.scores[fixed:] = sorted(chosen.scores[fixed:], key=looked_at.ranked.index)
    items: list[tuple[Score, Slot, float]] = [
        (score, "pinned" if score.paper_id in pinned else "normal", 1.0) for score in chosen.scores
    ]
    if unsure:
        drawn, probability = _draw(
            chosen, unsure, rules.cosines, (subscriber.id, local_date.toordinal())
        )
        items.append((drawn, "exploration", probability))
    if items:
        listed = tuple(
            Item(
                position=number,
                score=score,
                seen_before=score.paper_id in carried,
                slot=slot,
                probability=probability,
            )
            for number, (score, slot, probability) in enumerate(items, start=1)
        )
        return Digest(
            subscriber_id=subscriber.id, local_date=local_date, items=listed, provenance=provenance
        )
    return Quiet(
        subscriber_id=subscriber.id,
        local_date=local_date,
        reason=looked_at.reason(),
        provenance=provenance,
    )


class _Looked:
    """The scores of papers that may be listed, and why there are none where there are none."""

    def __init__(
        self,
        scores: Iterable[Score],
        papers: Mapping[int, Paper],
        seen: Collection[int],
        muted: Collection[int],
    ) -> None:
        self._scores, self._papers, self._seen, self._muted = iter(scores), papers, seen, muted
        self._seen_some = self._muted_some = False
        #: those that may be, best first, as far as it was looked
        self.ranked: list[Score] = []

    def __iter__(self) -> Iterator[Score]:
        papers, seen, muted = self._papers, self._seen, self._muted
        for score in self._scores:
            ident = score.paper_id
            paper = papers.get(ident)
            if paper is None or paper.withdrawn:
                continue
            if ident in seen:
                self._seen_some = True
            elif ident in muted:
                self._muted_some = True
            else:
                self.ranked.append(score)
                yield score

    def reason(self) -> QuietReason:
        if self.ranked:
            return QuietReason.BELOW_THRESHOLD
        if self._muted_some:
            return QuietReason.MUTED
        return QuietReason.ALL_SEEN if self._seen_some else QuietReason.NO_NEW_PAPERS


# ----------------------------------------------------------------------------------------------
# filling the places


class _Chosen:
    """The papers chosen so far, and whether one more fits beside them."""

    def __init__(self, *, size: int, papers: Mapping[int, Paper], rules: Rules) -> None:
        self.scores: list[Score] = []
        self.size = size
        self._papers = papers
        self._rules = rules
        self._guises: set[int] = set()
        self._authors: dict[str, int] = {}
        #: authors that have their part of the digest
        self._often: set[str] = set()
        self._categories: dict[str, int] = {}

    @property
    def room(self) -> int:
        return self.size - len(self.scores)

    def add(self, score: Score) -> bool:
        """False, and nothing happens, where it is full or holds the paper in another guise."""
        if self.room <= 0 or self.holds(score):
            return False
        paper, rules = self._papers[score.paper_id], self._rules
        self.scores.append(score)
        self._guises.update(rules.guises.of(score.paper_id, self._papers, rules.copies))
        for name in _authors(paper.authors) if rules.author_most else ():
            self._authors[name] = self._authors.get(name, 0) + 1
            if self._authors[name] >= rules.author_most:
                self._often.add(name)
        for category in paper.categories[:1]:
            self._categories[category] = self._categories.get(category, 0) + 1
        return True

    def holds(self, score: Score) -> bool:
        """Is it listed already, in another guise?"""
        return score.paper_id in self._guises

    def others(self, scores: Iterable[Score]) -> Iterator[Score]:
        """Those that it does not hold."""
        return (score for score in scores if score.paper_id not in self._guises)

    def too_many(self, score: Score) -> bool:
        """Would one author or category take more than its part?"""
        return self.too_many_by(score) or self.too_many_in(score)

    def too_many_by(self, score: Score) -> bool:
        """Would one author?"""
        return bool(self._often) and not self._often.isdisjoint(
            _authors(self._papers[score.paper_id].authors)
        )

    def too_many_in(self, score: Score) -> bool:
        """Would its category?"""
        most, categories = self._rules.category_most, self._papers[score.paper_id].categories
        if (
            not most
            or not categories
            or self._categories.get(categories[0], 0) < -(-self.size * most // 100)
        ):
            return False
        return not _followed(categories[0], self._rules.followed)


def _fill(chosen: _Chosen, others: Iterator[Score], rules: Rules) -> Iterator[Score]:
    """Fill the places behind the pinned papers, ranked as one list; returns what found no place,
    best first.
    """
    fixed = len(chosen.scores)
    left: dict[str, int] = {}
    if rules.shares:
        pool, there = _enough(others, rules.shares, chosen.size)
        others = chain(pool, others)
        left = _places(chosen, there, rules)
    passed: list[tuple[int, Score]] = []
    waiting = _Waiting()
    taken: dict[int, Score] = {}

    def offer(rank: int, score: Score, *, own: bool, crowded: Callable[[Score], bool]) -> bool:
        """Take it if it is in one of its interest's own places, as far as that is asked, and not
        crowded out.
        """
        if (own and rules.shares and left.get(score.interest, 0) <= 0) or crowded(score):
            return False
        if chosen.add(score):
            taken[rank] = score
            left[score.interest] = left.get(score.interest, 0) - 1
        return True

    for rank, score in enumerate(others if chosen.room > 0 else ()):
        for better in waiting.far_better(score):
            offer(*better, own=True, crowded=chosen.too_many_by)
        if chosen.room <= 0 or not offer(rank, score, own=True, crowded=chosen.too_many):
            passed.append((rank, score))
            waiting.add(rank, score, chosen)
        if chosen.room <= 0:
            break
    # Shares were asked for, so they come before the spread; what is left goes to the best that
    # found no place, whosever they are.
    for own, crowded in ((True, _never), (False, chosen.too_many), (False, _never)):
        for rank, score in passed if chosen.room > 0 else ():
            if rank not in taken:
                offer(rank, score, own=own, crowded=crowded)
    chosen.scores[fixed:] = [taken[rank] for rank in sorted(taken)]
    return chain((score for rank, score in passed if rank not in taken), others)


class _Waiting:
    """Papers whose category has had its part, best first; of each interest, since values of two
    have no scale in common.
    """

    def __init__(self) -> None:
        self._of: dict[str, deque[tuple[int, Score]]] = defaultdict(deque)

    def add(self, rank: int, score: Score, chosen: _Chosen) -> None:
        if chosen.too_many_in(score):
            self._of[score.interest].append((rank, score))

    def far_better(self, than: Score) -> Iterator[tuple[int, Score]]:
        """Each once: those that `than` is not good enough to be listed for."""
        waiting = self._of[than.interest]
        while waiting and than.standard < STAND_IN * waiting[0][1].standard > 0:
            yield waiting.popleft()


def _never(_: Score) -> bool:
    return False


def _enough(
    scores: Iterator[Score], shares: Mapping[str, float], size: int
) -> tuple[list[Score], Mapping[str, int]]:
    """Scores until each interest could fill the digest alone, or there are no more; and how many of
    each these are.
    """
    pool: list[Score] = []
    there = dict.fromkeys(shares, 0)
    lacking = len(there)
    for score in scores if lacking else ():
        pool.append(score)
        if score.interest in there:
            there[score.interest] += 1
            lacking -= there[score.interest] == size
            if not lacking:
                break
    return pool, there


def _places(chosen: _Chosen, there: Mapping[str, int], rules: Rules) -> dict[str, int]:
    """How many more papers each interest may place after those that are pinned, of those that are
    there.
    """
    had = Counter(score.interest for score in chosen.scores)
    places = rules.places(
        chosen.size, rules.shares, {name: had[name] + there.get(name, 0) for name in rules.shares}
    )
    return {name: places.get(name, 0) - had[name] for name in rules.shares}


@lru_cache(maxsize=1 << 14)
def _authors(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


def _followed(category: str, followed: Collection[str]) -> bool:
    if not followed:
        return False
    bare = {
        name.strip().lower().removesuffix(".*").removesuffix("*").rstrip(".") for name in followed
    }
    parts = category.lower().split(".")
    return any(".".join(parts[:end]) in bare for end in range(1, len(parts) + 1))


# ---------------------------------------------------------------------------------------------- the
# one that teaches


def _draw(
    chosen: _Chosen,
    unsure: Sequence[Score],
    cosines: Callable[[Sequence[int], Sequence[int]], NDArray[np.float64]],
    seed: tuple[int, int],
) -> tuple[Score, float]:
    """One of the papers just below the line, and the probability that it had.

    The nearer to the line, the less sure it is which side of it a paper belongs to; the less it is
    like what is listed, the more an answer says beyond it. The draw is a hash of reader and date:
    what was drawn can be drawn again.
    """
    likeness = cosines(
        [score.paper_id for score in chosen.scores], [score.paper_id for score in unsure]
    ).max(axis=0, initial=0.0)
    weights = _nearness(len(unsure)) * np.maximum(1 - likeness, 0.01)
    sums = weights.cumsum()
    # Of a hash: a generator takes ten times as long to make as to draw from.
    drawn = (
        int.from_bytes(blake2b(f"exploration {seed[0]} {seed[1]}".encode(), digest_size=6).digest())
        / 2**48
    )
    place = min(int(sums.searchsorted(drawn * sums[-1], side="right")), len(unsure) - 1)
    return unsure[place], float(weights[place] / sums[-1])


@lru_cache(maxsize=UNSURE)
def _nearness(number: int) -> NDArray[np.float64]:
    found: NDArray[np.float64] = 0.5 ** (np.arange(number) / HALF)
    return found


# ---------------------------------------------------------------------------------------------- one
# paper in two guises


class NearDuplicates:
    """Which of a day's papers are one paper in several guises, kept for all of its readers, since
    they are listed the same papers.
    """

    def __init__(self) -> None:
        self._papers: Mapping[int, Paper] = {}
        self._of: dict[int, frozenset[int]] = {}
        self._alike: dict[frozenset[str], list[int]] = {}
        self._by_word: dict[str, list[int]] = {}

    def of(
        self, ident: int, papers: Mapping[int, Paper], copies: Callable[[int], Collection[int]]
    ) -> frozenset[int]:
        """Ids of the other papers that hold the same words or have nearly the same title; parts of
        a series are not one paper.
        """
        if papers is not self._papers:
            self._of, self._alike, self._by_word = {}, {}, _by_word(papers)
            self._papers = papers
        found = self._of.get(ident)
        if found is None:
            words = _words(papers[ident].title)
            same = [
                other
                for other in copies(ident)
                if other in papers and not _serial(words, _words(papers[other].title))
            ]
            found = self._of[ident] = frozenset((*same, *self._titled(words, papers))) - {ident}
        return found

    def _titled(self, words: frozenset[str], papers: Mapping[int, Paper]) -> list[int]:
        found = self._alike.get(words)
        if found is None:
            # A title that lacks more than this many of the words shares too few, so it holds one of
            # the rarest of one more.
            lacking = int((1 - ALIKE) * len(words) + 1e-9)
            rarest = sorted(words, key=lambda word: (len(self._by_word.get(word, ())), word))[
                : lacking + 1
            ]
            near = {ident for word in rarest for ident in self._by_word.get(word, ())}
            found = self._alike[words] = [
                ident for ident in near if _alike(words, _words(papers[ident].title))
            ]
        return found


def _by_word(papers: Mapping[int, Paper]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for ident, paper in papers.items():
        for word in _words(paper.title):
            found.setdefault(word, []).append(ident)
    return found


@lru_cache(maxsize=1 << 14)
def _words(title: str) -> frozenset[str]:
    return frozenset("".join(sign if sign.isalnum() else " " for sign in title.casefold()).split())


def _alike(left: frozenset[str], right: frozenset[str]) -> bool:
    # Most titles are told apart by their lengths.
    if not left or min(len(left), len(right)) < ALIKE * max(len(left), len(right)):
        return False
    return len(left & right) >= ALIKE * len(left | right) and not _serial(left, right)


def _serial(left: frozenset[str], right: frozenset[str]) -> bool:
    """A number tells parts of a series apart: "part i" and "part ii", "gpt 3" and "gpt 4"."""
    return any(word.isdigit() or not set(word) - set("ivx") for word in left ^ right)
