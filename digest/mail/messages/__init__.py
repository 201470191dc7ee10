"""Digest -> message: what a reader gets, as subject, text, HTML and the bytes for a mail server.

Says nothing about when or whether a mail goes, and sends none. Reading order: `values` (what goes
in), `compose` (the verbs, one per kind of mail), `cards` (papers, and how long a mail may be),
`templates` (where they are found), `texts` (foreign words made fit), `assemble` (headers and parts
to bytes), `dkim` (their signature). What many mails share is rendered and encoded once: `holes`
(what a template prints before it is known for whom), `stencils` (templates rendered with holes),
`listing` (cards from stencils), `passages` (text in its transfer encoding, piece by piece).
"""

from digest.mail.messages.assemble import ascii_address, ascii_domain
from digest.mail.messages.compose import (
    write_alert,
    write_confirm,
    write_digest,
    write_goodbye,
    write_welcome,
)
from digest.mail.messages.dkim import Signer
from digest.mail.messages.templates import environment, render
from digest.mail.messages.texts import reachable
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
    "reachable",
    "render",
    "write_alert",
    "write_confirm",
    "write_digest",
    "write_goodbye",
    "write_welcome",
]
