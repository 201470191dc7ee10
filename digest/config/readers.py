"""Settings for readers: `[digest]`, `[evaluate]`, `[[subscribers]]`."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from digest.config.value_types import (
    Address,
    Hour,
    Language,
    Section,
    Strictness,
    Threshold,
    Weekday,
    Zone,
)
from digest.model import SHARE_MAX, Interest, QuietDays, strictness_from_threshold


class DigestSection(Section):
    """What new readers get; they can change size, schedule, strictness and quiet days."""

    size: Annotated[int, Field(ge=1, le=100)] = Field(10, description="papers in a digest, at most")
    hour: Hour = Field(7, description="local hour from which a digest is sent")
    days: tuple[Weekday, ...] = Field(
        (1, 2, 3, 4, 5, 6, 7), description="weekdays, 1 = Monday", strict=False
    )
    timezone: Zone = Field("UTC", description="time zone of readers who give none")
    language: Language = Field(
        "en",
        description='language of mails and pages for readers who chose none, such as "de"',
    )
    strictness: Strictness = Field(
        "balanced",
        description='how sure a listed paper must be: "few", "balanced", "many", "always" (the '
        "digest is always full), or the least chance of a thumb up in per cent, 1-99",
    )
    threshold: Threshold | None = Field(
        None, exclude=True, description="the old name of strictness, until 0.3.0"
    )
    quiet_days: QuietDays = Field(
        "silent",
        description='what comes on a day without fitting papers: "silent" = nothing, "line" = a '
        'mail of one line, "weekly" = once a week the number of such days',
    )
    window_days: Annotated[int, Field(ge=1, le=366)] = Field(
        7,
        description="a digest chooses from the papers of this many days that were not listed yet; "
        "of up to 31 if the last digest that reached the reader is older",
    )
    window_hours: Annotated[int, Field(ge=1, le=24)] = Field(
        16,
        description="hours in which a digest can be sent, from when it is due or, if that is "
        "later, composed; never after the next one is due. As long after it is due it waits for "
        "papers",
    )
    author_most: Annotated[int, Field(ge=0, le=100)] = Field(
        3,
        description=(
            "papers by one author, at most, while there are others; 0 = any number. Papers by "
            "followed authors are always listed"
        ),
    )
    category_most: Annotated[int, Field(ge=0, le=100)] = Field(
        70,
        description=(
            "per cent of a digest that one category may take while others are nearly as good, "
            "unless the reader follows it; 0 = all"
        ),
    )
    explore: bool = Field(
        True,
        description=(
            "whether a digest of 5 or more papers has one whose score is uncertain, marked as "
            "such (exploration)"
        ),
    )
    ignored_weight: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.0,
        description=(
            "weight of a listed paper without a thumb, if another paper of the digest got one, "
            "as a part of a thumb down; 0 = none"
        ),
    )
    least_readers: Annotated[int, Field(ge=2, le=1000)] = Field(
        5,
        description=(
            "readers who must like a paper before their thumbs count for other readers; with "
            "fewer readers in all, they never do"
        ),
    )
    recipe: str = Field(
        "learned",
        description=(
            'what ranks the papers: "learned", "logistic", "ridge", "svm", "words", "centroid", '
            '"keywords" or "recent"'
        ),
    )

    def new_strictness(self) -> int | str:
        """Return the strictness of new readers, by its old name where only that is set."""
        if self.threshold is None or "strictness" in self.model_fields_set:
            return self.strictness
        return strictness_from_threshold(self.threshold)


class EvaluateSection(Section):
    """A comparison of two recipes.

    Digests mix both, and `digest evaluate` compares the thumbs.
    """

    recipe_b: str = Field(
        "",
        description=('recipe to compare with digest.recipe; "" = no comparison'),
    )
    share: Annotated[int, Field(ge=1, le=100)] = Field(
        50, description="per cent of the readers whose digests mix the two recipes"
    )
    recommenders: bool = Field(
        False,
        description="whether recommenders of others take part in place of recipe_b: keys of the "
        "API with the scope recommendations:write read interests and thumbs of `share` per cent "
        "of the readers, without names and addresses, and their papers share the digests",
    )

    @model_validator(mode="after")
    def _one_comparison(self) -> Self:
        if self.recipe_b and self.recommenders:
            raise ValueError(
                "recipe_b and recommenders both share the digests; use one of them at a time"
            )
        return self


class InterestEntry(Section):
    """One of several interests of a reader.

    Each has its own ranking and share of the digest.
    """

    name: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        description="name, as in mails"
    )
    share: Annotated[int, Field(ge=1, le=SHARE_MAX)] = Field(
        1, description="part of the digest, relative to the other interests' shares"
    )
    keywords: tuple[str, ...] = Field(
        (),
        strict=False,
        description='with "-" in front: never listed; with "+": always listed, on top',
    )
    categories: tuple[str, ...] = Field(
        (), strict=False, description="categories such as cs.RO, or archives such as q-bio"
    )
    authors: tuple[str, ...] = Field(
        (), strict=False, description="authors whose papers are always listed, on top"
    )
    papers: tuple[str, ...] = Field((), strict=False, description="example papers")
    text: str = Field("", description="the interest in your own words")


class SubscriberEntry(Section):
    """A reader for whose consent you answer.

    `serve` and `digest subscribers --apply` read this section.
    """

    email: Address = Field(description="address")
    name: str = Field("", description="how to greet them")
    timezone: Zone | None = None
    hour: Hour | None = None
    days: tuple[Weekday, ...] | None = Field(None, strict=False)
    size: Annotated[int, Field(ge=1, le=100)] | None = None
    strictness: Strictness | None = None
    threshold: Threshold | None = None
    quiet_days: QuietDays | None = None
    language: Language | None = None
    keywords: tuple[str, ...] = Field((), strict=False)
    categories: tuple[str, ...] = Field((), strict=False)
    authors: tuple[str, ...] = Field((), strict=False)
    papers: tuple[str, ...] = Field((), strict=False)
    text: str = ""
    interests: tuple[InterestEntry, ...] = Field((), strict=False)

    def given(self) -> dict[str, Any]:
        """Return the keys that the file sets; interests as Interest values."""
        values = {key: getattr(self, key) for key in self.model_fields_set}
        if "interests" in values:
            values["interests"] = tuple(Interest(**entry.model_dump()) for entry in self.interests)
        return values
