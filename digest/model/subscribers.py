"""Subscribers with settings, interests and thumbs, and suppressed addresses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from digest.model.instants import check_instant


class SubscriberStatus(StrEnum):
    """Whether mail may go to a subscriber."""

    PENDING = "pending"  # asked for by page or API, address not confirmed yet
    ACTIVE = "active"
    PAUSED = "paused"
    LEFT = "left"  # unsubscribed; the row stays, so that the links in old mails keep working
    SUPPRESSED = "suppressed"  # mail to the address bounced, or the operator stopped it


#: limits of an interest: its share, the length of its name, and its example papers (a whole library
#: may be imported)
SHARE_MAX, NAME_MAX, EXAMPLES_MAX = 100, 100, 2000
#: interests of a reader at most
INTERESTS_MAX = 20
#: bytes of UTF-8 in all keywords, categories and authors of a reader, plus two for the line of
#: each. A form sends up to three for each, and must fit the limit of a request's body.
LISTS_OCTETS_MAX = 60_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Interest:
    """A named topic of a subscriber.

    A leading "-" mutes a keyword, category or author: such papers are never listed. Papers with a
    "+" keyword, or by one of the authors, are always listed, on top.
    """

    name: str = "main"
    #: weight of the interest in the digest, relative to the subscriber's others, 1-100
    share: int = 1
    keywords: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    #: names of example papers as typed ("2606.01234", "doi:10.1000/xyz", a title); looked up when
    #: used
    papers: tuple[str, ...] = ()
    #: free text about the topic; used like an example paper without a title
    text: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.share <= SHARE_MAX:
            raise ValueError(f"a share is 1 to {SHARE_MAX}, got {self.share!r}")

    @property
    def empty(self) -> bool:
        """Whether the interest says nothing."""
        return not (self.keywords or self.categories or self.authors or self.papers or self.text)


def name_wishes(interests: Iterable[Interest]) -> list[str]:
    """Name the lists in which interests wish for something: "keywords", "categories", "authors".

    A list that only mutes is not named.
    """
    interests = tuple(interests)
    return [
        name
        for name in ("keywords", "categories", "authors")
        if any(
            not word.lstrip().startswith("-")
            for interest in interests
            for word in getattr(interest, name)
        )
    ]


StrictnessWord = Literal["few", "balanced", "many", "always"]
#: which papers a reader wants: a word, or the least chance of a thumb up in per cent, 1-99;
#: "always" fills the digest up, whatever the chances
Strictness = int | StrictnessWord
STRICTNESS_WORDS: tuple[StrictnessWord, ...] = ("few", "balanced", "many", "always")
#: what a reader gets on a day without a digest: nothing, a mail of one line, or once a week how
#: many such days there were
QuietDays = Literal["silent", "line", "weekly"]
QUIET_DAYS: tuple[QuietDays, ...] = ("silent", "line", "weekly")
#: words of the threshold, which came before strictness; 0 filled the digest up
THRESHOLD_WORDS = ("good", "strong")


def strictness_from_threshold(threshold: int | str) -> Strictness:
    """Return the strictness that does what a threshold did: 0-100 or a word."""
    match threshold:
        case 0:
            return "always"
        case "good":
            return "balanced"
        case "strong":
            return "few"
        case _:
            return min(int(threshold), 99)


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscriber:
    """A person with an address, and when and how much they want to read."""

    id: int
    email: str
    name: str = ""
    status: SubscriberStatus = SubscriberStatus.ACTIVE
    timezone: str = "UTC"
    #: local hour, 0-23, from which a digest may be sent
    hour: int = 7
    #: ISO weekdays, 1 = Monday
    days: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    #: papers in a digest at most
    size: int = 10
    strictness: Strictness = "balanced"
    quiet_days: QuietDays = "silent"
    #: of mails and pages, such as "de"; "" = the service's own
    language: str = ""
    interests: tuple[Interest, ...] = ()
    created: datetime
    #: no digest that was due before this counts as missed, since they came back, or changed days,
    #: hour or zone; None = the beginning of the day on which they joined. Not a setting, so it is
    #: not compared
    due_from: datetime | None = field(default=None, compare=False)
    #: when they were added to this install; `created` is earlier where they joined another one.
    #: None = `created`
    added: datetime | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        check_instant("created", self.created)
        check_instant("due_from", self.due_from)
        check_instant("added", self.added)

    @property
    def threshold(self) -> int:
        """The least chance where it is a number, else 0; JSON has it until 0.3.0."""
        return self.strictness if isinstance(self.strictness, int) else 0


class SuppressionReason(StrEnum):
    """Why an address gets no mail."""

    HARD = "hard"  # the address does not exist
    DISABLED = "disabled"  # the mailbox was switched off
    SOFT = "soft"  # too many soft bounces: full, unreachable, refused without a clear reason
    COMPLAINT = "complaint"  # the reader marked a mail as junk
    OPERATOR = "operator"


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppression:
    """An address that gets no mail until the operator releases it.

    It stays when the subscriber is deleted.
    """

    address: str
    reason: SuppressionReason
    since: datetime
    #: the words of the server, the report or the operator
    evidence: str = ""
    #: the subscriber's status before, which a release restores; None = no subscriber, or unknown
    before: SubscriberStatus | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        check_instant("since", self.since)


#: thumb up, thumb down, or withdrawn
Vote = Literal[-1, 0, 1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """A subscriber's thumb on a paper: 1 up, -1 down, 0 withdrawn."""

    subscriber_id: int
    paper_id: int
    vote: Vote
    at: datetime
    #: how it came: "mail", "page", "api", "command"
    via: str = "command"

    def __post_init__(self) -> None:
        check_instant("at", self.at)
        if self.vote not in (-1, 0, 1):
            raise ValueError(f"a vote is -1, 0 or 1, got {self.vote!r}")


#: "moved" = the digest goes to another address
ConsentEvent = Literal["asked", "confirmed", "moved"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """What a person agreed to: when, how, and in which words."""

    event: ConsentEvent
    at: datetime
    #: how it came: "page", "api", "mail"
    origin: str
    #: what the page said, "" where it said nothing
    wording: str = ""

    def __post_init__(self) -> None:
        check_instant("at", self.at)


#: how long a new address may confirm
ADDRESS_CHANGE_VALID = timedelta(days=7)
#: "ended" = a later one replaced it; "refused" = the old address objected
AddressChangeState = Literal["asked", "done", "ended", "refused"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressChange:
    """A reader's wish to get the digest at another address."""

    id: int
    subscriber_id: int
    old_email: str
    new_email: str
    state: AddressChangeState
    asked_at: datetime

    def __post_init__(self) -> None:
        check_instant("asked_at", self.asked_at)
