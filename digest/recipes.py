"""Named ways to rank the day's papers for a reader: the service's own, and what it is measured against.

Pure, like the stages that it is made of: it joins `features`, `profiles` and `scores` into one value a recipe, so that composing, sharing a
digest between two recipes and replaying the past all rank by the same code. To add a recipe, write how a profile is learned and add an entry
to `RECIPES`; scoring and explaining are those of `scores` unless the recipe brings its own.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest import features, interests, profiles, scores
from digest.errors import ConfigError
from digest.model import Interest, Part, Score

#: what a thumb down takes from a centroid beside what a thumb up adds
_AWAY = 0.25


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Known:
    """All that a recipe may know of a reader."""

    interests: tuple[Interest, ...]
    phrases: tuple[features.Phrase, ...]
    liked: profiles.Rated
    disliked: profiles.Rated
    examples: profiles.Rated
    #: of a reader with several interests: what each of them says, without thumbs
    apart: tuple[Known, ...] = ()
    #: listed and left without a thumb where another paper of the digest got one: no dislikes, and what they count beside those
    ignored: profiles.Rated | None = None
    ignored_weight: float = 0.0
    #: what other readers' likes add: (paper id, title of a paper that they and this reader like, what it adds)
    lifts: tuple[tuple[int, str, float], ...] = ()
    #: paper id -> the interest in whose place of a digest it was listed
    came: Mapping[int, str] = field(default_factory=dict)
    #: paper id -> interest -> what its categories and authors there are worth
    named: Mapping[int, Mapping[str, float]] = field(default_factory=dict)


Learn = Callable[[Known, profiles.Background], profiles.Profile]
Values = Callable[[profiles.Profile, scores.Day], NDArray[np.float64]]
Explain = Callable[[profiles.Profile, scores.Day, Collection[int]], Iterator[Score]]
Rank = Explain


def _explain(profile: profiles.Profile, day: scores.Day, among: Collection[int]) -> Iterator[Score]:
    return scores.explain(profile, day, words_of=features.words_of, among=among)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One way to rank: what it learns of a reader, and how it scores with that."""

    name: str
    #: in a few words, for tables
    about: str
    learn: Learn
    #: the value of every competing paper of a day, shape (competing,); only the order means something
    score: Values = field(default=scores.score)
    #: scores with their reasons, best first, of the papers whose ids are given
    explain: Explain = field(default=_explain)
    #: the same without the reasons, at a fraction of the cost
    rank: Rank = field(default=scores.rank)
    #: whether a reader's interests, or the tastes in their thumbs, are learned each on its own
    apart: bool = False


# ---------------------------------------------------------------------------------------------- several interests


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
    """A profile of each of the reader's interests, in order of their names; of each taste in their thumbs where they named none; else one."""
    each = _each(known) if recipe.apart else []
    if len(each) < 2:
        return (Learned(name="", share=1.0, profile=recipe.learn(known, background), known=known),)
    return tuple(
        Learned(name=name, share=share, profile=recipe.learn(part, background), known=part)
        for name, share, part in sorted(each, key=lambda one: one[0])
    )


def _each(known: Known) -> list[tuple[str, float, Known]]:
    if known.apart:
        return _by_interest(known)
    return [] if known.interests else _by_taste(known)


def _by_interest(known: Known) -> list[tuple[str, float, Known]]:
    ordered = sorted(known.apart, key=lambda one: one.interests[0].name)
    rated = _words_of(sp.vstack((known.liked.rows, known.disliked.rows), format="csr"))
    ids = np.concatenate((known.liked.ids, known.disliked.ids))
    numbers = {one.interests[0].name: number for number, one in enumerate(ordered)}
    fixed = np.array([numbers.get(known.came.get(ident, ""), -1) for ident in ids.tolist()], dtype=np.int64)
    named = np.array([[known.named.get(ident, {}).get(name, 0.0) for name in numbers] for ident in ids.tolist()]).reshape(
        len(ids), len(ordered)
    )
    towards = sp.vstack([_towards(one, rated.shape[1]) for one in ordered], format="csr")
    belongs = interests.assign(rated, len(known.liked.ids), towards, fixed, named)
    return [
        (one.interests[0].name, float(one.interests[0].share), _with_thumbs(one, known, belongs, number))
        for number, one in enumerate(ordered)
    ]


def _words_of(rows: sp.csr_matrix) -> sp.csr_matrix:
    """The rows without their dense columns: by words alone, papers of different subjects have next to nothing in common."""
    return rows[:, : features.COLUMNS] if rows.shape[1] > features.COLUMNS else rows


def _towards(one: Known, width: int) -> sp.csr_matrix:
    """What an interest says of itself in words: all its keywords and all its examples, each of length 1, added up; shape (1, columns)."""
    wanted = [phrase for phrase in one.phrases if not phrase.against]
    columns = np.concatenate([np.empty(0, np.int32), *(phrase.columns for phrase in wanted)])
    weights = np.concatenate([np.empty(0, np.float32), *(phrase.weights for phrase in wanted)])
    word = columns < width
    said = sp.csr_matrix((weights[word], (np.zeros(int(word.sum()), np.int32), columns[word])), shape=(1, width))
    return _unit(said) + _unit(_sum(_words_of(one.examples.rows))) if one.examples.rows.shape[0] else _unit(said)


def _sum(rows: sp.csr_matrix) -> sp.csr_matrix:
    return sp.csr_matrix(np.ones((1, rows.shape[0]))) @ rows


def _unit(row: sp.csr_matrix) -> sp.csr_matrix:
    return row / (np.sqrt(row.multiply(row).sum()) or 1.0)


def _with_thumbs(one: Known, known: Known, belongs: NDArray[np.int64], number: int) -> Known:
    """An interest with its thumbs; those near no interest count for each."""
    ups = len(known.liked.ids)
    mine = (belongs == number) | (belongs < 0)
    return replace(
        one,
        lifts=known.lifts,
        ignored=None if known.ignored is None else _listed_for(known.ignored, known.came, one.interests[0].name if known.apart else ""),
        ignored_weight=known.ignored_weight,
        liked=profiles.some_of(known.liked, np.flatnonzero(mine[:ups])),
        disliked=profiles.some_of(known.disliked, np.flatnonzero(mine[ups:])),
    )


def _listed_for(ignored: profiles.Rated, came: Mapping[int, str], name: str) -> profiles.Rated:
    """Those that were listed in the place of an interest, or of none."""
    return profiles.some_of(ignored, np.flatnonzero([came.get(ident, "") in ("", name) for ident in ignored.ids.tolist()]))


def _by_taste(known: Known) -> list[tuple[str, float, Known]]:
    tastes = interests.tastes(_words_of(known.liked.rows))
    count = int(tastes.max(initial=0)) + 1
    if count < 2:
        return []
    ups = len(tastes)
    rated = _words_of(sp.vstack((known.liked.rows, known.disliked.rows), format="csr"))
    centres = sp.csr_matrix((np.ones(ups), (tastes, np.arange(ups))), shape=(count, ups)) @ rated[:ups]
    belongs = interests.assign(
        rated,
        ups,
        centres,
        np.concatenate((tastes, np.full(len(known.disliked.ids), -1, dtype=np.int64))),
        np.zeros((rated.shape[0], count)),
    )
    parts = [_with_thumbs(known, known, belongs, number) for number in range(count)]
    names = _names_of([part.liked.titles for part in parts])
    return [(name, float(len(part.liked.ids)), part) for name, part in zip(names, parts, strict=True)]


def _names_of(titles: Sequence[Sequence[str]]) -> list[str]:
    """A name for each taste: the two words that stand in most titles of it and in few of the others."""
    counts = [
        Counter(word.lower() for title in some for word in set(features.words_of(title).values()) if " " not in word) for some in titles
    ]
    names: list[str] = []
    for number, some in enumerate(titles):
        worth = {
            word: held / len(some) - sum(other[word] / len(titles[place]) for place, other in enumerate(counts) if place != number)
            for word, held in counts[number].items()
        }
        best = sorted((word for word, value in worth.items() if value > 0), key=lambda word: (-worth[word], word))[:2]
        name = ", ".join(best)
        names.append(name if name and name not in names else f"taste {number + 1}")
    return names


def rank(
    recipe: Recipe, learned: Sequence[Learned], background: profiles.Background, day: scores.Day, among: Collection[int]
) -> Iterator[Score]:
    """The papers best first, each once, as the profile sees it that likes it most, without reasons.

    Of several profiles the one with the highest percentile likes a paper most, since values of different profiles have different scales;
    equal ones go by value. `Score.interest` names it where something of that interest speaks for the paper.
    """
    if len(learned) == 1:
        yield from recipe.rank(learned[0].profile, day, among)
        return
    seen: set[int] = set()
    nothing = recipe.score(replace(profiles.train((), background), lifts=learned[0].profile.lifts), day)
    lists = [_of_interest(recipe, one, nothing, day, among) for one in learned]
    for score in heapq.merge(*lists, key=lambda score: (-score.percentile, -score.value, score.paper_id, score.interest)):
        if score.paper_id not in seen:
            seen.add(score.paper_id)
            yield score


#: percentile below which a paper is no good candidate for the interest, whatever speaks for it
_GOOD = 50


def _of_interest(recipe: Recipe, one: Learned, nothing: NDArray[np.float64], day: scores.Day, among: Collection[int]) -> Iterator[Score]:
    speaks = dict(zip(day.ids[: day.competing].tolist(), (recipe.score(one.profile, day) - nothing > 1e-5).tolist(), strict=True))
    for score in recipe.rank(one.profile, day, among):
        good = score.percentile >= _GOOD and speaks[score.paper_id]
        yield replace(score, interest=one.name) if good else score


def counted(learned: Sequence[Learned]) -> dict[str, Any]:
    """What the profiles together were made from, in the words of `Made`: the furthest step, and each thumb once."""
    each = [one.profile for one in learned]
    return {
        "model": next((step for step in _STEPS if any(profile.step == step for profile in each)), each[0].step),
        "thumbs_up": _distinct([one.known.liked.ids for one in learned]) if len(each) > 1 else each[0].thumbs_up,
        "thumbs_down": _distinct([one.known.disliked.ids for one in learned]) if len(each) > 1 else each[0].thumbs_down,
    }


_STEPS = ("thumbs", "examples", "keywords")


def _distinct(ids: Sequence[NDArray[np.int64]]) -> int:
    return len(np.unique(np.concatenate(ids)))


def explain(recipe: Recipe, learned: Sequence[Learned], day: scores.Day, chosen: Mapping[int, Score]) -> dict[int, Score]:
    """The scores of chosen papers with their reasons, from the profile that ranked each, by id."""
    found: dict[int, Score] = {}
    for one in learned:
        mine = {ident: score for ident, score in chosen.items() if ident not in found}
        for score in recipe.explain(one.profile, day, mine):
            ranked = mine[score.paper_id]
            if len(learned) == 1 or (score.percentile, score.value) == (ranked.percentile, ranked.value):
                found[score.paper_id] = replace(score, interest=ranked.interest)
    return found


# ---------------------------------------------------------------------------------------------- what is learned


def _all(known: Known, background: profiles.Background) -> profiles.Profile:
    learned = profiles.train(
        known.interests,
        background,
        phrases=known.phrases,
        liked=known.liked,
        disliked=known.disliked,
        examples=known.examples,
        ignored=known.ignored,
        ignored_weight=known.ignored_weight,
    )
    return replace(learned, lifts=known.lifts)


def _words(known: Known, background: profiles.Background) -> profiles.Profile:
    return profiles.train((), background, liked=known.liked, disliked=known.disliked, examples=known.examples)


def _keywords(known: Known, background: profiles.Background) -> profiles.Profile:
    return profiles.train(known.interests, background, phrases=known.phrases)


def _nothing(_: Known, background: profiles.Background) -> profiles.Profile:
    return replace(profiles.train((), background), step="recent")


def _centroid(known: Known, background: profiles.Background) -> profiles.Profile:
    liked, disliked = known.liked, known.disliked
    columns, weights = _mean(liked.rows, disliked.rows)
    return replace(
        profiles.train((), background),
        step="centroid" if len(columns) else "trending",
        thumbs_up=len(liked.ids),
        thumbs_down=len(disliked.ids),
        columns=columns,
        weights=weights,
        near=liked,
    )


def _mean(liked: sp.csr_matrix, disliked: sp.csr_matrix) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Columns and weights, of length 1, of the mean liked paper less a share of the mean disliked one; empty where nothing is liked."""
    if not liked.nnz:
        return np.empty(0, np.int32), np.empty(0)
    columns = np.unique(liked.indices)
    weights = np.asarray(liked[:, columns].mean(axis=0), dtype=np.float64).ravel()
    if disliked.nnz:
        weights -= _AWAY * np.asarray(disliked[:, columns].mean(axis=0), dtype=np.float64).ravel()
    length = float(np.sqrt(weights @ weights))
    return columns.astype(np.int32), weights / (length or 1.0)


# ---------------------------------------------------------------------------------------------- newest first


def _newness(_: profiles.Profile, day: scores.Day) -> NDArray[np.float64]:
    return np.array([paper.first_seen.toordinal() for paper in day.papers], dtype=np.float64)


def _newest(profile: profiles.Profile, day: scores.Day, among: Collection[int]) -> Iterator[Score]:
    days = _newness(profile, day)
    spread = float(days.std()) if len(days) else 0.0
    for place in np.lexsort((day.ids[: day.competing], -days)).tolist():
        paper = day.papers[place]
        if paper.id in among:
            value = float(days[place])
            percentile = int(100 * np.mean(days < value))
            standard = (value - float(days.mean())) / spread if spread else 0.0
            part = Part(kind="recency", name=paper.first_seen.isoformat(), value=value)
            yield Score(paper_id=paper.id, value=value, percentile=percentile, standard=standard, parts=(part,))


# ---------------------------------------------------------------------------------------------- by name

#: the recipe that a service uses unless its config names another
OWN = "learned"

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            Recipe(name=OWN, about="interests, thumbs and what is trending, learned anew each round", learn=_all, apart=True),
            Recipe(name="words", about="words of rated papers alone (tf-idf), no interests", learn=_words),
            Recipe(name="centroid", about="words of the mean liked paper (tf-idf)", learn=_centroid),
            Recipe(name="keywords", about="interests alone, thumbs ignored", learn=_keywords),
            Recipe(name="recent", about="newest first", learn=_nothing, score=_newness, explain=_newest, rank=_newest),
        )
    }
)


def named(name: str, key: str) -> Recipe:
    """The recipe of that name.

    Args:
        key: the setting that it comes from, for the message.

    Raises:
        ConfigError: there is none.
    """
    if name not in RECIPES:
        raise ConfigError(f"{key} = {name!r}: there is no such recipe. Known are: {', '.join(RECIPES)}")
    return RECIPES[name]
