"""What is known of each paper of a day beside its score: the inputs of a chance.

Values of different readers have no scale in common. What they share stands here: how far a value
stands above the reader's recent papers, and where the paper has what the reader typed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.ranking.profiles import Profile
from digest.ranking.scores.days import Day
from digest.ranking.scores.parts import category_and_author_parts
from digest.ranking.scores.typed import find_keywords
from digest.ranking.scores.values import Scored, standardize

#: the columns of evidence, in order
EVIDENCE = (
    # the standard score of the paper, as a logarithm that keeps the sign
    "score",
    # the same by what the reader wrote alone; by everything where nothing was written
    "typed",
    # the score times how many papers the reader likes: 0 = none, 1 = MANY_LIKES or more
    "learned",
    # typed keywords in the title, at most two
    "title",
    # the same times how many papers the reader likes: thumbs have confirmed these keywords
    "confirmed",
    # whether one of the paper's categories is followed
    "category",
    # whether the reader typed no keyword
    "untyped",
)
#: likes from which a score is as sure as it gets
MANY_LIKES = 20
#: keywords in one title that count
MAX_TITLE_KEYWORDS = 2.0
#: what thumbs must have left of the keywords in a title for the paper to be listed for them: one
#: thumb down takes a third
MIN_TITLE_STRENGTH = 0.5


def gather_evidence(
    profile: Profile, scored: Scored, typed: Profile, typed_scored: Scored, day: Day
) -> NDArray[np.float64]:
    """Gather what is known of each competing paper, shape (competing, EVIDENCE).

    Args:
        profile: what was learned of an interest.
        scored: the day by this profile.
        typed: the interest by what the reader wrote alone.
        typed_scored: the day by these.
    """
    score = signed_log(scored.values, scored.mean, scored.deviation)
    surety = surety_of(profile)
    strengths = find_title_strengths(profile, typed, day)
    in_title = np.zeros(day.competing)
    for title_rows, strength in strengths or ():
        in_title[title_rows] += strength
    is_followed = np.zeros(day.competing)
    is_followed[find_followed_rows(typed, day)] = 1
    titles = np.minimum(in_title, MAX_TITLE_KEYWORDS)
    # In the order of EVIDENCE.
    return np.column_stack(
        (
            score,
            signed_log(typed_scored.values, typed_scored.mean, typed_scored.deviation),
            score * surety,
            titles,
            titles * surety,
            is_followed,
            np.full(day.competing, strengths is None, dtype=np.float64),
        )
    )


def has_title_keyword(evidence: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which papers hold a typed keyword in the title that thumbs have left strong enough."""
    return evidence[:, EVIDENCE.index("title")] >= MIN_TITLE_STRENGTH


def surety_of(profile: Profile) -> float:
    """Return how sure a score is by the papers that the reader likes, 0-1."""
    return float(min(np.log1p(profile.thumbs_up) / np.log1p(MANY_LIKES), 1.0))


def find_title_strengths(
    profile: Profile, typed: Profile, day: Day
) -> list[tuple[NDArray[np.int64], float]] | None:
    """Return the competing papers with each typed keyword in the title, and its strength.

    None where the reader typed no keyword.
    """
    keywords = find_keywords(typed, day)
    if not keywords:
        return None
    strengths = {own.phrase.text: own.strength for own in profile.keywords}
    return [
        (title_rows, strengths.get(keyword.phrase.text, 1.0))
        for keyword, _, title_rows in keywords
        if len(title_rows)
    ]


def find_followed_rows(profile: Profile, day: Day) -> NDArray[np.int64]:
    """Return the rows of competing papers in a followed category."""
    rows = np.concatenate(
        [
            np.empty(0, dtype=np.int64),
            *(
                named.rows
                for named in category_and_author_parts(profile, day)
                if named.part.kind == "category" and named.part.value > 0
            ),
        ]
    )
    return rows[rows < day.competing]


def signed_log(values: NDArray[np.float64], mean: Any, deviation: Any) -> NDArray[np.float64]:
    """Return standard scores as logarithms: a few papers stand very high above the rest.

    0 where the values to compare with do not differ.

    Args:
        values: of any shape.
        mean, deviation: of the values to compare with, of a shape that fits.
    """
    standard = standardize(values, mean, deviation)
    finite = np.nan_to_num(standard, nan=0.0, posinf=1e6, neginf=-1e6)
    logarithms: NDArray[np.float64] = np.sign(finite) * np.log1p(np.abs(finite))
    return logarithms
