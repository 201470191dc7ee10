"""What other programs are told and tell us: webhooks, mail providers, recommenders."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
)

from digest.store.tables.columns import Id, Instant, ReportText, metadata

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("url", Text, nullable=False),
    #: names of `WebhookEvent`
    Column("events", JSON, nullable=False),
    #: events carry the reader's address beside their id
    Column("addresses", Boolean, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    #: first failure since the last success; NULL = it works
    Column("failing_since", Instant),
    #: turned off since it kept failing; NULL = it is on
    Column("disabled_at", Instant),
    #: what went wrong last, or ""
    Column("error", ReportText, nullable=False),
    #: "alerts" = it comes from that section of the config; NULL = a command or the API added it
    Column("source", String(10)),
    Index("uq_webhooks_source", "source", unique=True),
    # deliveries name a webhook by id: the id of a removed one must not be given to another
    sqlite_autoincrement=True,
)

#: an outbox: rows are written in the transaction of what happened, and sent afterwards
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("webhook_id", ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    #: whom it is about; NULL = nobody, or the news is that they were deleted
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE")),
    #: the webhook-id header, the same in every attempt
    Column("event_id", String(40), nullable=False),
    Column("event", String(20), nullable=False),
    Column("body", Text, nullable=False),
    #: "waiting", "delivered" or "failed"
    Column("state", String(10), nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    #: when it is sent next, or a claim on it ends; NULL = at once
    Column("next_at", Instant),
    Column("ended_at", Instant),
    #: HTTP status of the last answer; 0 = none
    Column("status", SmallInteger, nullable=False),
    Column("error", ReportText, nullable=False),
    Index("ix_webhook_deliveries_webhook_id_id", "webhook_id", "id"),
    Index("ix_webhook_deliveries_subscriber_id", "subscriber_id"),
    Index("ix_webhook_deliveries_state_next_at", "state", "next_at"),
    #: old ones are deleted
    Index("ix_webhook_deliveries_ended_at", "ended_at"),
)

#: events of mail providers by their id, so that one that comes again changes nothing
provider_events = Table(
    "provider_events",
    metadata,
    #: "ses", "postmark", "mailgun", "sendgrid", "brevo"
    Column("provider", String(10), primary_key=True),
    #: SHA-256 of the provider's id of the event
    Column("event", LargeBinary, primary_key=True),
    #: an `Outcome` of `services.inbound`, or "unknown"
    Column("outcome", String(12), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_provider_events_at", "at"),
)

#: papers that recommenders of others chose; digests of that date may list them
recommendations = Table(
    "recommendations",
    metadata,
    #: as in `digest_items.team`
    Column("system", String(40), primary_key=True),
    Column(
        "subscriber_id",
        ForeignKey("subscribers.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("local_date", Date, primary_key=True),
    Column("paper_id", ForeignKey("papers.id"), primary_key=True, autoincrement=False),
    Column("score", Float, nullable=False),
    #: the system's own words, or ""
    Column("explanation", String(400), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_recommendations_subscriber_id_local_date", "subscriber_id", "local_date"),
    #: old ones are deleted
    Index("ix_recommendations_local_date", "local_date"),
)
