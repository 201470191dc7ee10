"""What is trending: upvotes, a curator's pick, and how new a paper is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from digest.model import Paper

#: what MANY_UPVOTES fresh upvotes add; close matches differ by about as much
UPVOTES, MANY_UPVOTES = 0.02, 100
#: what the top of a list adds that was picked today; half of it at rank PICK_HALF_RANK + 1
PICK, PICK_HALF_RANK = 0.02, 20
#: what a paper adds that was first seen today
RECENCY = 0.005
#: days in which an upvote, a pick and a paper's newness lose half of their weight
HALF_LIFE = 3.0


def trending_parts(
    papers: Sequence[Paper],
    recent: Sequence[Paper] = (),
    thumbs: Mapping[int, Sequence[float]] | None = None,
) -> NDArray[np.float64]:
    """Return what upvotes, pick and recency add, shape (3, papers and recent ones).

    Args:
        papers: the papers that compete; ages are counted back from the newest of them.
        recent: earlier papers, each counted as on its own first day.
        thumbs: paper id -> ages in days of readers' thumbs up; its upvotes include them.
    """
    thumbs = thumbs or {}
    all_papers = (*papers, *recent)
    newest = max((paper.first_seen for paper in papers), default=date.min)
    days = [newest] * len(papers) + [paper.first_seen for paper in recent]
    parts = np.zeros((3, len(all_papers)))
    votes = np.array(
        [
            _source_votes(paper, day, thumbs.get(paper.id, ()))
            for paper, day in zip(all_papers, days, strict=True)
        ],
        dtype=np.float64,
    )
    # Readers' thumbs on a recent paper came after its first day, so these are left out.
    votes[: len(papers)] += [
        sum(0.5 ** (max(age, 0.0) / HALF_LIFE) for age in thumbs.get(paper.id, ()))
        for paper in papers
    ]
    parts[0] = UPVOTES * np.log1p(votes) / np.log1p(MANY_UPVOTES)
    for row, (paper, day) in enumerate(zip(all_papers, days, strict=True)):
        if paper.picked is not None:
            rank = PICK_HALF_RANK / 2 if paper.rank is None else max(paper.rank - 1, 0)
            age = max((day - paper.picked).days, 0)
            parts[1, row] = PICK * 0.5 ** (age / HALF_LIFE) / (1 + rank / PICK_HALF_RANK)
    ages = np.array(
        [(day - paper.first_seen).days for day, paper in zip(days, all_papers, strict=True)],
        dtype=np.float64,
    )
    parts[2] = RECENCY * 0.5 ** (ages / HALF_LIFE)
    return parts


def _source_votes(paper: Paper, day: date, thumbs: Sequence[float]) -> float:
    """Return the source's own upvotes, faded.

    They have no time of their own, so they are as old as the paper's last appearance.
    """
    appeared = max(paper.first_seen, paper.picked or paper.first_seen)
    fade: float = 0.5 ** (max((day - appeared).days, 0) / HALF_LIFE)
    return max(paper.upvotes - len(thumbs), 0) * fade
