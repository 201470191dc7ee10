"""What can be read from a mail that arrives, before anybody asks whether it is to be believed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

#: failed    = a message of ours came back for good
#: delayed   = it is still being tried: nothing to do
#: delivered = it arrived, was relayed or was opened
#: complaint = the reader called it junk, at a mailbox provider that tells the sender
#: automatic = out of office and the like
#: other     = anything else; it may be a request by its subject, else it is for a person
Kind = Literal["failed", "delayed", "delivered", "complaint", "automatic", "other"]


@dataclass(frozen=True, kw_only=True, slots=True)
class InboundMail:
    """A mail that arrived.

    Everything in it is hearsay until a token of ours in `to` or `returned` is verified.
    """

    kind: Kind
    #: how it was recognised, in a few words
    why: str
    #: addresses that it came to, those of the envelope first
    to: tuple[str, ...] = ()
    subject: str = ""
    #: when it was written, by its writer's clock; None where it does not say
    written: datetime | None = None
    #: its Message-ID, "" where it has none
    message_id: str = ""
    #: decoded header values of the message that it returns: envelope sender, List-Unsubscribe
    returned: tuple[str, ...] = ()
    #: whom the report names, "" where it names nobody
    recipient: str = ""
    #: enhanced status code, "" where none was given
    enhanced: str = ""
    #: SMTP reply code, 0 where none was given
    code: int = 0
    #: the words of the server that refused, or of the report
    text: str = ""
