"""Bodies of the API about subscribers, their interests, thumbs and digests."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from digest.model import (
    INTERESTS_MAX,
    Feedback,
    Interest,
    MatchWord,
    MessageState,
    Paper,
    QuietDays,
    Slot,
    StrictnessWord,
    Subscriber,
    SubscriberStatus,
)
from digest.services import DigestValues
from digest.store.digest_lists import DigestEntry
from digest.subscriptions import SubscriptionRequest
from digest.web.api_models import NewInterest, NewSubscriber, Text, TypedValue

#: a field may not be called as its type
LocalDate = date
_NEXT = "the `cursor` of the next page; null on the last"
_NEW = NewSubscriber.model_fields


class InterestAnswer(BaseModel):
    """A topic of a reader, learned apart from the others."""

    name: str
    share: int = Field(description="weight in the digest, relative to the other interests")
    keywords: list[str]
    categories: list[str]
    authors: list[str]
    papers: list[str] = Field(description="example papers, as they were given")
    text: str

    @classmethod
    def of(cls, interest: Interest) -> InterestAnswer:
        return cls(
            name=interest.name,
            share=interest.share,
            keywords=list(interest.keywords),
            categories=list(interest.categories),
            authors=list(interest.authors),
            papers=list(interest.papers),
            text=interest.text,
        )


class InterestsAnswer(BaseModel):
    """The interests of a reader, in their order."""

    interests: list[InterestAnswer]

    @classmethod
    def of(cls, subscriber: Subscriber) -> InterestsAnswer:
        return cls(interests=[InterestAnswer.of(interest) for interest in subscriber.interests])


class SubscriberAnswer(BaseModel):
    """A reader with settings and interests."""

    id: int
    email: str
    name: str
    status: SubscriberStatus = Field(
        description="pending = not confirmed yet, left = unsubscribed, suppressed = no mail goes "
        "there, since it bounced or the operator stopped it"
    )
    timezone: str
    hour: int = Field(description="local hour from which the digest may come")
    days: list[int] = Field(description="weekdays, 1 = Monday")
    size: int = Field(description="papers in a digest at most")
    strictness: int | StrictnessWord
    quiet_days: QuietDays
    interests: list[InterestAnswer]
    created: datetime

    @classmethod
    def of(cls, subscriber: Subscriber) -> SubscriberAnswer:
        return cls(
            id=subscriber.id,
            email=subscriber.email,
            name=subscriber.name,
            status=subscriber.status,
            timezone=subscriber.timezone,
            hour=subscriber.hour,
            days=list(subscriber.days),
            size=subscriber.size,
            strictness=subscriber.strictness,
            quiet_days=subscriber.quiet_days,
            interests=[InterestAnswer.of(interest) for interest in subscriber.interests],
            created=subscriber.created,
        )


class SubscribersPage(BaseModel):
    """One page of subscribers, in order of joining."""

    subscribers: list[SubscriberAnswer]
    next: str | None = Field(description=_NEXT)


class Subscribed(BaseModel):
    """What the request of an operator's program did."""

    outcome: Literal["new", "changed", "unchanged", "back", "asked"] = Field(
        description="back = a pending reader was confirmed; asked = a mail asks for confirmation"
    )
    subscriber: SubscriberAnswer
    warnings: list[TypedValue]


class SubscriberChange(BaseModel):
    """A JSON merge patch (RFC 7396): what is left out stays, null is the service's default."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Text | None = Field(None, max_length=200, description=_NEW["name"].description)
    timezone: Text | None = Field(None, description=_NEW["timezone"].description)
    hour: Annotated[int, Field(ge=0, le=23)] | None = Field(
        None, description=_NEW["hour"].description
    )
    days: list[Annotated[int, Field(ge=1, le=7)]] | None = Field(
        None, min_length=1, max_length=7, description=_NEW["days"].description
    )
    size: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description=_NEW["size"].description
    )
    strictness: Annotated[int, Field(ge=1, le=99)] | StrictnessWord | None = Field(
        None, description=_NEW["strictness"].description
    )
    quiet_days: QuietDays | None = Field(None, description=_NEW["quiet_days"].description)
    interests: list[NewInterest] | None = Field(
        None,
        max_length=INTERESTS_MAX,
        description="a list of up to 20 objects that replace all interests, each with a name, a "
        "share from 1 to 100, and any of keywords, categories, authors, papers, text; null "
        "removes them all",
    )

    def make_request(self, default: Subscriber) -> SubscriptionRequest:
        """Return the request for what is given.

        Args:
            default: with the settings of a new subscriber, for values that are null.
        """
        values: dict[str, Any] = {}
        for name in self.model_fields_set:
            value = getattr(self, name)
            values[name] = getattr(default, name) if value is None else value
        if self.interests is not None:
            values["interests"] = tuple(interest.interest for interest in self.interests)
        if "days" in values:
            values["days"] = tuple(values["days"])
        return SubscriptionRequest(email=default.email, **values)


class RatedPaperAnswer(BaseModel):
    """A thumb of a reader on a paper."""

    id: int = Field(description="of the paper")
    paper: str = Field(description="what people type for it, as in arxiv:2606.01234")
    title: str
    vote: Literal["up", "down"]
    at: datetime
    via: str = Field(description="how it came: mail, page, api or command")

    @classmethod
    def of(cls, paper: Paper, feedback: Feedback) -> RatedPaperAnswer:
        return cls(
            id=paper.id,
            paper=paper.name,
            title=paper.title,
            vote="up" if feedback.vote > 0 else "down",
            at=feedback.at,
            via=feedback.via,
        )


class FeedbackPage(BaseModel):
    """One page of thumbs, the newest first."""

    feedback: list[RatedPaperAnswer]
    next: str | None = Field(description=_NEXT)


class Thumb(BaseModel):
    """A thumb to set."""

    model_config = ConfigDict(extra="forbid", strict=True)

    vote: Literal["up", "down"] = Field(
        description='"up" for more like this, or "down" for less like this'
    )


class DigestEntryAnswer(BaseModel):
    """A digest or a quiet day."""

    date: LocalDate = Field(description="the reader's local date")
    papers: int = Field(description="number of its papers")
    quiet: str | None = Field(description="why there is no digest; null where there is one")
    message: MessageState | None = Field(
        description="what became of its mail; null where there is none"
    )

    @classmethod
    def of(cls, entry: DigestEntry) -> DigestEntryAnswer:
        return cls(
            date=entry.local_date,
            papers=entry.papers,
            quiet=entry.reason or None,
            message=entry.message,
        )


class DigestsPage(BaseModel):
    """One page of digests and quiet days, the newest first."""

    digests: list[DigestEntryAnswer]
    next: str | None = Field(description=_NEXT)


class PartAnswer(BaseModel):
    """What moved a score, and how far."""

    kind: str
    name: str
    value: float


class NearestAnswer(BaseModel):
    """The paper that the reader liked, or gave as an example, and that is nearest."""

    title: str
    cosine: float


class ListedPaper(BaseModel):
    """A paper of a digest, with the reason why it is listed."""

    position: int
    id: int
    paper: str = Field(description="what people type for it, as in arxiv:2606.01234")
    title: str
    authors: list[str]
    categories: list[str]
    page: str = Field(description="where to read it")
    venue: str
    links: dict[str, str]
    first_seen: date
    from_day: date | None = Field(description="an earlier day whose digest could have listed it")
    reason: str = Field(description="why it is listed, in words; empty where nothing stands out")
    match: int = Field(description="the chance of a thumb up, in per cent")
    match_word: MatchWord
    interest: str = Field(description="the interest that it is for, where there are several")
    slot: Slot = Field(description="pinned = always listed; exploration = drawn to learn from")
    seen_before: bool = Field(description="an earlier mail with it may have arrived")
    recipe: str
    score: float
    parts: list[PartAnswer]
    rest: float = Field(description="score = the sum of all parts and this")
    nearest: NearestAnswer | None


class DigestAnswer(BaseModel):
    """A digest with its papers, or a quiet day."""

    date: LocalDate
    quiet: str | None = Field(description="why there is no digest; null where there is one")
    message: MessageState | None
    made: dict[str, Any] = Field(description="how it was made: features, thumbs, candidates, dumps")
    papers: list[ListedPaper]

    @classmethod
    def of(cls, values: DigestValues) -> DigestAnswer:
        return cls(
            date=values.local_date,
            quiet=values.reason or None,
            message=values.message,
            made=dict(values.made),
            papers=[ListedPaper.model_validate(row) for row in values.papers],
        )
