"""Training data of one reader: rated papers, their feature rows, the background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Interest, Paper
from digest.ranking import features
from digest.ranking.rows import WORDS, Phrase, compact, split_blocks

#: weight of an example paper, beside a fresh like
EXAMPLE_WEIGHT = 0.5
#: weight from which a word is strong in a row of length 1
STRONG_WORD = 0.05
#: vocabularies for which a background keeps what it looked up
_CACHED_VOCABULARIES = 8


class FeatureBlocks(NamedTuple):
    """Feature rows split into a sparse block of words and a dense block.

    Both have the same row order.
    """

    #: feature columns of the words that occur, see `rows.compact`; shape (words,)
    vocabulary: NDArray[np.int32]
    #: word weights without explicit zeros, shape (n, words)
    words: sp.csr_matrix
    #: dense feature columns, shape (n, dense columns); no column where the rows have none
    dense: NDArray[np.float32]

    def take(self, row_indices: NDArray[np.int64]) -> FeatureBlocks:
        """Select rows, in this order, with only the words that occur in them."""
        words = self.words[row_indices]
        selected, indices = compact(words.indices, words.shape[1])
        return FeatureBlocks(
            self.vocabulary[selected],
            sp.csr_matrix(
                (words.data, indices, words.indptr), shape=(words.shape[0], len(selected))
            ),
            self.dense[row_indices],
        )


class RatedRows:
    """Feature rows that the ratings of many readers refer to."""

    def __init__(self, rows: sp.csr_matrix) -> None:
        self._rows = rows

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the rows alone; the rest is computed again."""
        return RatedRows, (self._rows,)

    @property
    def rows(self) -> sp.csr_matrix:
        """Shape (n, feature columns), the words of each row of length 1 or 0."""
        return self._rows

    @cached_property
    def blocks(self) -> FeatureBlocks:
        """The rows as a sparse and a dense block."""
        words, dense = split_blocks(self.rows)
        if not words.data.all():
            # Words of weight zero are among the most frequent ones and would slow every product.
            words = words.copy()
            words.eliminate_zeros()
        vocabulary, indices = compact(words.indices, words.shape[1])
        words = sp.csr_matrix(
            (words.data, indices, words.indptr), shape=(words.shape[0], len(vocabulary))
        )
        return FeatureBlocks(vocabulary, words, dense)

    @cached_property
    def strong_words(self) -> sp.csr_matrix:
        """The single words of at least `STRONG_WORD` in each row, shape (n, single words).

        They are a third of all entries and make up most of any cosine.
        """
        words, is_single = self.blocks.words, self.blocks.vocabulary < WORDS
        selected = is_single[words.indices] & (words.data >= STRONG_WORD)
        indptr = np.concatenate(([0], np.cumsum(selected)))[words.indptr]
        indices = (np.cumsum(is_single) - 1).astype(np.int32)[words.indices[selected]]
        return sp.csr_matrix(
            (words.data[selected], indices, indptr), shape=(words.shape[0], int(is_single.sum()))
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rated:
    """Papers that a reader rated in one way.

    A paper rated twice counts once, at its youngest.
    """

    #: shape (n,); 0 for a free text of the reader
    paper_ids: NDArray[np.int64]
    titles: tuple[str, ...]
    #: where the feature rows are, and which of them, shape (n,)
    rated_rows: RatedRows
    row_indices: NDArray[np.int64]
    #: days since each rating, shape (n,)
    ages: NDArray[np.float64]

    @classmethod
    def from_papers(
        cls,
        papers: Sequence[Paper],
        rows: sp.csr_matrix,
        ages: Sequence[float] = (),
        texts: int = 0,
    ) -> Rated:
        """Collect rated papers with feature rows of their own.

        Args:
            papers: the papers, shape (n,).
            rows: their feature rows, then those of the free texts.
            ages: days since each rating; all fresh when left out.
            texts: how many of the last rows belong to free texts of the reader.

        Raises:
            ValueError: the numbers of papers, rows and ages differ.
        """
        return cls.from_shared_rows(papers, RatedRows(rows), range(rows.shape[0]), ages, texts)

    @classmethod
    def from_shared_rows(
        cls,
        papers: Sequence[Paper],
        rated_rows: RatedRows,
        row_indices: Sequence[int],
        ages: Sequence[float] = (),
        texts: int = 0,
    ) -> Rated:
        """Collect rated papers as `from_papers`, of rows that many readers share."""
        number = len(papers) + texts
        if len(row_indices) != number or (len(ages) and len(ages) != number):
            raise ValueError(
                f"{len(papers)} papers and {texts} texts with {len(row_indices)} rows and "
                f"{len(ages)} ages"
            )
        ids = [paper.id for paper in papers] + [0] * texts
        titles = [paper.title for paper in papers] + [""] * texts
        days = np.array(ages if len(ages) else [0.0] * number, dtype=np.float64)
        days[~(days > 0)] = 0  # NaN, too
        selected: Any = slice(None)
        if len({*ids}) < len(papers) + (texts > 0):  # else no paper is rated twice
            selected = _find_youngest(ids, days)
            titles = [titles[index] for index in selected]
        return cls(
            paper_ids=np.array(ids, dtype=np.int64)[selected],
            titles=tuple(titles),
            rated_rows=rated_rows,
            row_indices=np.array(row_indices, dtype=np.int64)[selected],
            ages=days[selected],
        )

    def take(self, indices: NDArray[np.int64]) -> Rated:
        """Select rated papers, in this order."""
        return Rated(
            paper_ids=self.paper_ids[indices],
            titles=tuple(self.titles[index] for index in indices.tolist()),
            rated_rows=self.rated_rows,
            row_indices=self.row_indices[indices],
            ages=self.ages[indices],
        )

    @property
    def rows(self) -> sp.csr_matrix:
        """The feature rows, shape (n, feature columns)."""
        return self.rated_rows.rows[self.row_indices]


def _find_youngest(ids: Sequence[int], days: NDArray[np.float64]) -> list[int]:
    """Return which rating of each paper is the youngest, in order; texts (id 0) all count."""
    youngest: dict[tuple[int, int], int] = {}
    for index in np.argsort(days, kind="stable").tolist():
        paper_id = ids[index]
        youngest.setdefault((paper_id, 0 if paper_id else index), index)
    return sorted(youngest.values())


NO_RATINGS = Rated(
    paper_ids=np.empty(0, np.int64),
    titles=(),
    rated_rows=RatedRows(sp.csr_matrix((0, 0))),
    row_indices=np.empty(0, np.int64),
    ages=np.empty(0),
)


class WordStatistics(NamedTuple):
    """Mean and relative variance of some words over recent papers, shape (words,) each."""

    means: NDArray[np.float32]
    variances: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Background:
    """Recent papers that nobody rated.

    Training tells a reader's likes apart from this class.
    """

    #: feature rows of the papers, shape (n, feature columns)
    rows: sp.csr_matrix
    #: their mean, shape (feature columns,)
    mean: NDArray[np.float64]
    #: variance of each column in units of a typical one of its block, shape (feature columns,)
    variances: NDArray[np.float32]
    _word_statistics: dict[int, tuple[NDArray[np.int32], WordStatistics]] = field(
        default_factory=dict, repr=False
    )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without what was looked up: it is found by ids of this process."""
        return _restore_background, (self.rows, self.mean, self.variances)

    @classmethod
    def from_papers(
        cls,
        papers: Sequence[Paper],
        rows: sp.csr_matrix,
        frequencies: features.Frequencies | None = None,
    ) -> Background:
        """Average recent papers by their feature rows; about 1,000 are enough.

        Args:
            papers: the papers, shape (n,).
            rows: their feature rows, shape (n, feature columns).
            frequencies: document frequencies of the corpus, which tell the variances of rare words
                better than recent papers do; those of `papers` when left out.

        Raises:
            ValueError: the numbers of papers and rows differ.
        """
        if rows.shape[0] != len(papers):
            raise ValueError(f"{len(papers)} papers with {rows.shape[0]} rows")
        sums = np.bincount(rows.indices, weights=rows.data, minlength=rows.shape[1])
        words, dense = split_blocks(rows)
        frequencies = frequencies or features.Frequencies().add(words)
        return cls(
            rows=rows,
            mean=sums / max(len(papers), 1),
            variances=np.concatenate(
                (
                    features.relative_variances(frequencies),
                    _relative_variances(dense[:, : features.DIMENSIONS]),
                    _relative_variances(dense[:, features.DIMENSIONS :]),
                )
            ),
        )

    def word_statistics(self, vocabulary: NDArray[np.int32]) -> WordStatistics:
        """Look up the statistics of each word, shape of `vocabulary`; kept for each such array."""
        cached = self._word_statistics.get(id(vocabulary))
        if cached is None:
            if len(self._word_statistics) >= _CACHED_VOCABULARIES:
                self._word_statistics.clear()
            statistics = WordStatistics(
                self.mean[vocabulary].astype(np.float32), self.variances[vocabulary]
            )
            # The array is kept too, or another one could get its id.
            cached = self._word_statistics[id(vocabulary)] = (vocabulary, statistics)
        return cached[1]


def _restore_background(
    rows: sp.csr_matrix, mean: NDArray[np.float64], variances: NDArray[np.float32]
) -> Background:
    return Background(rows=rows, mean=mean, variances=variances)


def _relative_variances(dense: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the variance of each column in units of their mean, shape (columns,)."""
    variances = dense.var(axis=0, dtype=np.float64) if dense.size else np.zeros(dense.shape[1])
    relative: NDArray[np.float32] = (
        variances / (variances.mean() if variances.any() else 1.0)
    ).astype(np.float32)
    return relative


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainingData:
    """All that a recipe may know of one reader.

    Each part may be empty, and ratings may contradict each other.
    """

    interests: Sequence[Interest] = ()
    #: the interests' keywords as `features.parse_keywords` makes them
    phrases: Sequence[Phrase] = ()
    liked: Rated = NO_RATINGS
    disliked: Rated = NO_RATINGS
    examples: Rated = NO_RATINGS
    #: papers that were listed and left without a thumb, in digests where another paper got one
    ignored: Rated = NO_RATINGS
    #: weight of the ignored papers together, beside as many disliked ones; needs a liked paper
    ignored_weight: float = 0.0
    #: of a reader with several interests: the training data of each interest, without thumbs
    per_interest: tuple[TrainingData, ...] = ()
    #: what other readers' likes add: (paper id, title of a paper that both like, amount)
    co_like_boosts: tuple[tuple[int, str, float], ...] = ()
    #: paper id -> name of the interest that it was listed for
    interest_by_paper: Mapping[int, str] = field(default_factory=dict)
    #: paper id -> interest name -> weight of its matching categories and authors
    name_weights_by_paper: Mapping[int, Mapping[str, float]] = field(default_factory=dict)

    @property
    def likes(self) -> float:
        """How many papers the reader likes, where an example counts as half a like."""
        return len(self.liked.paper_ids) + EXAMPLE_WEIGHT * len(self.examples.paper_ids)

    @property
    def has_thumbs(self) -> bool:
        """Whether there is anything but what the reader wrote."""
        return bool(
            len(self.liked.paper_ids)
            or len(self.disliked.paper_ids)
            or len(self.ignored.paper_ids)
            or self.co_like_boosts
        )

    def without_thumbs(self) -> TrainingData:
        """Return what the reader wrote alone: interests and example papers."""
        return TrainingData(interests=self.interests, phrases=self.phrases, examples=self.examples)

    def liked_dense(self) -> NDArray[np.float32]:
        """Collect the dense columns of liked and example papers, shape (n, dense columns)."""
        blocks = [
            rated.rated_rows.blocks.dense[rated.row_indices]
            for rated in (self.liked, self.examples)
            if len(rated.paper_ids)
        ]
        return np.concatenate(blocks) if blocks else np.empty((0, 0), np.float32)

    @property
    def has_ratings(self) -> bool:
        """Whether there is any paper that weights can be learned from."""
        return any(len(rated.paper_ids) for rated in (self.liked, self.examples, self.disliked))
