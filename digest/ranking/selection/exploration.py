"""One paper drawn from just below the line, since the answer to it teaches most."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from digest.model import Score
from digest.ranking.selection.draft import Draft
from digest.ranking.selection.rules import Rules

#: papers just below the line among which one is drawn
MAX_CANDIDATES = 50
#: weight that a paper keeps however small its chance, or however much it is like the listed ones
_MIN_WEIGHT = 0.01
#: papers that a digest lists at least beside one that is drawn
MIN_LISTED = 5


def draw(
    draft: Draft, candidates: Sequence[Score], rules: Rules, seed: tuple[int, int]
) -> tuple[Score, float]:
    """Draw one of the papers just below the line, and return it with its probability.

    A paper of a higher chance is likelier, since scores are least sure on which side of the line it
    belongs. A paper unlike the listed ones is likelier, since an answer to it says more that is
    new. The random number is a hash of the seed, so a draw can be repeated.

    Args:
        draft: the listed papers.
        candidates: papers below the line, best first, at most MAX_CANDIDATES.
        seed: subscriber id and day.
    """
    similarity = rules.cosines(
        [score.paper_id for score in draft.scores], [score.paper_id for score in candidates]
    ).max(axis=0, initial=0.0)
    chances = np.array([max(score.chance, _MIN_WEIGHT) for score in candidates])
    weights = chances * np.maximum(1 - similarity, _MIN_WEIGHT)
    sums = weights.cumsum()
    # A hash is ten times as fast as making a random generator.
    digest = blake2b(f"exploration {seed[0]} {seed[1]}".encode(), digest_size=6).digest()
    uniform = int.from_bytes(digest) / 2**48
    position = int(sums.searchsorted(uniform * sums[-1], side="right"))
    position = min(position, len(candidates) - 1)
    return candidates[position], float(weights[position] / sums[-1])
