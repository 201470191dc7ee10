"""Signed links in mails, and the keys that sign them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Self


class Purpose(StrEnum):
    """What a token is for; it is invalid for any other purpose."""

    UP = "up"
    DOWN = "down"
    UNSUBSCRIBE = "unsubscribe"
    MANAGE = "manage"
    CONFIRM = "confirm"
    #: the pages of a whole digest: rate all its papers, and how it was made
    RATE = "rate"
    #: the reader's own view of the lists: up-vote, suggest, and pick where they are a curator
    VOTE = "vote"
    #: the feed of a reader's papers; its message is the number of the feed's address
    FEED = "feed"
    #: object to a change of address; the paper id is the id of the change
    OBJECT = "object"
    #: part of the address that bounces return to; no page accepts it
    BOUNCE = "bounce"


class Link(NamedTuple):
    """The content of a token: purpose, subscriber, message, and for thumbs the paper."""

    purpose: Purpose
    subscriber_id: int
    paper_id: int = 0
    message_id: int = 0


class RevokedLink(Link):
    """A link signed by a revoked key: anybody may have made it."""

    revoked_at: datetime

    @classmethod
    def of(cls, link: Link, revoked_at: datetime) -> Self:
        """Return the link with the time at which its key was revoked."""
        revoked = cls(*link)
        revoked.revoked_at = revoked_at
        return revoked


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkKey:
    """A secret that signs links; tokens carry its id, so that keys can be rotated."""

    id: int
    secret: bytes = field(repr=False)
    #: since when it is no longer secret and signs nothing; None = in use
    revoked_at: datetime | None = None
