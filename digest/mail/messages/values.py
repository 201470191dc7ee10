"""What messages are written from: settings, papers to list, signed links.

Plain values; configuration, clock and tokens belong to the caller.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from digest.mail.messages.dkim import Signer
from digest.model import Paper, Resources, Slot

NO_RESOURCES = Resources()


@dataclass(frozen=True, kw_only=True, slots=True)
class Mailing:
    """Settings of this install, the same for every message and reader."""

    #: the address in From; its domain may be in any script, its local part is ASCII
    from_address: str
    #: the service's name: in From and List-Id, and wherever a mail names the service
    name: str = "Digest"
    #: domain in List-Id and Feedback-ID; never change it, since readers' filters rely on it
    domain: str
    #: distinguishes installs that share a domain, in List-Id and Message-ID; "" for installs from
    #: before such ids
    install_id: str = ""
    #: the web pages as readers reach them
    base_url: str
    #: envelope sender, which bounces go to; None = the address in From
    bounce_address: str | None = None
    #: the address in Reply-To; "" = none, so replies go to From
    reply_to: str = ""
    #: address for thumbs and unsubscribing by mail, used by whoever makes the links; "" = none
    mailbox: str = ""
    #: postal address for the foot, line by line; "" = none
    postal_address: str = ""
    #: DKIM signers; none if the mail server signs
    signers: tuple[Signer, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageContext:
    """What every message needs besides its content."""

    mailing: Mailing
    message_id: str
    #: the Date header
    date: datetime
    #: the envelope sender of this message; None = that of the mailing
    bounce_address: str | None = None
    #: the operator's template folders; the first that has a template wins
    folders: tuple[Path, ...] = ()
    #: signs while the next message is written; None = the message comes signed
    signing: Executor | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperLinks:
    """The links of a listed paper.

    `read` is its page, or a search for its title; empty if there is neither.
    """

    read: str
    up: str
    down: str
    #: `mailto:` addresses that do the same, for readers who cannot reach our pages; "" = none
    up_by_mail: str = ""
    down_by_mail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReaderLinks:
    """The reader's own pages; `unsubscribe` also takes the one-click POST of RFC 8058."""

    manage: str
    unsubscribe: str
    #: a digest's pages: all its papers with thumbs, and how it was made; "" = none
    rate: str = ""
    provenance: str = ""
    #: the mail in the browser, and the reader's past digests; "" = none
    browser: str = ""
    archive: str = ""
    #: a `mailto:` address that does the same; "" = none
    unsubscribe_by_mail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A paper as one digest lists it."""

    paper: Paper
    resources: Resources = NO_RESOURCES
    #: why this paper was chosen for this reader, in one plain sentence
    reason: str
    #: how well it fits: "83 % match", or in words while ratings are too few for a number; "" = it
    #: says nothing about that
    label: str
    links: PaperLinks
    #: words and phrases that lift it for the reader; they choose the excerpt where the paper does
    #: not say what it does
    words: tuple[str, ...] = ()
    #: an earlier message with it may have arrived
    seen_before: bool = False
    #: the interest that it is listed for, if the reader has several
    interest: str = ""
    slot: Slot = "normal"
    #: the day on which it was first seen, where an earlier digest could have listed it
    from_day: date | None = None
