"""What a reader wants and has rated -> Profile: one linear model of their taste.

A ladder whose steps blend into one another. Nothing known: every weight is nought and what is trending decides. Keywords, categories
and authors pull papers up or push them down. Example papers and thumbs train a linear discriminant against recent papers that nobody
rated, and the words of the keywords fade as it learns.

The discriminant is Fisher's, with one covariance for all readers (Fisher, "The use of multiple measurements in taxonomic problems", 1936): the rows
come whitened by the corpus from `features`, so what is left of it is a difference of means. Ridge regression against the same
papers ranked no better (`tests/README.md`), and this needs no fitting.

A reader with several interests has a profile of each; `recipes` trains them and `digests` gives each its share. Rows come in from
`features`; this module knows no text but the names of things.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Interest, Paper

#: a thumb loses 1 % of its weight a day, never more than nine tenths
DECAY = 0.01
FADED = 0.1
#: an example paper beside a fresh thumb up
EXAMPLE = 0.5
#: the mean disliked paper beside the mean liked one, with many thumbs down; half of it with as many as DISLIKES
DISLIKE, DISLIKES = 0.5, 1.0
#: the pull away from what was disliked while nothing was liked
AWAY = 0.5

#: thumbs up (examples count half) after which the words of keywords say nothing more
FADE = 3.0
#: what the words of each keyword weigh, and what is added for a paper that holds the word or the whole phrase, without thumbs
KEYWORD, HOLDS, HOLDS_PHRASE = 0.45, 0.02, 0.06
#: added for a followed category or author without thumbs, and what stays of it with many
CATEGORY, CATEGORY_LEFT = 0.06, 0.02
AUTHOR, AUTHOR_LEFT = 0.3, 0.15
#: what is always added for a paper that holds a keyword with a "+"
MUST = 0.15
#: what an unwanted keyword, category or author takes away: more than any words add
UNWANTED = 1.0


class Phrase(Protocol):
    """A keyword in the columns of the features, as `features.phrases` makes it."""

    @property
    def text(self) -> str: ...
    @property
    def against(self) -> bool: ...
    @property
    def must(self) -> bool: ...
    @property
    def columns(self) -> NDArray[np.int32]: ...
    @property
    def weights(self) -> NDArray[np.float32]: ...
    @property
    def spellings(self) -> tuple[NDArray[np.int32], ...]: ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rated:
    """Papers that a reader has liked, disliked or given as examples; the same paper counts once, at its youngest."""

    #: shape (n,); 0 for a text that is no stored paper
    ids: NDArray[np.int64]
    titles: tuple[str, ...]
    #: weighed words, shape (n, columns), rows of length 1 or 0
    rows: sp.csr_matrix
    #: shape (n,), days since the thumb
    ages: NDArray[np.float64]


def rated(papers: Sequence[Paper], rows: sp.csr_matrix, ages: Sequence[float] = (), texts: int = 0) -> Rated:
    """Rated papers from papers, their rows and the ages of the thumbs in days (all fresh when left out).

    The last `texts` rows belong to free texts of the reader instead of papers. Raises ValueError when the numbers differ.
    """
    number = len(papers) + texts
    if rows.shape[0] != number or (len(ages) and len(ages) != number):
        raise ValueError(f"{len(papers)} papers and {texts} texts with {rows.shape[0]} rows and {len(ages)} ages")
    ids = np.array([paper.id for paper in papers] + [0] * texts, dtype=np.int64)
    titles = [paper.title for paper in papers] + [""] * texts
    days = np.maximum(np.nan_to_num(np.array(ages if len(ages) else [0.0] * number, dtype=np.float64)), 0.0)
    youngest: dict[tuple[int, int], int] = {}
    for place in np.argsort(days, kind="stable").tolist():
        youngest.setdefault((int(ids[place]), place if ids[place] == 0 else 0), place)
    keep = sorted(youngest.values())
    return Rated(ids=ids[keep], titles=tuple(titles[place] for place in keep), rows=rows[keep], ages=days[keep])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Background:
    """The mean of recent papers, which stands for what a reader does not ask for; made once for many readers."""

    #: shape (columns of the features,)
    mean: NDArray[np.float64]


def background(papers: Sequence[Paper], rows: sp.csr_matrix) -> Background:
    """The background of recent papers and their rows; about 1,000 are enough. Raises ValueError when the numbers differ."""
    if rows.shape[0] != len(papers):
        raise ValueError(f"{len(papers)} papers with {rows.shape[0]} rows")
    return Background(mean=np.bincount(rows.indices, weights=rows.data, minlength=rows.shape[1]) / max(len(papers), 1))


def some_of(those: Rated, places: NDArray[np.int64]) -> Rated:
    """The rated papers at these places, in that order."""
    return Rated(
        ids=those.ids[places],
        titles=tuple(those.titles[place] for place in places.tolist()),
        rows=those.rows[places],
        ages=those.ages[places],
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Keyword:
    """What a keyword does to a paper: `weight` times its words' product with the paper, and `bonus` where the whole phrase stands."""

    phrase: Phrase
    weight: float
    bonus: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Profile:
    """One reader's linear model of a paper's worth; see `scores` for the sum."""

    #: step of the ladder: "trending", "keywords", "examples", "thumbs"
    step: str
    thumbs_up: int = 0
    thumbs_down: int = 0
    #: columns with a learned weight, ascending, and the weights; of Euclidean length at most 1
    columns: NDArray[np.int32]
    weights: NDArray[np.float64]
    keywords: tuple[Keyword, ...] = ()
    #: (category or its leading part, what it adds)
    categories: tuple[tuple[str, float], ...] = ()
    #: (name, what it adds)
    authors: tuple[tuple[str, float], ...] = ()
    #: liked and example papers, to tell which is nearest
    near: Rated
    #: what the likes of other readers add: (paper id, title of a paper that they and this reader like, what it adds)
    lifts: tuple[tuple[int, str, float], ...] = ()


def train(
    interests: Sequence[Interest],
    background: Background,
    *,
    phrases: Sequence[Phrase] = (),
    liked: Rated | None = None,
    disliked: Rated | None = None,
    examples: Rated | None = None,
    ignored: Rated | None = None,
    ignored_weight: float = 0.0,
) -> Profile:
    """One reader's profile.

    `ignored` papers were listed and left without a thumb; all together they count `ignored_weight` of what as many thumbs down would, and
    nothing where nothing was liked.

    `phrases` are the interests' keywords as `features.phrases` makes them. Any of the inputs may be empty and the thumbs may contradict
    each other: the profile then knows less, and never holds a number that is not finite.
    """
    none = Rated(ids=np.empty(0, np.int64), titles=(), rows=sp.csr_matrix((0, 0)), ages=np.empty(0))
    liked, disliked, examples = liked or none, disliked or none, examples or none
    ignored = ignored if ignored is not None and ignored_weight > 0 else none
    known = len(liked.ids) + EXAMPLE * len(examples.ids)
    columns, weights = _learn(liked, disliked, examples, ignored, ignored_weight, background)
    return Profile(
        step=_step(interests, liked, disliked, examples),
        thumbs_up=len(liked.ids),
        thumbs_down=len(disliked.ids),
        columns=columns,
        weights=weights,
        keywords=_keywords(phrases, known),
        categories=_named([name for interest in interests for name in interest.categories], CATEGORY, CATEGORY_LEFT, known),
        authors=_named([name for interest in interests for name in interest.authors], AUTHOR, AUTHOR_LEFT, known),
        near=_join([part for part in (liked, examples) if len(part.ids)]) if known else none,
    )


def _step(interests: Sequence[Interest], liked: Rated, disliked: Rated, examples: Rated) -> str:
    if len(liked.ids) or len(disliked.ids):
        return "thumbs"
    if len(examples.ids):
        return "examples"
    return "keywords" if any(interest.keywords or interest.categories or interest.authors for interest in interests) else "trending"


# ---------------------------------------------------------------------------------------------- what the reader wrote


def fading(known: float) -> float:
    """What the words of keywords count beside `known` thumbs up: 1 without any, 0 from `FADE` on."""
    return min(1.0, 2 / (1 + known)) * max(0.0, 1 - known / FADE)


def _keywords(phrases: Sequence[Phrase], known: float) -> tuple[Keyword, ...]:
    share = fading(known)
    pulls = []
    for phrase in phrases:
        if phrase.against:
            pulls.append(Keyword(phrase=phrase, weight=0.0, bonus=-UNWANTED))
        elif share or phrase.must:
            bonus = share * (HOLDS if phrase.text.isalnum() else HOLDS_PHRASE)
            pulls.append(Keyword(phrase=phrase, weight=share * KEYWORD, bonus=max(bonus, MUST if phrase.must else 0.0)))
    return tuple(pulls)


def _named(names: Sequence[str], alone: float, left: float, known: float) -> tuple[tuple[str, float], ...]:
    value = left + (alone - left) / (1 + known)
    found: dict[str, float] = {}
    for name in names:
        bare = " ".join(name.strip().removeprefix("-").split())
        if bare:
            found.setdefault(bare, -UNWANTED if name.strip().startswith("-") else value)
    return tuple(found.items())


# ---------------------------------------------------------------------------------------------- what the reader rated


def _join(parts: Sequence[Rated]) -> Rated:
    return Rated(
        ids=np.concatenate([part.ids for part in parts]),
        titles=tuple(title for part in parts for title in part.titles),
        rows=sp.vstack([part.rows for part in parts], format="csr"),
        ages=np.concatenate([part.ages for part in parts]),
    )


def _against(number: int) -> float:
    """What so many thumbs down take away together."""
    return DISLIKE * number / (number + DISLIKES)


def _learn(
    liked: Rated, disliked: Rated, examples: Rated, ignored: Rated, ignored_weight: float, background: Background
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Columns and weights of the discriminant, of length 1; `AWAY` where there are dislikes alone, 0 where no word was rated.

    Only the columns of the rated papers: other words could do nothing but push down papers of which the reader said nothing.
    """
    ups = [part for part in (liked, examples) if len(part.ids)]
    parts = ups + ([disliked] if len(disliked.ids) else [])
    rated = sum(len(part.ids) for part in parts)
    parts += [ignored] if ups and len(ignored.ids) else []
    if not parts:
        return np.empty(0, np.int32), np.empty(0)
    every = _join(parts)
    number = sum(len(part.ids) for part in ups)
    share = np.maximum(np.exp(-DECAY * every.ages), FADED)
    share[len(liked.ids) : number] *= EXAMPLE
    if number:
        share[:number] /= share[:number].sum()
    if number < rated:
        share[number:rated] *= -(_against(rated - number) if number else 1.0) / share[number:rated].sum()
    if rated < len(share):
        share[rated:] *= -ignored_weight * _against(len(share) - rated) / share[rated:].sum()
    if not every.rows.nnz:
        return np.empty(0, np.int32), np.empty(0)
    columns, places = np.unique(every.rows.indices, return_inverse=True)
    moved = every.rows.data * np.repeat(share, np.diff(every.rows.indptr))
    weights: NDArray[np.float64] = np.bincount(places, weights=moved) - share.sum() * background.mean[columns]
    if rated < len(share):
        # A column of ignored papers alone moves by what they say, else the least weight would push it down as if it had been rated.
        theirs = ~np.isin(columns, every.rows.indices[: every.rows.indptr[rated]])
        weights[theirs] += share[:rated].sum() * background.mean[columns[theirs]]
    length = float(np.sqrt(weights @ weights))
    if not np.isfinite(length) or length < 1e-9:
        return np.empty(0, np.int32), np.empty(0)
    return columns.astype(np.int32), weights * ((1.0 if number else AWAY) / length)
