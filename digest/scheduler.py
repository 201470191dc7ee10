"""Call verbs again and again, one at a time.

The scheduler knows no paper and no reader; the verbs ask the database who is due. Several processes
may tick, since the ledger keeps them from doing anything twice. Only this module imports the clock
library.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Protocol

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from digest import metrics
from digest.errors import DigestError

log = logging.getLogger("digest.scheduler")
# two lines a tick, day and night, would bury what the verbs have to say
logging.getLogger("apscheduler").setLevel(logging.WARNING)

Verb = Callable[[], object]

_JOB = "tick"
#: seconds by which a tick may be late without being stalled; the machine may be busy
_LATE = 60.0
#: seconds for which a verb may work without asking whether to stop; longer than any request with
#: its waits, and than the ten minutes for a mail server's last reply
STALLED_AFTER = 1200.0


class Gate(Protocol):
    """Says whether what all verbs need is there."""

    def seconds_closed(self) -> float:
        """Return the seconds for which no verb should be called; 0 = go on."""
        ...

    def closes_by(self, error: DigestError) -> bool:
        """Return whether a verb failed since what all need is not there."""
        ...


class _Ticker(BackgroundScheduler):  # type: ignore[misc]
    """A scheduler whose job runs in time even when the clock is set back.

    The library compares with the clock: set back by days, it would wait for days.
    """

    #: the wait before the next tick
    wait = timedelta()

    def _process_jobs(self) -> float | None:
        now = datetime.now(UTC)
        for job in self.get_jobs():
            if job.next_run_time > now + self.wait:
                with suppress(JobLookupError):  # it was replaced or removed meanwhile
                    job.modify(next_run_time=now)
        try:
            seconds: float | None = super()._process_jobs()
        except JobLookupError:  # it is shut down at this moment, and has forgotten the job
            return None
        # The clock may also be set during this call.
        return None if seconds is None else min(seconds, max(0.1, self.wait.total_seconds()))


class Scheduler:
    """Calls every verb in order, at once and then at an interval.

    The interval is from the beginning of a tick to the next; a long tick delays the next one.

    Args:
        verbs: called without arguments. A verb that fails is logged once, and once when it works
            again; the others and the next tick still run.
        seconds: from tick to tick; a function is asked after each tick.
        advance: called with the seconds within which the next call comes, while all is well.
        gate: asked before each tick.
    """

    def __init__(
        self,
        verbs: Sequence[Verb],
        *,
        seconds: float | Callable[[], float],
        advance: Callable[[float], None] = lambda _: None,
        gate: Gate | None = None,
    ) -> None:
        self._verbs = tuple(verbs)
        self._seconds = seconds
        self._advance = advance
        self._gate = gate
        #: name of a verb -> what was logged of its failure
        self._failing: dict[str, str] = {}
        self._stopping = False
        self._is_ticking = False
        self._ending: threading.Thread | None = None
        self._lock = threading.Lock()
        self._scheduler = _Ticker(timezone=UTC, executors={"default": ThreadPoolExecutor(1)})
        self._add_job(datetime.now(UTC))

    def start(self) -> None:
        self._advance(_LATE)
        self._scheduler.start()

    def wake(self) -> None:
        """Tick now, unless a tick runs: for a change of what the verbs work with."""
        with self._lock:
            if not (self._is_ticking or self._stopping):
                self._schedule(0.0)

    def hold(self) -> None:
        """Begin no further tick and no further verb; the running verb goes on."""
        # Within the lock: the library, when it is shut down, waits for the tick while it keeps a
        # tick from changing its job.
        with self._lock:
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
        if self._ending is None:
            if not self._scheduler.running:
                return True
            self._ending = threading.Thread(target=self._scheduler.shutdown, daemon=True)
            self._ending.start()
        self._ending.join(seconds)
        return not self._ending.is_alive()

    def tick(self) -> None:
        """Call every verb once, unless the gate is closed."""
        for verb in self._verbs:
            if self._stopping or (self._gate and self._gate.seconds_closed()):
                return
            self._advance(STALLED_AFTER)
            self._call(verb)

    def _run(self) -> None:
        """Tick, and then say when the next tick is due."""
        with self._lock:
            if self._stopping or self._is_ticking:
                return
            self._is_ticking = True
            self._schedule(None)
        began = time.monotonic()
        try:
            self.tick()
        finally:
            wait = self._interval() - (time.monotonic() - began)
            if self._gate and (closed := self._gate.seconds_closed()):
                wait = closed
            with self._lock:
                self._is_ticking = False
                if not self._stopping:
                    self._schedule(max(0.0, wait))

    def _interval(self) -> float:
        return self._seconds() if callable(self._seconds) else self._seconds

    def _schedule(self, seconds: float | None) -> None:
        """Make the next tick due after so many seconds; None = not by itself."""
        if seconds is not None:
            self._scheduler.wait = timedelta(seconds=seconds)
            self._advance(2 * seconds + _LATE)  # twice: the clock may be set back meanwhile
            self._add_job(datetime.now(UTC) + timedelta(seconds=seconds))
            return
        with suppress(JobLookupError):  # it runs, or was stopped
            self._scheduler.remove_job(_JOB)

    def _add_job(self, due: datetime) -> None:
        """Add the next tick, in the place of one that waits.

        It is a job for one run: while a tick runs, nothing waits that a set clock could disturb.
        """
        # One thread runs one tick at a time. A tick adds the next one shortly before it ends, so
        # two may be known. With a grace time, one that is late by a second would be left out
        # silently.
        self._scheduler.add_job(
            self._run,
            "date",
            run_date=due,
            id=_JOB,
            replace_existing=True,
            max_instances=2,
            misfire_grace_time=None,
        )

    def _call(self, verb: Verb) -> None:
        name = str(getattr(verb, "__name__", verb))
        try:
            with metrics.measure_job(name):
                verb()
        except DigestError as error:
            if self._gate and self._gate.closes_by(error):
                return
            self._note_failure(name, str(error), None)
        # A mistake in one verb must not silence the others.
        except Exception as error:  # noqa: BLE001
            self._note_failure(name, f"{type(error).__name__}: {error}", error)
        else:
            if self._failing.pop(name, None) is not None:
                log.info("%s works again", name)

    def _note_failure(self, name: str, text: str, mistake: Exception | None) -> None:
        """Log a failure, unless it is the one that was logged last."""
        if self._failing.get(name) == text:
            log.debug("%s failed again: %s", name, text)
            return
        self._failing[name] = text
        if mistake is None:
            log.error("%s failed: %s", name, text)
        else:
            log.error("%s failed by a mistake of ours", name, exc_info=mistake)
