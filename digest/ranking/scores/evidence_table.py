"""The evidence of many profiles at once: `evidence` for the papers that are asked for.

Of a day's papers a reader gets ten. So the log odds of all are only estimated, in single precision,
and the evidence is exact for those that may be among the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digest.ranking.profiles import Profile
from digest.ranking.scores.days import Day
from digest.ranking.scores.evidence import (
    MAX_TITLE_KEYWORDS,
    MIN_TITLE_STRENGTH,
    find_followed_rows,
    find_title_strengths,
    signed_log,
    surety_of,
)
from digest.ranking.scores.values import NO_DEVIATION, Scored, standardize

#: how far an estimate of log odds may be wrong: a thousand times more than it was seen to be
ESTIMATE_ERROR = 1e-3


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EvidenceTable:
    """What is known of the papers of a day, for some profiles."""

    #: values of the competing papers by each profile and then by what some readers wrote alone,
    #: shape (scored, competing), their means and deviations, shape (scored,)
    values: NDArray[np.float64]
    means: NDArray[np.float64]
    deviations: NDArray[np.float64]
    #: which of these are the values by what was written, shape (profiles,)
    typed: NDArray[np.int64]
    #: shape (profiles,)
    sureties: NDArray[np.float64]
    #: typed keywords in the title, at most MAX_TITLE_KEYWORDS, shape (profiles, competing)
    titles: NDArray[np.float64]
    #: whether a category is followed, shape (profiles, competing)
    followed: NDArray[np.bool_]
    #: whether no keyword was typed, shape (profiles,)
    untyped: NDArray[np.bool_]

    @property
    def titled(self) -> NDArray[np.bool_]:
        """Which papers are listed for their titles, as `has_title_keyword`; shape of `titles`."""
        return self.titles >= MIN_TITLE_STRENGTH

    def take(self, profiles: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Gather what is known of some papers, as `gather_evidence` does, to the last bit.

        Args:
            profiles: the number of a profile for each paper, of any shape.
            rows: the rows of the papers, of the same shape; the result has one axis more.
        """
        typed, surety = self.typed[profiles], self.sureties[profiles]
        score = signed_log(
            self.values[profiles, rows], self.means[profiles], self.deviations[profiles]
        )
        titles = self.titles[profiles, rows]
        return np.stack(
            (
                score,
                signed_log(self.values[typed, rows], self.means[typed], self.deviations[typed]),
                score * surety,
                titles,
                titles * surety,
                self.followed[profiles, rows],
                np.broadcast_to(self.untyped[profiles], rows.shape),
            ),
            axis=-1,
        )

    def measure(
        self, values: NDArray[np.float64], profiles: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the standard scores of values by some profiles, of any shape."""
        return standardize(values, self.means[profiles], self.deviations[profiles])

    def estimate(self, weights: Sequence[float]) -> NDArray[np.float32]:
        """Estimate the log odds of all papers, to ESTIMATE_ERROR, shape (profiles, competing).

        Args:
            weights: the constant, then a weight for each column of the evidence.
        """
        constant, score, typed, learned, title, confirmed, category, untyped = weights
        logs = self._estimate_logs()
        number = len(self.typed)
        surety = self.sureties
        estimate = logs[:number] * (score + learned * surety)[:, None].astype(np.float32)
        estimate += logs[self.typed] * np.float32(typed)
        estimate += self.titles.astype(np.float32) * (title + confirmed * surety)[:, None].astype(
            np.float32
        )
        estimate += self.followed * np.float32(category)
        estimate += (constant + untyped * self.untyped)[:, None].astype(np.float32)
        return estimate

    def _estimate_logs(self) -> NDArray[np.float32]:
        """Return the standard scores as logarithms, shape (scored, competing)."""
        differs = self.deviations > NO_DEVIATION
        scales = np.where(differs, 1 / np.where(differs, self.deviations, 1), 0)
        standard = (self.values - self.means[:, None]).astype(np.float32)
        standard *= scales[:, None].astype(np.float32)
        if not np.isfinite(standard).all():
            standard = np.nan_to_num(standard, nan=0.0, posinf=1e6, neginf=-1e6)
        sizes = np.abs(standard)
        sizes += 1
        logs: NDArray[np.float32] = np.copysign(np.log(sizes, out=sizes), standard)
        return logs


def make_evidence_table(
    profiles: Sequence[Profile],
    scored: Sequence[Scored],
    typed: Sequence[Profile],
    typed_scored: Sequence[Scored],
    day: Day,
) -> EvidenceTable:
    """Collect what is known by each profile; the arguments are lists of `gather_evidence`'s."""
    apart = [number for number, one in enumerate(scored) if typed_scored[number] is not one]
    every = [*scored, *(typed_scored[number] for number in apart)]
    typed_numbers = np.arange(len(profiles))
    typed_numbers[apart] = np.arange(len(profiles), len(every))
    shape = (len(profiles), day.competing)
    titles, followed = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
    untyped = np.zeros(len(profiles), dtype=np.bool_)
    for number, (profile, written) in enumerate(zip(profiles, typed, strict=True)):
        strengths = find_title_strengths(profile, written, day)
        untyped[number] = strengths is None
        for rows, strength in strengths or ():
            titles[number, rows] += strength
        if written.categories:
            followed[number, find_followed_rows(written, day)] = True
    return EvidenceTable(
        values=np.stack([one.values for one in every]),
        means=np.array([one.mean for one in every]),
        deviations=np.array([one.deviation for one in every]),
        typed=typed_numbers,
        sureties=np.array([surety_of(profile) for profile in profiles]),
        titles=np.minimum(titles, MAX_TITLE_KEYWORDS),
        followed=followed,
        untyped=untyped,
    )
