"""Papers that readers rated, as rows: many ratings point into one shelf, which is taken
apart once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Interest, Paper
from digest.ranking.rows import WORDS, Phrase, compact, halves

#: weight of a word in a row of length 1
STRONG = 0.05


class Apart(NamedTuple):
    """Rows of words and of meanings, in the same order."""

    #: the words' columns that occur, see `rows.compact`
    columns: NDArray[np.int32]
    #: weighed words without those that weigh nothing, shape (n, len(columns))
    words: sp.csr_matrix
    #: dense columns, shape (n, dense columns); no column where the rows have none
    meanings: NDArray[np.float32]

    def some(self, places: NDArray[np.int64]) -> Apart:
        """These rows alone, in this order."""
        return _apart(self.columns, self.words[places], self.meanings[places])


def _apart(
    columns: NDArray[np.int32] | None, words: sp.csr_matrix, meanings: NDArray[np.float32]
) -> Apart:
    found, at = compact(words.indices, words.shape[1])
    return Apart(
        found if columns is None else columns[found],
        sp.csr_matrix((words.data, at, words.indptr), shape=(words.shape[0], len(found))),
        meanings,
    )


class Shelf:
    """Rows that many readers' ratings point into; taken apart once, when first learned from."""

    def __init__(self, rows: sp.csr_matrix) -> None:
        #: shape (n, columns of the features), of length 1 or 0 in their words
        self.rows = rows

    @cached_property
    def apart(self) -> Apart:
        words, meanings = halves(self.rows)
        if not words.data.all():
            # Words that weigh nothing are among the most frequent, and every product would go
            # through them for each paper that holds them.
            words = words.copy()
            words.eliminate_zeros()
        return _apart(None, words, meanings)

    @cached_property
    def strongest(self) -> sp.csr_matrix:
        """The words, without pairs, that weigh at least STRONG in a row, shape (n, words that
        occur): a third of all, and most of any likeness.
        """
        words, single = self.apart.words, self.apart.columns < WORDS
        there = single[words.indices] & (words.data >= STRONG)
        ends = np.concatenate(([0], np.cumsum(there)))[words.indptr]
        places = (np.cumsum(single) - 1).astype(np.int32)[words.indices[there]]
        return sp.csr_matrix(
            (words.data[there], places, ends), shape=(words.shape[0], int(single.sum()))
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rated:
    """Papers that a reader has liked, disliked or given as examples; the same paper counts once, at
    its youngest.
    """

    #: shape (n,); 0 for a text that is no stored paper
    ids: NDArray[np.int64]
    titles: tuple[str, ...]
    #: where the rows are, and which, shape (n,)
    shelf: Shelf
    places: NDArray[np.int64]
    #: shape (n,), days since the thumb
    ages: NDArray[np.float64]

    @property
    def rows(self) -> sp.csr_matrix:
        """Shape (n, columns of the features)."""
        return self.shelf.rows[self.places]


def rated(
    papers: Sequence[Paper], rows: sp.csr_matrix, ages: Sequence[float] = (), texts: int = 0
) -> Rated:
    """Rated papers from papers, their rows and the ages of the thumbs in days (all fresh when left
    out).

    The last `texts` rows belong to free texts of the reader instead of papers. Raises ValueError
    when the numbers differ.
    """
    return rated_of(papers, Shelf(rows), range(rows.shape[0]), ages, texts)


def rated_of(
    papers: Sequence[Paper],
    shelf: Shelf,
    places: Sequence[int],
    ages: Sequence[float] = (),
    texts: int = 0,
) -> Rated:
    """As `rated`, of rows in some places of a shelf."""
    number = len(papers) + texts
    if len(places) != number or (len(ages) and len(ages) != number):
        raise ValueError(
            f"{len(papers)} papers and {texts} texts with {len(places)} rows and {len(ages)} ages"
        )
    ids = np.array([paper.id for paper in papers] + [0] * texts, dtype=np.int64)
    titles = [paper.title for paper in papers] + [""] * texts
    days = np.maximum(
        np.nan_to_num(np.array(ages if len(ages) else [0.0] * number, dtype=np.float64)), 0.0
    )
    youngest: dict[tuple[int, int], int] = {}
    for place in np.argsort(days, kind="stable").tolist():
        youngest.setdefault((int(ids[place]), place if ids[place] == 0 else 0), place)
    keep = sorted(youngest.values())
    return Rated(
        ids=ids[keep],
        titles=tuple(titles[place] for place in keep),
        shelf=shelf,
        places=np.array(places, dtype=np.int64)[keep],
        ages=days[keep],
    )


NONE = Rated(
    ids=np.empty(0, np.int64),
    titles=(),
    shelf=Shelf(sp.csr_matrix((0, 0))),
    places=np.empty(0, np.int64),
    ages=np.empty(0),
)


def some_of(those: Rated, places: NDArray[np.int64]) -> Rated:
    """The rated papers at these places, in that order."""
    return Rated(
        ids=those.ids[places],
        titles=tuple(those.titles[place] for place in places.tolist()),
        shelf=those.shelf,
        places=those.places[places],
        ages=those.ages[places],
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Background:
    """The mean of recent papers, which stands for what a reader does not ask for; made once for
    many readers.
    """

    #: shape (columns of the features,)
    mean: NDArray[np.float64]
    _of: dict[int, tuple[NDArray[np.int32], NDArray[np.float32]]] = field(
        default_factory=dict, repr=False
    )

    def of(self, columns: NDArray[np.int32]) -> NDArray[np.float32]:
        """The mean in many columns of words, looked up once for each array of them."""
        found = self._of.get(id(columns))
        if found is None:
            if len(self._of) >= 8:
                self._of.clear()
            # Kept with the array, whose id would else be given to another.
            found = self._of[id(columns)] = (columns, self.mean[columns].astype(np.float32))
        return found[1]


def background(papers: Sequence[Paper], rows: sp.csr_matrix) -> Background:
    """The background of recent papers and their rows; about 1,000 are enough.

    Raises ValueError when the numbers differ.
    """
    if rows.shape[0] != len(papers):
        raise ValueError(f"{len(papers)} papers with {rows.shape[0]} rows")
    return Background(
        mean=np.bincount(rows.indices, weights=rows.data, minlength=rows.shape[1])
        / max(len(papers), 1)
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Given:
    """What one reader's profile is learned from.

    All of it may be empty, and the thumbs may contradict each other.
    """

    interests: Sequence[Interest] = ()
    #: the interests' keywords as `features.phrases` makes them
    phrases: Sequence[Phrase] = ()
    liked: Rated = NONE
    disliked: Rated = NONE
    examples: Rated = NONE
    #: papers that were listed and left without a thumb: all together they count `ignored_weight` of
    #: what as many thumbs down would, and nothing where nothing was liked
    ignored: Rated = NONE
    ignored_weight: float = 0.0
