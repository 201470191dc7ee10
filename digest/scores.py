"""Profile x papers -> scores, with the words, names and papers that made each of them.

A score is one sum: each word's weight times the profile's, the reader's keywords, categories and authors, and what is trending
(upvotes, a curator's pick, how new it is). Nothing is multiplied or ranked afterwards, so the parts shown always add up.

The dense columns of a row come from its words by a linear map, so what they add is told word by word too.

Chooses nothing; `digests` does.

How the stages are called, once when a paper comes in:

    counts = features.vectorize([features.text_of(paper.title, paper.abstract) for paper in papers])
    frequencies = frequencies.add(counts)                                   # stored as frequencies.to_bytes()
    blobs = features.pack(counts)                                           # one a paper, stored beside features.VERSION

once for a batch of readers (`papers` compete, `recent` are about 1,000 papers of the last weeks; either may be empty):

    space = features.space(table, frequencies, features.unpack(recent_blobs))
    rows, recent_rows = space.rows(features.unpack(blobs)), space.rows(features.unpack(recent_blobs))
    background = profiles.background(recent, recent_rows)
    day = scores.day(papers, rows, recent, recent_rows, spread=space.spread)

and for each reader `recipes.learn`, `recipes.rank`, `digests.choose` and `recipes.explain`, as `pipeline.compose` does.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Paper, Part, PartKind, Score

#: 100 upvotes today, the top of a list picked today, and a paper first seen today; close matches differ by about as much
UPVOTES, MANY_UPVOTES = 0.02, 100
PICK, PLACES = 0.02, 20
RECENCY = 0.005
#: days in which an upvote, a pick and a paper's newness lose half
HALF_LIFE = 3.0
#: a category beside a paper's first one
SECONDARY = 0.6

#: parts that a Score names; the others are summed in its `rest`
SHOWN = 8
#: standard deviation below which all papers are worth the same
_EQUAL = 1e-9
#: cosine below which two papers are not near each other
NEAR = 0.25
#: cosines that a day keeps
_KEPT = 4_000_000


class Phrase(Protocol):
    """A keyword in the columns of the features."""

    @property
    def text(self) -> str: ...
    @property
    def must(self) -> bool: ...
    @property
    def columns(self) -> NDArray[np.int32]: ...
    @property
    def weights(self) -> NDArray[np.float32]: ...
    @property
    def spellings(self) -> tuple[NDArray[np.int32], ...]: ...


class Keyword(Protocol):
    """What a keyword does to a paper."""

    @property
    def phrase(self) -> Phrase: ...
    @property
    def weight(self) -> float: ...
    @property
    def bonus(self) -> float: ...


class Spread(Protocol):
    """How the dense columns of a paper come from its words; see `features.Spread`."""

    @property
    def columns(self) -> NDArray[np.int32]: ...
    @property
    def numbers(self) -> NDArray[np.float32]: ...
    @property
    def rest(self) -> NDArray[np.float32]: ...


class Near(Protocol):
    """Papers that the reader chose: their ids, titles and rows."""

    @property
    def ids(self) -> NDArray[np.int64]: ...
    @property
    def titles(self) -> tuple[str, ...]: ...
    @property
    def rows(self) -> sp.csr_matrix: ...


class Profile(Protocol):
    """What a score needs of a profile, as `profiles.train` makes it."""

    @property
    def columns(self) -> NDArray[np.int32]: ...
    @property
    def weights(self) -> NDArray[np.float64]: ...
    @property
    def keywords(self) -> Sequence[Keyword]: ...
    @property
    def categories(self) -> Sequence[tuple[str, float]]: ...
    @property
    def authors(self) -> Sequence[tuple[str, float]]: ...
    @property
    def near(self) -> Near: ...
    @property
    def lifts(self) -> Sequence[tuple[int, str, float]]: ...


# ---------------------------------------------------------------------------------------------- the day's papers


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Day:
    """The papers that compete and the recent ones they are measured against, made once for many readers.

    All arrays are over the competing papers, in order, and then the recent ones.
    """

    papers: tuple[Paper, ...]
    #: how many of all rows compete
    competing: int
    #: shape (all,)
    ids: NDArray[np.int64]
    #: column of the features -> its place among those that occur, -1 = occurs in none; and back, ascending
    places: NDArray[np.int32]
    columns: NDArray[np.int32]
    #: weighed words, shape (all, len(columns)); the pattern holds every word of a paper, even one that weighs nothing
    rows: sp.csr_matrix
    #: upvotes, pick and recency, shape (3, all)
    trending: NDArray[np.float64]
    #: category -> (row, 1 or SECONDARY) of its papers
    categories: Mapping[str, tuple[tuple[int, float], ...]]
    #: last name -> (row, given names, name as printed) of its papers
    authors: Mapping[str, tuple[tuple[int, tuple[str, ...], str], ...]]
    #: Euclidean length of each row, shape (all,); 1 for an empty one
    lengths: NDArray[np.float32]
    #: cosines to all competing papers, of those that were asked for
    alike: dict[int, NDArray[np.float32]]
    #: title, abstract -> what each of the paper's words has to do with the dense columns; None where rows have none
    spread: Callable[[str, str], Spread] | None


def day(
    papers: Sequence[Paper],
    rows: sp.csr_matrix,
    recent: Sequence[Paper] = (),
    recent_rows: sp.csr_matrix | None = None,
    *,
    spread: Callable[[str, str], Spread] | None = None,
    thumbs: Mapping[int, Sequence[float]] | None = None,
) -> Day:
    """The day of these papers and their rows, measured against recent papers (about 1,000 are enough; may be left out).

    `spread` tells how the dense columns of a paper come from its words, where rows have any.

    `thumbs` are the ages in days of readers' thumbs up, by paper, of those that its upvotes hold.

    Ages are counted back from the newest competing paper. A recent paper counts as it did on its own first day. Raises ValueError when
    papers and rows differ in number.
    """
    every = (*papers, *recent)
    stacked = rows if recent_rows is None else sp.vstack((rows, recent_rows), format="csr")
    if rows.shape[0] != len(papers) or stacked.shape[0] != len(every):
        raise ValueError(f"{len(papers)} papers with {rows.shape[0]} rows, {len(every)} with the recent ones with {stacked.shape[0]}")
    places = np.full(stacked.shape[1], -1, dtype=np.int32)
    places[stacked.indices] = 0
    columns = np.flatnonzero(places == 0).astype(np.int32)
    places[columns] = np.arange(len(columns))
    return Day(
        papers=tuple(papers),
        competing=len(papers),
        ids=np.array([paper.id for paper in every], dtype=np.int64),
        places=places,
        columns=columns,
        rows=sp.csr_matrix((stacked.data, places[stacked.indices], stacked.indptr), shape=(len(every), len(columns))),
        trending=_trending(papers, recent, thumbs or {}),
        categories=_by_category(every),
        authors=_by_author(every),
        lengths=_lengths(stacked),
        alike={},
        spread=spread,
    )


def _lengths(rows: sp.csr_matrix) -> NDArray[np.float32]:
    squares = np.bincount(np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr)), weights=rows.data**2, minlength=rows.shape[0])
    return np.where(squares > 0, np.sqrt(squares), 1).astype(np.float32)


def _trending(papers: Sequence[Paper], recent: Sequence[Paper], thumbs: Mapping[int, Sequence[float]]) -> NDArray[np.float64]:
    every = (*papers, *recent)
    newest = max((paper.first_seen for paper in papers), default=date.min)
    today = [newest] * len(papers) + [paper.first_seen for paper in recent]
    trending = np.zeros((3, len(every)))
    votes = np.array([_votes(paper, now, thumbs.get(paper.id, ())) for paper, now in zip(every, today, strict=True)], dtype=np.float64)
    # Readers saw a recent paper on its first day at the earliest, and their thumbs came after.
    votes[: len(papers)] += [sum(0.5 ** (max(age, 0.0) / HALF_LIFE) for age in thumbs.get(paper.id, ())) for paper in papers]
    trending[0] = UPVOTES * np.log1p(votes) / np.log1p(MANY_UPVOTES)
    for number, paper in enumerate(every):
        if paper.picked is not None:
            place = PLACES / 2 if paper.rank is None else max(paper.rank - 1, 0)
            trending[1, number] = PICK * 0.5 ** (max((today[number] - paper.picked).days, 0) / HALF_LIFE) / (1 + place / PLACES)
    ages = np.array([(now - paper.first_seen).days for now, paper in zip(today, every, strict=True)], dtype=np.float64)
    trending[2] = RECENCY * 0.5 ** (ages / HALF_LIFE)
    return trending


def _votes(paper: Paper, today: date, thumbs: Sequence[float]) -> float:
    """The source's own votes, which have no time: they are as old as what last brought the paper before people."""
    shown = max(paper.first_seen, paper.picked or paper.first_seen)
    left: float = 0.5 ** (max((today - shown).days, 0) / HALF_LIFE)
    return max(paper.upvotes - len(thumbs), 0) * left


def _by_category(papers: Sequence[Paper]) -> Mapping[str, tuple[tuple[int, float], ...]]:
    found: dict[str, dict[int, float]] = {}
    for row, paper in enumerate(papers):
        for place, category in enumerate(paper.categories):
            parts = category.lower().split(".")
            for end in range(1, len(parts) + 1):
                found.setdefault(".".join(parts[:end]), {}).setdefault(row, 1.0 if place == 0 else SECONDARY)
    return {name: tuple(rows.items()) for name, rows in found.items()}


def _by_author(papers: Sequence[Paper]) -> Mapping[str, tuple[tuple[int, tuple[str, ...], str], ...]]:
    found: dict[str, list[tuple[int, tuple[str, ...], str]]] = {}
    for row, paper in enumerate(papers):
        for author in paper.authors:
            last, given = _name(author)
            if last:
                found.setdefault(last, []).append((row, given, author))
    return {name: tuple(rows) for name, rows in found.items()}


def _name(author: str) -> tuple[str, tuple[str, ...]]:
    """Last name and given names in lower case without accents: "Doe, Jane Q." and "Jane Q. Doe" give ("doe", ("jane", "q"))."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", author) if not unicodedata.combining(sign)).lower()
    if "," in plain:
        last, given = plain.split(",", 1)
        plain = f"{given} {last}"
    words = plain.replace(".", " ").replace("-", " ").split()
    return (words[-1], tuple(words[:-1])) if words else ("", ())


def _same(wanted: tuple[str, ...], given: tuple[str, ...]) -> bool:
    """Do given names fit those asked for? "j" asks for any name with J; "jane" is not answered by a bare "j"."""
    return len(wanted) <= len(given) and all(
        name == asked or (len(asked) == 1 and name.startswith(asked)) for asked, name in zip(wanted, given, strict=False)
    )


# ---------------------------------------------------------------------------------------------- the sum


def score(profile: Profile, day: Day) -> NDArray[np.float64]:
    """The value of every competing paper, shape (competing,); only the order means something. See `explain` for the parts."""
    return _values(profile, day)[: day.competing]


def _values(profile: Profile, day: Day) -> NDArray[np.float64]:
    values: NDArray[np.float64] = day.trending.sum(axis=0) + day.rows @ _vector(profile, day)
    for keyword, rows in _holding(profile, day):
        values[rows] += keyword.bonus
    for _, rows, amounts in (*_named(profile, day), *_lifted(profile, day)):
        values[rows] += amounts
    return values


def _vector(profile: Profile, day: Day) -> NDArray[np.float32]:
    vector = np.zeros(len(day.columns), dtype=np.float32)
    _add(vector, day, profile.columns, profile.weights)
    for keyword in profile.keywords:
        _add(vector, day, keyword.phrase.columns, keyword.weight * keyword.phrase.weights)
    return vector


def _add(vector: NDArray[np.float32], day: Day, columns: NDArray[np.int32], weights: NDArray[Any]) -> None:
    places = day.places[columns]
    known = places >= 0
    vector[places[known]] += weights[known].astype(np.float32)


def _holding(profile: Profile, day: Day) -> list[tuple[Keyword, NDArray[np.int64]]]:
    """The keywords with a bonus, each with the rows of the papers that hold the whole phrase in one of its spellings."""
    keywords = [keyword for keyword in profile.keywords if keyword.bonus]
    if not keywords:
        return []
    # One more place than there are columns takes all that occur nowhere.
    wanted = np.zeros(len(day.columns) + 1, dtype=np.bool_)
    wanted[day.places[np.concatenate([spelling for keyword in keywords for spelling in keyword.phrase.spellings])]] = True
    entries = np.flatnonzero(wanted[day.rows.indices])
    columns, numbers = day.columns[day.rows.indices[entries]], np.searchsorted(day.rows.indptr, entries, side="right") - 1
    found = []
    for keyword in keywords:
        holding = [_holds_all(spelling, columns, numbers) for spelling in keyword.phrase.spellings]
        found.append((keyword, np.unique(np.concatenate(holding))))
    return found


def _holds_all(spelling: NDArray[np.int32], columns: NDArray[np.int32], numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    rows, counts = np.unique(numbers[np.isin(columns, spelling)], return_counts=True)
    whole: NDArray[np.int64] = rows[counts == len(spelling)]
    return whole


def _named(profile: Profile, day: Day) -> Iterator[tuple[Part, NDArray[np.int64], NDArray[np.float64]]]:
    """For each category and author of the profile that occurs: a part that names it, the rows, and what each gets."""
    for name, value in profile.categories:
        hits = day.categories.get(name.lower().removesuffix(".*").removesuffix("*").rstrip("."), ())
        if hits:
            rows, shares = zip(*hits, strict=True)
            # What is unwanted is so in any place of the list.
            amounts = value * np.array(shares) if value > 0 else np.full(len(rows), value)
            yield Part(kind="category", name=name, value=value), np.array(rows), amounts
    for name, value in profile.authors:
        last, wanted = _name(name)
        found = sorted({row for row, given, _ in day.authors.get(last, ()) if _same(wanted, given)})
        if found:
            yield Part(kind="author", name=name, value=value), np.array(found), np.full(len(found), value)


def _lifted(profile: Profile, day: Day) -> Iterator[tuple[Part, NDArray[np.int64], NDArray[np.float64]]]:
    """For each competing paper that other readers' likes lift: a part that names what they and this reader like."""
    competing = day.ids[: day.competing]
    for ident, title, value in profile.lifts:
        rows = np.flatnonzero(competing == ident)
        yield Part(kind="readers", name=title, value=value), rows, np.full(len(rows), value)


# ---------------------------------------------------------------------------------------------- the reasons


def explain(
    profile: Profile,
    day: Day,
    *,
    words_of: Callable[[str, str], Mapping[int, str]],
    among: Collection[int] | None = None,
    shown: int = SHOWN,
) -> Iterator[Score]:
    """Scores of the competing papers, best first, each explained only when it is asked for; ties by paper id.

    `words_of(title, abstract)` names the columns of a paper; `among` are the ids that compete for this reader (None: all of the day).
    The `shown` strongest parts are named and `rest` is what the others add up to: sum of parts + rest == value, to 1e-6.
    `percentile` is the share of the recent papers, in whole per cent rounded down, that this reader would value less were they new
    today; of the competing ones where the day has no recent papers. `standard` is how many of their standard deviations the value lies
    above their mean, 0 where they do not differ. `match` is for `calibration` to say.
    """
    named, holding, near = [*_named(profile, day), *_lifted(profile, day)], _holding(profile, day), _among_columns(profile.near, day)
    for place, value, percentile, standard in _ranked(profile, day, among):
        parts = _parts(profile, day, place, words_of, named, holding, shown)
        yield Score(
            paper_id=int(day.ids[place]),
            value=value,
            percentile=percentile,
            standard=standard,
            parts=parts,
            rest=value - sum(part.value for part in parts),
            nearest=_nearest(profile.near, near, day, place),
        )


def rank(profile: Profile, day: Day, among: Collection[int] | None = None) -> Iterator[Score]:
    """As `explain`, in the same order and without the reasons: to choose from thousands and explain a few."""
    for place, value, percentile, standard in _ranked(profile, day, among):
        yield Score(paper_id=int(day.ids[place]), value=value, percentile=percentile, standard=standard, rest=value)


def _ranked(profile: Profile, day: Day, among: Collection[int] | None) -> Iterator[tuple[int, float, int, float]]:
    """Place, value, percentile and standard score of the papers, best first."""
    values = _values(profile, day)
    compared = np.sort(values[day.competing :] if len(values) > day.competing else values)
    mean, spread = (float(compared.mean()), float(compared.std())) if len(compared) else (0.0, 0.0)
    chosen = np.arange(day.competing)
    if among is not None:
        chosen = chosen[np.isin(day.ids[: day.competing], np.fromiter(among, dtype=np.int64, count=len(among)))]
    ordered = chosen[np.lexsort((day.ids[chosen], -values[chosen]))]
    below = np.searchsorted(compared, values[ordered], side="left")
    for place, lower in zip(ordered.tolist(), below.tolist(), strict=True):
        value = float(values[place])
        yield place, value, int(100 * lower // len(compared)), (value - mean) / spread if spread > _EQUAL else 0.0


# ---------------------------------------------------------------------------------------------- what is asked for or against by name


def muted(profile: Profile, day: Day) -> frozenset[int]:
    """Ids of the competing papers that hold a keyword, category or author which the reader wrote with a "-"."""
    return _standing(profile, day, lambda part, value: value < 0)


def pinned(profile: Profile, day: Day) -> frozenset[int]:
    """Ids of the competing papers by a followed author, or that hold a keyword which the reader wrote with a "+"."""
    return _standing(profile, day, lambda part, value: value > 0 and part != "category")


def _standing(profile: Profile, day: Day, wanted: Callable[[PartKind, float], bool]) -> frozenset[int]:
    found = [rows for part, rows, _ in _named(profile, day) if wanted(part.kind, part.value)]
    found += [
        rows for keyword, rows in _holding(profile, day) if (keyword.phrase.must or keyword.bonus < 0) and wanted("keyword", keyword.bonus)
    ]
    rows = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
    return frozenset(day.ids[rows[rows < day.competing]].tolist())


def cosines(day: Day, paper_id: int, others: Sequence[int]) -> NDArray[np.float64]:
    """Cosine of a competing paper's row to those of others, shape (len(others),); 0 for papers that do not compete."""
    ids = day.ids[: day.competing]
    found: NDArray[np.float64] = np.zeros(len(others))
    mine = np.flatnonzero(ids == paper_id)
    if not len(mine) or not len(others):
        return found
    row = _alike(day, int(mine[0]))
    for number, other in enumerate(others):
        theirs = np.flatnonzero(ids == other)
        if len(theirs):
            found[number] = row[theirs[0]]
    return found


def _alike(day: Day, place: int) -> NDArray[np.float32]:
    """Cosines of a competing paper to all of them; the best papers of many readers are the same few, so they are kept."""
    row = day.alike.get(place)
    if row is None:
        if len(day.alike) * day.competing > _KEPT:
            day.alike.clear()
        among = slice(0, day.competing)
        row = (day.rows[among] @ _dense_row(day, place)) / (day.lengths[among] * day.lengths[place])
        day.alike[place] = row
    return row


def _dense_row(day: Day, place: int) -> NDArray[np.float32]:
    span = slice(day.rows.indptr[place], day.rows.indptr[place + 1])
    vector = np.zeros(len(day.columns), dtype=np.float32)
    vector[day.rows.indices[span]] = day.rows.data[span]
    return vector


def _parts(
    profile: Profile,
    day: Day,
    place: int,
    words_of: Callable[[str, str], Mapping[int, str]],
    named: Sequence[tuple[Part, NDArray[np.int64], NDArray[np.float64]]],
    holding: Sequence[tuple[Keyword, NDArray[np.int64]]],
    shown: int,
) -> tuple[Part, ...]:
    """The strongest parts of a paper's value, strongest first.

    A keyword whose phrase the paper holds is one part, with what its words add.
    """
    paper = day.papers[place]
    span = slice(day.rows.indptr[place], day.rows.indptr[place + 1])
    columns, data = day.columns[day.rows.indices[span]], day.rows.data[span].astype(np.float64)
    words = data * _look_up(columns, profile.columns, profile.weights)
    parts = []
    held = {id(keyword) for keyword, rows in holding if place in rows}
    for keyword in profile.keywords:
        phrase = keyword.phrase
        values = keyword.weight * data * _look_up(columns, phrase.columns, phrase.weights.astype(np.float64))
        if id(keyword) in held:
            parts.append(Part(kind="keyword", name=phrase.text, value=float(values.sum()) + keyword.bonus))
        else:
            # To hold one word of a phrase is not to match it: such words stand under their own names.
            words += values
    columns, words = _told(day, paper, columns, words, profile, [k for k in profile.keywords if id(k) not in held])
    surfaces = words_of(paper.title, paper.abstract)
    for entry in np.argsort(-np.abs(words), kind="stable")[:shown].tolist():
        column = int(columns[entry])
        if column in surfaces:
            parts.append(Part(kind="word", name=surfaces[column], value=float(words[entry])))
    for part, rows, amounts in named:
        parts.extend(Part(kind=part.kind, name=part.name, value=float(amount)) for amount in amounts[rows == place])
    kinds: tuple[PartKind, ...] = ("upvotes", "pick", "recency")
    for kind, amount in zip(kinds, day.trending[:, place].tolist(), strict=True):
        parts.append(Part(kind=kind, name=_fact(kind, paper), value=amount))
    return tuple(sorted((part for part in parts if part.value), key=lambda part: (-abs(part.value), part.kind, part.name))[:shown])


def _told(
    day: Day,
    paper: Paper,
    columns: NDArray[np.int32],
    words: NDArray[np.float64],
    profile: Profile,
    keywords: Sequence[Keyword],
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """What the words add, with the dense columns told by the words that they come from; what no word accounts for falls to the rest."""
    if day.spread is None:
        return columns, words
    spread = day.spread(paper.title, paper.abstract)
    first = int(day.columns[-1]) + 1 - len(spread.rest) if len(day.columns) else 0
    sparse = columns < first
    dense = np.arange(first, first + len(spread.rest), dtype=np.int32)
    weights = _look_up(dense, profile.columns, profile.weights)
    for keyword in keywords:
        weights += keyword.weight * _look_up(dense, keyword.phrase.columns, keyword.phrase.weights.astype(np.float64))
    every = np.union1d(columns[sparse], spread.columns)
    told = np.zeros(len(every))
    told[np.searchsorted(every, columns[sparse])] = words[sparse]
    told[np.searchsorted(every, spread.columns)] += spread.numbers @ weights
    return every.astype(np.int32), told


def _look_up(wanted: NDArray[np.int32], columns: NDArray[np.int32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.zeros(len(wanted))
    if len(columns):
        places = np.minimum(np.searchsorted(columns, wanted), len(columns) - 1)
        hit = columns[places] == wanted
        found[hit] = weights[places[hit]]
    return found


def _fact(kind: PartKind, paper: Paper) -> str:
    if kind == "upvotes":
        return str(paper.upvotes)
    if kind == "recency" or paper.picked is None:
        return _day(paper.first_seen)
    return _day(paper.picked) if paper.rank is None else f"{_day(paper.picked)} at position {paper.rank}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _day(day: date) -> str:
    # Not strftime: it speaks the language of the machine.
    return f"{day.day} {_MONTHS[day.month - 1]}"


def _among_columns(near: Near, day: Day) -> sp.csr_matrix:
    """The rows of chosen papers in the columns of the day, shape (n, len(columns))."""
    places = day.places[near.rows.indices] if near.rows.nnz else near.rows.indices
    known = places >= 0
    starts = np.concatenate(([0], np.cumsum(known)))[near.rows.indptr]
    return sp.csr_matrix((near.rows.data[known], places[known], starts), shape=(near.rows.shape[0], len(day.columns)))


def _nearest(near: Near, rows: sp.csr_matrix, day: Day, place: int) -> tuple[str, float] | None:
    """The chosen paper with the highest cosine to this one, by its title, where the cosine is at least NEAR."""
    others = np.flatnonzero((near.ids != day.ids[place]) & (near.ids != 0))
    if not len(others):
        return None
    lengths = _lengths(near.rows)[others] * day.lengths[place]
    cosines = (rows @ _dense_row(day, place))[others] / lengths
    best = int(np.argmax(cosines))
    title = near.titles[int(others[best])]
    return (title, min(float(cosines[best]), 1.0)) if cosines[best] >= NEAR and title else None


# ---------------------------------------------------------------------------------------------- one true sentence


def reason(score: Score) -> str:
    """One plain sentence, never empty and without markup, from the parts that lifted the paper most.

    A part is named when it adds at least a third of what the strongest one adds.
    """
    lifted = [part for part in score.parts if part.value > 0]
    if not lifted:
        against = [part for part in score.parts if part.value < 0 and part.kind in ("word", "keyword", "category", "author")]
        if against:
            return f'A new paper, though "{against[0].name}" speaks against it.'
        return "A new paper; nothing speaks for it or against it."
    strong = [part for part in lifted if part.value >= lifted[0].value / 3]
    if any(part.kind != "recency" for part in strong):
        # Nearly all the day's papers are as new.
        strong = [part for part in strong if part.kind != "recency"]
    names: dict[PartKind, list[str]] = {}
    for part in strong:
        names.setdefault(part.kind, []).append(part.name)
    clauses = [_clause(kind, names[kind]) for kind in _ORDER if kind in names]
    if score.nearest is not None and "word" in names:
        clauses.append(f'near "{score.nearest[0]}", which you chose')
    sentence = "; ".join(clauses)
    return sentence[0].upper() + sentence[1:] + "."


_ORDER: tuple[PartKind, ...] = ("author", "keyword", "category", "word", "readers", "pick", "upvotes", "recency")


def _clause(kind: PartKind, names: Sequence[str]) -> str:
    if kind == "author":
        return f"by {_list(names)}, whom you follow"
    if kind == "keyword":
        return f"matches your keyword{'s' if len(names) > 1 else ''} {_list([_quoted(name) for name in names[:3]])}"
    if kind == "category":
        return f"in {_list(names)}, which you follow"
    if kind == "word":
        return f"about {_list([_quoted(name) for name in _distinct(names)[:3]])}"
    if kind == "pick":
        return f"on the curated list of {names[0]}"
    if kind == "readers":
        return f"liked by readers who liked {_quoted(names[0])}, as you did"
    if kind == "upvotes":
        return f"{names[0]} upvote{'' if names[0] == '1' else 's'}"
    return f"new on {names[0]}"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _distinct(names: Sequence[str]) -> list[str]:
    """Without words that a stronger or longer name holds already: "tactile sensing" says "tactile", "agent" says "Agents"."""
    kept: list[tuple[str, frozenset[str]]] = []
    for name in names:
        words = _single(name)
        for _, others in kept:
            if words <= others:
                break
        else:
            kept = [(other, others) for other, others in kept if not others <= words]
            kept.append((name, words))
    return [name for name, _ in kept]


@lru_cache(maxsize=16384)
def _single(name: str) -> frozenset[str]:
    return frozenset(word.removesuffix("s") for word in name.lower().replace("-", " ").split())
