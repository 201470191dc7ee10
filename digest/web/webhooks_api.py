"""Webhooks in the API: tell other programs of sent digests, thumbs and readers who leave."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from digest import services
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.model import ApiKey, Scope, Webhook, WebhookDelivery, WebhookEvent, WebhookState
from digest.web.access import api_router, require_scope
from digest.web.cursors import Cursor, Limit, link_next, read_cursor, write_cursor
from digest.web.problems import ApiError

Key = Annotated[ApiKey, require_scope(Scope.WEBHOOKS_WRITE)]
Ident = Annotated[int, Path(ge=1, le=2**63 - 1, description="id of a webhook")]


class NewWebhook(BaseModel):
    """A webhook to make."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=2000, description="an address of https that events are posted to")
    events: list[WebhookEvent] = Field(
        min_length=1, max_length=20, description="a list of events to be told of"
    )


class WebhookAnswer(BaseModel):
    """A webhook."""

    id: int
    url: str
    events: list[str]
    addresses: bool = Field(
        description="whether events carry addresses; only `digest webhooks add` can ask for it"
    )
    created_at: datetime
    failing_since: datetime | None = Field(description="null while it works")
    disabled_at: datetime | None = Field(
        description="when it was turned off since it kept failing; null while it is on"
    )
    error: str | None = Field(description="what went wrong last")


class NewWebhookAnswer(WebhookAnswer):
    """A webhook that was made just now."""

    secret: str = Field(
        description="key of the signatures (Standard Webhooks); it is not shown again"
    )


class WebhooksAnswer(BaseModel):
    """All webhooks, oldest first."""

    webhooks: list[WebhookAnswer]


class WebhookDeliveryAnswer(BaseModel):
    """One event for a webhook."""

    id: int
    event_id: str = Field(description="the header webhook-id, the same in every attempt")
    event: str
    state: WebhookState
    attempts: int
    created_at: datetime
    next_at: datetime | None = Field(description="when it is sent next; null = at once, or never")
    ended_at: datetime | None
    status: int | None = Field(description="HTTP status of the last answer; null = none came")
    error: str | None


class WebhookDeliveriesAnswer(BaseModel):
    """A page of events, newest first."""

    deliveries: list[WebhookDeliveryAnswer]
    next: str | None = Field(description="`cursor` of the next page; null after the last one")


def routes(app: App) -> APIRouter:
    """Build the routes of webhooks."""
    router = api_router("/api/v1/webhooks", "webhooks")

    @router.post("", status_code=201, summary="Make a webhook")
    def make_webhook(_key: Key, body: NewWebhook) -> NewWebhookAnswer:
        """Make a webhook. Its secret is in this answer alone.

        Each event is a POST of `{"type", "timestamp", "data"}`, signed as Standard Webhooks says.
        It names readers by id. It may come twice, with the same `webhook-id`.
        """
        try:
            webhook, secret = services.add_webhook(
                app, body.url, [event.value for event in body.events]
            )
        except InputError as error:
            remedy = "give an address of https that everybody can reach"
            raise ApiError(422, "invalid", str(error), remedy, field="url") from error
        return NewWebhookAnswer(**_to_answer(webhook).model_dump(), secret=secret)

    @router.get("", summary="List webhooks")
    def list_webhooks(_key: Key) -> WebhooksAnswer:
        """List all webhooks, without their secrets."""
        return WebhooksAnswer(
            webhooks=[_to_answer(webhook) for webhook, _ in services.list_webhooks(app)]
        )

    @router.delete("/{webhook_id}", status_code=204, summary="Delete a webhook")
    def delete_webhook(_key: Key, webhook_id: Ident) -> None:
        """Delete a webhook; what waits for it is not sent."""
        try:
            services.remove_webhook(app, webhook_id)
        except NotFoundError as error:
            raise _not_found(webhook_id) from error

    @router.get("/{webhook_id}/deliveries", summary="List the events of a webhook")
    def list_deliveries(
        _key: Key,
        request: Request,
        response: Response,
        webhook_id: Ident,
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> WebhookDeliveriesAnswer:
        """List what a webhook was told of in the last 30 days, and what waits for it."""
        position = read_cursor(cursor, int)
        before = int(position[0]) if position else None
        try:
            rows = services.list_webhook_deliveries(app, webhook_id, before=before, limit=limit + 1)
        except NotFoundError as error:
            raise _not_found(webhook_id) from error
        following = write_cursor(rows[limit - 1].id) if len(rows) > limit else None
        link_next(request, response, following)
        return WebhookDeliveriesAnswer(
            deliveries=[_to_delivery(row) for row in rows[:limit]], next=following
        )

    return router


def _not_found(webhook_id: int) -> ApiError:
    return ApiError(
        404,
        "not_found",
        f"there is no webhook {webhook_id}",
        "GET /api/v1/webhooks lists those that there are",
    )


def _to_answer(webhook: Webhook) -> WebhookAnswer:
    return WebhookAnswer(
        id=webhook.id,
        url=webhook.url,
        events=[event.value for event in webhook.events],
        addresses=webhook.addresses,
        created_at=webhook.created_at,
        failing_since=webhook.failing_since,
        disabled_at=webhook.disabled_at,
        error=webhook.error or None,
    )


def _to_delivery(delivery: WebhookDelivery) -> WebhookDeliveryAnswer:
    return WebhookDeliveryAnswer(
        id=delivery.id,
        event_id=delivery.event_id,
        event=delivery.event,
        state=delivery.state,
        attempts=delivery.attempts,
        created_at=delivery.created_at,
        next_at=delivery.next_at,
        ended_at=delivery.ended_at,
        status=delivery.status or None,
        error=delivery.error or None,
    )
