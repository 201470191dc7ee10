"""What a score is, in its plain form: one reader, some papers, one sum.

`values` computes the same for many readers at once; a property test holds it to this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Paper
from digest.ranking.profiles import NEAR, Keyword, Profile
from digest.ranking.rows import COLUMNS
from digest.ranking.scores.names import (
    SECONDARY_CATEGORY,
    given_names_match,
    normalize_category,
    parse_author_name,
)
from digest.ranking.scores.trending import trending_parts


def score_plainly(
    profile: Profile,
    papers: Sequence[Paper],
    rows: sp.csr_matrix,
    thumbs: Mapping[int, Sequence[float]] | None = None,
) -> NDArray[np.float64]:
    """Score papers for one reader, shape (n,); only the order has a meaning.

    Args:
        profile: the reader's linear model.
        papers: the papers that compete, n of them.
        rows: their feature rows, shape (n, COLUMNS + dense columns).
        thumbs: paper id -> ages in days of readers' thumbs up.
    """
    word_weights = np.zeros(COLUMNS)
    word_weights[profile.columns] = profile.word_weights
    values: NDArray[np.float64] = rows[:, :COLUMNS] @ word_weights
    if len(profile.dense_weights) == rows.shape[1] - COLUMNS:
        values += rows[:, COLUMNS:] @ profile.dense_weights
    for keyword in profile.keywords:
        values += _keyword_values(keyword, profile, papers, rows)
    for category, bonus in profile.categories:
        values += [_category_value(category, bonus, paper) for paper in papers]
    for author, bonus in profile.authors:
        values += [bonus * _has_author(author, paper) for paper in papers]
    for paper_id, _, boost in profile.co_like_boosts:
        values += [boost * (paper.id == paper_id) for paper in papers]
    values += trending_parts(papers, thumbs=thumbs).sum(axis=0)
    return values


def _keyword_values(
    keyword: Keyword, profile: Profile, papers: Sequence[Paper], rows: sp.csr_matrix
) -> NDArray[np.float64]:
    """Return the keyword's product with each row, and its bonus where it occurs."""
    phrase = keyword.phrase
    weights = np.zeros(rows.shape[1])
    exists = phrase.columns < rows.shape[1]
    weights[phrase.columns[exists]] = phrase.weights[exists]
    is_held = np.array(
        [phrase.spelling.occurs_in(paper.title, paper.abstract) for paper in papers], dtype=np.bool_
    )
    is_held &= _fits_context(keyword, profile, papers, rows)
    words: NDArray[np.float64] = keyword.weight * (rows @ weights)
    bonuses: NDArray[np.float64] = keyword.bonus * is_held.astype(np.float64)
    return words + bonuses


def _fits_context(
    keyword: Keyword, profile: Profile, papers: Sequence[Paper], rows: sp.csr_matrix
) -> NDArray[np.bool_]:
    """Return which papers are near the keyword's context or in a followed category."""
    if keyword.context is None or rows.shape[1] < COLUMNS + len(keyword.context):
        return np.ones(len(papers), dtype=np.bool_)
    dense = rows[:, COLUMNS : COLUMNS + len(keyword.context)].toarray()
    is_near: NDArray[np.bool_] = dense @ keyword.context >= NEAR * np.linalg.norm(dense, axis=1)
    followed = [name for name, bonus in profile.categories if bonus > 0]
    is_followed = [any(_category_value(name, 1.0, paper) for name in followed) for paper in papers]
    return is_near | np.array(is_followed, dtype=np.bool_)


def _category_value(category: str, bonus: float, paper: Paper) -> float:
    """Return the bonus where a paper has the category; less if not as its first one."""
    parts = normalize_category(category).split(".")
    for position, name in enumerate(paper.categories):
        if name.lower().split(".")[: len(parts)] == parts:
            return bonus if position == 0 or bonus < 0 else bonus * SECONDARY_CATEGORY
    return 0.0


def _has_author(author: str, paper: Paper) -> bool:
    last_name, given_names = parse_author_name(author)
    return any(
        last_name == printed_last_name != "" and given_names_match(given_names, printed_given_names)
        for printed_last_name, printed_given_names in map(parse_author_name, paper.authors)
    )
