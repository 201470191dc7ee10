"""Which papers of a day hold a keyword that the reader typed, and where.

A keyword that thumbs have faded from the score is found like any other: see `profiles.Keyword`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.ranking.profiles import Keyword, Profile
from digest.ranking.scores.days import Day
from digest.ranking.scores.parts import rows_holding


class KeywordPlaces(NamedTuple):
    """A typed keyword, and the competing papers that hold it."""

    keyword: Keyword
    #: rows with the keyword in title or abstract, ascending
    rows: NDArray[np.int64]
    #: those of them with the keyword in the title, ascending
    title_rows: NDArray[np.int64]


def find_keywords(profile: Profile, day: Day) -> list[KeywordPlaces]:
    """Return each keyword that the reader wants, in order, and the papers that hold it.

    The papers of a keyword are found once a day, however many readers typed it.
    """
    return [
        KeywordPlaces(
            keyword,
            _competing(rows_holding(keyword, profile, day), day),
            _competing(rows_holding(keyword, profile, day, in_title=True), day),
        )
        for keyword in profile.keywords
        if not keyword.phrase.muted
    ]


def _competing(rows: NDArray[np.int64], day: Day) -> NDArray[np.int64]:
    return rows[: np.searchsorted(rows, day.competing)]
