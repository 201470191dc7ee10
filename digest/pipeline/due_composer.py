"""Compose for those who are due, again and again, as `serve` does.

While papers are waited for, nothing changes from tick to tick. Then nobody is looked at: the
database is asked whether anything has changed since the last tick that looked at everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest import store
from digest.app import App
from digest.model import SKEW
from digest.pipeline.compose import compose
from digest.pipeline.steps.compose_report import ComposeReport
from digest.pipeline.steps.recover import recover_messages

#: Each reader's hour, the end of each wait for papers and each midnight is a multiple of it, since
#: all time zones are. What no question finds is late by so much at most.
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class _State:
    """All that decides who gets a digest; equal states give nobody anything new."""

    #: of the time, by which readers become due
    period: Hashable
    #: of papers and messages, by which those who wait may get a digest
    version: Hashable
    #: of readers since a time
    changes: Hashable


class DueComposer:
    """Composes at each tick for readers whose hour has come or whose digest was missed.

    It remembers nothing across restarts: the first tick looks at everybody.
    """

    def __init__(self, app: App) -> None:
        self._app, self._started = app, app.now()
        #: when the last complete compose began, and what it found
        self._last: tuple[datetime, _State] | None = None

    def use(self, app: App) -> None:
        """Go on with another app: with other settings, anybody may get a digest."""
        if app is not self._app:
            self._app, self._last = app, None

    def compose(self, *, stop: Callable[[], bool] = lambda: False) -> ComposeReport | None:
        """Compose; None where nothing can have changed for anybody since the last tick.

        Args:
            stop: asked before each reader is stored. True: the others get theirs the next time.
        """
        recover_messages(self._app)  # papers of a message that expired compete again at once
        now = self._app.now()
        if self._last is not None:
            looked_at, state = self._last
            if looked_at <= now and self._load_state(now, since=looked_at) == state:
                return None
        state, self._last = self._load_state(now, since=now), None
        report = compose(self._app, due=True, started=self._started, stop=stop)
        if not report.stopped and not report.failed:
            self._last = now, state
        return report

    def _load_state(self, now: datetime, *, since: datetime) -> _State:
        """Load the state of the service, with the changes of readers since about a time."""
        quarter = int(now.timestamp() // QUARTER.total_seconds())
        waits_until = self._started + timedelta(hours=self._app.config.digest.window_hours)
        with self._app.store.reading() as tx:
            return _State(
                period=(quarter, now >= waits_until),
                version=store.due_inputs.compute_version(tx),
                # the clocks of other machines may be behind
                changes=store.due_inputs.list_changes(tx, since - SKEW),
            )
