"""The first papers to rate: those whose thumbs teach most about a new reader."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: how much being unsure of a paper counts beside being unlike those chosen before it
BALANCE = 0.5


def choose_to_teach(
    chances: NDArray[np.float64],
    cosines: NDArray[np.float64],
    count: int,
    *,
    line: float,
    balance: float = BALANCE,
) -> list[int]:
    """Choose papers that a profile is unsure of, each unlike the others.

    The greedy rule of K. Brinker, "Incorporating Diversity in Active Learning with Support Vector
    Machines", ICML 2003: the next paper has the smallest

        balance * distance to the line + (1 - balance) * largest cosine to a chosen paper

    where distances are divided by the largest. Ties go to the first.

    Args:
        chances: of a thumb up, shape (papers,).
        cosines: of papers to papers, shape (papers, papers).
        count: papers to choose at most.
        line: the chance from which on a paper would be listed.

    Returns:
        Positions of papers, in the order of choice.
    """
    distances = np.abs(chances - line)
    distances = distances / max(distances.max(initial=0.0), 1e-9)
    nearest = np.zeros(len(chances))
    chosen: list[int] = []
    while len(chosen) < min(count, len(chances)):
        costs = balance * distances + (1 - balance) * nearest
        costs[chosen] = np.inf
        position = int(costs.argmin())
        chosen.append(position)
        nearest = np.maximum(nearest, np.clip(cosines[position], 0.0, 1.0))
    return chosen
