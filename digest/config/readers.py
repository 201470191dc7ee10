"""Settings of what readers get, and readers named in the file: `[digest]`, `[evaluate]`,
`[[subscribers]]`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from digest.config.checks import Address, Hour, Section, Threshold, Weekday, Zone
from digest.model import SHARE_MAX, Interest


class DigestSection(Section):
    """What a new reader gets until they change it."""

    size: Annotated[int, Field(ge=1, le=100)] = Field(10, description="papers in a digest at most")
    hour: Hour = Field(7, description="local hour from which a digest is sent")
    days: tuple[Weekday, ...] = Field(
        (1, 2, 3, 4, 5, 6, 7), description="weekdays, 1 = Monday", strict=False
    )
    timezone: Zone = Field("UTC", description="zone of readers who name none")
    threshold: Threshold = Field(
        0,
        description='match below which a paper is not listed: 0-100 (0 = none), "good" or "strong"',
    )
    window_days: Annotated[int, Field(ge=1, le=366)] = Field(
        7,
        description="days of papers that compete for a digest; more, up to 31, "
        "where the last one that reached the reader is older",
    )
    window_hours: Annotated[int, Field(ge=1, le=24)] = Field(
        16,
        description="hours that a digest has to be sent, from when it is due or, made later, from "
        "then; at most until the next one is due",
    )
    author_most: Annotated[int, Field(ge=0, le=100)] = Field(
        3,
        description=(
            "papers by one author at most while there are others; 0 = any number. Followed authors "
            "are always listed"
        ),
    )
    category_most: Annotated[int, Field(ge=0, le=100)] = Field(
        70,
        description=(
            "per cent of a digest that one category which the reader does not follow takes while "
            "others are nearly as good; 0 = all"
        ),
    )
    explore: bool = Field(
        True,
        description=(
            "whether digests of 5 papers and more try one that the scores are unsure of, marked as "
            "such"
        ),
    )
    ignored_weight: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.0,
        description=(
            "what listed papers left without a thumb, where another of the digest got one, count "
            "beside thumbs down; 0 = nothing"
        ),
    )
    least_readers: Annotated[int, Field(ge=2, le=1000)] = Field(
        5,
        description=(
            "readers who must like a paper before their thumbs count for others, and who must be "
            "there at all"
        ),
    )
    recipe: str = Field(
        "learned",
        description=(
            'what ranks the papers: "learned", "logistic", "ridge", "svm", "words", "centroid", '
            '"keywords" or "recent"'
        ),
    )


class EvaluateSection(Section):
    """A comparison of two recipes on readers' own thumbs: they share digests, and `digest evaluate`
    counts.
    """

    recipe_b: str = Field(
        "",
        description=(
            'recipe to compare with digest.recipe; "" = no comparison, every digest is of one '
            "recipe"
        ),
    )
    share: Annotated[int, Field(ge=1, le=100)] = Field(
        50, description="per cent of the readers whose digests the two recipes share"
    )


class InterestEntry(Section):
    """One of several interests of a reader, each learned apart with its share of the digest."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        description="what the mails call it"
    )
    share: Annotated[int, Field(ge=1, le=SHARE_MAX)] = Field(
        1, description="part of the digest beside the other interests' shares"
    )
    keywords: tuple[str, ...] = Field(
        (), strict=False, description='"-" before a word: never listed; "+": always, on top'
    )
    categories: tuple[str, ...] = Field(
        (), strict=False, description="such as cs.RO, or a whole archive such as q-bio"
    )
    authors: tuple[str, ...] = Field((), strict=False, description="always listed, on top")
    papers: tuple[str, ...] = Field((), strict=False, description="example papers")
    text: str = Field("", description="the interest in plain words")


class SubscriberEntry(Section):
    """A reader of whom the operator answers that they agreed; applied when `serve` starts and by
    `digest subscribers --apply`.
    """

    email: Address = Field(description="address")
    name: str = Field("", description="how to greet them")
    timezone: Zone | None = None
    hour: Hour | None = None
    days: tuple[Weekday, ...] | None = Field(None, strict=False)
    size: Annotated[int, Field(ge=1, le=100)] | None = None
    threshold: Threshold | None = None
    keywords: tuple[str, ...] = Field((), strict=False)
    categories: tuple[str, ...] = Field((), strict=False)
    authors: tuple[str, ...] = Field((), strict=False)
    papers: tuple[str, ...] = Field((), strict=False)
    text: str = ""
    interests: tuple[InterestEntry, ...] = Field((), strict=False)

    def given(self) -> dict[str, Any]:
        """What the file says of the reader, key by key; interests as nouns."""
        values = {key: getattr(self, key) for key in self.model_fields_set}
        if "interests" in values:
            values["interests"] = tuple(Interest(**entry.model_dump()) for entry in self.interests)
        return values
