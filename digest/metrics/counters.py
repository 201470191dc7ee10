"""All metrics that this process counts itself."""

from __future__ import annotations

from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

import digest
from digest.metrics.durations import DurationsCollector

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series for each counter
REGISTRY: Final = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

#: seconds of a job, from an idle look to hours of encoding
_JOB_BOUNDS = (0.01, 0.1, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600)
#: seconds of a fetch, whose sources ask for pauses
_FETCH_BOUNDS = (0.5, 1, 5, 15, 60, 300, 900, 3600)

BUILD: Final = Gauge(
    "digest_build_info", "Always 1; the version of this process.", ["version"], registry=REGISTRY
)
BUILD.labels(digest.__version__).set(1)
ROLE: Final = Gauge(
    "digest_role", "1 for each role that this process has.", ["role"], registry=REGISTRY
)
LOG_RECORDS: Final = Counter(
    "digest_log_records", "Log records of this process, by level.", ["level"], registry=REGISTRY
)

JOB_SECONDS: Final = Histogram(
    "digest_job_seconds",
    "Duration of the scheduler's jobs.",
    ["name"],
    buckets=_JOB_BOUNDS,
    registry=REGISTRY,
)
JOB_FAILURES: Final = Counter(
    "digest_job_failures", "Jobs that ended with an error.", ["name"], registry=REGISTRY
)
JOB_SUCCESS: Final = Gauge(
    "digest_job_last_success_timestamp_seconds",
    "When a job last ended without an error.",
    ["name"],
    registry=REGISTRY,
)

FETCHES: Final = Counter(
    "digest_fetches", "Fetches of sources, by outcome.", ["source", "outcome"], registry=REGISTRY
)
FETCH_SECONDS: Final = Histogram(
    "digest_fetch_seconds",
    "Duration of a fetch of a source.",
    ["source"],
    buckets=_FETCH_BOUNDS,
    registry=REGISTRY,
)
FETCH_REQUESTS: Final = Counter(
    "digest_fetch_requests", "Requests to sources.", ["source"], registry=REGISTRY
)
FETCH_BYTES: Final = Counter(
    "digest_fetch_bytes", "Bytes that sources answered.", ["source"], registry=REGISTRY
)
DUMPS: Final = Counter(
    "digest_dumps",
    "Dumps that were read, refused, or not read to their end.",
    ["source", "outcome"],
    registry=REGISTRY,
)
RECORDS: Final = Counter(
    "digest_records",
    "Records of dumps: new papers, those merged into known papers (updated, duplicate), those "
    "skipped by rule, and rejected ones.",
    ["source", "outcome"],
    registry=REGISTRY,
)

COMPOSE_SECONDS: Final = Histogram(
    "digest_compose_seconds",
    "Duration of a compose, of all readers who are due.",
    buckets=_JOB_BOUNDS,
    registry=REGISTRY,
)
READERS: Final = Counter(
    "digest_compose_readers",
    "Readers who were due at a compose: with a digest (planned), a quiet day, waiting for papers, "
    "or failed. Who waits is due again at the next one.",
    ["outcome"],
    registry=REGISTRY,
)
QUIET_DAYS: Final = Counter(
    "digest_quiet_days", "Days without a digest, by reason.", ["reason"], registry=REGISTRY
)

MESSAGES: Final = Counter(
    "digest_messages",
    "Messages that came to a state, when a send ends.",
    ["state"],
    registry=REGISTRY,
)
SEND_LATENCY: Final = DurationsCollector(
    "digest_send_latency_seconds",
    "From the time when a message may be sent to its acceptance by a mail server.",
)
DELIVERY_SECONDS: Final = DurationsCollector(
    "digest_delivery_seconds", "Duration of an attempt to hand a message to a mail server."
)
REGISTRY.register(SEND_LATENCY)
REGISTRY.register(DELIVERY_SECONDS)
BOUNCES: Final = Counter(
    "digest_bounces",
    "Accepted messages that came back, by mail or as a provider reports, by whose fault.",
    ["fault", "via"],
    registry=REGISTRY,
)
COMPLAINTS: Final = Counter(
    "digest_complaints", "Complaints of readers about mails.", ["via"], registry=REGISTRY
)
SUPPRESSIONS: Final = Counter(
    "digest_suppressions", "Addresses to which all mail was stopped.", ["reason"], registry=REGISTRY
)
THUMBS: Final = Counter(
    "digest_thumbs",
    "Thumbs that changed a vote: up, down or cleared.",
    ["vote", "via"],
    registry=REGISTRY,
)
WEBHOOK_EVENTS: Final = Counter(
    "digest_webhook_events", "Attempts to send events to webhooks.", ["outcome"], registry=REGISTRY
)

REQUESTS: Final = Counter(
    "digest_http_requests",
    "Requests to pages and API, by the pattern of their path.",
    ["method", "route", "status"],
    registry=REGISTRY,
)
REQUEST_SECONDS: Final = Histogram(
    "digest_http_request_seconds",
    "Duration of requests, until the answer is written.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)

# A series that begins at zero lets a rate see its first increment.
for _counter, _names in (
    (LOG_RECORDS, ("warning", "error", "critical")),
    (READERS, ("planned", "quiet", "waiting", "failed")),
    (MESSAGES, ("accepted", "deferred", "rejected", "unknown", "expired", "skipped")),
    (COMPLAINTS, ("mail", "http")),
    (WEBHOOK_EVENTS, ("delivered", "deferred", "failed")),
):
    for _name in _names:
        _counter.labels(_name)
for _vote in ("up", "down"):
    THUMBS.labels(_vote, "page")
