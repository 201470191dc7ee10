"""Why a paper is worth what it is: the words, names and papers that made its value, and one plain
sentence of them.

What the dense columns add is told word by word, since they come from a paper's words by a linear
map. What stands behind them an encoder made of the whole text: it is told by the paper that it is
near to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np
import scipy.sparse as sp
from msgspec import structs
from numpy.typing import NDArray

from digest.model import Paper, Part, PartKind, Score
from digest.ranking.profiles import Keyword, Profile, Rated
from digest.ranking.rows import row_norms
from digest.ranking.scores.days import Day
from digest.ranking.scores.values import (
    Scored,
    holding,
    lifted,
    meaning_of,
    meaning_of_phrase,
    named,
    rank,
    score_all,
    words_of_phrase,
)

#: parts that a Score names; the others are summed in its `rest`
SHOWN = 8
#: cosine below which two papers are not near each other
NEAR = 0.25
#: papers that are compared at once with what the reader chose
_TOGETHER = 16

WordsOf = Callable[[str, str], Mapping[int, str]]


def explain(
    profile: Profile,
    day: Day,
    *,
    words_of: WordsOf,
    among: Collection[int] | None = None,
    shown: int = SHOWN,
    scored: Scored | None = None,
) -> Iterator[Score]:
    """As `rank`, each explained only when it is asked for.

    `words_of(title, abstract)` names the columns of a paper; `scored` is what the profile makes of
    the day, where that is known already. The `shown` strongest parts are named and `rest` is what
    the others add up to: sum of parts + rest == value, to 1e-6. `match` is for `calibration` to
    say.
    """
    ranked = rank(scored or score_all([profile], day)[0], day, among)
    told = _Teller(profile, day, words_of)
    while some := list(islice(ranked, _TOGETHER)):
        told.look_at([day.row(score.paper_id) for score in some])
        for score in some:
            row = day.row(score.paper_id)
            parts = told.parts(row, shown)
            yield structs.replace(
                score,
                parts=parts,
                rest=score.value - sum(part.value for part in parts),
                nearest=told.nearest(row),
            )


@dataclass(frozen=True, slots=True, eq=False)
class _Text:
    """What the words of one paper have to do with its row; the same for every reader."""

    #: the words' places among those of the day, and what they weigh, shape (n,)
    places: NDArray[np.int32]
    data: NDArray[np.float64]
    #: which of them have a meaning, and their shares in the dense columns that come from words,
    #: shape (m,) and (m, those)
    meant: NDArray[np.int64]
    shares: NDArray[np.float32]
    #: by place in `places`; "" where the paper's words do not say
    names: tuple[str, ...]


class _Teller:
    """Tells what makes a paper's value for one profile."""

    def __init__(self, profile: Profile, day: Day, words_of: WordsOf) -> None:
        self.profile, self.day, self.words_of = profile, day, words_of
        self.named = [*named(profile, day), *lifted(profile, day)]
        self.holding = holding(profile, day)
        self.meaning = meaning_of(profile, day, ())
        self.places = day.places_of(profile.vocabulary)[profile.indices]
        self.chosen = [_Chosen(rated, day) for rated in profile.references if len(rated.paper_ids)]
        #: of the papers that are looked at: place of a word in the day -> in `weights`, -1 = in
        #: none of them; the last place is of no word
        self.slots = np.empty(0, np.int32)
        self.weights = np.empty(0)
        self.nearest_of: dict[int, tuple[float, str]] = {}

    def look_at(self, rows: Sequence[int]) -> None:
        """Gather what is needed to tell of these papers."""
        day = self.day
        spans = [slice(day.words.indptr[row], day.words.indptr[row + 1]) for row in rows]
        self.slots = np.full(len(day.columns) + 1, -1, dtype=np.int32)
        for span in spans:
            self.slots[day.words.indices[span]] = 0
        there = np.flatnonzero(self.slots == 0)
        self.slots[there] = np.arange(len(there), dtype=np.int32)
        self.weights = np.zeros(len(there))
        slots = self.slots[self.places]
        self.weights[slots[slots >= 0]] = self.profile.word_weights[slots >= 0]
        table = np.zeros((len(there), len(rows)), dtype=np.float32)
        for number, span in enumerate(spans):
            table[self.slots[day.words.indices[span]], number] = day.words.data[span]
        found = [best for one in self.chosen for best in one.nearest(rows, self.slots, table)]
        self.nearest_of = {}
        for row, cosine, title in found:
            if cosine > self.nearest_of.get(row, (-1.0, ""))[0]:
                self.nearest_of[row] = cosine, title

    def parts(self, row: int, shown: int) -> tuple[Part, ...]:
        """The strongest parts of a paper's value, strongest first.

        A keyword whose phrase the paper holds is one part, with what its words add.
        """
        day, paper = self.day, self.day.papers[row]
        text = _text(day, row, self.words_of)
        weights, meaning = self.weights[self.slots[text.places]], self.meaning
        parts = []
        held = {id(keyword) for keyword, rows in self.holding if row in rows}
        for keyword in self.profile.keywords:
            if id(keyword) in held:
                parts.append(
                    Part(
                        kind="keyword",
                        name=keyword.phrase.text,
                        value=_of_phrase(keyword, day, row) + keyword.bonus,
                    )
                )
            elif keyword.weight:
                # To hold one word of a phrase is not to match it: such words stand under their own
                # names.
                places, values = words_of_phrase(keyword.phrase, day)
                weights = weights + keyword.weight * _look_up(
                    text.places, places, values.astype(np.float64)
                )
                meaning = meaning + np.float32(keyword.weight) * meaning_of_phrase(
                    keyword.phrase, day
                )
        words = text.data * weights
        own = text.shares.shape[1]
        if len(text.meant):
            words[text.meant] += text.shares @ meaning[:own]
        beyond = (
            float(day.meanings[row, own:] @ meaning[own:]) if day.contributions is not None else 0.0
        )
        closest = self._encoded(row, own) if beyond > 0 else None
        if closest is not None:
            parts.append(Part(kind="near", name=closest[0], value=beyond))
        strongest = np.argsort(-np.abs(words), kind="stable")[:shown]
        parts += [
            Part(kind="word", name=text.names[entry], value=value)
            for entry, value in zip(strongest.tolist(), words[strongest].tolist(), strict=True)
            if text.names[entry]
        ]
        for part, rows, amounts in self.named:
            parts.extend(
                Part(kind=part.kind, name=part.name, value=float(amount))
                for amount in amounts[rows == row]
            )
        kinds: tuple[PartKind, ...] = ("upvotes", "pick", "recency")
        for kind, amount in zip(kinds, day.trending[:, row].tolist(), strict=True):
            if amount:
                parts.append(Part(kind=kind, name=_fact(kind, paper), value=amount))
        return tuple(
            sorted(
                (part for part in parts if part.value),
                key=lambda part: (-abs(part.value), part.kind, part.name),
            )[:shown]
        )

    def nearest(self, row: int) -> tuple[str, float] | None:
        """The chosen paper with the highest cosine to this one, by its title, where the cosine is
        at least NEAR.
        """
        return _near(*self.nearest_of.get(row, (0.0, "")))

    def _encoded(self, row: int, own: int) -> tuple[str, float] | None:
        """The same by the dense columns that an encoder made, those behind the own ones."""
        return _near(
            *max(
                (one.encoded(row, own) for one in self.chosen),
                key=lambda best: best[0],
                default=(0.0, ""),
            )
        )


def _near(cosine: float, title: str) -> tuple[str, float] | None:
    return (title, min(cosine, 1.0)) if cosine >= NEAR and title else None


def _text(day: Day, row: int, words_of: WordsOf) -> _Text:
    key = (row, words_of)
    found: _Text | None = day.texts.get(key)
    if found is None:
        paper = day.papers[row]
        span = slice(day.words.indptr[row], day.words.indptr[row + 1])
        places = day.words.indices[span]
        columns = day.columns[places]
        surfaces = words_of(paper.title, paper.abstract)
        meant, shares = np.empty(0, np.int64), np.empty((0, 0), np.float32)
        if day.contributions is not None:
            contributions = day.contributions(paper.title, paper.abstract)
            meant, inside = _places_in(columns, contributions.columns)
            shares = contributions.per_word[inside]
        found = day.texts[key] = _Text(
            places,
            day.words.data[span].astype(np.float64),
            meant,
            shares,
            tuple(surfaces.get(column, "") for column in columns.tolist()),
        )
    return found


def _places_in(
    some: NDArray[np.int32], wanted: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where among some numbers those that are there stand, and which those are."""
    if not len(some):
        return np.empty(0, np.int64), np.zeros(len(wanted), np.bool_)
    order = np.argsort(some)
    places = np.minimum(np.searchsorted(some, wanted, sorter=order), len(some) - 1)
    hit = some[order[places]] == wanted
    return order[places[hit]], hit


def _of_phrase(keyword: Keyword, day: Day, row: int) -> float:
    """What a phrase's words and their meaning add to a paper."""
    if not keyword.weight:
        return 0.0
    places, weights = words_of_phrase(keyword.phrase, day)
    words = float(day.dense(row)[places] @ weights)
    return keyword.weight * (
        words + float(day.meanings[row] @ meaning_of_phrase(keyword.phrase, day))
    )


def _look_up(
    wanted: NDArray[np.int32], places: NDArray[np.int32], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    found = np.zeros(len(wanted))
    at, hit = _places_in(wanted, places)
    found[at] = weights[hit]
    return found


class _Chosen:
    """Papers that the reader chose, to be compared with those of a day."""

    def __init__(self, rated: Rated, day: Day) -> None:
        self.day, self.ids, self.titles = day, rated.paper_ids, rated.titles
        blocks = rated.rated_rows.blocks
        self.words = blocks.words[rated.row_indices]
        self.meanings = blocks.dense[rated.row_indices]
        self.places = day.places_of(blocks.vocabulary)[self.words.indices]
        self.lengths = row_norms(self.words, self.meanings)

    def nearest(
        self, rows: Sequence[int], slots: NDArray[np.int32], table: NDArray[np.float32]
    ) -> Iterator[tuple[int, float, str]]:
        """Of each row its nearest paper: row, cosine, title.

        `table` holds the rows' words by their slots, shape (slots, rows).
        """
        at = slots[self.places]
        ends = np.concatenate(([0], np.cumsum(at >= 0)))[self.words.indptr]
        shared = sp.csr_matrix(
            (self.words.data[at >= 0], at[at >= 0], ends), shape=(len(self.ids), len(table))
        )
        products = shared @ table
        if self.meanings.shape[1] == self.day.meanings.shape[1]:
            products = products + self.meanings @ self.day.meanings[rows].T
        yield from self._best(rows, products, np.outer(self.lengths, self.day.lengths[rows]))

    def encoded(self, row: int, own: int) -> tuple[float, str]:
        """Cosine and title of the nearest paper by the dense columns behind the first
        `own` ones."""
        theirs, mine = self.meanings[:, own:], self.day.meanings[row, own:]
        long = np.linalg.norm(theirs, axis=1) * np.linalg.norm(mine)
        return next(
            (
                (cosine, title)
                for _, cosine, title in self._best([row], (theirs @ mine)[:, None], long[:, None])
            ),
            (0.0, ""),
        )

    def _best(
        self, rows: Sequence[int], products: NDArray[Any], long: NDArray[Any]
    ) -> Iterator[tuple[int, float, str]]:
        cosines = products / np.where(long > 0, long, 1)
        cosines[(self.ids[:, None] == self.day.ids[rows]) | (self.ids[:, None] == 0)] = -1
        for row, column, best in zip(rows, cosines.T, cosines.argmax(axis=0).tolist(), strict=True):
            yield row, float(column[best]), self.titles[best]


def _fact(kind: PartKind, paper: Paper) -> str:
    if kind == "upvotes":
        return str(paper.upvotes)
    if kind == "recency" or paper.picked is None:
        return _day(paper.first_seen)
    day = _day(paper.picked)
    return day if paper.rank is None else f"{day}{_RANK}{paper.rank}"


#: between the day and the rank in the name of a pick
_RANK = ", no. "
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def _day(day: date) -> str:
    # Not strftime: it speaks the language of the machine.
    return f"{day.day} {_MONTHS[day.month - 1]}"


# ---------------------------------------------------------------------------------------------- one
# true sentence


def reason(score: Score) -> str:
    """One plain sentence, never empty and without markup, from the parts that lifted the paper
    most.

    A part is named when it adds at least a third of what the strongest one adds. What an encoder
    adds is one part for a whole text where words are many: it is weighed against all others
    together.
    """
    lifted = [part for part in score.parts if part.value > 0]
    if not lifted:
        against = [
            part
            for part in score.parts
            if part.value < 0 and part.kind in ("word", "keyword", "category", "author")
        ]
        if against:
            return f'A new paper, though "{against[0].name}" speaks against it.'
        return "A new paper; nothing speaks for it or against it."
    strong = _strong(lifted)
    if any(part.kind != "recency" for part in strong):
        # Nearly all the day's papers are as new.
        strong = [part for part in strong if part.kind != "recency"]
    names: dict[PartKind, list[str]] = {}
    for part in strong:
        names.setdefault(part.kind, []).append(part.name)
    clauses = [_clause(kind, names[kind]) for kind in _ORDER if kind in names]
    near = names.get("near") or (
        [score.nearest[0]] if score.nearest is not None and "word" in names else []
    )
    if near:
        clauses.append(f"near {_quoted(near[0])}, which you liked")
    sentence = "; ".join(clauses)
    return sentence[0].upper() + sentence[1:] + "."


def _strong(lifted: Sequence[Part]) -> list[Part]:
    """Those that are worth naming, strongest first."""
    near, others = (
        [part for part in lifted if part.kind == "near"],
        [part for part in lifted if part.kind != "near"],
    )
    strong = [part for part in others if part.value >= others[0].value / 3]
    if not near:
        return strong
    whole, beside = sum(part.value for part in others), sum(part.value for part in near)
    return (strong if whole >= beside / 3 else []) + (near if beside >= whole / 3 else [])


_ORDER: tuple[PartKind, ...] = (
    "author",
    "keyword",
    "category",
    "word",
    "readers",
    "pick",
    "upvotes",
    "recency",
)


def _clause(kind: PartKind, names: Sequence[str]) -> str:
    if kind == "author":
        return f"by {_list(names)}, whom you follow"
    if kind == "keyword":
        return (
            f"matches your keyword{'s' if len(names) > 1 else ''} "
            f"{_list([_quoted(name) for name in names[:3]])}"
        )
    if kind == "category":
        return f"in {_list(names)}, which you follow"
    if kind == "word":
        return f"about {_list([_quoted(name) for name in _distinct(names)[:3]])}"
    if kind == "pick":
        day, _, rank = names[0].partition(_RANK)
        return f"{f'no. {rank} ' if rank else ''}on Hugging Face Daily Papers, {day}"
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
    """Without words that a stronger or longer name holds already: "tactile sensing" says "tactile",
    "agent" says "Agents".
    """
    kept: dict[str, frozenset[str]] = {}
    said: set[str] = set()
    for name in names:
        words = _single(name)
        # most names share no word with another
        if not words or not words.isdisjoint(said):
            if any(words <= others for others in kept.values()):
                continue
            kept = {other: others for other, others in kept.items() if not others <= words}
        kept[name] = words
        said |= words
    return list(kept)


@lru_cache(maxsize=16384)
def _single(name: str) -> frozenset[str]:
    return frozenset(word.removesuffix("s") for word in name.lower().replace("-", " ").split())
