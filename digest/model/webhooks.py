"""Webhooks: addresses of other programs that are told what happened here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal


class WebhookEvent(StrEnum):
    """What a webhook can be told."""

    DIGEST_SENT = "digest.sent"
    THUMB = "thumb"
    UNSUBSCRIBED = "unsubscribed"
    ALARM_STARTED = "alarm.started"
    ALARM_ENDED = "alarm.ended"


#: waiting = it will be sent, or sent again; delivered = answered 2xx; failed = given up
WebhookState = Literal["waiting", "delivered", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """A webhook as it is stored."""

    id: int
    url: str = field(repr=False)
    events: tuple[WebhookEvent, ...]
    #: whether events carry the reader's address beside their id
    addresses: bool
    #: key of its signatures, 32 bytes
    secret: bytes = field(repr=False)
    created_at: datetime
    #: the first failure since the last success; None = it works
    failing_since: datetime | None = None
    #: when it was turned off since it kept failing; None = it is on
    disabled_at: datetime | None = None
    #: what went wrong last, or ""
    error: str = ""
    #: the section of the config that it comes from; None = a command or the API added it
    source: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookDelivery:
    """One event for one webhook."""

    id: int
    webhook_id: int
    #: the webhook-id header: the same in every attempt
    event_id: str
    event: str
    #: JSON, the same bytes in every attempt
    body: str = field(repr=False)
    state: WebhookState
    attempts: int
    created_at: datetime
    #: when it is sent next; None = at once
    next_at: datetime | None = None
    ended_at: datetime | None = None
    #: HTTP status of the last answer; 0 = none came
    status: int = 0
    #: why the last attempt failed, or ""
    error: str = ""
