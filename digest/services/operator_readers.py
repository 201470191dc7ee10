"""One reader as the operator sees them: how mail to them goes, not what they like."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from digest import store
from digest.app import App
from digest.errors import NotFoundError
from digest.model import Subscriber, Suppression

_MESSAGES, _DAYS = 20, 14


@dataclass(frozen=True, kw_only=True, slots=True)
class ReaderOverview:
    """A reader with their mail.

    What they wish for and what they rated is private; only how much there is is told.
    """

    subscriber: Subscriber
    #: how they joined
    origin: str
    thumbs_up: int
    thumbs_down: int
    last_thumb: datetime | None
    #: the newest local dates, newest first: local_date, reason, papers
    days: list[dict[str, Any]]
    #: the newest messages, newest first
    messages: list[dict[str, Any]]
    suppression: Suppression | None


def load_reader(app: App, subscriber_id: int) -> ReaderOverview:
    """Load a reader.

    Raises:
        NotFoundError: the reader is not stored.
    """
    with app.store.reading() as tx:
        subscriber = store.subscribers.find(tx, subscriber_id)
        if subscriber is None:
            raise NotFoundError(f"no subscriber {subscriber_id}; the row was deleted")
        up, down, last = store.operator_pages.count_feedback(tx, subscriber_id)
        return ReaderOverview(
            subscriber=subscriber,
            origin=store.operator_pages.load_origin(tx, subscriber_id),
            thumbs_up=up,
            thumbs_down=down,
            last_thumb=last,
            days=store.operator_pages.list_last_days(tx, subscriber_id, limit=_DAYS),
            messages=store.operator_pages.list_messages_of(tx, subscriber_id, limit=_MESSAGES),
            suppression=store.suppressions.find(tx, subscriber.email),
        )
