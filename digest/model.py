"""The nouns. Frozen, keyword-only values that cross the borders between stages and edges; no behaviour beyond checks.

Instants are aware and UTC; days are local dates. Nothing here reads a clock, a file or a database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

import msgspec

# ---------------------------------------------------------------------------------------------- dumps and papers

#: the day of what a reader's library says of a paper: no dump has brought it, so it is new to nobody
UNSEEN = date(1900, 1, 1)

#: `preprint` is the DOI that a preprint server gave: beside it the paper may have the DOI of its journal
IdentityKind = Literal["arxiv", "doi", "preprint", "pmid", "pmcid", "openalex", "s2"]


def check_instant(name: str, value: datetime | None) -> None:
    """Refuse a naive time: it would be read in whatever zone the machine has."""
    if value is not None and value.tzinfo is None:
        raise ValueError(f"{name} must be an aware time, got naive {value!r}")


# What dumps bring by the million is a msgspec.Struct: made five times as fast as a frozen dataclass, and, with gc=False, nothing that the garbage
# collector looks at. To change a copy is `msgspec.structs.replace`.


class Identity(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One identifier of a paper in canonical form (`arxiv` without version, `doi` lower-case without resolver)."""

    kind: IdentityKind
    value: str


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One raw entry of a dump, its source's fields under common names, text still as the source wrote it."""

    #: 1-based line of the file where the record starts (or its ordinal where lines mean nothing)
    line: int
    #: the entry as it stood in the file
    raw: str
    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    #: identifiers and links as written; `papers.clean` canonises them: ("arxiv", "2101.11408v3"), ("doi", "https://..."), ("url", ...)
    ids: tuple[tuple[str, str], ...] = ()
    version: int | None = None
    submitted: date | None = None
    announced: date | None = None
    updated: date | None = None
    #: the day on which the record's own source says it was first seen (plain formats only)
    first_seen: date | None = None
    #: the curated list's day and the 1-based position on it
    picked: date | None = None
    rank: int | None = None
    upvotes: int | None = None
    comment: str = ""
    url: str = ""
    withdrawn: bool = False
    #: part of a paper that other records hold the rest of (an abstract in a file of abstracts): it needs an identifier and no title
    fragment: bool = False


class Removal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Word from a source that a paper is retracted or deleted; the notice itself is no paper and counts as skipped."""

    line: int
    raw: str
    #: identifiers of the paper that it is about, as written
    ids: tuple[tuple[str, str], ...]
    reason: str


class Skipped(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry that was understood and by rule is no paper."""

    line: int
    raw: str
    reason: str


class Rejected(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry that could not be used; kept with its place and reason."""

    line: int
    raw: str
    reason: str


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A cleaned record: what one source says of one paper, in clean Unicode, with canonical identities."""

    #: format that it came from, a name of `dumps.FORMATS`
    source: str
    title: str
    #: normalised title, the identity of last resort
    title_key: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    #: primary category first
    categories: tuple[str, ...] = ()
    identities: tuple[Identity, ...] = ()
    version: int | None = None
    submitted: date | None = None
    announced: date | None = None
    updated: date | None = None
    upvotes: int | None = None
    comment: str = ""
    url: str = ""
    withdrawn: bool = False


class Seen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry and the day on which it was first seen."""

    entry: Entry
    day: date


class Merged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What all entries of one paper add up to."""

    title: str
    abstract: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    identities: tuple[Identity, ...]
    first_seen: date
    submitted: date | None
    announced: date | None
    updated: date | None
    version: int | None
    upvotes: int
    comment: str
    url: str
    withdrawn: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """The one canonical paper that records from any source, in any version, stand for."""

    id: int
    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    identities: tuple[Identity, ...] = ()
    #: the only date that decides what is new for a digest
    first_seen: date
    submitted: date | None = None
    announced: date | None = None
    updated: date | None = None
    version: int | None = None
    #: public votes: the source's own, and readers' thumbs up where enough of them were given to tell nobody's
    upvotes: int = 0
    #: day of the latest curated list that holds the paper, and its best position there
    picked: date | None = None
    rank: int | None = None
    comment: str = ""
    #: where "Read" leads: the landing page, "" when no source gave one
    url: str = ""
    withdrawn: bool = False

    def identity(self, kind: IdentityKind) -> str | None:
        return next((i.value for i in self.identities if i.kind == kind), None)

    @property
    def name(self) -> str:
        """What a person types to mean this paper: `arxiv:2606.01234`, `doi:10.1000/xyz`, else `paper:17`."""
        wanted: IdentityKind
        for wanted in ("arxiv", "doi", "preprint", "pmid", "pmcid", "openalex", "s2"):
            value = self.identity(wanted)
            if value is not None:
                return f"{'doi' if wanted == 'preprint' else wanted}:{value}"
        return f"paper:{self.id}"


# ---------------------------------------------------------------------------------------------- subscribers


class Standing(StrEnum):
    """Whether mail may go to a subscriber."""

    PENDING = "pending"  # asked for by page or API, address not confirmed yet
    ACTIVE = "active"
    PAUSED = "paused"
    LEFT = "left"  # unsubscribed; the row stays so that the links in old mails keep working
    SUPPRESSED = "suppressed"  # mail to the address came back, or the operator stopped it


#: the largest share that an interest may have
SHARE_MAX = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Interest:
    """A named topic of a subscriber.

    Papers with a keyword, category or author that has a leading "-" are never listed; those with a keyword that has a leading "+", or by one of
    the authors, always are, on top.
    """

    name: str = "main"
    #: its part of the digest beside the shares of the subscriber's other interests, 1-100
    share: int = 1
    keywords: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    #: names of example papers, as given ("2606.01234", "doi:10.1000/xyz", a title); found in the store when used
    papers: tuple[str, ...] = ()
    #: free text about the topic; an example paper without a title
    text: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.share <= SHARE_MAX:
            raise ValueError(f"a share is 1 to {SHARE_MAX}, got {self.share!r}")

    @property
    def empty(self) -> bool:
        return not (self.keywords or self.categories or self.authors or self.papers or self.text)


#: how good a match is, best last: what a reader sees until enough ratings say what a number is worth
MatchWord = Literal["possible match", "good match", "strong match"]
#: what a reader wants to see at least: a match from 0 (no threshold) to 100, or a word for one
Threshold = int | Literal["good", "strong"]
THRESHOLD_WORDS: tuple[Literal["good", "strong"], ...] = ("good", "strong")


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscriber:
    """A person with an address, and when and how much they want to read."""

    id: int
    email: str
    name: str = ""
    standing: Standing = Standing.ACTIVE
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

    def __post_init__(self) -> None:
        check_instant("created", self.created)


class SuppressionReason(StrEnum):
    """Why no mail goes to an address any more."""

    HARD = "hard"  # there is no such address
    DISABLED = "disabled"  # there is one, and it was switched off
    SOFT = "soft"  # too many soft bounces: full, unreachable, refused without a clear reason
    COMPLAINT = "complaint"  # the reader called it junk
    OPERATOR = "operator"


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppression:
    """An address that no mail goes to until the operator releases it; it outlives the subscriber."""

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


# ---------------------------------------------------------------------------------------------- scores and digests

PartKind = Literal["word", "keyword", "category", "author", "readers", "upvotes", "pick", "recency"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One addend of a score: the word, category, author ... it stands for and how much it moved the score."""

    kind: PartKind
    name: str
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """A paper for a profile: the linear score, its rank among recent papers, and what moved it."""

    paper_id: int
    #: sum of all parts and `rest`; only its order means something
    value: float
    #: share of thumbs up, in per cent, among rated papers that were shown with such a score; None until enough were rated (`calibration`)
    match: int | None = None
    #: share, in per cent, of the recent papers that score lower: 0-100
    percentile: int = 0
    #: how far above the mean of the recent papers, in their standard deviations
    standard: float = 0.0
    #: strongest parts first, cut to the strongest few
    parts: tuple[Part, ...] = ()
    #: what the parts left out add up to, so that sum(parts) + rest == value
    rest: float = 0.0
    #: the liked or example paper nearest to it: (its title, cosine 0-1)
    nearest: tuple[str, float] | None = None
    #: the interest whose profile likes it most, where the reader has several; "" where there is one, or nothing speaks for the paper
    interest: str = ""

    @property
    def word(self) -> MatchWord:
        """The match in words: of the chance that it stands for, or before that is known of the place among recent papers."""
        good, strong = (85, 97) if self.match is None else (50, 75)
        value = self.percentile if self.match is None else self.match
        return "strong match" if value >= strong else "good match" if value >= good else "possible match"

    def reaches(self, threshold: Threshold) -> bool:
        """Whether the match is what a reader wants at least. A number is held against the percentile until matches are known."""
        if isinstance(threshold, str):
            return self.word == "strong match" or (threshold == "good" and self.word == "good match")
        return (self.percentile if self.match is None else self.match) >= threshold


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """How a result was made; stored with every digest and shown on request."""

    #: step of the ladder: "trending", "keywords", "examples", "thumbs"; or what another recipe calls it
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
    #: what the matches were learned from, and how far off they are; "" = too few ratings, and words stand for them
    calibration: str = ""
    at: datetime

    def __post_init__(self) -> None:
        check_instant("at", self.at)


#: why a paper is listed: by its score, because it always is (a followed author, a keyword with a "+"), or drawn so that the service learns what it cannot guess
Slot = Literal["normal", "pinned", "exploration"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
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
    made: Made


class QuietReason(StrEnum):
    """Why a subscriber gets no digest on a date."""

    NO_NEW_PAPERS = "no new papers"
    BELOW_THRESHOLD = "nothing above the reader's threshold"
    ALL_SEEN = "every new paper was listed or rated before"
    MUTED = "every new paper holds something that the reader muted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Quiet:
    """No digest for a subscriber on a local date, and why."""

    subscriber_id: int
    local_date: date
    reason: QuietReason
    made: Made


# ---------------------------------------------------------------------------------------------- messages


class MessageKind(StrEnum):
    DIGEST = "digest"
    CONFIRM = "confirm"
    WELCOME = "welcome"
    GOODBYE = "goodbye"
    ALERT = "alert"


class MessageState(StrEnum):
    """The ledger's states; `deploy/README.md` has the arrows between them."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    SKIPPED = "skipped"


#: stands for the operator where a message names its subscriber; no row has it
OPERATOR = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Queued:
    """A message in the ledger, claimed by this sender and not rendered yet."""

    id: int
    kind: MessageKind
    #: for a letter to the operator one with the id OPERATOR and no address: the config knows it
    subscriber: Subscriber
    #: unique with kind and subscriber: the local date of a digest
    key: str
    #: deterministic, the same on every attempt
    message_id: str
    digest_id: int | None = None
    attempts: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One e-mail, ready for a mail server."""

    message_id: str
    #: envelope addresses
    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    #: the whole message in wire form: headers and body, CRLF, not dot-stuffed
    data: bytes


class Phase(StrEnum):
    """How far a delivery got; after BODY has begun, silence means unknown."""

    CONNECT = "connect"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"


Outcome = Literal["accepted", "deferred", "rejected", "unknown", "lost"]

#: Who is at fault for a refusal; it decides what follows for the reader, never what became of the message.
#: reader  = there is no such address
#: mailbox = disabled, full, or refused without a clear reason: counted
#: content = this one message: its size, its form
#: ours    = login, policy, authentication, protocol: the operator's matter, never the reader's
#: busy    = the other side cannot now: too many, out of order, connection lost
Fault = Literal["", "reader", "mailbox", "content", "ours", "busy"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounced:
    """A message that came back for good: whose fault it was, and when."""

    fault: Fault
    #: enhanced status code of RFC 3463 such as "5.1.1", "" where none was given
    enhanced: str = ""
    at: datetime

    def __post_init__(self) -> None:
        check_instant("at", self.at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One attempt to hand a message to a mail server.

    `lost` = the message was no longer this sender's when the body was due: nothing was sent.
    """

    outcome: Outcome
    server: str
    phase: Phase
    #: SMTP reply code, 0 where none was read
    code: int = 0
    text: str = ""
    #: enhanced status code of RFC 3463 such as "5.1.1", "" where the reply has none
    enhanced: str = ""
    fault: Fault = ""
    #: before this, another attempt makes no sense; None where the mailer knows nothing better than the ledger
    retry_at: datetime | None = None
    started: datetime
    ended: datetime

    def __post_init__(self) -> None:
        check_instant("started", self.started)
        check_instant("ended", self.ended)
        check_instant("retry_at", self.retry_at)


# ---------------------------------------------------------------------------------------------- links


class Purpose(StrEnum):
    """What a token is for; a token of one purpose is worth nothing for another."""

    UP = "up"
    DOWN = "down"
    UNSUBSCRIBE = "unsubscribe"
    MANAGE = "manage"
    CONFIRM = "confirm"
    #: the address that a bounce of a message comes back to; no page takes it
    BOUNCE = "bounce"


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """What a token names: one purpose, one subscriber, at most one paper, and the message that carried it."""

    purpose: Purpose
    subscriber_id: int
    paper_id: int = 0
    message_id: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkKey:
    """A secret that signs links; its id travels in the token, so that keys can be rotated."""

    id: int
    secret: bytes = field(repr=False)
