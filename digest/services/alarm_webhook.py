"""Tell webhooks when an alarm starts and when it ends, once for each change.

Any webhook may ask for it; `[alerts] webhook` names one in the config, kept as a row like the
others: signed, sent again with backoff, and turned off with an alarm if it fails for days.
"""

from __future__ import annotations

from typing import Any, Final

from digest import store
from digest.app import App
from digest.model import WebhookEvent
from digest.redaction import mask_addresses
from digest.store import outbox
from digest.store.alarms import Raised
from digest.webhooks import parse_secret

#: value of `webhooks.source`
SOURCE: Final = "alerts"
_EVENTS: Final = (WebhookEvent.ALARM_STARTED, WebhookEvent.ALARM_ENDED)


def sync_alarm_webhook(app: App) -> None:
    """Make the webhook of the config be there as the config has it, or not at all."""
    alerts = app.config.alerts
    with app.store.reading() as tx:
        stored = store.webhooks.find_from_config(tx, SOURCE)
    secret_text = alerts.webhook_secret.get_secret_value()
    if not (alerts.webhook and secret_text):
        if stored is not None and not alerts.webhook:
            with app.store.writing() as tx:
                store.webhooks.remove_from_config(tx, SOURCE)
        return
    secret = parse_secret(secret_text)
    if stored is None or (stored.url, stored.secret) != (alerts.webhook, secret):
        with app.store.writing() as tx:
            store.webhooks.set_from_config(
                tx, SOURCE, url=alerts.webhook, events=_EVENTS, secret=secret, now=app.now()
            )


def tell_started(tx: store.Connection, alarm: Raised) -> None:
    """Store the event of an alarm that starts."""
    data = _to_json(alarm) | {
        "remedy": mask_addresses(alarm.remedy),
        "details": [mask_addresses(detail) for detail in alarm.details],
    }
    outbox.add_alarm(tx, WebhookEvent.ALARM_STARTED, data, at=alarm.since)


def tell_ended(tx: store.Connection, alarm: Raised) -> None:
    """Store the event of an alarm that is over."""
    at = alarm.over_at or alarm.since
    data = _to_json(alarm) | {"ended_at": at}
    outbox.add_alarm(tx, WebhookEvent.ALARM_ENDED, data, at=at)


def _to_json(alarm: Raised) -> dict[str, Any]:
    return {"name": alarm.kind, "what": mask_addresses(alarm.what), "since": alarm.since}
