"""Durations by bucket: a histogram that a process can hand to another, in constant memory."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

#: upper bounds in seconds, from a local server to a night of waiting
BOUNDS: Final = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600)


@dataclass(slots=True)
class Durations:
    """How many durations fell into each bucket, and their sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    #: seconds
    total: float = 0.0

    def observe(self, seconds: float) -> None:
        """Count a duration; one below zero, after a clock was set, counts as zero."""
        seconds = max(0.0, seconds)
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def add(self, other: Durations) -> None:
        """Add the durations that another process observed."""
        self.counts = [
            ours + theirs for ours, theirs in zip(self.counts, other.counts, strict=True)
        ]
        self.total += other.total


class DurationsCollector(Collector):
    """A histogram of Prometheus that grows by whole `Durations`."""

    def __init__(self, name: str, documentation: str) -> None:
        self._name, self._documentation = name, documentation
        self._durations = Durations()
        self._lock = threading.Lock()

    def add(self, durations: Durations) -> None:
        """Add the durations of a report."""
        with self._lock:
            self._durations.add(durations)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield the histogram; its buckets are cumulative."""
        with self._lock:
            counts, total = list(self._durations.counts), self._durations.total
        buckets: list[tuple[str, float]] = []
        running = 0
        for bound, count in zip((*map(float, BOUNDS), float("inf")), counts, strict=True):
            running += count
            buckets.append(("+Inf" if bound == float("inf") else str(bound), running))
        yield HistogramMetricFamily(self._name, self._documentation, buckets, total)
