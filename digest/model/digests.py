"""Scores and their parts, and the digest chosen by them.

A quiet day has the reason why there is no digest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

import msgspec

from digest.locales import gettext_later
from digest.model.instants import check_instant

#: what a reader is told of a match; "" = nothing, since it would too often be wrong
MatchWord = Literal["", "good match", "strong match"]
#: the words in the catalogues
_MATCH_WORDS = (gettext_later("good match"), gettext_later("strong match"))
#: least chance of each word: of papers labelled so, six and eight in ten were opened on days that
#: were read whole
GOOD_CHANCE, STRONG_CHANCE = 0.5, 0.75

PartKind = Literal[
    "word",
    "topic",
    "keyword",
    "category",
    "author",
    "near",
    "readers",
    "upvotes",
    "pick",
    "recency",
]


# Structs for speed, as in `papers`: each reader needs dozens. Use `msgspec.structs.replace`.


class Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One addend of a score: a word, category, author ... and its contribution."""

    kind: PartKind
    name: str
    value: float


class Score(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A paper's score for a profile: value, rank among recent papers, and parts."""

    paper_id: int
    #: sum of all parts and `rest`; only the order of values has a meaning
    value: float
    #: probability of a thumb up if the reader judged the paper, 0-1 (`ranking.calibration`)
    chance: float = 0.0
    #: what the chance was computed from, in the order of `scores.EVIDENCE`; () = not known
    evidence: tuple[float, ...] = ()
    #: whether the title holds a keyword that the reader typed
    titled: bool = False
    #: share of the recent papers that score lower, 0-100 per cent
    percentile: int = 0
    #: z-score: distance from the mean of the recent papers in standard deviations
    standard: float = 0.0
    #: strongest parts first, cut to the strongest few
    parts: tuple[Part, ...] = ()
    #: sum of the parts that were cut, so that sum(parts) + rest == value
    rest: float = 0.0
    #: the nearest liked or example paper, where what it shares with this one lifts it: (title,
    #: cosine similarity 0-1)
    nearest: tuple[str, float] | None = None
    #: the nearest paper was given as an example, and not liked
    nearest_is_example: bool = False
    #: the interest that scores it highest, where the reader has several; else ""
    interest: str = ""
    #: the words of a recommender of others that chose the paper, with its name; "" = own choice
    told: str = ""

    @property
    def match(self) -> int:
        """The chance in per cent."""
        return round(100 * self.chance)

    @property
    def word(self) -> MatchWord:
        """The match in words."""
        if self.chance >= STRONG_CHANCE:
            return "strong match"
        return "good match" if self.chance >= GOOD_CHANCE else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """How a digest was made: model, data and counts; stored with every digest."""

    #: what the profile was trained on: "trending", "keywords", "examples", "thumbs"; or another
    #: recipe's own word
    model: str
    #: the recipe that ranked, and in team drafts the other one, else ""
    recipe: str = "learned"
    recipe_b: str = ""
    #: name and version of the features
    features: str
    thumbs_up: int = 0
    thumbs_down: int = 0
    #: number of candidate papers
    candidates: int = 0
    #: candidates that came since the reader's last digest or quiet day; None in older versions
    new_candidates: int | None = None
    #: the dumps that the candidates came from
    dumps: tuple[str, ...] = ()
    #: what matches are calibrated on, and their error; "" = too few ratings, so words are shown
    calibration: str = ""
    #: the weights of this calibration; () in digests of older versions
    weights: tuple[float, ...] = ()
    at: datetime

    def __post_init__(self) -> None:
        check_instant("at", self.at)

    @property
    def papers_read(self) -> int:
        """Count the papers that were read anew for the digest."""
        return self.candidates if self.new_candidates is None else self.new_candidates


#: why a paper is listed: by its score; always (a followed author, a keyword with "+"); or drawn to
#: explore what the profile cannot predict
Slot = Literal["normal", "pinned", "exploration"]


class Item(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A paper in a digest, at its 1-based position."""

    position: int
    score: Score
    #: the reader may have seen it: an earlier message with it ended as `unknown`
    seen_before: bool = False
    slot: Slot = "normal"
    #: probability with which it was drawn into its slot, above 0 and at most 1; 1 = not drawn
    probability: float = 1.0
    #: in team drafts the recipe that picked it, else ""
    team: str = ""
    #: the day on which it was first seen, where an earlier date could have listed it; else None
    from_day: date | None = None

    def __post_init__(self) -> None:
        if not 0 < self.probability <= 1:
            raise ValueError(f"a probability is above 0 and at most 1, got {self.probability!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Digest:
    """The papers chosen for a subscriber on a local date."""

    subscriber_id: int
    local_date: date
    items: tuple[Item, ...]
    provenance: Provenance
    #: quiet days of the week before that its mail tells of
    quiet_days_told: int = 0


class QuietReason(StrEnum):
    """Why a subscriber gets no digest on a date."""

    NO_NEW_PAPERS = "no new papers"
    BELOW_THRESHOLD = "nothing above the reader's threshold"
    ALL_SEEN = "every new paper was listed or rated before"
    MUTED = "every new paper holds something that the reader muted"
    MISSED = "not made in time; the next digest took its papers"

    @property
    def has_papers(self) -> bool:
        """Whether papers came that day, none of which was listed."""
        return self not in (QuietReason.NO_NEW_PAPERS, QuietReason.MISSED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Quiet:
    """No digest for a subscriber on a local date, and why."""

    subscriber_id: int
    local_date: date
    reason: QuietReason
    provenance: Provenance
    #: the paper that came nearest to being listed; None where no paper competed
    nearest_paper_id: int | None = None
    #: quiet days of the week before that its mail tells of
    quiet_days_told: int = 0
