"""What the database knows of the service -> metrics, read when Prometheus asks.

Every process gives the same numbers here, whichever did the work, also a command that has ended.
So take `max`, not `sum`, of them over several processes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, get_args

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from digest import store
from digest.app import App
from digest.errors import StoreError
from digest.model import SubscriberStatus
from digest.services.alarms import Kind
from digest.services.watch import disks

log = logging.getLogger("digest.metrics")

#: verbs and commands whose last success is shown
VERBS: Final = ("fetch", "ingest", "compose", "send", "backup")
#: seconds for which what was read is shown again
KEPT: Final = 10.0

Samples = dict[tuple[str, ...], float]


class DatabaseCollector(Collector):
    """Reads the database when it is asked, at most every ten seconds.

    A database that does not answer is a metric too, and the other metrics are still shown.
    """

    def __init__(self, app: App, *, kept: float = KEPT) -> None:
        self._app, self._kept = app, kept
        self._store = app.store.for_health_checks()
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._families: list[GaugeMetricFamily] = []

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name the metrics without reading the database, when the collector is registered."""
        return [_make_family(name) for name in _METRICS]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield all metrics; without the database only that it does not answer."""
        with self._lock:
            if time.monotonic() - self._read_at >= self._kept:
                self._families = self._read()
                self._read_at = time.monotonic()
            families = list(self._families)
        yield from families

    def _read(self) -> list[GaugeMetricFamily]:
        try:
            with self._store.reading() as tx:
                values = _measure(self._app, tx)
        except StoreError as error:
            log.warning("database not measured: %s", error)
            values = {"digest_database_up": {(): 0.0}}
        values["digest_disk_free_bytes"] = {
            (disk.path,): disk.free_mb * 1e6 for disk in disks(self._app.config)
        }
        return [_make_family(name, samples) for name, samples in values.items()]


#: name -> documentation and labels
_METRICS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "digest_database_up": ("1 if the database answers.", ()),
    "digest_schema_version": ("Number of the newest migration of the database.", ()),
    "digest_subscribers": ("Readers, by status.", ("status",)),
    "digest_messages_waiting": (
        "Messages that wait: due now, or later after a server asked for a pause.",
        ("when",),
    ),
    "digest_messages_unknown": ("Messages of which nobody knows whether they arrived.", ()),
    "digest_queue_age_seconds": ("How long the oldest message that is due waits.", ()),
    "digest_alarm_active": ("1 while an alarm lasts that is worth a letter.", ("name",)),
    "digest_last_success_timestamp_seconds": (
        "When a verb last ran without an error, in whatever process.",
        ("verb",),
    ),
    "digest_last_run_failed": ("1 if the newest run of a verb had an error.", ("verb",)),
    "digest_source_last_fetch_timestamp_seconds": (
        "When a source of the config was last asked.",
        ("source",),
    ),
    "digest_source_failing": ("1 if the last fetch of a source failed.", ("source",)),
    "digest_disk_free_bytes": ("Free bytes of each disk that is written to.", ("path",)),
}


def _make_family(name: str, samples: Samples | None = None) -> GaugeMetricFamily:
    documentation, labels = _METRICS[name]
    family = GaugeMetricFamily(name, documentation, labels=labels)
    for values, number in (samples or {}).items():
        family.add_metric(values, number)
    return family


def _measure(app: App, tx: store.Connection) -> dict[str, Samples]:
    """Read everything in one view of the database."""
    now = app.now()
    due, later = store.deliveries.count_waiting(tx, now=now)
    oldest = store.deliveries.find_oldest_due(tx, now=now)
    statuses = store.subscribers.count_by_status(tx)
    active = {kind for kind, alarm in store.alarms.load_all(tx).items() if alarm.over_at is None}
    revision = store.schema.read_revision(tx) or "0"
    return {
        "digest_database_up": {(): 1.0},
        "digest_schema_version": {(): float(int(revision)) if revision.isdecimal() else 0.0},
        "digest_subscribers": {
            (status.value,): float(statuses.get(status, 0)) for status in SubscriberStatus
        },
        "digest_messages_waiting": {("due",): float(due), ("later",): float(later)},
        "digest_messages_unknown": {(): float(store.deliveries.count_unknown(tx))},
        "digest_queue_age_seconds": {
            (): max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
        },
        "digest_alarm_active": {(kind,): float(kind in active) for kind in get_args(Kind)},
        **_measure_verbs(tx),
        **_measure_sources(app, tx),
    }


def _measure_verbs(tx: store.Connection) -> dict[str, Samples]:
    succeeded: Samples = {}
    failed: Samples = {}
    for verb in VERBS:
        at = store.rounds.find_last_success(tx, verb)
        if at is not None:
            succeeded[verb,] = at.timestamp()
        latest = store.rounds.load_latest(tx, verb)
        if latest is not None:
            failed[verb,] = float(bool(latest["error"]))
    return {"digest_last_success_timestamp_seconds": succeeded, "digest_last_run_failed": failed}


def _measure_sources(app: App, tx: store.Connection) -> dict[str, Samples]:
    enabled = {entry.name for entry in app.config.sources if entry.enabled}
    asked: Samples = {}
    failing: Samples = {}
    for name, state in store.sources.load_states(tx).items():
        if name in enabled:
            failing[name,] = float(bool(state.get("error")))
            if at := state.get("asked_at"):
                asked[name,] = datetime.fromisoformat(at).timestamp()
    return {
        "digest_source_last_fetch_timestamp_seconds": asked,
        "digest_source_failing": failing,
    }
