"""Webhooks as an operator or a program manages them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from time import time

from digest import store, webhooks
from digest.app import App
from digest.errors import InputError
from digest.model import Webhook, WebhookDelivery, WebhookEvent
from digest.redaction import register_secrets
from digest.store import outbox
from digest.webhooks import RefusedAddressError, TransportError

#: bytes of a secret
_SECRET_BYTES = 32
#: webhooks at most: each event is stored once for each of them
MAX_WEBHOOKS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookTest:
    """What a webhook answered to a test."""

    #: HTTP status; 0 = no answer
    status: int
    #: what went wrong, or ""
    error: str

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status <= 299


def add_webhook(
    app: App, url: str, events: Sequence[str], *, addresses: bool = False
) -> tuple[Webhook, str]:
    """Add a webhook; return it, and its secret as the receiver needs it.

    The secret is not shown again.

    Args:
        events: names of `WebhookEvent`.
        addresses: tell the readers' addresses beside their ids.

    Raises:
        InputError: the address may not be reached, or there is no such event.
    """
    chosen = _parse_events(events)
    try:
        webhooks.check_url(url, app.config.webhooks.allowed_networks)
    except RefusedAddressError as error:
        raise InputError(f"url: {error}") from error
    secret = secrets.token_bytes(_SECRET_BYTES)
    text = webhooks.format_secret(secret)
    register_secrets(secret, text)
    with app.store.writing() as tx:
        if len(store.webhooks.list_all(tx)) >= MAX_WEBHOOKS:
            raise InputError(
                f"there are {MAX_WEBHOOKS} webhooks already. `digest webhooks remove` removes one"
            )
        webhook = store.webhooks.add(
            tx, url=url, events=chosen, addresses=addresses, secret=secret, now=app.now()
        )
    return webhook, text


def _parse_events(names: Sequence[str]) -> list[WebhookEvent]:
    known = [event.value for event in WebhookEvent]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        what = f"{unknown[0]!r} is no event" if unknown else "no event is named"
        raise InputError(f"events: {what}. Known are {', '.join(known)}")
    return [WebhookEvent(name) for name in dict.fromkeys(names)]


def list_webhooks(app: App) -> list[tuple[Webhook, dict[str, int]]]:
    """List all webhooks, oldest first, each with the number of its events by state."""
    with app.store.reading() as tx:
        counts = store.webhooks.count_by_state(tx)
        return [(webhook, counts.get(webhook.id, {})) for webhook in store.webhooks.list_all(tx)]


def remove_webhook(app: App, ident: int) -> None:
    """Remove a webhook; what waits for it is not sent.

    Raises:
        InputError: it comes from the config.
        NotFoundError: there is none with that id.
    """
    with app.store.writing() as tx:
        if store.webhooks.load(tx, ident).source is not None:
            raise InputError(f"webhook {ident} is that of [alerts] webhook: empty it there")
        store.webhooks.remove(tx, ident)


def enable_webhook(app: App, ident: int) -> Webhook:
    """Turn a webhook on again after it was turned off; what it missed is not sent.

    Raises:
        NotFoundError: there is none with that id.
    """
    with app.store.writing() as tx:
        store.webhooks.load(tx, ident)
        store.webhooks.enable(tx, ident)
        return store.webhooks.load(tx, ident)


def list_webhook_deliveries(
    app: App, ident: int, *, before: int | None = None, limit: int = 100
) -> list[WebhookDelivery]:
    """List the events of a webhook, newest first.

    Raises:
        NotFoundError: there is no webhook with that id.
    """
    with app.store.reading() as tx:
        store.webhooks.load(tx, ident)
        return store.webhooks.list_deliveries(tx, ident, before=before, limit=limit)


def try_webhook(app: App, ident: int) -> WebhookTest:
    """Post an event of the type "test" at once, and tell what came back; nothing is stored.

    Raises:
        NotFoundError: there is no webhook with that id.
    """
    with app.store.reading() as tx:
        webhook = store.webhooks.load(tx, ident)
    body = outbox.encode_body("test", {}, at=app.now()).encode()
    event_id = f"evt_{secrets.token_hex(16)}"
    try:
        reply = asyncio.run(post_signed(app, webhook, event_id, body))
    except (RefusedAddressError, TransportError) as error:
        return WebhookTest(status=0, error=str(error))
    return WebhookTest(status=reply.status, error=describe_status(reply.status))


async def post_signed(app: App, webhook: Webhook, event_id: str, body: bytes) -> webhooks.Reply:
    """Post one event, signed now.

    Raises:
        RefusedAddressError: the address must not be reached (any more).
        TransportError: no answer came.
    """
    register_secrets(webhook.secret, webhooks.format_secret(webhook.secret))
    settings = app.config.webhooks
    # receivers compare this time with their own clock, so it is the real one, whatever --date says
    headers = webhooks.sign(webhook.secret, event_id=event_id, timestamp=int(time()), body=body)
    return await webhooks.post(
        webhook.url, body, headers, allowed=settings.allowed_networks, seconds=settings.timeout
    )


def describe_status(status: int) -> str:
    """Say what is wrong with an answer; "" for one that takes the event."""
    if 200 <= status <= 299:
        return ""
    if 300 <= status <= 399:
        return f"the receiver answers {status}, and redirects are not followed"
    return f"the receiver answers {status}"
