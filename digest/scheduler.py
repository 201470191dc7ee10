"""When verbs run: one tick in memory, one at a time.

Knows no paper and no reader; who is due is a question to the database.

The only importer of the clock library. Several processes may tick: the ledger keeps them from doing
anything twice.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from digest.errors import DigestError

log = logging.getLogger("digest.scheduler")
# two lines a tick, day and night, would bury what the verbs have to say
logging.getLogger("apscheduler").setLevel(logging.WARNING)

Verb = Callable[[], object]


class _Ticker(BackgroundScheduler):  # type: ignore[misc]
    """A scheduler whose jobs run by the time that passes, also when the clock is set back.

    It waits for the right number of seconds, and then asks the clock: set back by days meanwhile,
    it would wait for days.
    """

    def _process_jobs(self) -> float | None:
        now = datetime.now(UTC)
        jobs = self.get_jobs()
        for job in jobs:
            if job.next_run_time is not None and job.next_run_time > now + job.trigger.interval:
                job.modify(next_run_time=now)
        seconds: float | None = super()._process_jobs()
        # The clock may also be set while this looks at it.
        return (
            None
            if seconds is None
            else min([seconds, *(job.trigger.interval.total_seconds() for job in jobs)])
        )


class Scheduler:
    """Calls every verb, in order, at once and then every so many seconds; a tick that takes longer
    delays the next one.

    Args:
        verbs: called without arguments. One that fails is logged, and does not keep the others or
        the next tick from running.
        seconds: from tick to tick.
    """

    def __init__(self, verbs: Sequence[Verb], *, seconds: int) -> None:
        self._verbs = tuple(verbs)
        self._scheduler = _Ticker(timezone=UTC, executors={"default": ThreadPoolExecutor(1)})
        # Without a grace time of None a tick that is late by a second would be left out, and only
        # an event would say so.
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
        """Begin no further tick and no further verb; the one that runs goes on."""
        self._stopping = True
        if self._scheduler.running:
            self._scheduler.pause()

    def stop(self, seconds: float | None = None) -> bool:
        """Hold, and wait for the verb that runs.

        Args:
            seconds: to wait at most; None = until it ends.

        Returns:
            Whether nothing runs any more.
        """
        self.hold()
        if not self._scheduler.running:
            return True
        waiting = threading.Thread(target=self._scheduler.shutdown, daemon=True)
        waiting.start()
        waiting.join(seconds)
        return not waiting.is_alive()

    def tick(self) -> None:
        """Every verb once."""
        for verb in self._verbs:
            if self._stopping:
                return
            try:
                verb()
            except DigestError as error:
                log.error("%s failed: %s", _name(verb), error)  # noqa: TRY400
            except Exception:  # a mistake in one verb must not silence the others
                log.exception("%s failed by a mistake of ours", _name(verb))


def _name(verb: Verb) -> str:
    return str(getattr(verb, "__name__", verb))
