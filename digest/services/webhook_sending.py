"""Send events to webhooks: signed, with backoff, at least once.

Each pass claims what is due, posts it, and settles each event by itself. A process that is killed
in between leaves a claim that ends by itself, and the event is sent again under the same id.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from digest import metrics, store
from digest.app import App
from digest.model import Webhook, WebhookDelivery
from digest.services.webhooks import describe_status, post_signed
from digest.webhooks import RefusedAddressError, Reply, TransportError

log = logging.getLogger("digest.webhooks")

#: the wait after the first, second ... failed attempt: about a day and a quarter in all
BACKOFF = (
    timedelta(seconds=10),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=12),
)
#: an event that waited longer is given up, however few attempts there were
MAX_AGE = timedelta(hours=36)
#: a webhook that failed for so long, without one success, is turned off
DISABLE_AFTER = timedelta(days=3)
#: how long ended events are kept to be looked at
KEPT_FOR = timedelta(days=30)
#: events in one claim
_BATCH = 50
#: a receiver that gives no answer at all is left alone for so long
_UNREACHABLE_PAUSE = timedelta(minutes=1)
#: the receiver says that it is gone for good
_GONE = 410


@dataclass(kw_only=True, slots=True)
class WebhookReport:
    """What a pass did: events by outcome (delivered, deferred, failed), and webhooks turned off."""

    outcomes: Counter[str] = field(default_factory=Counter)
    disabled: list[int] = field(default_factory=list)


def send_webhooks(app: App, *, stop: Callable[[], bool] = lambda: False) -> WebhookReport:
    """Send all events that are due, and delete those that ended long ago.

    Webhooks are served side by side, the events of each one after the other.

    Args:
        stop: asked before each event; what is claimed is then given back.

    Raises:
        StoreError: the database does not answer; claimed events are sent again later.
    """
    report = WebhookReport()
    now = app.now()
    with app.store.reading() as tx:
        has_due = store.webhooks.has_due(tx, now=now)
    while has_due and not stop():
        with app.store.writing() as tx:
            # each event may take the whole timeout, and a claim must outlast them all
            lease = timedelta(seconds=app.config.webhooks.timeout * _BATCH + 60)
            claimed = store.webhooks.claim(tx, now=app.now(), until=app.now() + lease, limit=_BATCH)
        if not claimed:
            break
        asyncio.run(_serve_all(app, claimed, report, stop))
    metrics.count_webhook_events(report.outcomes)
    return report


def purge_webhooks(app: App) -> int:
    """Delete events that ended long ago; return how many."""
    before = app.now() - KEPT_FOR
    with app.store.writing() as tx:
        store.provider_events.purge(tx, before=before)
        return store.webhooks.purge(tx, before=before)


async def _serve_all(
    app: App,
    claimed: Sequence[tuple[Webhook, list[WebhookDelivery]]],
    report: WebhookReport,
    stop: Callable[[], bool],
) -> None:
    await asyncio.gather(*(_serve(app, *of_one, report, stop) for of_one in claimed))


async def _serve(
    app: App,
    webhook: Webhook,
    deliveries: Sequence[WebhookDelivery],
    report: WebhookReport,
    stop: Callable[[], bool],
) -> None:
    """Send the events of one webhook in order, until it cannot be reached."""
    for number, delivery in enumerate(deliveries):
        if stop():
            _release(app, deliveries[number:], None)
            return
        try:
            reply = await post_signed(
                app, webhook, delivery.event_id, delivery.body.encode("utf-8")
            )
        except (RefusedAddressError, TransportError) as error:
            if not _fail(app, webhook, delivery, Reply(status=0), str(error), report):
                # the others would only wait for the same timeout
                _release(app, deliveries[number + 1 :], app.now() + _UNREACHABLE_PAUSE)
            return
        if error_text := describe_status(reply.status):
            if _fail(app, webhook, delivery, reply, error_text, report):
                return
        else:
            with app.store.writing() as tx:
                store.webhooks.mark_delivered(tx, delivery, status=reply.status, now=app.now())
            report.outcomes["delivered"] += 1


def _release(app: App, deliveries: Sequence[WebhookDelivery], until: datetime | None) -> None:
    if deliveries:
        with app.store.writing() as tx:
            store.webhooks.release(tx, deliveries, until=until)


def _fail(
    app: App,
    webhook: Webhook,
    delivery: WebhookDelivery,
    reply: Reply,
    error: str,
    report: WebhookReport,
) -> bool:
    """Record a failed attempt; return whether the webhook was turned off for it."""
    now = app.now()
    retry_at = find_retry_time(delivery, reply.retry_after, now)
    with app.store.writing() as tx:
        store.webhooks.mark_failed(
            tx, delivery, status=reply.status, error=error, retry_at=retry_at, now=now
        )
        since = webhook.failing_since or now
        disabled = reply.status == _GONE or now - since > DISABLE_AFTER
        if disabled:
            store.webhooks.disable(tx, webhook.id, now=now)
    outcome = "failed" if retry_at is None or disabled else "deferred"
    report.outcomes[outcome] += 1
    log.info(
        "webhook event webhook=%d kind=%s attempt=%d outcome=%s: %s",
        webhook.id,
        delivery.event,
        delivery.attempts,
        outcome,
        error,
    )
    if disabled:
        report.disabled.append(webhook.id)
        log.warning("webhook turned off webhook=%d: %s", webhook.id, error)
    return disabled


def find_retry_time(
    delivery: WebhookDelivery, retry_after: float | None, now: datetime
) -> datetime | None:
    """Return when a failed event is tried again; None when it is given up.

    Args:
        delivery: its attempts include the failed one.
        retry_after: seconds that the receiver asks to wait, if it does.
    """
    if delivery.attempts > len(BACKOFF):
        return None
    # a random part, so that the events of a long outage do not all come at once
    wait = BACKOFF[max(delivery.attempts, 1) - 1] * random.uniform(1, 1.2)  # noqa: S311
    if retry_after is not None:
        wait = max(wait, timedelta(seconds=retry_after))
    retry_at = now + wait
    return None if retry_at - delivery.created_at > MAX_AGE else retry_at
