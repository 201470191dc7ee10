"""Reports of verbs -> counters. The only place that knows which label holds what."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from digest.metrics import counters
from digest.metrics.durations import Durations

#: label of dumps that came from no source of the config, and of paths that no route has
OTHER: Final = "other"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_VOTES: Final = {1: "up", 0: "cleared", -1: "down"}


def set_roles(roles: Collection[str]) -> None:
    """Show which roles this process has."""
    for role in roles:
        counters.ROLE.labels(role).set(1)


@contextmanager
def measure_job(job: str) -> Iterator[None]:
    """Measure a job of the scheduler; an error counts as a failure and passes on."""
    started = time.monotonic()
    try:
        yield
    except BaseException:
        counters.JOB_FAILURES.labels(job).inc()
        raise
    else:
        counters.JOB_FAILURES.labels(job)  # a series at zero, so that the first failure is seen
        counters.JOB_SUCCESS.labels(job).set_to_current_time()
    finally:
        counters.JOB_SECONDS.labels(job).observe(time.monotonic() - started)


def count_fetch(source: str, outcome: str, *, seconds: float, requests: int, octets: int) -> None:
    """Count a fetch of a source of the config."""
    counters.FETCHES.labels(source, outcome).inc()
    counters.FETCH_SECONDS.labels(source).observe(seconds)
    counters.FETCH_REQUESTS.labels(source).inc(requests)
    counters.FETCH_BYTES.labels(source).inc(octets)


def count_files(source: str, outcome: str, records: Mapping[str, int]) -> None:
    """Count a dump and its records.

    Args:
        source: of the config; "" = the file was put there by hand.
        outcome: "read", "incomplete" or "refused".
        records: numbers by outcome.
    """
    counters.DUMPS.labels(source or OTHER, outcome).inc()
    for name, number in records.items():
        counters.RECORDS.labels(source or OTHER, name).inc(number)


def count_compose(
    readers: Mapping[str, int], reasons: Mapping[str, int], *, seconds: float
) -> None:
    """Count a compose.

    Args:
        readers: numbers of those who were due, by outcome.
        reasons: numbers of quiet days, by reason.
        seconds: its duration.
    """
    for reason, number in reasons.items():
        counters.QUIET_DAYS.labels(reason).inc(number)
    counters.COMPOSE_SECONDS.observe(seconds)
    for outcome, number in readers.items():
        counters.READERS.labels(outcome).inc(number)


def count_send(states: Mapping[str, int], latency: Durations, deliveries: Durations) -> None:
    """Count a send.

    Args:
        states: messages by the state that each has now.
        latency: from due to accepted.
        deliveries: durations of attempts.
    """
    for state, number in states.items():
        counters.MESSAGES.labels(state).inc(number)
    counters.SEND_LATENCY.add(latency)
    counters.DELIVERY_SECONDS.add(deliveries)


def count_bounce(fault: str, via: str) -> None:
    """Count a message that came back after it was accepted."""
    counters.BOUNCES.labels(fault or "unknown", via).inc()


def count_complaint(via: str) -> None:
    """Count a complaint; `via` is the provider that reports it, or "mail"."""
    counters.COMPLAINTS.labels(via).inc()


def count_suppression(reason: str) -> None:
    """Count an address to which all mail was stopped."""
    counters.SUPPRESSIONS.labels(reason).inc()


def count_thumb(vote: int, via: str) -> None:
    """Count a thumb that changed a vote."""
    counters.THUMBS.labels(_VOTES[vote], via).inc()


def count_webhook_events(outcomes: Mapping[str, int]) -> None:
    """Count attempts to send events to webhooks."""
    for outcome, number in outcomes.items():
        counters.WEBHOOK_EVENTS.labels(outcome).inc(number)


def count_request(method: str, route: str, status: int, *, seconds: float) -> None:
    """Count a request.

    Args:
        route: pattern of its path, such as /m/{token}; "" = no route has the path.
    """
    counters.REQUESTS.labels(
        method if method in _METHODS else OTHER, route or OTHER, str(status)
    ).inc()
    counters.REQUEST_SECONDS.labels(route or OTHER).observe(seconds)
