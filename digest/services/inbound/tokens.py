"""Find what proves that a report is about a message of ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from digest import store
from digest.app import App
from digest.errors import LinkError
from digest.mail import links
from digest.mail.bounces import InboundMail
from digest.model import Link, LinkKey, Purpose, Subscriber, address_key

#: the longest time from sending a message to its report: mail servers keep retrying for up to five
#: days (RFC 5321 4.5.4.1)
MAX_DELIVERY_TIME = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotedMessage:
    """A message of ours that a report quotes."""

    #: id of its row
    id: int
    reader: Subscriber


def find_token(app: App, mail: InboundMail) -> Link | None:
    """Find the first token of ours in the recipient address or returned headers."""
    for address in mail.recipients:
        if link := read_trusted_token(app, links.read_bounce_address, address):
            return link
    for text in mail.returned:
        for address in text.replace("<", " ").replace(">", " ").split():
            if link := read_trusted_token(app, links.read_bounce_address, address):
                return link
        link = read_trusted_token(app, links.read_subject, text)
        if link is not None and link.purpose is Purpose.UNSUBSCRIBE:
            return link
    return None


def read_trusted_token(
    app: App, read: Callable[[str, list[LinkKey]], Link], text: str
) -> Link | None:
    try:
        return app.with_keys(lambda keys: read(text, keys))
    except LinkError:
        return None


def find_quoted_message(app: App, tx: store.Connection, mail: InboundMail) -> QuotedMessage | None:
    """Find the message whose Message-ID a report quotes.

    A Message-ID is no secret, since other readers can guess it. So the report must also name the
    address that the message went to, and the message must have been sent lately.
    """
    named = {address_key(address) for address in mail.named}
    for message_id in mail.quoted_ids:
        message = store.deliveries.find_by_message_id(tx, message_id)
        if message is None or message["subscriber_id"] is None or not message["attempts"]:
            continue
        reader = store.subscribers.find(tx, message["subscriber_id"])
        if reader is None or app.now() - message["changed_at"] > MAX_DELIVERY_TIME:
            continue
        moved_from = store.address_changes.find_address_of_message(tx, message["id"])
        if address_key(moved_from or reader.email) in named:
            return QuotedMessage(id=message["id"], reader=reader)
    return None
