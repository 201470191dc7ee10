"""Call verbs at intervals, one at a time.

The scheduler knows no paper and no reader; the verbs ask the database who is due. Several processes
may tick, since the ledger keeps them from doing anything twice. Only this module imports the clock
library.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from digest import metrics
from digest.errors import DigestError

log = logging.getLogger("digest.scheduler")
# two lines a tick, day and night, would bury what the verbs have to say
logging.getLogger("apscheduler").setLevel(logging.WARNING)

Verb = Callable[[], object]


class _Ticker(BackgroundScheduler):  # type: ignore[misc]
    """A scheduler whose jobs run at their interval even when the clock is set back.

    The library compares with the clock: set back by days, it would wait for days.
    """

    def _process_jobs(self) -> float | None:
        now = datetime.now(UTC)
        jobs = self.get_jobs()
        for job in jobs:
            if job.next_run_time is not None and job.next_run_time > now + job.trigger.interval:
                job.modify(next_run_time=now)
        seconds: float | None = super()._process_jobs()
        # The clock may also be set during this call.
        return (
            None
            if seconds is None
            else min([seconds, *(job.trigger.interval.total_seconds() for job in jobs)])
        )


class Scheduler:
    """Calls every verb in order, at once and then at an interval.

    A long tick delays the next one.

    Args:
        verbs: called without arguments. A verb that fails is logged; the others and the next tick
            still run.
        seconds: from tick to tick.
    """

    def __init__(self, verbs: Sequence[Verb], *, seconds: int) -> None:
        self._verbs = tuple(verbs)
        self._scheduler = _Ticker(timezone=UTC, executors={"default": ThreadPoolExecutor(1)})
        # With a grace time, a tick that is late by a second would be left out silently.
        self._scheduler.add_job(
            self.tick,
            "interval",
            seconds=seconds,
            id="tick",
            next_run_time=datetime.now(UTC),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        self._stopping = False

    def start(self) -> None:
        self._scheduler.start()

    def hold(self) -> None:
        """Begin no further tick and no further verb; the running verb goes on."""
        self._stopping = True
        if self._scheduler.running:
            self._scheduler.pause()

    def stop(self, seconds: float | None = None) -> bool:
        """Hold, and wait for the verb that runs.

        Args:
            seconds: to wait at most; None = until the verb ends.

        Returns:
            Whether the verb has ended.
        """
        self.hold()
        if not self._scheduler.running:
            return True
        waiting = threading.Thread(target=self._scheduler.shutdown, daemon=True)
        waiting.start()
        waiting.join(seconds)
        return not waiting.is_alive()

    def tick(self) -> None:
        """Call every verb once."""
        for verb in self._verbs:
            if self._stopping:
                return
            try:
                with metrics.measure_job(_name(verb)):
                    verb()
            except DigestError as error:
                log.error("%s failed: %s", _name(verb), error)  # noqa: TRY400
            except Exception:  # a mistake in one verb must not silence the others
                log.exception("%s failed by a mistake of ours", _name(verb))


def _name(verb: Verb) -> str:
    return str(getattr(verb, "__name__", verb))
