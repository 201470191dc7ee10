"""What a lone word is about, by the reader's other keywords and liked papers.

"Dice" beside "medical image segmentation" is a measure of overlap, not a game. So a keyword of one
word only finds papers that are near its context.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digest.ranking.rows import COLUMNS, Phrase

#: least cosine of a word with the reader's other keywords and liked papers, for which these say
#: what the word is about; below, it is a subject of its own
RELATED = 0.4
#: least cosine of a paper with the context of a word
NEAR = 0.18


def find_contexts(
    phrases: Sequence[Phrase], liked_dense: NDArray[np.float32]
) -> list[NDArray[np.float32] | None]:
    """Return the context of each keyword, of length 1 in the dense columns; None = it has none.

    The context is the sum of the other wanted keywords and of the liked papers together, each of
    length 1. Phrases, and words with a sign, need none.

    Args:
        phrases: the keywords.
        liked_dense: dense columns of liked and example papers, shape (n, dense columns).
    """
    vectors = [_dense_vector(phrase) for phrase in phrases]
    width = max(map(len, vectors), default=0)
    if not width or not any(needs_context(phrase) for phrase in phrases):
        return [None] * len(phrases)
    table = np.zeros((len(phrases), width), np.float32)
    for row, phrase, vector in zip(table, phrases, vectors, strict=True):
        if len(vector) and not phrase.muted:
            row[:] = vector
    total = table.sum(axis=0)
    if liked_dense.shape[1] >= width:
        total += _unit(liked_dense[:, :width].sum(axis=0))
    contexts: list[NDArray[np.float32] | None] = []
    for row, phrase in zip(table, phrases, strict=True):
        context = _unit(total - row)
        is_related = needs_context(phrase) and float(row @ context) >= RELATED
        contexts.append(context if is_related else None)
    return contexts


def needs_context(phrase: Phrase) -> bool:
    """Return whether a keyword is a lone word that is neither muted nor pinned."""
    return phrase.text.isalnum() and not phrase.muted and not phrase.pinned


def _dense_vector(phrase: Phrase) -> NDArray[np.float32]:
    return _unit(phrase.weights[phrase.columns >= COLUMNS])


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale to length 1; a vector of zeros stays."""
    length = np.linalg.norm(vector)
    return (vector / length if length else vector).astype(np.float32)
