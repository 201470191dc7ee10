"""Act on mail that arrives: bounces, complaints, and requests of readers.

Anybody can send mail and write anything in it. So only a token of ours counts: a signed text that
names the reader, the message and what it allows (see `mail.links`). It stands in the address that a
bounce came to, in the headers that a report returns, or in the subject of a request. Each token
went to one reader and is good for that reader alone. A bounce that quotes our Message-ID and names
the reader's address counts a little, too: as a soft bounce. Mail without any of that is left for
people. The same mail twice changes nothing.

Reading order: `values`, `tokens` (what a mail proves), `reports` (bounces and complaints),
`requests` (what readers ask).
"""

from __future__ import annotations

import logging

from digest.app import App
from digest.mail import bounces
from digest.services.inbound.reports import (
    handle_report,
    mark_accepted,
    record_reported_bounce,
    record_reported_complaint,
)
from digest.services.inbound.requests import handle_request_or_answer
from digest.services.inbound.tokens import read_trusted_token
from digest.services.inbound.values import Outcome, Received

__all__ = [
    "Outcome",
    "Received",
    "mark_accepted",
    "read_trusted_token",
    "receive_mail",
    "record_reported_bounce",
    "record_reported_complaint",
]

log = logging.getLogger("digest.inbound")


def receive_mail(app: App, data: bytes, *, recipients: tuple[str, ...] = ()) -> Received:
    """Read one mail and do what its token allows.

    Args:
        data: the bytes of the mail.
        recipients: the envelope's recipients, if the mail server names them.

    Raises:
        StoreError: the database does not answer. Nothing was done, so the mail can safely be
            delivered again.
    """
    mail = bounces.read(data, recipients)
    received = (
        handle_report(app, mail)
        if mail.kind not in ("other", "automatic")
        else handle_request_or_answer(app, mail)
    )
    log.info(
        "received outcome=%s subscriber=%s message=%s %s",
        received.outcome,
        received.subscriber.id if received.subscriber else "-",
        received.message or "-",
        received.why,
    )
    return received
