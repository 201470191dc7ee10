"""What a paper's value is made of: words, names and papers.

What the dense columns add is divided among a paper's words, since they come from these by a linear
map. An encoder's columns come from the whole text and are explained by the nearest liked paper.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

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
        self._keyword_rows = [
            (keyword, rows_holding(keyword, profile, day)) for keyword in profile.keywords
        ]
        self._dense_weights = dense_weights(profile, day, ())
        self._word_indices = day.word_indices(profile.vocabulary)[profile.indices]
        self._liked = [
            LikedPapers(rated, day, profile.example_ids)
            for rated in profile.references
            if len(rated.paper_ids)
        ]
        #: of the loaded papers: index of a word in the day -> slot in `_slot_weights`, -1 = in
        #: none of them; the last entry is for the index -1
        self._slots = np.empty(0, np.int32)
        self._slot_weights = np.empty(0)
        self._nearest: dict[int, Nearest] = {}

    def load(self, rows: Sequence[int]) -> None:
        """Collect what is needed to explain these papers."""
        words = self._day.words
        spans = [slice(words.indptr[row], words.indptr[row + 1]) for row in rows]
        self._slots = np.full(len(self._day.vocabulary) + 1, -1, dtype=np.int32)
        for span in spans:
            self._slots[words.indices[span]] = 0
        occurring = np.flatnonzero(self._slots == 0)
        self._slots[occurring] = np.arange(len(occurring), dtype=np.int32)
        self._slot_weights = np.zeros(len(occurring))
        slots = self._slots[self._word_indices]
        self._slot_weights[slots[slots >= 0]] = self._profile.word_weights[slots >= 0]
        table = np.zeros((len(occurring), len(rows)), dtype=np.float32)
        for column, span in enumerate(spans):
            table[self._slots[words.indices[span]], column] = words.data[span]
        self._nearest = {}
        for liked in self._liked:
            for row, nearest in liked.find_nearest(rows, self._slots, table):
                if row not in self._nearest or nearest.cosine > self._nearest[row].cosine:
                    self._nearest[row] = nearest

    def explain(
        self, row: int, max_parts: int, words_alone: bool
    ) -> tuple[tuple[Part, ...], Nearest | None]:
        """Return the strongest parts of a paper's value, and the liked paper that stands for it."""
        words = _paper_words(self._day, row, self._words_of)
        keyword_values, weights, dense = self._split_off_keywords(row, words)
        values = words.data * weights
        own = words.contributions.shape[1]
        if len(words.known):
            values[words.known] += words.contributions @ dense[:own]
        nearest = self._nearest_liked(row, words, values)
        if not words_alone:
            keyword_values = self._absorb_words(keyword_values, words, values)
        parts = [
            Part(kind="keyword", name=keyword.phrase.text, value=value)
            for keyword, value in keyword_values
        ]
        if encoded := self._explain_encoder(row, own, dense):
            part, nearest = encoded
            parts.append(part)
        if not words_alone:
            for topic in words.phrases.find_topics(values):
                parts.append(Part(kind="topic", name=topic.text, value=topic.value))
                values[topic.entries] = 0
        strongest = np.argsort(-np.abs(values), kind="stable")[:max_parts]
        parts += [
            Part(kind="word", name=words.names[entry], value=value)
            for entry, value in zip(strongest.tolist(), values[strongest].tolist(), strict=True)
            if words.names[entry]
        ]
        for part, rows, amounts in self._named_parts:
            parts.extend(
                Part(kind=part.kind, name=part.name, value=float(amount))
                for amount in amounts[rows == row]
            )
        parts += self._trending_parts(row)
        parts = [part for part in parts if part.value]
        parts.sort(key=lambda part: (-abs(part.value), part.kind, part.name))
        return tuple(parts[:max_parts]), nearest

    def _split_off_keywords(
        self, row: int, words: _PaperWords
    ) -> tuple[list[tuple[Keyword, float]], NDArray[np.float64], NDArray[np.float32]]:
        """Return the keywords that the paper holds and what they add, and the remaining weights.

        The words of other keywords stand under their own names: to hold one word of a phrase is
        not to match it.

        Returns:
            Keywords with values, and the word and dense weights that remain.
        """
        weights = self._slot_weights[self._slots[words.indices]]
        dense = self._dense_weights
        held = []
        for keyword, rows in self._keyword_rows:
            if row in rows:
                held.append((keyword, _keyword_value(keyword, self._day, row) + keyword.bonus))
            elif keyword.weight:
                indices, values = phrase_words(keyword.phrase, self._day)
                weights = weights + keyword.weight * _look_up(
                    words.indices, indices, values.astype(np.float64)
                )
                dense = dense + np.float32(keyword.weight) * phrase_dense_weights(
                    keyword.phrase, self._day
                )
        return held, weights, dense

    def _nearest_liked(
        self, row: int, words: _PaperWords, values: NDArray[np.float64]
    ) -> Nearest | None:
        """Return the nearest liked paper, if what it shares with the paper lifts it.

        Args:
            values: what each word of the paper adds.
        """
        nearest = self._nearest.get(row)
        if nearest is None or not nearest.is_near:
            return None
        lifts = np.maximum(values, 0)
        shared = lifts[self._are_among(words, nearest.word_indices)].sum()
        return nearest if shared > 0 and shared >= MIN_SHARED_LIFT * lifts.sum() else None

    def _absorb_words(
        self,
        keyword_values: Sequence[tuple[Keyword, float]],
        words: _PaperWords,
        values: NDArray[np.float64],
    ) -> list[tuple[Keyword, float]]:
        """Add to each keyword what thumbs have taught of its words.

        These words add nothing of their own any more: their `values` become 0.
        """
        absorbed = []
        for keyword, value in keyword_values:
            if not keyword.phrase.muted:
                own = self._are_among(words, phrase_words(keyword.phrase, self._day)[0])
                value += float(values[own].sum())
                values[own] = 0
            absorbed.append((keyword, value))
        return absorbed

    def _are_among(self, words: _PaperWords, indices: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Tell which words of a loaded paper are among others, given as indices in the day."""
        # Slot -1 is for words of no loaded paper.
        is_among = np.zeros(len(self._slot_weights) + 1, np.bool_)
        is_among[self._slots[indices]] = True
        return is_among[self._slots[words.indices]]

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
    #: the words as the paper writes them; "" where it has no name for a column
    names: tuple[str, ...]
    phrases: PaperPhrases


def _paper_words(day: Day, row: int, words_of: WordsOf) -> _PaperWords:
    key = (row, words_of)
    cached: _PaperWords | None = day.explained.get(key)
    if cached is None:
        paper = day.papers[row]
        span = slice(day.words.indptr[row], day.words.indptr[row + 1])
        indices = day.words.indices[span]
        columns = day.vocabulary[indices]
        names = words_of(paper.title, paper.abstract)
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
            names=tuple(names.get(column, "") for column in columns.tolist()),
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


def _look_up(
    queries: NDArray[np.int32], indices: NDArray[np.int32], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weight of each queried index, 0 where it has none."""
    values = np.zeros(len(queries))
    positions, occurs = _find_positions(queries, indices)
    values[positions] = weights[occurs]
    return values


def _keyword_value(keyword: Keyword, day: Day, row: int) -> float:
    """Return what the words and the dense columns of a keyword add to a paper."""
    if not keyword.weight:
        return 0.0
    indices, weights = phrase_words(keyword.phrase, day)
    words = float(day.word_vector(row)[indices] @ weights)
    dense = float(day.dense[row] @ phrase_dense_weights(keyword.phrase, day))
    return keyword.weight * (words + dense)
