"""What a paper's value is made of: words, names and papers.

What the dense columns add is divided among a paper's words, since they come from these by a linear
map. An encoder's columns come from the whole text and are explained by the nearest liked paper.

Everything is found for the pairs of many readers and papers at once, in arrays over the words of
all pairs; a reader's reasons are the same alone and in any batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from digest.model import Part, PartKind, Score
from digest.ranking.profiles import Profile
from digest.ranking.rows import join
from digest.ranking.scores.days import Day
from digest.ranking.scores.nearest import Nearest, find_nearest, find_nearest_encoded
from digest.ranking.scores.order import rank
from digest.ranking.scores.pairs import Chunk, Pairs, Request
from digest.ranking.scores.paper_words import WordsOf
from digest.ranking.scores.parts import name_parts
from digest.ranking.scores.reader_words import (
    add_vectors,
    weigh_dense,
    weigh_keywords,
    weigh_words,
)
from digest.ranking.scores.sentences import trending_fact
from digest.ranking.scores.topics import find_topics
from digest.ranking.scores.values import DECIMALS, Scored, score_all

#: parts that a Score names; the others are summed in its `rest`
MAX_PARTS = 8
#: papers that are explained at once, where one reader asks for them one by one
_BATCH_SIZE = 16

#: up to here, a value is rounded to 0
_NO_VALUE = 0.5 * 10.0**-DECIMALS
#: how a part is sorted, the strongest first: strength, kind, name; then its value
_Strength = tuple[float, PartKind, str, float]


class Reasons(NamedTuple):
    """Why a paper is worth what it is to a reader."""

    #: the strongest parts of its value, strongest first
    parts: tuple[Part, ...]
    #: the liked paper that stands for it
    nearest: Nearest | None = None

    def add_to(self, score: Score) -> Score:
        """Return the score with these reasons; parts and rest add up to the value, to 1e-6."""
        return structs.replace(
            score,
            parts=self.parts,
            rest=score.value - sum([part.value for part in self.parts]),
            nearest=self.nearest and (self.nearest.title, round(min(self.nearest.cosine, 1.0), 4)),
            nearest_is_example=self.nearest is not None and self.nearest.is_example,
        )


def explain(
    profile: Profile,
    day: Day,
    *,
    words_of: WordsOf,
    candidate_ids: Collection[int] | None = None,
    max_parts: int = MAX_PARTS,
    scored: Scored | None = None,
    words_alone: bool = False,
) -> Iterator[Score]:
    """Yield scores as `rank`, with their reasons, each when it is asked for.

    `Score.chance` is left to `calibration`.

    Args:
        words_of: names the columns of a paper.
        candidate_ids: ids of the papers that compete for this reader; all of the day when left out.
        max_parts, words_alone: as of `find_reasons`.
        scored: what the profile makes of the day, where it is known already.
    """
    ranked = rank(scored or score_all([profile], day)[0], day, candidate_ids)
    while batch := list(islice(ranked, _BATCH_SIZE)):
        request = Request(profile, [day.row_of(score.paper_id) for score in batch])
        (reasons,) = find_reasons(
            [request], day, words_of=words_of, max_parts=max_parts, words_alone=words_alone
        )
        for score, own in zip(batch, reasons, strict=True):
            yield own.add_to(score)


def find_reasons(
    requests: Sequence[Request],
    day: Day,
    *,
    words_of: WordsOf,
    max_parts: int = MAX_PARTS,
    words_alone: bool = False,
) -> list[list[Reasons]]:
    """Find the reasons for the papers of each request, in its order.

    Args:
        requests: papers by profile.
        words_of: names the columns of a paper.
        max_parts: how many parts are named at most.
        words_alone: whether every word stands for itself, and neither a topic nor a keyword for
            what thumbs have taught of its words.
    """
    pairs = Pairs.from_requests(requests, day, words_of)
    explainer = _Explainer(pairs, max_parts, words_alone)
    reasons = (own for readers in pairs.chunks() for own in explainer.explain(readers))
    return [list(islice(reasons, len(rows))) for _, rows in requests]


class _Explainer:
    """Explains the values of papers for some readers at a time."""

    def __init__(self, pairs: Pairs, max_parts: int, words_alone: bool) -> None:
        self._pairs, self._max_parts, self._words_alone = pairs, max_parts, words_alone
        keywords = weigh_keywords(pairs)
        self._held = keywords.held
        self._other = keywords.entries, keywords.amounts
        self._dense = weigh_dense(pairs, keywords)
        self._vectors, self._vector_bounds = add_vectors(pairs, self._dense)
        self._table = np.zeros(len(pairs.day.vocabulary) + 1)
        self._trending = _name_trending(pairs)

    def explain(self, readers: slice) -> Iterator[Reasons]:
        """Yield the reasons for each paper of some readers."""
        pairs = self._pairs
        chunk = Chunk(pairs, readers)
        values = self._add_up(chunk)
        nearest = find_nearest(chunk, values, pairs.day)
        others: list[list[_Strength]] = [[] for _ in chunk.papers]
        self._add_keywords(chunk, values, others)
        self._add_encoded(chunk, nearest, others)
        if not self._words_alone:
            topics = find_topics(values, chunk.starts, [paper.phrases for paper in chunk.papers])
            for number, phrase, amount in zip(
                topics.papers.tolist(), topics.phrases.tolist(), topics.values.tolist(), strict=True
            ):
                name = chunk.papers[number].phrases.text(phrase)
                others[number].append(_strength("topic", name, amount))
            values[topics.entries] = 0
        for profile, (first, end) in zip(
            chunk.profiles, pairwise(chunk.pair_bounds.tolist()), strict=True
        ):
            for place, part in name_parts(profile, pairs.day, chunk.rows[first:end]):
                others[first + place].append(_strength(part.kind, part.name, part.value))
        numbers, places, amounts = _find_strongest(values, chunk.starts, self._max_parts)
        bounds = numbers.searchsorted(np.arange(len(chunk.papers) + 1)).tolist()
        strongest = list(
            zip((-np.abs(amounts)).tolist(), places.tolist(), amounts.tolist(), strict=True)
        )
        trending = pairs.numbers[chunk.first : chunk.end].tolist()
        for number, (start, end) in enumerate(pairwise(bounds)):
            named, parts = chunk.papers[number].named, others[number]
            parts += self._trending[trending[number]]
            parts += [
                (strength, "word", named[place], amount)
                for strength, place, amount in strongest[start:end]
                if named[place]
            ]
            parts.sort()
            yield Reasons(
                tuple(
                    [
                        Part(kind=kind, name=name, value=value)
                        for _, kind, name, value in parts[: self._max_parts]
                        if value
                    ]
                ),
                nearest[number],
            )

    def _add_up(self, chunk: Chunk) -> NDArray[np.float64]:
        """Return what each word adds to its paper."""
        pairs = self._pairs
        values = weigh_words(chunk.profiles, pairs.day, chunk.words, chunk.bounds, self._table)
        entries, amounts = self._other
        own = chunk.has_words(entries)
        np.add.at(values, entries[own] - chunk.first_word, amounts[own])
        values *= chunk.data
        known = join([paper.known for paper in chunk.papers], np.int64)
        sizes = np.array([len(paper.known) for paper in chunk.papers], dtype=np.int64)
        first, end = self._vector_bounds[[chunk.first, chunk.end]].tolist()
        values[known + np.repeat(chunk.starts[:-1], sizes)] += self._vectors[first:end]
        return values

    def _add_keywords(
        self, chunk: Chunk, values: NDArray[np.float64], parts: list[list[_Strength]]
    ) -> None:
        """Add a part for each keyword that a paper holds.

        It stands for what thumbs have taught of its words too. These add nothing of their own any
        more: their `values` become 0.
        """
        held = self._held
        amounts = held.values
        if not self._words_alone:
            own = chunk.has_words(held.entries)
            own = own[~held.is_muted[held.owners[own]]]
            # A word of two keywords counts for the first.
            entries, firsts = np.unique(held.entries[own] - chunk.first_word, return_index=True)
            owners = held.owners[own[firsts]]
            amounts = amounts + np.bincount(owners, values[entries], minlength=len(amounts))
            values[entries] = 0
        numbers = np.flatnonzero((held.pairs >= chunk.first) & (held.pairs < chunk.end)).tolist()
        for number, pair, amount in zip(
            numbers, held.pairs[numbers].tolist(), amounts[numbers].tolist(), strict=True
        ):
            name = held.keywords[number].phrase.text
            parts[pair - chunk.first].append(_strength("keyword", name, amount))

    def _add_encoded(
        self, chunk: Chunk, nearest: list[Nearest | None], parts: list[list[_Strength]]
    ) -> None:
        """Add what an encoder's columns add, and the liked papers nearest in these.

        Nothing where they add nothing, or where no liked paper is near.
        """
        day = self._pairs.day
        own = 0 if day.contributions is None else len(day.contributions.whitening)
        if not own or day.dense.shape[1] == own:
            return
        weights = self._dense[chunk.first : chunk.end, own:]
        values = np.einsum("ij,ij->i", day.dense[chunk.rows, own:].astype(np.float64), weights)
        for number in np.flatnonzero(values > 0).tolist():
            reader = int(self._pairs.readers[chunk.first + number])
            profile = self._pairs.profiles[reader]
            found = find_nearest_encoded(profile, day, int(chunk.rows[number]), own)
            if found is not None and found.is_near:
                parts[number].append(_strength("near", found.title, float(values[number])))
                nearest[number] = found


def _find_strongest(
    values: NDArray[np.float64], starts: NDArray[np.int64], number: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the strongest words of each paper: so many, and those as strong as the last.

    Args:
        starts: where the words of each paper begin, shape (papers + 1,).

    Returns:
        The number of each word's paper, ascending, its position there, and its rounded value,
        not 0.
    """
    sizes = np.diff(starts)
    width = int(sizes.max(initial=0))
    strengths = np.abs(values)
    least = np.full(len(sizes), _NO_VALUE)
    if number < width:
        table = np.zeros((len(sizes), width))
        table[np.arange(width) < sizes[:, None]] = strengths
        table.partition(width - number, axis=1)
        least = np.maximum(table[:, width - number], _NO_VALUE)
    chosen = np.flatnonzero(strengths >= np.repeat(least, sizes))
    amounts = np.round(values[chosen], DECIMALS)
    chosen, amounts = chosen[amounts != 0], amounts[amounts != 0]
    papers = starts.searchsorted(chosen, side="right") - 1
    return papers, chosen - starts[papers], amounts


def _name_trending(pairs: Pairs) -> list[list[_Strength]]:
    """Name what is trending of each paper."""
    kinds: tuple[PartKind, ...] = ("upvotes", "pick", "recency")
    rows = [paper.row for paper in pairs.papers]
    return [
        [
            _strength(kind, trending_fact(kind, pairs.day.papers[row]), amount)
            for kind, amount in zip(kinds, amounts, strict=True)
            if amount
        ]
        for row, amounts in zip(rows, pairs.day.trending[:, rows].T.tolist(), strict=True)
    ]


def _strength(kind: PartKind, name: str, value: float) -> _Strength:
    rounded = round(value, DECIMALS)
    return -abs(rounded), kind, name, rounded
