"""What this process counts, for Prometheus.

The edges (verbs, pages, scheduler, log) count; pure stages never do. Labels are names from closed
lists, from the config or from the code: no reader, no address, no path that a client sent. What
the database knows is read when Prometheus asks (`services.measurements`).

Reading order: `durations` (a histogram that one process can hand to another), `counters` (all
metrics), `recording` (reports of verbs -> counters).
"""

from digest.metrics.counters import REGISTRY
from digest.metrics.durations import Durations
from digest.metrics.recording import (
    count_bounce,
    count_complaint,
    count_compose,
    count_fetch,
    count_files,
    count_request,
    count_send,
    count_suppression,
    count_thumb,
    count_webhook_events,
    measure_job,
    set_roles,
)

__all__ = [
    "REGISTRY",
    "Durations",
    "count_bounce",
    "count_complaint",
    "count_compose",
    "count_fetch",
    "count_files",
    "count_request",
    "count_send",
    "count_suppression",
    "count_thumb",
    "count_webhook_events",
    "measure_job",
    "set_roles",
]
