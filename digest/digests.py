"""Scores -> the papers of a reader's digest, or why there is none.

Decides by the scores it is given, best first; reads no clock and remembers nothing. First come the papers that are always listed, then the
best ones by the shares of the reader's interests, at the end one that is drawn: what the reader says of it teaches most.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from digest.model import Digest, Item, Made, Paper, Quiet, QuietReason, Score, Slot, Subscriber, Threshold

#: titles that share this much of their words are one paper in two guises; so are papers whose words have such a cosine
ALIKE, SAME = 0.9, 0.95
#: papers just below the line among which the exploration is drawn, and the ranks below it in which its weight halves
UNSURE, HALF = 50, 15
#: a smaller digest has no place for a paper that is only tried
EXPLORED_FROM = 5


def _unlike(_: int, others: Sequence[int]) -> NDArray[np.float64]:
    return np.zeros(len(others))


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
    places: Callable[[int, Mapping[str, float], Mapping[str, int]], Mapping[str, int]] = field(default=lambda size, shares, there: {})
    #: (id, ids) -> cosines of their words
    cosines: Callable[[int, Sequence[int]], NDArray[np.float64]] = _unlike
    #: papers by one author at most while there are others; 0 = any number
    author_most: int = 0
    #: part of the digest, in per cent, that one primary category takes while there are others; 0 and 100 = all of it
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
    made: Made,
    seen: Collection[int] = (),
    carried: Collection[int] = (),
    rules: Rules | None = None,
) -> Digest | Quiet:
    """The reader's digest for a local date.

    `scores` come best first and are taken one by one until the digest is full. `papers` holds every paper that competed, by id.
    `seen` are ids listed or rated before: they are left out here, whether or not the scores still hold them. `carried` are ids that an
    earlier digest may already have shown: listed, with a mark. Withdrawn papers and near-copies of a paper chosen already are left
    out, and so are those below the reader's threshold. The `rules` never make a digest shorter but by what they mute.
    """
    rules = rules or Rules()
    usable = {ident for ident, paper in papers.items() if not paper.withdrawn}
    allowed = usable - set(seen) - set(rules.muted)
    pinned = set(rules.pinned) & allowed
    ranked: Iterable[Score] = scores if not pinned else list(scores)
    top = (score for score in ranked if score.paper_id in pinned) if pinned else iter(())
    order: dict[int, int] = {}
    others = _noted(_above(ranked, allowed - pinned, subscriber.threshold), order)
    chosen = _Chosen(size=subscriber.size, papers=papers, rules=rules)
    for score in top:
        chosen.add(score)
    fixed = len(chosen.scores)
    explore = rules.explore and chosen.size >= EXPLORED_FROM and chosen.room > 1
    chosen.size -= explore
    below = _fill(chosen, others, rules)
    chosen.size += explore
    unsure = list(islice((score for score in below if not chosen.holds(score)), UNSURE if explore else 0))
    if len(unsure) == 1:  # nothing to draw from: it is listed in its rank, which shares may have passed over
        chosen.add(unsure.pop())
        chosen.scores[fixed:] = sorted(chosen.scores[fixed:], key=lambda score: order[score.paper_id])
    items: list[tuple[Score, Slot, float]] = [(score, "pinned" if score.paper_id in pinned else "normal", 1.0) for score in chosen.scores]
    if unsure:
        drawn, probability = _draw(chosen, unsure, rules.cosines, (subscriber.id, local_date.toordinal()))
        items.append((drawn, "exploration", probability))
    if items:
        listed = tuple(
            Item(position=number, score=score, seen_before=score.paper_id in carried, slot=slot, probability=probability)
            for number, (score, slot, probability) in enumerate(items, start=1)
        )
        return Digest(subscriber_id=subscriber.id, local_date=local_date, items=listed, made=made)
    return Quiet(subscriber_id=subscriber.id, local_date=local_date, reason=_reason(usable, seen, allowed), made=made)


def _noted(scores: Iterable[Score], order: dict[int, int]) -> Iterator[Score]:
    """The scores, with the rank of each written down as it is looked at."""
    for rank, score in enumerate(scores):
        order[score.paper_id] = rank
        yield score


def _above(ranked: Iterable[Score], allowed: Collection[int], threshold: Threshold) -> Iterator[Score]:
    # Not cut at the first one below: of several profiles the order is not that of the matches.
    return (score for score in ranked if score.paper_id in allowed and score.reaches(threshold))


def _reason(usable: Collection[int], seen: Collection[int], allowed: Collection[int]) -> QuietReason:
    if not usable:
        return QuietReason.NO_NEW_PAPERS
    if all(number in seen for number in usable):
        return QuietReason.ALL_SEEN
    return QuietReason.BELOW_THRESHOLD if allowed else QuietReason.MUTED


# ---------------------------------------------------------------------------------------------- filling the places


class _Chosen:
    """The papers chosen so far, and whether one more fits beside them."""

    def __init__(self, *, size: int, papers: Mapping[int, Paper], rules: Rules) -> None:
        self.scores: list[Score] = []
        self.size = size
        self._papers = papers
        self._rules = rules
        self._titles: list[frozenset[str]] = []
        self._authors: Counter[str] = Counter()
        self._categories: Counter[str] = Counter()

    @property
    def room(self) -> int:
        return self.size - len(self.scores)

    def add(self, score: Score) -> bool:
        """False, and nothing happens, where it is full or holds the paper in another guise."""
        if self.room <= 0 or self.holds(score):
            return False
        paper = self._papers[score.paper_id]
        self.scores.append(score)
        self._titles.append(_words(paper.title))
        self._authors.update(_authors(paper))
        self._categories.update(paper.categories[:1])
        return True

    def holds(self, score: Score) -> bool:
        words = _words(self._papers[score.paper_id].title)
        if any(_alike(words, other) for other in self._titles):
            return True
        near = self._rules.cosines(score.paper_id, [other.paper_id for other in self.scores]) >= SAME
        return any(not _serial(words, self._titles[number]) for number in np.flatnonzero(near).tolist())

    def too_many(self, score: Score) -> bool:
        """Would one author or category take more than its part?"""
        paper, rules = self._papers[score.paper_id], self._rules
        if rules.author_most and any(self._authors[name] >= rules.author_most for name in _authors(paper)):
            return True
        if not rules.category_most or not paper.categories or _followed(paper.categories[0], rules.followed):
            return False
        return self._categories[paper.categories[0]] >= -(-self.size * rules.category_most // 100)


def _fill(chosen: _Chosen, others: Iterator[Score], rules: Rules) -> Iterator[Score]:
    """Fill the places behind the pinned papers, ranked as one list; returns what found no place, best first."""
    fixed = len(chosen.scores)
    left: dict[str, int] = {}
    if rules.shares:
        others = iter(pool := list(others))
        left = _places(chosen, pool, rules)
    passed: list[tuple[int, Score]] = []
    taken: dict[int, Score] = {}

    def offer(rank: int, score: Score, *, own: bool, spread: bool) -> bool:
        """Take it if it is in one of its interest's own places, and if no author or category gets too many; as far as that is asked."""
        if (own and rules.shares and left.get(score.interest, 0) <= 0) or (spread and chosen.too_many(score)):
            return False
        if chosen.add(score):
            taken[rank] = score
            left[score.interest] = left.get(score.interest, 0) - 1
        return True

    for rank, score in enumerate(others if chosen.room > 0 else ()):
        if not offer(rank, score, own=True, spread=True):
            passed.append((rank, score))
        if chosen.room <= 0:
            break
    # Shares were asked for, so they come before the spread; what is left goes to the best that found no place, whosever they are.
    for own, spread in ((True, False), (False, True), (False, False)):
        for rank, score in passed if chosen.room > 0 else ():
            if rank not in taken:
                offer(rank, score, own=own, spread=spread)
    chosen.scores[fixed:] = [taken[rank] for rank in sorted(taken)]
    return chain((score for rank, score in passed if rank not in taken), others)


def _places(chosen: _Chosen, pool: Sequence[Score], rules: Rules) -> dict[str, int]:
    """How many papers of the pool each interest may still place, after those that are pinned."""
    had, there = Counter(score.interest for score in chosen.scores), Counter(score.interest for score in pool)
    places = rules.places(chosen.size, rules.shares, {name: had[name] + there[name] for name in rules.shares})
    return {name: places.get(name, 0) - had[name] for name in rules.shares}


def _authors(paper: Paper) -> set[str]:
    return {name.casefold() for name in paper.authors}


def _followed(category: str, followed: Collection[str]) -> bool:
    bare = {name.strip().lower().removesuffix(".*").removesuffix("*").rstrip(".") for name in followed}
    parts = category.lower().split(".")
    return any(".".join(parts[:end]) in bare for end in range(1, len(parts) + 1))


# ---------------------------------------------------------------------------------------------- the one that teaches


def _draw(
    chosen: _Chosen, unsure: Sequence[Score], cosines: Callable[[int, Sequence[int]], NDArray[np.float64]], seed: tuple[int, int]
) -> tuple[Score, float]:
    """One of the papers just below the line, and the probability that it had.

    The nearer to the line, the less sure it is which side of it a paper belongs to; the less it is like what is listed, the more an answer
    says beyond it. The draw is seeded by reader and date: what was drawn can be drawn again.
    """
    listed = [score.paper_id for score in chosen.scores]
    likeness = [float(np.nan_to_num(cosines(score.paper_id, listed)).max(initial=0.0)) for score in unsure]
    weights = np.array([0.5 ** (rank / HALF) * max(1 - like, 0.01) for rank, like in enumerate(likeness)])
    odds = weights / weights.sum()
    place = int(np.random.default_rng([zlib.crc32(b"exploration"), *seed]).choice(len(unsure), p=odds))
    return unsure[place], float(odds[place])


# ---------------------------------------------------------------------------------------------- one paper in two guises


def _words(title: str) -> frozenset[str]:
    return frozenset("".join(sign if sign.isalnum() else " " for sign in title.casefold()).split())


def _alike(left: frozenset[str], right: frozenset[str]) -> bool:
    if not left or not right:
        return False
    return not _serial(left, right) and len(left & right) >= ALIKE * len(left | right)


def _serial(left: frozenset[str], right: frozenset[str]) -> bool:
    """A number tells parts of a series apart: "part i" and "part ii", "gpt 3" and "gpt 4"."""
    return any(word.isdigit() or not set(word) - set("ivx") for word in left ^ right)
