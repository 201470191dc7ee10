"""What operators look at, in the API: deliveries, suppressions and figures."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from digest import services, subscriptions
from digest.app import App
from digest.errors import AddressError, NotFoundError
from digest.model import ApiKey, MessageState, Scope, Suppression, SuppressionReason, address_key
from digest.web.access import api_router, require_scope
from digest.web.api_models import Text
from digest.web.cursors import Cursor, Limit, link_next, read_cursor, write_cursor
from digest.web.problems import ApiError

Reader = Annotated[ApiKey, require_scope(Scope.OPERATIONS_READ)]
Writer = Annotated[ApiKey, require_scope(Scope.SUPPRESSIONS_WRITE)]
#: days of figures at most
_DAYS_MAX = 366


class AttemptAnswer(BaseModel):
    """One attempt to hand a message to a mail server."""

    outcome: str
    server: str
    phase: str
    code: int = Field(description="SMTP reply code; 0 = no reply")
    enhanced: str
    fault: str
    text: str
    started_at: datetime
    ended_at: datetime


class MessageAnswer(BaseModel):
    """A message and every attempt to deliver it."""

    id: int
    message_id: str
    kind: str
    key: str = Field(description="of a digest its local date")
    subscriber: int | None = Field(description="null = the operator")
    state: MessageState
    evidence: str
    attempts: int
    not_before: datetime
    expires_at: datetime
    changed_at: datetime
    deliveries: list[AttemptAnswer] = Field(description="oldest first")


class MessagesAnswer(BaseModel):
    """A page of messages, newest first."""

    messages: list[MessageAnswer]
    next: str | None = Field(description="`cursor` of the next page; null after the last one")


class SuppressionAnswer(BaseModel):
    """An address that gets no mail."""

    email: str
    reason: SuppressionReason
    since: datetime
    evidence: str


class SuppressionsAnswer(BaseModel):
    """A page of suppressed addresses, oldest first."""

    suppressions: list[SuppressionAnswer]
    next: str | None = Field(description="`cursor` of the next page; null after the last one")


class NewSuppression(BaseModel):
    """An address to suppress."""

    model_config = ConfigDict(extra="forbid", strict=True)

    email: Text = Field(max_length=320, description="an e-mail address, as in reader@example.org")
    evidence: Text = Field(
        "", max_length=500, description="text of up to 500 characters: why, for later readers"
    )


class DayAnswer(BaseModel):
    """Figures of a day."""

    day: date
    papers: int = Field(description="papers first seen that day")
    sent: int = Field(description="digests of that local date that mail servers accepted")


class StatsAnswer(BaseModel):
    """Figures of the last days."""

    readers: dict[str, int] = Field(description="readers by state")
    days: list[DayAnswer]
    thumbs_up: int
    thumbs_down: int
    thumbs_up_rate: float | None = Field(description="0-1; null without thumbs")
    provider_events: dict[str, dict[str, int]] = Field(
        description="reports of mail providers by outcome"
    )


def delivery_routes(app: App) -> APIRouter:
    """Build the routes of messages and figures."""
    router = api_router("/api/v1", "operation")

    @router.get("/deliveries", summary="List messages")
    def list_messages(
        _key: Reader,
        request: Request,
        response: Response,
        state: Annotated[
            MessageState | None, Query(description="only messages in this state")
        ] = None,
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> MessagesAnswer:
        """List messages, newest first, each with every attempt to deliver it."""
        position = read_cursor(cursor, int)
        before = int(position[0]) if position else None
        rows = services.list_messages(app, state=state, before=before, limit=limit + 1)
        following = write_cursor(rows[limit - 1]["id"]) if len(rows) > limit else None
        link_next(request, response, following)
        return MessagesAnswer(messages=[_to_message(row) for row in rows[:limit]], next=following)

    @router.get("/deliveries/{message}", summary="One message")
    def get_message(
        _key: Reader, message: Annotated[int, Path(ge=1, le=2**63 - 2)]
    ) -> MessageAnswer:
        """Return a message with every attempt to deliver it."""
        rows = services.list_messages(app, before=message + 1, limit=1)
        if not rows or rows[0]["id"] != message:
            raise ApiError(
                404,
                "not_found",
                f"there is no message {message}",
                "GET /api/v1/deliveries lists those that there are",
            )
        return _to_message(rows[0])

    @router.get("/stats", summary="Figures of the service")
    def get_stats(
        _key: Reader,
        days: Annotated[int, Query(ge=1, le=_DAYS_MAX, description="days, today the last")] = 30,
    ) -> StatsAnswer:
        """Return readers by state, and papers, digests and thumbs of the last days."""
        stats = services.load_stats(app, days=days)
        return StatsAnswer(
            readers=stats.readers,
            days=[DayAnswer(day=day.day, papers=day.papers, sent=day.sent) for day in stats.days],
            thumbs_up=stats.thumbs_up,
            thumbs_down=stats.thumbs_down,
            thumbs_up_rate=stats.thumbs_up_rate,
            provider_events=stats.provider_events,
        )

    return router


def suppression_routes(app: App) -> APIRouter:
    """Build the routes of suppressed addresses."""
    router = api_router("/api/v1/suppressions", "suppressions")

    @router.get("", summary="List suppressed addresses")
    def list_suppressions(
        _key: Reader, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = ""
    ) -> SuppressionsAnswer:
        """List the addresses that get no mail, and why."""
        position = read_cursor(cursor, str, str)
        entries = sorted(subscriptions.list_suppressions(app), key=_sort_key)
        entries = [entry for entry in entries if position is None or _sort_key(entry) > position]
        following = write_cursor(*_sort_key(entries[limit - 1])) if len(entries) > limit else None
        link_next(request, response, following)
        return SuppressionsAnswer(
            suppressions=[_to_suppression(entry) for entry in entries[:limit]], next=following
        )

    @router.post("", status_code=201, summary="Suppress an address")
    def add_suppression(_key: Writer, body: NewSuppression) -> SuppressionAnswer:
        """Stop all mail to an address, subscribed or not; one that is listed stays as it is."""
        try:
            entry = subscriptions.make_suppression(app, body.email, body.evidence)
        except AddressError as error:
            remedy = f"give {NewSuppression.model_fields['email'].description}"
            raise ApiError(422, "invalid", str(error), remedy, field="email") from error
        subscriptions.suppress(app, [entry])
        key = address_key(entry.address)
        stored = (e for e in subscriptions.list_suppressions(app) if address_key(e.address) == key)
        return _to_suppression(next(stored, entry))

    @router.delete("/{email}", status_code=204, summary="Release an address")
    def release(_key: Writer, email: Annotated[str, Path(max_length=320)]) -> None:
        """Allow mail to an address again; its earlier bounces no longer count."""
        try:
            subscriptions.release(app, email)
        except (NotFoundError, AddressError) as error:
            raise ApiError(
                404,
                "not_found",
                "this address is not suppressed",
                "GET /api/v1/suppressions lists those that are",
            ) from error

    return router


def _sort_key(entry: Suppression) -> tuple[str, str]:
    return entry.since.isoformat(), address_key(entry.address)


def _to_suppression(entry: Suppression) -> SuppressionAnswer:
    return SuppressionAnswer(
        email=entry.address, reason=entry.reason, since=entry.since, evidence=entry.evidence
    )


def _to_message(row: dict[str, Any]) -> MessageAnswer:
    attempts = [
        AttemptAnswer(**{name: attempt[name] for name in AttemptAnswer.model_fields})
        for attempt in row["deliveries"]
    ]
    own = {name: row[name] for name in MessageAnswer.model_fields.keys() & row.keys()}
    return MessageAnswer(**(own | {"subscriber": row["subscriber_id"], "deliveries": attempts}))
