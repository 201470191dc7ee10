"""What the signed links in mails name, and the keys that sign them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Self


class Purpose(StrEnum):
    """What a token is for; a token of one purpose is worth nothing for another."""

    UP = "up"
    DOWN = "down"
    UNSUBSCRIBE = "unsubscribe"
    MANAGE = "manage"
    CONFIRM = "confirm"
    #: the address that a bounce of a message comes back to; no page takes it
    BOUNCE = "bounce"


class Link(NamedTuple):
    """What a token names: one purpose, one subscriber, at most one paper, and the message that
    carried it.
    """

    purpose: Purpose
    subscriber_id: int
    paper_id: int = 0
    message_id: int = 0


class RevokedLink(Link):
    """A link that was signed by a key which is no longer secret: anybody may have made it."""

    revoked_at: datetime

    @classmethod
    def of(cls, link: Link, revoked_at: datetime) -> Self:
        """The link, with the time at which its key was revoked."""
        revoked = cls(*link)
        revoked.revoked_at = revoked_at
        return revoked


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkKey:
    """A secret that signs links; its id travels in the token, so that keys can be rotated."""

    id: int
    secret: bytes = field(repr=False)
    #: it is no longer secret, and signs nothing any more
    revoked_at: datetime | None = None
