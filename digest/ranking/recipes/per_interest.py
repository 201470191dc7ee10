"""Readers' interests, or the tastes in their thumbs, learned each on its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.ranking import features, interests, profiles
from digest.ranking.recipes.recipe import Known, Recipe


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Learned:
    """The profile of one interest, and its share of a digest beside the others'."""

    #: "" where the reader has one alone
    name: str
    share: float
    profile: profiles.Profile
    #: what it was learned from
    known: Known


def learn(recipe: Recipe, known: Known, background: profiles.Background) -> tuple[Learned, ...]:
    """What `learn_all` learns of one reader."""
    return learn_all(recipe, [known], background)[0]


def learn_all(
    recipe: Recipe, readers: Sequence[Known], background: profiles.Background
) -> list[tuple[Learned, ...]]:
    """Of each reader a profile of each interest, in order of their names; of each taste in their
    thumbs where they named none; else one.
    """
    each = _each(readers) if recipe.apart else [[] for _ in readers]
    parts = [
        sorted(some, key=lambda one: one[0]) if len(some) > 1 else [("", 1.0, known)]
        for some, known in zip(each, readers, strict=True)
    ]
    learned = iter(recipe.learn_all([part for some in parts for _, _, part in some], background))
    return [
        tuple(
            Learned(name=name, share=share, profile=next(learned), known=part)
            for name, share, part in some
        )
        for some in parts
    ]


def _each(readers: Sequence[Known]) -> list[list[tuple[str, float, Known]]]:
    """The interests of each reader that are learned apart: name, share, and what is known of it."""
    unnamed = [
        number for number, known in enumerate(readers) if not known.apart and not known.interests
    ]
    found = [_by_interest(known) if known.apart else [] for known in readers]
    for number, tastes in zip(
        unnamed, _tastes([readers[number].liked for number in unnamed]), strict=True
    ):
        found[number] = _by_taste(readers[number], tastes)
    return found


def _tastes(liked: Sequence[profiles.Rated]) -> list[NDArray[np.int64]]:
    """The tastes in each reader's likes, looked for at once where their rows stand on one shelf."""
    found: list[NDArray[np.int64]] = [np.empty(0, np.int64)] * len(liked)
    shelves = {id(some.shelf): some.shelf for some in liked}
    for key, shelf in shelves.items():
        mine = [number for number, some in enumerate(liked) if id(some.shelf) == key]
        # By their strongest words, papers of different subjects have next to nothing in common.
        for number, tastes in zip(
            mine,
            interests.tastes_all(shelf.strongest, [liked[number].places for number in mine]),
            strict=True,
        ):
            found[number] = tastes
    return found


def _by_interest(known: Known) -> list[tuple[str, float, Known]]:
    ordered = sorted(known.apart, key=lambda one: one.interests[0].name)
    rated = words_of(known.liked, known.disliked)
    ids = np.concatenate((known.liked.ids, known.disliked.ids))
    numbers = {one.interests[0].name: number for number, one in enumerate(ordered)}
    fixed = np.array(
        [numbers.get(known.came.get(ident, ""), -1) for ident in ids.tolist()], dtype=np.int64
    )
    named = np.array(
        [[known.named.get(ident, {}).get(name, 0.0) for name in numbers] for ident in ids.tolist()]
    ).reshape(len(ids), len(ordered))
    towards = sp.vstack([_towards(one, rated.shape[1]) for one in ordered], format="csr")
    belongs = interests.assign(rated, len(known.liked.ids), towards, fixed, named)
    return [
        (
            one.interests[0].name,
            float(one.interests[0].share),
            _with_thumbs(one, known, belongs, number),
        )
        for number, one in enumerate(ordered)
    ]


def words_of(*rated: profiles.Rated) -> sp.csr_matrix:
    """The rows of all without their dense columns, shape (n, features.COLUMNS)."""
    parts = [
        (one.shelf.apart.columns, one.shelf.apart.words[one.places])
        for one in rated
        if len(one.ids)
    ]
    rows = [
        sp.csr_matrix(
            (words.data, columns[words.indices], words.indptr),
            shape=(words.shape[0], features.COLUMNS),
        )
        for columns, words in parts
    ]
    return (
        sp.vstack(rows, format="csr")
        if rows
        else sp.csr_matrix((0, features.COLUMNS), dtype=np.float32)
    )


def _towards(one: Known, width: int) -> sp.csr_matrix:
    """What an interest says of itself in words: all its keywords and all its examples, each of
    length 1, added up; shape (1, columns).
    """
    wanted = [phrase for phrase in one.phrases if not phrase.against]
    columns = np.concatenate([np.empty(0, np.int32), *(phrase.columns for phrase in wanted)])
    weights = np.concatenate([np.empty(0, np.float32), *(phrase.weights for phrase in wanted)])
    word = columns < width
    said = sp.csr_matrix(
        (weights[word], (np.zeros(int(word.sum()), np.int32), columns[word])), shape=(1, width)
    )
    return (
        _unit(said) + _unit(_sum(words_of(one.examples))) if len(one.examples.ids) else _unit(said)
    )


def _sum(rows: sp.csr_matrix) -> sp.csr_matrix:
    return sp.csr_matrix(
        (rows.data, (np.zeros(rows.nnz, np.int32), rows.indices)), shape=(1, rows.shape[1])
    )


def _unit(row: sp.csr_matrix) -> sp.csr_matrix:
    return row / (np.sqrt(row.multiply(row).sum()) or 1.0)


def _with_thumbs(one: Known, known: Known, belongs: NDArray[np.int64], number: int) -> Known:
    """An interest with its thumbs; those near no interest count for each."""
    ups = len(known.liked.ids)
    mine = (belongs == number) | (belongs < 0)
    return replace(
        one,
        lifts=known.lifts,
        ignored=_listed_for(
            known.ignored, known.came, one.interests[0].name if known.apart else ""
        ),
        ignored_weight=known.ignored_weight,
        liked=profiles.some_of(known.liked, np.flatnonzero(mine[:ups])),
        disliked=profiles.some_of(known.disliked, np.flatnonzero(mine[ups:])),
    )


def _listed_for(ignored: profiles.Rated, came: Mapping[int, str], name: str) -> profiles.Rated:
    """Those that were listed in the place of an interest, or of none."""
    return profiles.some_of(
        ignored,
        np.flatnonzero([came.get(ident, "") in ("", name) for ident in ignored.ids.tolist()]),
    )


def _by_taste(known: Known, tastes: NDArray[np.int64]) -> list[tuple[str, float, Known]]:
    count = int(tastes.max(initial=0)) + 1
    if count < 2:
        return []
    belongs = np.concatenate((tastes, _nearest(known, tastes, count)))
    parts = [_with_thumbs(known, known, belongs, number) for number in range(count)]
    names = _names_of([part.liked.titles for part in parts])
    return [
        (name, float(len(part.liked.ids)), part) for name, part in zip(names, parts, strict=True)
    ]


def _nearest(known: Known, tastes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The taste whose mean liked paper each disliked one is nearest to, shape (disliked,); -1 where
    it has no word of any.
    """
    if not len(known.disliked.ids):
        return np.empty(0, np.int64)
    liked, disliked = words_of(known.liked), words_of(known.disliked)
    columns, at = np.unique(liked.indices, return_inverse=True)
    of_taste = np.repeat(tastes, np.diff(liked.indptr)) * len(columns) + at
    centres = np.bincount(of_taste, weights=liked.data, minlength=count * len(columns)).reshape(
        count, len(columns)
    )
    there = np.minimum(np.searchsorted(columns, disliked.indices), len(columns) - 1)
    shared = np.where(columns[there] == disliked.indices, disliked.data, 0)
    products = (
        sp.csr_matrix(
            (shared, there, disliked.indptr), shape=(len(known.disliked.ids), len(columns))
        )
        @ centres.T
    )
    cosines = products / np.linalg.norm(centres, axis=1)
    return np.where(cosines.max(axis=1) > 0, cosines.argmax(axis=1), -1)


_WORD = re.compile(r"[^\W\d_]{2,}")


@lru_cache(maxsize=1 << 14)
def _title_words(title: str) -> frozenset[str]:
    return frozenset(_WORD.findall(title.lower())) - features.STOP_WORDS


def _names_of(titles: Sequence[Sequence[str]]) -> list[str]:
    """A name for each taste: the two words that stand in most titles of it and in few of the
    others.
    """
    counts = [Counter(word for title in some for word in _title_words(title)) for some in titles]
    names: list[str] = []
    for number, some in enumerate(titles):
        worth: dict[str, float] = {}
        best: list[str] = []
        for word, held in counts[number].most_common():
            # Worth no more than the titles that hold it: those of fewer cannot come before the best
            # two.
            if len(best) == 2 and held / len(some) < worth[best[1]]:
                break
            worth[word] = held / len(some) - sum(
                other[word] / len(titles[place])
                for place, other in enumerate(counts)
                if place != number
            )
            if worth[word] > 0:
                best = sorted((*best, word), key=lambda word: (-worth[word], word))[:2]
        name = ", ".join(best)
        names.append(name if name and name not in names else f"taste {number + 1}")
    return names
