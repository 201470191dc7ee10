"""The papers that compete on a day, made once for many readers: what they hold, how alike they are,
what is trending.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Paper
from digest.ranking.rows import (
    FrequencyBlocks,
    Spelling,
    compact_frequent_first,
    quantize,
    row_norms,
    split_blocks,
    split_by_frequency,
)

#: 100 upvotes today, the top of a list picked today, and a paper first seen today; close matches
#: differ by about as much
UPVOTES, MANY_UPVOTES = 0.02, 100
PICK, PLACES = 0.02, 20
RECENCY = 0.005
#: days in which an upvote, a pick and a paper's newness lose half
HALF_LIFE = 3.0
#: a category beside a paper's first one
SECONDARY = 0.6
#: cosine from which two papers are one in two guises
SAME = 0.95
#: a word in this part of the papers is frequent; fewer entries than these are not worth taking
#: apart
OFTEN, _MANY = 0.0025, 1 << 16
#: papers that are looked up one by one
_FEW = 64
#: cosines that a day keeps, where it has no more than these of all its papers to one another
_KEPT = 4_000_000


class DenseContributions(Protocol):
    """How the dense columns of a paper come from its words; see `features.DenseContributions`."""

    @property
    def columns(self) -> NDArray[np.int32]: ...
    @property
    def per_word(self) -> NDArray[np.float32]: ...
    @property
    def constant(self) -> NDArray[np.float32]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """What was asked for of a day's papers and will be asked for again, since the best papers of
    many readers are the same few.
    """

    alike: list[NDArray[np.float32]] = field(default_factory=list)
    told: set[int] = field(default_factory=set)
    copies: dict[int, frozenset[int]] = field(default_factory=dict)
    holding: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)
    masks: dict[frozenset[int], NDArray[np.int64]] = field(default_factory=dict)
    by_word: list[sp.csc_matrix] = field(default_factory=list)
    shelves: dict[int, tuple[NDArray[np.int32], NDArray[np.int32]]] = field(default_factory=dict)
    competing: list[sp.csr_matrix] = field(default_factory=list)
    split: list[FrequencyBlocks] = field(default_factory=list)
    exact: list[NDArray[np.float64]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Day:
    """The papers that compete and the recent ones they are measured against.

    All arrays are over the competing papers, in order, and then the recent ones.
    """

    papers: tuple[Paper, ...]
    #: the recent ones
    recent: tuple[Paper, ...]
    #: how many of all rows compete
    competing: int
    #: shape (all,)
    ids: NDArray[np.int64]
    #: column of the features -> its place among the words that occur, -1 = occurs in none; and back
    places: NDArray[np.int32]
    columns: NDArray[np.int32]
    #: weighed words, shape (all, len(columns)); the pattern holds every word of a paper, even one
    #: that weighs nothing
    words: sp.csr_matrix
    #: dense columns in whole STEPs, shape (all, dense columns); no column where the rows have none
    meanings: NDArray[np.float32]
    #: upvotes, pick and recency, shape (3, all)
    trending: NDArray[np.float64]
    #: category -> rows of its papers, and for each 1 or SECONDARY
    categories: Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]
    #: last name -> (row, given names, name as printed) of its papers
    authors: Mapping[str, tuple[tuple[int, tuple[str, ...], str], ...]]
    #: Euclidean length of each row, shape (all,); 1 for an empty one
    lengths: NDArray[np.float32]
    #: title, abstract -> what each of the paper's words has to do with the dense columns; None
    #: where rows have none
    contributions: Callable[[str, str], DenseContributions] | None
    #: of `some`: the day that they are of, and their rows there
    whole: tuple[Day, NDArray[np.int64]] | None = None
    #: what `reasons` keeps of its papers
    texts: dict[Any, Any] = field(default_factory=dict, repr=False)
    _kept: _Kept = field(default_factory=_Kept, repr=False)

    def place(self, paper_id: int) -> int | None:
        """The row of a competing paper."""
        return self.places_at((paper_id,))[0]

    def places_at(self, paper_ids: Iterable[int]) -> list[int | None]:
        """The rows of competing papers."""
        if not self._kept.places:
            # Of an id that stands twice the first row counts.
            self._kept.places.update(
                {
                    ident: row
                    for row, ident in reversed(list(enumerate(self.ids[: self.competing].tolist())))
                }
            )
        return list(map(self._kept.places.get, paper_ids))

    def row(self, paper_id: int) -> int:
        """The same, of a paper that is known to compete."""
        found = self.place(paper_id)
        if found is None:
            raise KeyError(f"paper {paper_id} does not compete on this day")
        return found

    def rows_of(self, among: Collection[int]) -> NDArray[np.int64]:
        """The rows of those of the competing papers whose ids are among these, ascending."""
        if len(among) <= _FEW:
            return np.array(
                sorted(row for row in self.places_at(among) if row is not None), dtype=np.int64
            )
        wanted = frozenset(among)
        found = self._kept.masks.get(wanted)
        if found is None:
            chosen = np.isin(
                self.ids[: self.competing], np.fromiter(wanted, dtype=np.int64, count=len(wanted))
            )
            if len(self._kept.masks) >= 64:
                self._kept.masks.clear()
            found = self._kept.masks[wanted] = np.flatnonzero(chosen)
        return found

    def places_of(self, columns: NDArray[np.int32]) -> NDArray[np.int32]:
        """The places of many columns of the features, looked up once for each array of them."""
        found = self._kept.shelves.get(id(columns))
        if found is None:
            if len(self._kept.shelves) >= 8:
                self._kept.shelves.clear()
            # Kept with the array, whose id would else be given to another.
            found = self._kept.shelves[id(columns)] = (columns, self.places[columns])
        return found[1]

    def holding(self, spellings: Sequence[Spelling]) -> NDArray[np.int64]:
        """The rows of the papers in whose title or abstract one of some spellings stands,
        ascending.
        """
        if self.whole is not None:
            day, rows = self.whole
            there = np.zeros(len(day.ids), dtype=np.bool_)
            for spelling in spellings:
                there[day._holding(spelling)] = True
            return np.flatnonzero(there[rows])
        each = [self._holding(spelling) for spelling in spellings]
        return (
            each[0] if len(each) == 1 else np.unique(np.concatenate([np.empty(0, np.int64), *each]))
        )

    def _holding(self, spelling: Spelling) -> NDArray[np.int64]:
        found = self._kept.holding.get(spelling.text)
        if found is None:
            places = self.places[spelling.columns]
            if not len(places):  # no column tells, so each paper is looked at
                every = range(len(self.papers) + len(self.recent))
                found = np.fromiter(
                    (row for row in every if self._stands_in(spelling, row)), dtype=np.int64
                )
            elif places.min() < 0:
                found = np.empty(0, dtype=np.int64)
            else:
                words = self._by_word()
                each = [
                    words.indices[words.indptr[place] : words.indptr[place + 1]]
                    for place in set(places.tolist())
                ]
                rows, counts = np.unique(np.concatenate(each), return_counts=True)
                # Its columns say that a paper may hold it: other words share them, and the pairs of
                # a longer phrase may stand apart.
                some = (
                    row
                    for row in rows[counts == len(each)].tolist()
                    if self._stands_in(spelling, row)
                )
                found = np.fromiter(some, dtype=np.int64)
            self._kept.holding[spelling.text] = found
        return found

    def _stands_in(self, spelling: Spelling, row: int) -> bool:
        paper = self.papers[row] if row < self.competing else self.recent[row - self.competing]
        return spelling.occurs_in(paper.title, paper.abstract)

    def cosines(self, rows: Sequence[int], others: Sequence[int]) -> NDArray[np.float32]:
        """Cosines of some competing papers to others, shape (len(rows), len(others))."""
        kept = self._kept
        if self.competing**2 <= _KEPT:
            if not kept.alike:
                kept.alike.append(np.empty((self.competing, self.competing), dtype=np.float32))
            for row in rows:
                if row not in kept.told:
                    kept.alike[0][row] = self._alike(row)
                    kept.told.add(row)
            # Row by row: the table is large, and its memory is read in order.
            return kept.alike[0].take(rows, axis=0).take(others, axis=1)
        slots = np.full(len(self.columns), -1, dtype=np.int32)
        some, theirs = self.words[rows], self.words[others]
        slots[some.indices] = 0
        there = np.flatnonzero(slots == 0)
        slots[there] = np.arange(len(there), dtype=np.int32)
        table = np.zeros((len(there), len(rows)), dtype=np.float32)
        table[slots[some.indices], np.repeat(np.arange(len(rows)), np.diff(some.indptr))] = (
            some.data
        )
        at = slots[theirs.indices]
        ends = np.concatenate(([0], np.cumsum(at >= 0)))[theirs.indptr]
        shared = sp.csr_matrix(
            (theirs.data[at >= 0], at[at >= 0], ends), shape=(len(others), len(there))
        )
        products = (shared @ table).T + self.meanings[rows] @ self.meanings[others].T
        found: NDArray[np.float32] = np.nan_to_num(
            products / np.outer(self.lengths[rows], self.lengths[others])
        )
        return found

    def _alike(self, row: int) -> NDArray[np.float32]:
        """Cosines of a competing paper to all of them, shape (competing,)."""
        among = slice(0, self.competing)
        if not self._kept.competing:
            self._kept.competing.append(self.words[among])
        products = (
            self._kept.competing[0] @ self.dense(row) + self.meanings[among] @ self.meanings[row]
        )
        found: NDArray[np.float32] = np.nan_to_num(
            products / (self.lengths[among] * self.lengths[row])
        )
        return found

    def copies(self, paper_id: int) -> frozenset[int]:
        """Ids of the competing papers whose words say that they are this one in another guise."""
        found = self._kept.copies.get(paper_id)
        if found is None:
            row = self.place(paper_id)
            others = [] if row is None else self._sharing(row)
            if others:
                same = np.flatnonzero(self._exactly(self.row(paper_id), others) >= SAME)
                others = [others[number] for number in same.tolist()]
            found = self._kept.copies[paper_id] = frozenset(self.ids[others].tolist()) - {paper_id}
        return found

    def _sharing(self, row: int) -> list[int]:
        """The competing papers that could have a cosine of SAME to this one.

        Whoever has none of some words, whose squares are more than 1 - SAME^2 of the whole, is less
        alike than that, whatever else it holds (Cauchy and Schwarz); of the words the rarest are
        taken, so that next to no paper is left.
        """
        span = slice(self.words.indptr[row], self.words.indptr[row + 1])
        places, squares = self.words.indices[span], self.words.data[span].astype(np.float64) ** 2
        words = self._by_word()
        order = np.argsort(
            np.diff(words.indptr)[places] / np.maximum(squares, 1e-12), kind="stable"
        )
        enough = (
            int(
                np.searchsorted(
                    squares[order].cumsum(), (1 - SAME**2) * float(self.lengths[row]) ** 2 * 1.001
                )
            )
            + 1
        )
        each = [
            words.indices[words.indptr[place] : words.indptr[place + 1]]
            for place in places[order[:enough]].tolist()
        ]
        found = np.unique(np.concatenate([np.empty(0, np.int32), *each]))
        return [other for other in found[found < self.competing].tolist() if other != row]

    def _exactly(self, row: int, others: Sequence[int]) -> NDArray[np.float32]:
        """Cosines of one competing paper to others, shape (len(others),)."""
        products = self.words[others] @ self.dense(row) + self.meanings[others] @ self.meanings[row]
        found: NDArray[np.float32] = np.nan_to_num(
            products / (self.lengths[others] * self.lengths[row])
        )
        return found

    def _by_word(self) -> sp.csc_matrix:
        if not self._kept.by_word:
            self._kept.by_word.append(self.words.tocsc())
        return self._kept.by_word[0]

    def meant(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the dense columns add under the weights of some profiles, in whole STEPs; shape
        (profiles, dense columns) -> (profiles, all).
        """
        if self.whole is not None:
            return weights @ self.meanings.astype(np.float64).T
        if not self._kept.exact:
            self._kept.exact.append(self.meanings.astype(np.float64))
        return weights @ self._kept.exact[0].T

    def split(self) -> FrequencyBlocks | None:
        """The words in two parts; None where they are too few for that to pay, or those of a few
        papers of a day.
        """
        if self.whole is not None or self.words.nnz < _MANY:
            return None
        if not self._kept.split:
            self._kept.split.append(split_by_frequency(self.words, self._by_word(), OFTEN))
        return self._kept.split[0]

    def dense(self, row: int) -> NDArray[np.float32]:
        """The words of a paper, shape (len(columns),)."""
        span = slice(self.words.indptr[row], self.words.indptr[row + 1])
        vector = np.zeros(len(self.columns), dtype=np.float32)
        vector[self.words.indices[span]] = self.words.data[span]
        return vector

    def some(self, rows: Sequence[int]) -> Day:
        """The numbers of these papers alone, in this order, to score them by: without papers,
        categories and authors.
        """
        at = np.asarray(rows, dtype=np.int64)
        return Day(
            papers=(),  # to gather them would take as long as to score them
            recent=(),
            competing=len(rows),
            ids=self.ids[at],
            places=self.places,
            columns=self.columns,
            words=self.words[at],
            meanings=self.meanings[at],
            trending=self.trending[:, at],
            categories={},
            authors={},
            lengths=self.lengths[at],
            contributions=self.contributions,
            whole=(self, at),
        )


def day(
    papers: Sequence[Paper],
    rows: sp.csr_matrix,
    recent: Sequence[Paper] = (),
    recent_rows: sp.csr_matrix | None = None,
    *,
    contributions: Callable[[str, str], DenseContributions] | None = None,
    thumbs: Mapping[int, Sequence[float]] | None = None,
) -> Day:
    """The day of these papers and their rows, measured against recent papers (about 1,000 are
    enough; may be left out).

    `contributions` tells how the dense columns of a paper come from its words, where rows have any.

    `thumbs` are the ages in days of readers' thumbs up, by paper, of those that its upvotes hold.

    Ages are counted back from the newest competing paper. A recent paper counts as it did on its
    own first day. Raises ValueError when papers and rows differ in number.
    """
    every = (*papers, *recent)
    stacked = rows if recent_rows is None else sp.vstack((rows, recent_rows), format="csr")
    if rows.shape[0] != len(papers) or stacked.shape[0] != len(every):
        raise ValueError(
            f"{len(papers)} papers with {rows.shape[0]} rows, {len(every)} with the recent ones "
            f"with {stacked.shape[0]}"
        )
    words, meanings = split_blocks(stacked)
    columns, at = compact_frequent_first(words, OFTEN)
    places = np.full(words.shape[1], -1, dtype=np.int32)
    places[columns] = np.arange(len(columns), dtype=np.int32)
    long = row_norms(words, meanings)
    return Day(
        papers=tuple(papers),
        recent=tuple(recent),
        competing=len(papers),
        ids=np.array([paper.id for paper in every], dtype=np.int64),
        places=places,
        columns=columns,
        words=sp.csr_matrix((words.data, at, words.indptr), shape=(len(every), len(columns))),
        meanings=quantize(meanings).astype(np.float32),
        trending=_trending(papers, recent, thumbs or {}),
        categories=_by_category(every),
        authors=_by_author(every),
        lengths=np.where(long > 0, long, 1).astype(np.float32),
        contributions=contributions,
    )


def _trending(
    papers: Sequence[Paper], recent: Sequence[Paper], thumbs: Mapping[int, Sequence[float]]
) -> NDArray[np.float64]:
    every = (*papers, *recent)
    newest = max((paper.first_seen for paper in papers), default=date.min)
    today = [newest] * len(papers) + [paper.first_seen for paper in recent]
    trending = np.zeros((3, len(every)))
    votes = np.array(
        [
            _votes(paper, now, thumbs.get(paper.id, ()))
            for paper, now in zip(every, today, strict=True)
        ],
        dtype=np.float64,
    )
    # Readers saw a recent paper on its first day at the earliest, and their thumbs came after.
    votes[: len(papers)] += [
        sum(0.5 ** (max(age, 0.0) / HALF_LIFE) for age in thumbs.get(paper.id, ()))
        for paper in papers
    ]
    trending[0] = UPVOTES * np.log1p(votes) / np.log1p(MANY_UPVOTES)
    for number, paper in enumerate(every):
        if paper.picked is not None:
            place = PLACES / 2 if paper.rank is None else max(paper.rank - 1, 0)
            trending[1, number] = (
                PICK
                * 0.5 ** (max((today[number] - paper.picked).days, 0) / HALF_LIFE)
                / (1 + place / PLACES)
            )
    ages = np.array(
        [(now - paper.first_seen).days for now, paper in zip(today, every, strict=True)],
        dtype=np.float64,
    )
    trending[2] = RECENCY * 0.5 ** (ages / HALF_LIFE)
    return trending


def _votes(paper: Paper, today: date, thumbs: Sequence[float]) -> float:
    """The source's own votes, which have no time: they are as old as what last brought the paper
    before people.
    """
    shown = max(paper.first_seen, paper.picked or paper.first_seen)
    left: float = 0.5 ** (max((today - shown).days, 0) / HALF_LIFE)
    return max(paper.upvotes - len(thumbs), 0) * left


def _by_category(
    papers: Sequence[Paper],
) -> Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    found: dict[str, dict[int, float]] = {}
    for row, paper in enumerate(papers):
        for place, category in enumerate(paper.categories):
            parts = category.lower().split(".")
            for end in range(1, len(parts) + 1):
                found.setdefault(".".join(parts[:end]), {}).setdefault(
                    row, 1.0 if place == 0 else SECONDARY
                )
    return {
        name: (np.array([*rows], dtype=np.int64), np.array([*rows.values()]))
        for name, rows in found.items()
    }


def _by_author(
    papers: Sequence[Paper],
) -> Mapping[str, tuple[tuple[int, tuple[str, ...], str], ...]]:
    found: dict[str, list[tuple[int, tuple[str, ...], str]]] = {}
    for row, paper in enumerate(papers):
        for author in paper.authors:
            last, given = name_of(author)
            if last:
                found.setdefault(last, []).append((row, given, author))
    return {name: tuple(rows) for name, rows in found.items()}


def name_of(author: str) -> tuple[str, tuple[str, ...]]:
    """Last name and given names in lower case without accents: "Doe, Jane Q." and "Jane Q.

    Doe" give ("doe", ("jane", "q")).
    """
    plain = "".join(
        sign for sign in unicodedata.normalize("NFKD", author) if not unicodedata.combining(sign)
    ).lower()
    if "," in plain:
        last, given = plain.split(",", 1)
        plain = f"{given} {last}"
    words = plain.replace(".", " ").replace("-", " ").split()
    return (words[-1], tuple(words[:-1])) if words else ("", ())


def answers(wanted: tuple[str, ...], given: tuple[str, ...]) -> bool:
    """Do given names fit those asked for? "j" asks for any name with J; "jane" is not answered by a
    bare "j".
    """
    return len(wanted) <= len(given) and all(
        name == asked or (len(asked) == 1 and name.startswith(asked))
        for asked, name in zip(wanted, given, strict=False)
    )
