"""Readers: whether mail may go to them, what they want to read, and their thumbs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from digest.model.instants import check_instant


class SubscriberStatus(StrEnum):
    """Whether mail may go to a subscriber."""

    PENDING = "pending"  # asked for by page or API, address not confirmed yet
    ACTIVE = "active"
    PAUSED = "paused"
    LEFT = "left"  # unsubscribed; the row stays so that the links in old mails keep working
    SUPPRESSED = "suppressed"  # mail to the address came back, or the operator stopped it


#: the largest share that an interest may have, characters of its name, and its example papers: a
#: whole library may be imported
SHARE_MAX, NAME_MAX, EXAMPLES_MAX = 100, 100, 2000
#: interests of one reader
INTERESTS_MAX = 20
#: octets of UTF-8 in all keywords, categories and authors of one reader, two more for the line that
#: each stands on; a form sends each as three at most, and has to fit the limit of a request's body
LISTS_OCTETS_MAX = 60_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Interest:
    """A named topic of a subscriber.

    Papers with a keyword, category or author that has a leading "-" are never listed; those with a
    keyword that has a leading "+", or by one of the authors, always are, on top.
    """

    name: str = "main"
    #: its part of the digest beside the shares of the subscriber's other interests, 1-100
    share: int = 1
    keywords: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    #: names of example papers, as given ("2606.01234", "doi:10.1000/xyz", a title); found in the
    #: store when used
    papers: tuple[str, ...] = ()
    #: free text about the topic; an example paper without a title
    text: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.share <= SHARE_MAX:
            raise ValueError(f"a share is 1 to {SHARE_MAX}, got {self.share!r}")

    @property
    def empty(self) -> bool:
        return not (self.keywords or self.categories or self.authors or self.papers or self.text)


#: what a reader wants to see at least: a match from 0 (no threshold) to 100, or a word for one
Threshold = int | Literal["good", "strong"]
THRESHOLD_WORDS: tuple[Literal["good", "strong"], ...] = ("good", "strong")


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscriber:
    """A person with an address, and when and how much they want to read."""

    id: int
    email: str
    name: str = ""
    status: SubscriberStatus = SubscriberStatus.ACTIVE
    timezone: str = "UTC"
    #: local hour, 0-23, from which the digest of a day may be sent
    hour: int = 7
    #: ISO weekdays, 1 = Monday
    days: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    #: papers in a digest at most
    size: int = 10
    #: match below which a paper is not listed; 0 = no threshold
    threshold: Threshold = 0
    interests: tuple[Interest, ...] = ()
    created: datetime
    #: no digest that was due before counts as missed: they came back, or changed days, hour or
    #: zone; None = since the beginning of the day on which they joined. No setting, so it is not
    #: compared
    due_from: datetime | None = field(default=None, compare=False)
    #: when they came to this install; `created` is earlier where they joined another one.
    #: None = at `created`
    added: datetime | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        check_instant("created", self.created)
        check_instant("due_from", self.due_from)
        check_instant("added", self.added)


class SuppressionReason(StrEnum):
    """Why no mail goes to an address any more."""

    HARD = "hard"  # there is no such address
    DISABLED = "disabled"  # there is one, and it was switched off
    SOFT = "soft"  # too many soft bounces: full, unreachable, refused without a clear reason
    COMPLAINT = "complaint"  # the reader called it junk
    OPERATOR = "operator"


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppression:
    """An address that no mail goes to until the operator releases it; it outlives the
    subscriber."""

    address: str
    reason: SuppressionReason
    since: datetime
    #: what was said, in the words of the server, the report or the operator
    evidence: str = ""

    def __post_init__(self) -> None:
        check_instant("since", self.since)


#: a thumb up, down, or its withdrawal
Vote = Literal[-1, 0, 1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """A subscriber's thumb on a paper: 1 up, -1 down, 0 withdrawn."""

    subscriber_id: int
    paper_id: int
    vote: Vote
    at: datetime
    #: door it came through: "mail", "page", "api", "command"
    via: str = "command"

    def __post_init__(self) -> None:
        check_instant("at", self.at)
        if self.vote not in (-1, 0, 1):
            raise ValueError(f"a vote is -1, 0 or 1, got {self.vote!r}")
