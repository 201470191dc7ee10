"""What a message is written from: how this install writes, the papers to list, the links that carry
the reader's answers.

Plain values. Whoever makes them owns the config, the clock and the tokens; nothing here looks
further.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from digest.mail.messages.dkim import Signer
from digest.model import Paper, Slot


@dataclass(frozen=True, kw_only=True, slots=True)
class Mailing:
    """How this install writes: the same for every message and every reader."""

    #: the mailbox in From; its domain may hold any script, its local part is ASCII
    from_address: str
    #: the name in From; empty means the product's
    from_name: str = ""
    #: domain under which List-Id and the sender part of Feedback-ID stand; never change it, filters
    #: of readers rely on it
    domain: str
    #: tells installs that share a domain apart, in List-Id and Message-ID; "" for installs older
    #: than such ids
    install_id: str = ""
    #: where the web pages are, as a reader reaches them
    base_url: str
    #: envelope sender, where bounces go; None means the address in From
    bounce_address: str | None = None
    #: the mailbox in Reply-To; empty means none, and replies go to From
    reply_to: str = ""
    #: address that takes thumbs and unsubscribes by mail, or nothing; whoever makes the links uses
    #: it
    mailbox: str = ""
    #: the list's name in List-Id; empty means the product's
    list_name: str = ""
    #: lines of a postal address for the foot, or nothing
    postal_address: str = ""
    product: str = "Digest"
    #: what signs every message, or nothing where the mail server does
    signers: tuple[Signer, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageContext:
    """What every message needs besides its content."""

    mailing: Mailing
    message_id: str
    #: the Date header
    date: datetime
    #: the operator's template folders; the first that has a template wins
    folders: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperLinks:
    """The three answers to a listed paper.

    `read` may be empty (no source gave a page); then nothing is linked.
    """

    read: str
    up: str
    down: str
    #: `mailto:` addresses that say the same by mail, for readers who cannot reach our pages; or
    #: nothing
    up_by_mail: str = ""
    down_by_mail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReaderLinks:
    """The reader's own two pages; `unsubscribe` takes the one-click POST of RFC 8058 as well as a
    visit.
    """

    manage: str
    unsubscribe: str
    #: a `mailto:` address that does the same, or nothing
    unsubscribe_by_mail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A paper as one digest lists it."""

    paper: Paper
    #: one plain sentence: what lifted this paper for this reader
    reason: str
    #: how well it fits: "83 % match", or in words while too few ratings say what a number is worth
    label: str
    links: PaperLinks
    #: an earlier message that held it may or may not have arrived
    seen_before: bool = False
    #: the reader's interest that it is listed for, where they have several
    interest: str = ""
    slot: Slot = "normal"
