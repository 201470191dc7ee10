"""The papers that compete on a day, prepared once for many readers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Paper
from digest.ranking.features import Contributions, TextIndex
from digest.ranking.rows import (
    COLUMNS,
    FrequencyBlocks,
    Spelling,
    compact_frequent_first,
    quantize,
    row_norms,
    split_blocks,
    split_by_frequency,
)
from digest.ranking.scores.names import (
    AuthorIndex,
    CategoryIndex,
    index_authors,
    index_categories,
)
from digest.ranking.scores.trending import trending_parts

#: part of the papers from which a word is frequent
FREQUENT_WORD = 0.0025
#: entries from which the words are worth splitting by frequency
_MANY_ENTRIES = 1 << 16
#: paper ids that are looked up one by one
_FEW_IDS = 64
#: sets of ids, and vocabularies, whose rows and indices a day keeps
_CACHED_ID_SETS, _CACHED_VOCABULARIES = 64, 8
#: words from which a vocabulary is one of many readers; those of single readers would drive it out
_LARGE_VOCABULARY = 10_000
#: ways to write keywords whose papers a day keeps
_CACHED_SPELLINGS = 1 << 16


@dataclass(kw_only=True, slots=True)
class _DayCache:
    """What has been computed for a day's papers, to be used for the next reader."""

    row_by_id: dict[int, int] = field(default_factory=dict)
    rows_by_ids: dict[frozenset[int], NDArray[np.int64]] = field(default_factory=dict)
    #: id of a vocabulary -> the vocabulary, and its indices in that of the day
    word_indices: dict[int, tuple[NDArray[np.int32], NDArray[np.int32]]] = field(
        default_factory=dict
    )
    #: text of a spelling, and whether in the title -> rows of the papers that hold it there
    spelling_rows: dict[tuple[str, bool], NDArray[np.int64]] = field(default_factory=dict)
    #: cosines of competing papers, shape (competing, competing); rows in `cosine_rows` are filled
    cosines: NDArray[np.float32] | None = None
    cosine_rows: set[int] = field(default_factory=set)
    near_duplicates: dict[int, frozenset[int]] = field(default_factory=dict)
    words_by_column: sp.csc_matrix | None = None
    text_index: TextIndex | None = None
    paper_shares: NDArray[np.float64] | None = None
    competing_words: sp.csr_matrix | None = None
    frequency_blocks: FrequencyBlocks | None = None
    dense_double: NDArray[np.float64] | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Day:
    """The papers that compete, and the recent ones that they are measured against.

    All arrays are over the competing papers, in order, and then the recent ones.
    """

    papers: tuple[Paper, ...]
    recent: tuple[Paper, ...]
    #: number of competing papers
    competing: int
    #: paper ids, shape (all,)
    ids: NDArray[np.int64]
    #: feature columns of the words that occur, frequent ones first, shape (words,)
    vocabulary: NDArray[np.int32]
    #: feature column -> index in `vocabulary`, -1 = occurs in no paper; shape (COLUMNS,)
    word_index: NDArray[np.int32]
    #: sparse block, shape (all, words); the pattern holds every word of a paper, even one that
    #: weighs nothing
    words: sp.csr_matrix
    #: dense block in fixed-point numbers, shape (all, dense columns); no column where the rows
    #: have none
    dense: NDArray[np.float32]
    #: Euclidean norm of each row, shape (all,); 1 for an empty one
    norms: NDArray[np.float32]
    #: upvotes, pick and recency, shape (3, all)
    trending: NDArray[np.float64]
    categories: CategoryIndex
    authors: AuthorIndex
    #: how the dense columns of the competing papers are made up of words; None where rows have none
    contributions: Contributions | None
    #: of a day that `take` made: the whole day, and the rows there
    parent: tuple[Day, NDArray[np.int64]] | None = None
    #: what `explanations` keeps of each paper
    explained: dict[Any, Any] = field(default_factory=dict, repr=False)
    #: what `parts` keeps of the keywords of a batch of readers
    keyword_rows: dict[int, Any] = field(default_factory=dict, repr=False)
    #: what `parts` keeps of their phrases
    phrases: dict[int, Any] = field(default_factory=dict, repr=False)
    #: what `nearest` keeps of the rated papers of a batch of readers
    shelves: dict[int, Any] = field(default_factory=dict, repr=False)
    cache: _DayCache = field(default_factory=_DayCache, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without what was kept for readers: it is found by ids of this process."""
        return _restore_day, tuple(getattr(self, name) for name in _PICKLED)

    def find_row(self, paper_id: int) -> int | None:
        """Return the row of a competing paper; None where it does not compete."""
        return self.find_rows((paper_id,))[0]

    def find_rows(self, paper_ids: Iterable[int]) -> list[int | None]:
        """Return the row of each paper; None where it does not compete."""
        if not self.cache.row_by_id:
            # The first row of an id counts.
            ids = self.ids[: self.competing].tolist()
            self.cache.row_by_id.update(
                {paper_id: row for row, paper_id in reversed(list(enumerate(ids)))}
            )
        return list(map(self.cache.row_by_id.get, paper_ids))

    def row_of(self, paper_id: int) -> int:
        """Return the row of a paper that is known to compete."""
        row = self.find_row(paper_id)
        if row is None:
            raise KeyError(f"paper {paper_id} does not compete on this day")
        return row

    def find_competing_rows(self, paper_ids: Collection[int]) -> NDArray[np.int64]:
        """Return the rows of the competing papers among these ids, ascending."""
        if len(paper_ids) <= _FEW_IDS:
            rows = self.find_rows(paper_ids)
            return np.array(sorted(row for row in rows if row is not None), dtype=np.int64)
        key = frozenset(paper_ids)
        cached = self.cache.rows_by_ids.get(key)
        if cached is None:
            if len(self.cache.rows_by_ids) >= _CACHED_ID_SETS:
                self.cache.rows_by_ids.clear()
            ids = np.fromiter(key, dtype=np.int64, count=len(key))
            cached = np.flatnonzero(np.isin(self.ids[: self.competing], ids))
            self.cache.rows_by_ids[key] = cached
        return cached

    def word_indices(self, vocabulary: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the indices of another vocabulary in this one, -1 = none; large ones are kept."""
        if len(vocabulary) < _LARGE_VOCABULARY:
            return self.word_index[vocabulary]
        cached = self.cache.word_indices.get(id(vocabulary))
        if cached is None:
            if len(self.cache.word_indices) >= _CACHED_VOCABULARIES:
                self.cache.word_indices.clear()
            # The array is kept too, or another one could get its id.
            cached = (vocabulary, self.word_index[vocabulary])
            self.cache.word_indices[id(vocabulary)] = cached
        return cached[1]

    def rows_holding(self, spelling: Spelling, *, in_title: bool = False) -> NDArray[np.int64]:
        """Return the rows of papers that hold a keyword, ascending.

        Args:
            spelling: the ways to write the keyword.
            in_title: whether it has to be in the title.
        """
        if self.parent is not None:
            day, rows = self.parent
            holds = np.zeros(len(day.ids), dtype=np.bool_)
            holds[day.rows_holding(spelling, in_title=in_title)] = True
            return np.flatnonzero(holds[rows])
        cached = self.cache.spelling_rows.get((spelling.text, in_title))
        if cached is None:
            index = self._text_index()
            if in_title:
                found = index.find_titles(spelling, self.rows_holding(spelling).tolist())
            else:
                found = index.find(spelling)
            cached = np.array(found, dtype=np.int64)
            if len(self.cache.spelling_rows) >= _CACHED_SPELLINGS:
                self.cache.spelling_rows.clear()
            self.cache.spelling_rows[spelling.text, in_title] = cached
        return cached

    def _text_index(self) -> TextIndex:
        if self.cache.text_index is None:
            self.cache.text_index = TextIndex(
                [(paper.title, paper.abstract) for paper in (*self.papers, *self.recent)]
            )
        return self.cache.text_index

    def rows_with_word(self, index: int) -> NDArray[np.int32]:
        """Return the rows of the papers with a word of the vocabulary, ascending."""
        words = self.words_by_column()
        rows: NDArray[np.int32] = words.indices[words.indptr[index] : words.indptr[index + 1]]
        return rows

    def words_by_column(self) -> sp.csc_matrix:
        """Return the sparse block column by column."""
        if self.cache.words_by_column is None:
            self.cache.words_by_column = self.words.tocsc()
        return self.cache.words_by_column

    def paper_shares(self) -> NDArray[np.float64]:
        """Return in which share of the papers each word occurs, shape (words,)."""
        if self.cache.paper_shares is None:
            counts = np.bincount(self.words.indices, minlength=len(self.vocabulary))
            self.cache.paper_shares = counts / max(len(self.ids), 1)
        return self.cache.paper_shares

    def word_vector(self, row: int) -> NDArray[np.float32]:
        """Return the words of a paper as a full vector, shape (words,)."""
        span = slice(self.words.indptr[row], self.words.indptr[row + 1])
        vector = np.zeros(len(self.vocabulary), dtype=np.float32)
        vector[self.words.indices[span]] = self.words.data[span]
        return vector

    def dense_scores(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the dense columns add, fixed-point, shape (profiles, all).

        Args:
            weights: dense weights of some profiles, shape (profiles, dense columns).
        """
        if self.parent is not None:
            return weights @ self.dense.astype(np.float64).T
        if self.cache.dense_double is None:
            self.cache.dense_double = self.dense.astype(np.float64)
        return weights @ self.cache.dense_double.T

    def frequency_blocks(self) -> FrequencyBlocks | None:
        """Return the words split by frequency; None where splitting does not pay."""
        if self.parent is not None or self.words.nnz < _MANY_ENTRIES:
            return None
        if self.cache.frequency_blocks is None:
            self.cache.frequency_blocks = split_by_frequency(
                self.words, self.words_by_column(), FREQUENT_WORD
            )
        return self.cache.frequency_blocks

    def take(self, rows: Sequence[int]) -> Day:
        """Return some rows as competing papers, in this order, to be scored alone.

        Categories and authors are left out, and the papers too: collecting them would take as
        long as scoring them.
        """
        chosen = np.asarray(rows, dtype=np.int64)
        return Day(
            papers=(),
            recent=(),
            competing=len(rows),
            ids=self.ids[chosen],
            vocabulary=self.vocabulary,
            word_index=self.word_index,
            words=self.words[chosen],
            dense=self.dense[chosen],
            norms=self.norms[chosen],
            trending=self.trending[:, chosen],
            categories={},
            authors={},
            contributions=None,
            parent=(self, chosen),
        )


_COMPUTED = ("word_index", "explained", "keyword_rows", "phrases", "shelves", "cache")
#: the fields of a day that are not computed from others
_PICKLED = tuple(own.name for own in fields(Day) if own.name not in _COMPUTED)


def _restore_day(*values: Any) -> Day:
    by_name = dict(zip(_PICKLED, values, strict=True))
    return Day(word_index=_index_words(by_name["vocabulary"], COLUMNS), **by_name)


def _index_words(vocabulary: NDArray[np.int32], width: int) -> NDArray[np.int32]:
    """Return the index of each feature column in a vocabulary, -1 = not in it."""
    word_index = np.full(width, -1, dtype=np.int32)
    word_index[vocabulary] = np.arange(len(vocabulary), dtype=np.int32)
    return word_index


def make_day(
    papers: Sequence[Paper],
    rows: sp.csr_matrix,
    recent: Sequence[Paper] = (),
    recent_rows: sp.csr_matrix | None = None,
    *,
    contributions: Contributions | None = None,
    thumbs: Mapping[int, Sequence[float]] | None = None,
) -> Day:
    """Prepare the papers of a day.

    Args:
        papers: the papers that compete.
        rows: their feature rows, in the same order.
        recent: about 1,000 earlier papers that scores are measured against; may be empty.
        recent_rows: their feature rows.
        contributions: how the dense columns of the competing papers are made up of words.
        thumbs: paper id -> ages in days of readers' thumbs up; its upvotes include them.

    Raises:
        ValueError: the numbers of papers and rows differ.
    """
    all_papers = (*papers, *recent)
    stacked = rows if recent_rows is None else sp.vstack((rows, recent_rows), format="csr")
    if rows.shape[0] != len(papers) or stacked.shape[0] != len(all_papers):
        raise ValueError(
            f"{len(papers)} papers with {rows.shape[0]} rows, {len(all_papers)} with the recent "
            f"ones with {stacked.shape[0]}"
        )
    words, dense = split_blocks(stacked)
    vocabulary, indices = compact_frequent_first(words, FREQUENT_WORD)
    norms = row_norms(words, dense)
    return Day(
        papers=tuple(papers),
        recent=tuple(recent),
        competing=len(papers),
        ids=np.array([paper.id for paper in all_papers], dtype=np.int64),
        vocabulary=vocabulary,
        word_index=_index_words(vocabulary, words.shape[1]),
        words=sp.csr_matrix(
            (words.data, indices, words.indptr), shape=(len(all_papers), len(vocabulary))
        ),
        dense=quantize(dense).astype(np.float32),
        norms=np.where(norms > 0, norms, 1).astype(np.float32),
        trending=trending_parts(papers, recent, thumbs),
        categories=index_categories(all_papers),
        authors=index_authors(all_papers),
        contributions=contributions,
    )
