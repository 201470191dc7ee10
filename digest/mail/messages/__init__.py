"""Write e-mails: subject, text, HTML, and the bytes for a mail server.

Decides nothing about when a mail goes, and sends none.

Reading order: `values` (the input), `compose` (one function per kind of mail), `provenance` (where
a digest comes from), `headers`, `paper_texts` (what is said of a paper), `cards` (papers, and the
size limit), `templates` (where they are found), `texts` (cleaning foreign text), `assemble`
(headers and parts to bytes), `dkim` (signing).

What many mails share is rendered and encoded once: `placeholders` (stand-ins for a reader's
values), `fragments` (pre-rendered templates), `link_parts` (links without their tokens),
`paper_list` (cards from fragments), `frames` (what is around them), `encoding`.
"""

from digest.mail.messages.assemble import ascii_address, ascii_domain
from digest.mail.messages.compose import (
    write_alert,
    write_confirm,
    write_digest,
    write_goodbye,
    write_notice,
    write_quiet_day,
    write_welcome,
)
from digest.mail.messages.dkim import Signer
from digest.mail.messages.templates import environment, render
from digest.mail.messages.texts import is_public_url
from digest.mail.messages.values import Listed, Mailing, MessageContext, PaperLinks, ReaderLinks

__all__ = [
    "Listed",
    "Mailing",
    "MessageContext",
    "PaperLinks",
    "ReaderLinks",
    "Signer",
    "ascii_address",
    "ascii_domain",
    "environment",
    "is_public_url",
    "render",
    "write_alert",
    "write_confirm",
    "write_digest",
    "write_goodbye",
    "write_notice",
    "write_quiet_day",
    "write_welcome",
]
