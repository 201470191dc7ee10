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
    contexts: list[NDArray[np.float32] | None] = [None] * len(phrases)
    words = [number for number, phrase in enumerate(phrases) if needs_context(phrase)]
    if not words:
        return contexts
    vectors = [phrase.weights[np.searchsorted(phrase.columns, COLUMNS) :] for phrase in phrases]
    width = max(map(len, vectors), default=0)
    if not width:
        return contexts
    table = np.zeros((len(phrases), width), np.float32)
    for row, phrase, vector in zip(table, phrases, vectors, strict=True):
        if len(vector) and not phrase.muted:
            row[:] = vector
    table = _scale_rows(table)
    total = table.sum(axis=0)
    if len(liked_dense):
        total += _scale_rows(liked_dense[:, :width].sum(axis=0)[None])[0]
    others = _scale_rows(total - table[words])
    cosines = (others * table[words]).sum(axis=1).tolist()
    for number, context, cosine in zip(words, others, cosines, strict=True):
        if cosine >= RELATED:
            contexts[number] = context
    return contexts


def needs_context(phrase: Phrase) -> bool:
    """Return whether a keyword is a lone word that is neither muted nor pinned."""
    return phrase.text.isalnum() and not phrase.muted and not phrase.pinned


def _scale_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale rows to length 1; rows of zeros stay."""
    lengths = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    return (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32, copy=False)
