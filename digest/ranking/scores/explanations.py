"""What a paper's value is made of: words, names and papers.

What the dense columns add is divided among a paper's words, since they come from these by a linear
map. An encoder's columns come from the whole text and are explained by the nearest liked paper.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from digest.model import Part, PartKind, Score
from digest.ranking.profiles import Keyword, Profile
from digest.ranking.scores.days import Day
from digest.ranking.scores.nearest import LikedPapers, Nearest
from digest.ranking.scores.order import rank
from digest.ranking.scores.parts import (
    category_and_author_parts,
    co_like_parts,
    dense_weights,
    phrase_dense_weights,
    phrase_words,
    rows_holding,
)
from digest.ranking.scores.sentences import trending_fact
from digest.ranking.scores.topics import PaperPhrases
from digest.ranking.scores.values import Scored, score_all

#: parts that a Score names; the others are summed in its `rest`
MAX_PARTS = 8
#: share of what a paper's words add that those shared with the nearest paper add, if it is named
MIN_SHARED_LIFT = 0.3
#: papers that are compared at once with the reader's liked ones
_BATCH_SIZE = 16

#: title, abstract -> column -> the word or pair as the paper writes it
WordsOf = Callable[[str, str], Mapping[int, str]]


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
    """Yield scores as `rank`, with their parts, each when it is asked for.

    The strongest parts are named, and `Score.rest` is the sum of the others: parts and rest add up
    to the value, to 1e-6. `Score.match` is left to `calibration`.

    Args:
        words_of: names the columns of a paper.
        candidate_ids: ids of the papers that compete for this reader; all of the day when left out.
        max_parts: how many parts are named at most.
        scored: what the profile makes of the day, where it is known already.
        words_alone: whether every word stands for itself, and neither a topic nor a keyword for
            what thumbs have taught of its words.
    """
    ranked = rank(scored or score_all([profile], day)[0], day, candidate_ids)
    explainer = _Explainer(profile, day, words_of)
    while batch := list(islice(ranked, _BATCH_SIZE)):
        explainer.load([day.row_of(score.paper_id) for score in batch])
        for score in batch:
            parts, nearest = explainer.explain(day.row_of(score.paper_id), max_parts, words_alone)
            yield structs.replace(
                score,
                parts=parts,
                rest=score.value - sum(part.value for part in parts),
                nearest=nearest and (nearest.title, min(nearest.cosine, 1.0)),
                nearest_is_example=nearest is not None and nearest.is_example,
            )


class _Explainer:
    """Explains the values of papers for one profile, a batch of papers at a time."""

    def __init__(self, profile: Profile, day: Day, words_of: WordsOf) -> None:
        self._profile, self._day, self._words_of = profile, day, words_of
        self._named_parts = [*category_and_author_parts(profile, day), *co_like_parts(profile, day)]
        self._keywords = [
            _KeywordOnDay(
                keyword,
                rows_holding(keyword, profile, day),
                *phrase_words(keyword.phrase, day),
                phrase_dense_weights(keyword.phrase, day),
            )
            for keyword in profile.keywords
        ]
        self._dense_weights = dense_weights(profile, day, ())
        self._word_indices = day.word_indices(profile.vocabulary)[profile.indices]
        self._liked = [
            LikedPapers(rated, day, profile.example_ids)
            for rated in profile.references
            if len(rated.paper_ids)
        ]
        #: index of a word in the day -> slot, -1 = in no loaded paper; the last entry is for
        #: the index -1
        self._slots = np.full(len(day.vocabulary) + 1, -1, dtype=np.int32)
        self._slot_count = 0
        self._loaded: dict[int, _Loaded] = {}
        self._nearest: dict[int, Nearest] = {}

    def load(self, rows: Sequence[int]) -> None:
        """Collect what is needed to explain these papers."""
        words = self._day.words
        spans = [slice(words.indptr[row], words.indptr[row + 1]) for row in rows]
        self._slots.fill(-1)
        for span in spans:
            self._slots[words.indices[span]] = 0
        occurring = np.flatnonzero(self._slots == 0)
        self._slots[occurring] = np.arange(len(occurring), dtype=np.int32)
        self._slot_count = len(occurring)
        weights = np.zeros(len(occurring))
        slots = self._slots[self._word_indices]
        weights[slots[slots >= 0]] = self._profile.word_weights[slots >= 0]
        table = np.zeros((len(occurring), len(rows)), dtype=np.float32)
        for column, span in enumerate(spans):
            table[self._slots[words.indices[span]], column] = words.data[span]
        self._split_off_keywords(rows, weights, table)
        self._nearest = {}
        for liked in self._liked:
            for row, nearest in liked.find_nearest(rows, self._slots, table):
                if row not in self._nearest or nearest.cosine > self._nearest[row].cosine:
                    self._nearest[row] = nearest

    def _split_off_keywords(
        self, rows: Sequence[int], slot_weights: NDArray[np.float64], table: NDArray[np.float32]
    ) -> None:
        """Divide what keywords add between those that a paper holds and its words.

        The words of other keywords stand under their own names: to hold one word of a phrase is
        not to match it.

        Args:
            slot_weights: weights of the words without keywords, shape (slots,).
            table: the words of the papers, shape (slots, rows).
        """
        held: list[list[tuple[_KeywordOnDay, float]]] = [[] for _ in rows]
        weights = np.tile(slot_weights, (len(rows), 1))
        dense = np.tile(self._dense_weights, (len(rows), 1))
        for keyword in self._keywords:
            is_held = np.isin(rows, keyword.rows)
            weight, bonus = keyword.keyword.weight, keyword.keyword.bonus
            slots = self._slots[keyword.indices]
            slots, word_weights = slots[slots >= 0], keyword.weights[slots >= 0]
            for number in np.flatnonzero(is_held).tolist():
                value = 0.0
                if weight:
                    value = float(table[slots, number] @ word_weights)
                    value += float(self._day.dense[rows[number]] @ keyword.dense)
                held[number].append((keyword, weight * value + bonus))
            if weight:
                others = np.flatnonzero(~is_held)
                weights[others[:, None], slots] += weight * word_weights.astype(np.float64)
                dense[others] += np.float32(weight) * keyword.dense
        named: dict[int, list[Part]] = {row: [] for row in rows}
        for part, part_rows, amounts in self._named_parts:
            for position in np.flatnonzero(np.isin(part_rows, rows)).tolist():
                named[int(part_rows[position])].append(
                    Part(kind=part.kind, name=part.name, value=float(amounts[position]))
                )
        indices, indptr = self._day.words.indices, self._day.words.indptr
        self._loaded = {}
        for number, row in enumerate(rows):
            slots = self._slots[indices[indptr[row] : indptr[row + 1]]]
            self._loaded[row] = _Loaded(
                slots, held[number], weights[number, slots], dense[number], named[row]
            )

    def explain(
        self, row: int, max_parts: int, words_alone: bool
    ) -> tuple[tuple[Part, ...], Nearest | None]:
        """Return the strongest parts of a paper's value, and the liked paper that stands for it."""
        paper = self._loaded[row]
        words, dense = _paper_words(self._day, row, self._words_of), paper.dense
        values = words.data * paper.weights
        own = words.contributions.shape[1]
        if len(words.known):
            values[words.known] += words.contributions @ dense[:own]
        nearest = self._nearest_liked(row, paper, values)
        parts = []
        for keyword, value in paper.keywords:
            if not words_alone and not keyword.keyword.phrase.muted:
                value += self._absorb_words(keyword, paper, values)
            parts.append(Part(kind="keyword", name=keyword.keyword.phrase.text, value=value))
        if encoded := self._explain_encoder(row, own, dense):
            part, nearest = encoded
            parts.append(part)
        if not words_alone:
            for topic in words.phrases.find_topics(values):
                parts.append(Part(kind="topic", name=topic.text, value=topic.value))
                values[topic.entries] = 0
        strongest = np.argsort(-np.abs(values), kind="stable")[:max_parts]
        parts += [
            Part(kind="word", name=name, value=value)
            for entry, value in zip(strongest.tolist(), values[strongest].tolist(), strict=True)
            if value and (name := words.name(entry))
        ]
        parts += paper.named_parts
        parts += self._trending_parts(row)
        parts = [part for part in parts if part.value]
        parts.sort(key=lambda part: (-abs(part.value), part.kind, part.name))
        return tuple(parts[:max_parts]), nearest

    def _nearest_liked(
        self, row: int, paper: _Loaded, values: NDArray[np.float64]
    ) -> Nearest | None:
        """Return the nearest liked paper, if what it shares with the paper lifts it.

        Args:
            values: what each word of the paper adds.
        """
        nearest = self._nearest.get(row)
        if nearest is None or not nearest.is_near:
            return None
        lifts = np.maximum(values, 0)
        shared = lifts[self._are_among(paper, nearest.word_indices)].sum()
        return nearest if shared > 0 and shared >= MIN_SHARED_LIFT * lifts.sum() else None

    def _absorb_words(
        self, keyword: _KeywordOnDay, paper: _Loaded, values: NDArray[np.float64]
    ) -> float:
        """Return what thumbs have taught of the words of a keyword.

        These words add nothing of their own any more: their `values` become 0.
        """
        own = self._are_among(paper, keyword.indices)
        taught = float(values[own].sum())
        values[own] = 0
        return taught

    def _are_among(self, paper: _Loaded, indices: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Tell which words of a loaded paper are among others, given as indices in the day."""
        # Slot -1 is for words of no loaded paper.
        is_among = np.zeros(self._slot_count + 1, np.bool_)
        is_among[self._slots[indices]] = True
        return is_among[paper.slots]

    def _explain_encoder(
        self, row: int, own: int, dense: NDArray[np.float32]
    ) -> tuple[Part, Nearest] | None:
        """Return what the encoder's columns add, and the liked paper nearest in these.

        None where they add nothing, or where no liked paper is near.
        """
        if self._day.contributions is None:
            return None
        value = float(self._day.dense[row, own:] @ dense[own:])
        if value <= 0:
            return None
        candidates = [liked.find_nearest_encoded(row, own) for liked in self._liked]
        nearest = max(candidates, key=lambda candidate: candidate.cosine, default=None)
        if nearest is None or not nearest.is_near:
            return None
        return Part(kind="near", name=nearest.title, value=value), nearest

    def _trending_parts(self, row: int) -> list[Part]:
        kinds: tuple[PartKind, ...] = ("upvotes", "pick", "recency")
        paper = self._day.papers[row]
        return [
            Part(kind=kind, name=trending_fact(kind, paper), value=amount)
            for kind, amount in zip(kinds, self._day.trending[:, row].tolist(), strict=True)
            if amount
        ]


class _KeywordOnDay(NamedTuple):
    """A keyword, the papers of a day that hold it, and its words on that day."""

    keyword: Keyword
    #: rows of the papers that hold it, ascending
    rows: NDArray[np.int64]
    #: its words, as indices in the day's vocabulary, and their weights
    indices: NDArray[np.int32]
    weights: NDArray[np.float32]
    #: shape (dense columns,)
    dense: NDArray[np.float32]


class _Loaded(NamedTuple):
    """What a profile makes of one paper."""

    #: slot of each word, shape (words,)
    slots: NDArray[np.int32]
    #: the keywords that it holds, and what each adds
    keywords: list[tuple[_KeywordOnDay, float]]
    #: weights of its words and of the dense columns, without those of these keywords
    weights: NDArray[np.float64]
    dense: NDArray[np.float32]
    #: of categories, authors and co-likes
    named_parts: list[Part]


# ----------------------------------------------------------------------------------------------
# the words of a paper


@dataclass(frozen=True, slots=True, eq=False)
class _PaperWords:
    """The words of one paper; the same for every reader."""

    #: indices in the day's vocabulary and weights, shape (n,)
    indices: NDArray[np.int32]
    data: NDArray[np.float64]
    #: which of them have a word vector, shape (m,)
    known: NDArray[np.int64]
    #: what these contribute to the dense columns, without an encoder's, shape (m, dense columns)
    contributions: NDArray[np.float32]
    #: feature column of each word -> the word as the paper writes it
    columns: NDArray[np.int32]
    names: Mapping[int, str]
    phrases: PaperPhrases

    def name(self, entry: int) -> str:
        """Return a word as the paper writes it; "" where it has no name for the column."""
        return self.names.get(int(self.columns[entry]), "")


def _paper_words(day: Day, row: int, words_of: WordsOf) -> _PaperWords:
    key = (row, words_of)
    cached: _PaperWords | None = day.explained.get(key)
    if cached is None:
        paper = day.papers[row]
        span = slice(day.words.indptr[row], day.words.indptr[row + 1])
        indices = day.words.indices[span]
        columns = day.vocabulary[indices]
        known, per_word = np.empty(0, np.int64), np.empty((0, 0), np.float32)
        if day.contributions is not None:
            contributions = day.contributions(paper.title, paper.abstract)
            known, is_found = _find_positions(columns, contributions.columns)
            per_word = contributions.per_word[is_found]
        cached = day.explained[key] = _PaperWords(
            indices=indices,
            data=day.words.data[span].astype(np.float64),
            known=known,
            contributions=per_word,
            columns=columns,
            names=words_of(paper.title, paper.abstract),
            phrases=PaperPhrases.from_paper(paper, columns, day.paper_shares()[indices]),
        )
    return cached


def _find_positions(
    numbers: NDArray[np.int32], queries: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the positions of the queries among numbers, and which occur."""
    if not len(numbers):
        return np.empty(0, np.int64), np.zeros(len(queries), np.bool_)
    order = np.argsort(numbers)
    places = np.minimum(np.searchsorted(numbers, queries, sorter=order), len(numbers) - 1)
    occurs = numbers[order[places]] == queries
    return order[places[occurs]], occurs
