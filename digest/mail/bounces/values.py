"""What can be read from an inbound mail, before its tokens are verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

#: bounce    = a message of ours was refused for good
#: delayed   = it is still being tried: nothing to do
#: delivered = it was delivered, relayed or opened
#: complaint = the reader marked it as spam, reported by the mailbox provider's feedback loop
#: automatic = out of office and the like
#: other     = anything else: a request in the subject, or a mail for people
Kind = Literal["bounce", "delayed", "delivered", "complaint", "automatic", "other"]


@dataclass(frozen=True, kw_only=True, slots=True)
class InboundMail:
    """An inbound mail.

    Nothing in it can be trusted until a token of ours in `recipients` or `returned` is verified.
    """

    kind: Kind
    #: how the kind was recognised, in a few words
    why: str
    #: addresses that the mail was sent to, those of the envelope first
    recipients: tuple[str, ...] = ()
    subject: str = ""
    #: its Date header, by the clock of its writer; None if it has none
    date: datetime | None = None
    #: its Message-ID; "" if it has none
    message_id: str = ""
    #: decoded headers of the returned message: envelope sender, List-Unsubscribe
    returned: tuple[str, ...] = ()
    #: Message-IDs of ours that a report quotes. Anybody may have written them
    quoted_ids: tuple[str, ...] = ()
    #: the recipient that the report names; "" if it names none
    reported_recipient: str = ""
    #: all addresses that the report names, the same one included
    named: tuple[str, ...] = ()
    #: enhanced status code; "" = none
    enhanced: str = ""
    #: SMTP reply code; 0 = none
    code: int = 0
    #: the words of the server that refused, or of the report
    text: str = ""
