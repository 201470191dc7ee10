"""What the signed links in mails name, and the keys that sign them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


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
