"""Scores with their parts, and the digests made of them, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

import msgspec

from digest.model.instants import check_instant
from digest.model.subscribers import Threshold

#: how good a match is, best last: what a reader sees until enough ratings say what a number is
#: worth
MatchWord = Literal["possible match", "good match", "strong match"]

PartKind = Literal[
    "word", "keyword", "category", "author", "near", "readers", "upvotes", "pick", "recency"
]


# A reader's round makes dozens of these, hence structs as in `papers`. To change a copy is
# `msgspec.structs.replace`.


class Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One addend of a score: the word, category, author ... it stands for and how much it moved the
    score.
    """

    kind: PartKind
    name: str
    value: float


class Score(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A paper for a profile: the linear score, its rank among recent papers, and what moved it."""

    paper_id: int
    #: sum of all parts and `rest`; only its order means something
    value: float
    #: share of thumbs up, in per cent, among rated papers that were shown with such a score; None
    #: until enough were rated (`calibration`)
    match: int | None = None
    #: share, in per cent, of the recent papers that score lower, without thumbs also of those that
    #: tie: 0-100
    percentile: int = 0
    #: how far above the mean of the recent papers, in their standard deviations
    standard: float = 0.0
    #: strongest parts first, cut to the strongest few
    parts: tuple[Part, ...] = ()
    #: what the parts left out add up to, so that sum(parts) + rest == value
    rest: float = 0.0
    #: the liked or example paper nearest to it: (its title, cosine 0-1)
    nearest: tuple[str, float] | None = None
    #: the interest whose profile likes it most, where the reader has several; "" where there is
    #: one, or nothing speaks for the paper
    interest: str = ""

    @property
    def word(self) -> MatchWord:
        """The match in words: of the chance that it stands for, or before that is known of the
        place among recent papers.
        """
        good, strong = (85, 97) if self.match is None else (50, 75)
        value = self.percentile if self.match is None else self.match
        return (
            "strong match"
            if value >= strong
            else "good match"
            if value >= good
            else "possible match"
        )

    def reaches(self, threshold: Threshold) -> bool:
        """Whether the match is what a reader wants at least.

        A number is held against the percentile until matches are known.
        """
        if isinstance(threshold, str):
            return self.word == "strong match" or (
                threshold == "good" and self.word == "good match"
            )
        return (self.percentile if self.match is None else self.match) >= threshold


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """How a result was made; stored with every digest and shown on request."""

    #: step of the ladder: "trending", "keywords", "examples", "thumbs"; or what another recipe
    #: calls it
    model: str
    #: the recipe that ranked, and the one that it shared the digest with, "" = none
    recipe: str = "learned"
    recipe_b: str = ""
    #: name and version of the features
    features: str
    thumbs_up: int = 0
    thumbs_down: int = 0
    #: papers that competed
    candidates: int = 0
    #: the dumps that the candidates came from
    dumps: tuple[str, ...] = ()
    #: what the matches were learned from, and how far off they are; "" = too few ratings, and words
    #: stand for them
    calibration: str = ""
    at: datetime

    def __post_init__(self) -> None:
        check_instant("at", self.at)


#: why a paper is listed: by its score, because it always is (a followed author, a keyword with a
#: "+"), or drawn so that the service learns what it cannot guess
Slot = Literal["normal", "pinned", "exploration"]


class Item(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A paper in a digest, at its 1-based position."""

    position: int
    score: Score
    #: the reader may have seen it: an earlier message that held it ended as `unknown`
    seen_before: bool = False
    slot: Slot = "normal"
    #: with which this paper came into its slot, 0 < probability <= 1; 1 where nothing was drawn
    probability: float = 1.0
    #: the recipe whose pick it is where two share the digest, else ""
    team: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.probability <= 1:
            raise ValueError(f"a probability is above 0 and at most 1, got {self.probability!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Digest:
    """The chosen papers for a subscriber on a local date."""

    subscriber_id: int
    local_date: date
    items: tuple[Item, ...]
    provenance: Provenance


class QuietReason(StrEnum):
    """Why a subscriber gets no digest on a date."""

    NO_NEW_PAPERS = "no new papers"
    BELOW_THRESHOLD = "nothing above the reader's threshold"
    ALL_SEEN = "every new paper was listed or rated before"
    MUTED = "every new paper holds something that the reader muted"
    MISSED = "not made in time; the next digest took its papers"


@dataclass(frozen=True, kw_only=True, slots=True)
class Quiet:
    """No digest for a subscriber on a local date, and why."""

    subscriber_id: int
    local_date: date
    reason: QuietReason
    provenance: Provenance
