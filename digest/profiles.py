"""What a reader wants and has rated -> Profile: one linear model of their taste.

A ladder whose steps blend into one another. Nothing known: every weight is nought and what is trending decides. Keywords, categories
and authors pull papers up or push them down. Example papers and thumbs train a classifier on words against recent papers that nobody
rated, and the words of the keywords fade as it learns.

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

#: inverse strength of the classifier's regularisation
C = 10.0
#: a thumb loses 1 % of its weight a day, never more than nine tenths
DECAY = 0.01
FADED = 0.1
#: an example paper beside a fresh thumb up
EXAMPLE = 0.5
#: a thumb down beside an unrated paper, among the negatives
DISLIKE = 10.0
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
    """Recent papers that stand for what a reader does not ask for; made once for many readers."""

    #: shape (n,)
    ids: NDArray[np.int64]
    #: column of the features -> its place among those that occur, -1 = occurs in none
    places: NDArray[np.int32]
    #: weighed words by column, shape (n, columns that occur)
    rows: sp.csc_matrix


def background(papers: Sequence[Paper], rows: sp.csr_matrix) -> Background:
    """The background of recent papers and their weighed rows; about 1,000 are enough. Raises ValueError when the numbers differ."""
    if rows.shape[0] != len(papers):
        raise ValueError(f"{len(papers)} papers with {rows.shape[0]} rows")
    # A look-up in a table of all columns is several times quicker than a search in the sorted ones.
    places = np.full(rows.shape[1], -1, dtype=np.int32)
    places[rows.indices] = 0
    occurring = np.flatnonzero(places == 0)
    places[occurring] = np.arange(len(occurring))
    compact = sp.csr_matrix((rows.data.astype(np.float64), places[rows.indices], rows.indptr), shape=(rows.shape[0], len(occurring)))
    return Background(ids=np.array([paper.id for paper in papers], dtype=np.int64), places=places, rows=compact.tocsc())


def some_of(those: Rated, places: NDArray[np.int64]) -> Rated:
    """The rated papers at these places, in that order."""
    return Rated(
        ids=those.ids[places],
        titles=tuple(those.titles[place] for place in places.tolist()),
        rows=those.rows[places],
        ages=those.ages[places],
    )


def _numbers(rows: sp.csr_matrix) -> NDArray[np.int32]:
    return np.repeat(np.arange(rows.shape[0], dtype=np.int32), np.diff(rows.indptr))


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


def train(
    interests: Sequence[Interest],
    background: Background,
    *,
    phrases: Sequence[Phrase] = (),
    liked: Rated | None = None,
    disliked: Rated | None = None,
    examples: Rated | None = None,
) -> Profile:
    """One reader's profile.

    `phrases` are the interests' keywords as `features.phrases` makes them. Any of the inputs may be empty and the thumbs may contradict
    each other: the profile then knows less, and never holds a number that is not finite.
    """
    none = Rated(ids=np.empty(0, np.int64), titles=(), rows=sp.csr_matrix((0, 0)), ages=np.empty(0))
    liked, disliked, examples = liked or none, disliked or none, examples or none
    known = len(liked.ids) + EXAMPLE * len(examples.ids)
    columns, weights = _learn(liked, disliked, examples, background)
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


def _learn(liked: Rated, disliked: Rated, examples: Rated, background: Background) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Columns and weights of the classifier, of length 1; `AWAY` where there are dislikes alone, 0 where no word was rated."""
    parts = [part for part in (liked, examples, disliked) if len(part.ids)]
    if not parts:
        return np.empty(0, np.int32), np.empty(0)
    every = _join(parts)
    ups = len(liked.ids) + len(examples.ids)
    share = np.maximum(np.exp(-DECAY * every.ages), FADED)
    share[len(liked.ids) : ups] *= EXAMPLE
    share[ups:] *= DISLIKE
    columns, mine, others = _compact(every.rows, background)
    if not len(columns):
        return np.empty(0, np.int32), np.empty(0)
    others = others[~np.isin(background.ids, every.ids[every.ids != 0])]
    both = 0 < ups < len(every.ids) + others.shape[0]
    weights = _classify(mine, others, ups, share) if both else (share if ups else -share) @ mine
    length = float(np.sqrt(weights @ weights))
    if not np.isfinite(length) or length == 0:
        return np.empty(0, np.int32), np.empty(0)
    return columns, weights * ((1.0 if ups else AWAY) / length)


def _compact(rows: sp.csr_matrix, background: Background) -> tuple[NDArray[np.int32], sp.csr_matrix, sp.csr_matrix]:
    """The columns of the rated papers only: other words could do nothing but push down papers of which the reader said nothing."""
    used = rows.data != 0
    columns, places = np.unique(rows.indices[used], return_inverse=True)
    shape = (rows.shape[0], len(columns))
    mine = sp.csr_matrix((rows.data[used].astype(np.float64), (_numbers(rows)[used], places)), shape=shape)
    there = background.places[columns]
    picked = background.rows[:, there[there >= 0]]
    sizes = np.zeros(len(columns) + 1, dtype=np.int32)
    sizes[1:][there >= 0] = np.diff(picked.indptr)
    others = sp.csc_matrix((picked.data, picked.indices, np.cumsum(sizes)), shape=(len(background.ids), len(columns)))
    return columns.astype(np.int32), mine, others.tocsr()


def _classify(mine: sp.csr_matrix, others: sp.csr_matrix, ups: int, share: NDArray[np.float64]) -> NDArray[np.float64]:
    # Loading the library takes a second or two, and most commands never learn.
    from sklearn import config_context
    from sklearn.linear_model import LogisticRegression

    target = np.zeros(mine.shape[0] + others.shape[0])
    target[:ups] = 1
    weight = np.concatenate((share, np.ones(others.shape[0])))
    half = len(target) / 2
    weight[:ups] *= half / weight[:ups].sum()
    weight[ups:] *= half / weight[ups:].sum()
    model = LogisticRegression(C=C, solver="liblinear", tol=1e-2, max_iter=200, random_state=0)
    # The checks of the arguments took a third of the time of small fits.
    with config_context(assume_finite=True, skip_parameter_validation=True):
        model.fit(sp.vstack((mine, others), format="csr"), target, sample_weight=weight)
    found: NDArray[np.float64] = model.coef_[0]
    return found
