"""Bodies of the API, version 1: what it takes and what it answers."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from digest.locales import languages
from digest.model import (
    EXAMPLES_MAX,
    INTERESTS_MAX,
    NAME_MAX,
    SHARE_MAX,
    Interest,
    QuietDays,
    StrictnessWord,
)
from digest.subscriptions import SubscriptionRequest
from digest.web.pages import clean

_T = TypeVar("_T")
#: items of a list at most
_LIST_MAX = 200


def _clean(value: object) -> object:
    return clean(value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_clean), Field(max_length=600)]
Texts = Annotated[list[Text], Field(max_length=_LIST_MAX)]


class NewInterest(BaseModel):
    """One of a reader's interests."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Text = Field(min_length=1, max_length=NAME_MAX)
    share: int = Field(1, ge=1, le=SHARE_MAX)
    keywords: Texts = []
    categories: Texts = []
    authors: Texts = []
    papers: Annotated[list[Text], Field(max_length=EXAMPLES_MAX)] = []
    text: str = Field("", max_length=4000)

    @property
    def interest(self) -> Interest:
        return Interest(
            name=self.name,
            share=self.share,
            keywords=tuple(self.keywords),
            categories=tuple(self.categories),
            authors=tuple(self.authors),
            papers=tuple(self.papers),
            text=clean(self.text),
        )


class NewSubscriber(BaseModel):
    """A reader who asks for the digest. What is left out gets the service's default."""

    model_config = ConfigDict(extra="forbid", strict=True)

    email: Text = Field(max_length=320, description="an e-mail address, as in reader@example.org")
    name: Text | None = Field(
        None, max_length=200, description="text of up to 200 characters: how to greet the reader"
    )
    timezone: Text | None = Field(None, description="the name of a time zone, as in Europe/Berlin")
    hour: int | None = Field(
        None,
        ge=0,
        le=23,
        description="a whole number from 0 to 23: the local hour from which the digest may come",
    )
    days: list[Annotated[int, Field(ge=1, le=7)]] | None = Field(
        None,
        min_length=1,
        max_length=7,
        description="a list of weekdays, numbers from 1 (Monday) to 7 (Sunday)",
    )
    size: int | None = Field(
        None, ge=1, le=100, description="a whole number from 1 to 100: papers in a digest at most"
    )
    strictness: Annotated[int, Field(ge=1, le=99)] | StrictnessWord | None = Field(
        None,
        description=(
            '"few", "balanced", "many" or "always", or a whole number from 1 to 99: how sure a '
            'listed paper must be, the number being a chance in per cent; with "always" every '
            "digest is full"
        ),
    )
    threshold: Annotated[int, Field(ge=0, le=100)] | Literal["good", "strong"] | None = Field(
        None,
        json_schema_extra={"deprecated": True},
        description=(
            'a whole number from 0 to 100, "good" or "strong": the old name of strictness, until '
            "0.3.0"
        ),
    )
    quiet_days: QuietDays | None = Field(
        None,
        description=(
            '"silent", "line" or "weekly": what comes on a day without fitting papers: nothing, a '
            "mail of one line, or once a week how many such days there were"
        ),
    )
    language: Text | None = Field(
        None,
        description=(
            f"the language of mails and pages: {', '.join(languages())}; the service's own if "
            "left out"
        ),
    )
    keywords: Texts | None = Field(
        None,
        description=(
            'a list of up to 200 texts; papers with one that begins with "-" are never listed, '
            'those with a "+" always'
        ),
    )
    categories: Texts | None = Field(
        None,
        description='a list of up to 200 arXiv categories or archives, as in ["cs.LG", "q-bio"]',
    )
    authors: Texts | None = Field(None, description="a list of up to 200 names of authors")
    papers: Texts | None = Field(
        None,
        description=(
            "a list of up to 200 example papers: arXiv ids, DOIs or links, as in "
            '["arxiv:2604.00001"]'
        ),
    )
    interests: list[NewInterest] | None = Field(
        None,
        max_length=INTERESTS_MAX,
        description="a list of up to 20 objects instead of the keys before, each learned apart, "
        "with a name of up to 100 characters, a share "
        'from 1 to 100, and any of keywords, categories, authors, papers, text, as in [{"name": '
        '"robots", "share": 2, "keywords": ["grasping"]}]',
    )
    confirmed: bool | None = Field(
        None,
        description="true or false, with a key of the operator alone: whether the operator answers "
        "for the reader's consent, as without it; false asks the reader by mail",
    )

    @property
    def subscription_request(self) -> SubscriptionRequest:
        return SubscriptionRequest(
            email=self.email,
            name=self.name,
            timezone=self.timezone,
            hour=self.hour,
            days=_tuple(self.days),
            size=self.size,
            strictness=self.strictness,
            threshold=self.threshold,
            quiet_days=self.quiet_days,
            language=self.language,
            keywords=_tuple(self.keywords),
            categories=_tuple(self.categories),
            authors=_tuple(self.authors),
            papers=_tuple(self.papers),
            interests=None
            if self.interests is None
            else tuple(interest.interest for interest in self.interests),
        )


def _tuple(values: list[_T] | None) -> tuple[_T, ...] | None:
    return None if values is None else tuple(values)


class TypedValue(BaseModel):
    """A category that is unknown, or an example paper that is not stored yet."""

    interest: str = Field(description="name of the interest that it belongs to")
    field: Literal["categories", "papers"]
    value: str = Field(description="as it was given")
    text: str = Field(description="what is wrong, with a suggestion where there is one")


class SignUpAccepted(BaseModel):
    """A mail with a confirmation link is on its way.

    There is none if mail cannot be sent to that address.

    Nothing else has happened yet.
    """

    status: Literal["asked"] = "asked"
    warnings: list[TypedValue] = Field(
        [], description="categories and example papers that find nothing yet; they are kept"
    )


class Problem(BaseModel):
    """What is wrong, where, and what to do."""

    code: str
    message: str
    field: str | None = Field(description="the field it is about, null where it is about none")
    remedy: str
