"""Start the parts of the service, wait, and stop them in reverse order."""

from __future__ import annotations

import logging
import os
import queue
import time
from collections.abc import Callable, Collection, Iterable, Sequence

from digest import web
from digest.app import App
from digest.config import Config
from digest.errors import DigestError, InputError
from digest.scheduler import Scheduler
from digest.serve.events import HANGUP, PAGES_ENDED, Events, note_hangups, note_stop_signals
from digest.serve.jobs import scheduling, sending
from digest.serve.notify import Notifier
from digest.serve.pages import Background, HealthChecks
from digest.serve.pulse import Pulse
from digest.serve.reloading import reload, subscribe_readers
from digest.serve.service import Service
from digest.web.app_listener import AppListener
from digest.web.metrics import MetricsServer

log = logging.getLogger("digest.serve")

ROLES = ("web", "scheduler", "sender")
#: seconds that composing, ingesting and learning get to stop
_STOP_SECONDS = 3.0
#: seconds of one wait for an event: a signal that comes just before the wait begins is handled only
#: after it
_WAIT_SECONDS = 0.5


def run(
    app: App,
    *,
    only: Collection[str] = (),
    ready: Callable[[str], None] | None = None,
    extra: Iterable[web.Extra] = (),
    load: Callable[[], Config] | None = None,
    events: Events | None = None,
) -> bool:
    """Serve until SIGTERM or SIGINT. Call it from the main thread.

    Returns:
        Whether everything has ended. False: a verb still computes in a thread. The process may end
        without it; its transaction is rolled back, as after a kill.

    Args:
        app: its store stays open afterwards; whoever opened it closes it.
        only: roles to take: "web", "scheduler", "sender"; empty = all.
        ready: called once the pages answer, with their base address; with "" where this process
            serves no pages.
        extra: routers or mounts served beside the pages.
        load: reads the config again after SIGHUP; None = it cannot be read again.
        events: those that came before, such as an early SIGHUP.

    Raises:
        InputError: an unknown role.
        DigestError: an address cannot be bound, or the pages stopped by themselves.
        StoreError: the database does not answer.
    """
    roles = _check_roles(only)
    subscribe_readers(app)
    events = Events() if events is None else events
    process = _Process(app, roles, extra, events)
    with note_hangups(events), note_stop_signals(events):
        try:
            address = process.start()
            log.info("serve roles=%s address=%s", ",".join(roles), address or "-")
            if ready:
                ready(address)
            process.notifier.ready(f"roles {', '.join(roles)}")
            why = process.wait_for_end(load)
            log.info("stop by=%s", why)
        finally:
            all_ended = process.stop()
    if why == PAGES_ENDED:
        raise DigestError(
            "the pages stopped by themselves; the log says why. Start `digest serve` again"
        )
    return all_ended


def _check_roles(only: Collection[str]) -> tuple[str, ...]:
    """Return the roles to take, all if none is named; InputError for an unknown one."""
    roles = set(only) or set(ROLES)
    if unknown := roles - set(ROLES):
        raise InputError(f"unknown role {', '.join(sorted(unknown))}. Known are {', '.join(ROLES)}")
    return tuple(sorted(roles))


class _Process:
    """The parts of one process."""

    def __init__(
        self, app: App, roles: Sequence[str], extra: Iterable[web.Extra], events: Events
    ) -> None:
        self._events = events
        self._pulse = pulse = Pulse(tuple(roles))
        self._service = service = Service(app, pulse)
        self.notifier = Notifier(os.environ)
        self._pages: Background | None = None
        if "web" in roles:
            self._pages = Background(
                app,
                extra=extra,
                stopped=lambda: events.put(PAGES_ENDED),
                condition=pulse.describe,
                advance=pulse.add_loop("pages"),
            )
        self._health: HealthChecks | None = None
        if app.config.serve.health_bind:
            self._health = HealthChecks(app, pulse.describe, pulse.add_loop("health"))
        self._metrics = MetricsServer(app, roles) if app.config.metrics.bind else None
        self._schedulers = list(scheduling(service)) if "scheduler" in roles else []
        self._senders = list(sending(service)) if "sender" in roles else []
        self._was_stalled: frozenset[str] = frozenset()

    @property
    def _clocks(self) -> list[Scheduler]:
        return [*self._schedulers, *self._senders]

    @property
    def _listeners(self) -> list[AppListener]:
        listeners = (self._pages, self._health, self._metrics)
        return [listener for listener in listeners if listener]

    def start(self) -> str:
        """Start everything; return the base address of the pages, or ""."""
        if self._metrics:
            log.info("metrics address=%s", self._metrics.start())
        address = self._pages.start() if self._pages else ""
        if self._health:
            log.info("health address=%s", self._health.start())
        for clock in self._clocks:
            clock.start()
        self._pulse.state = "running"
        return address

    def wait_for_end(self, load: Callable[[], Config] | None) -> str:
        """Wait for the event that ends the service, and return its name."""
        while True:
            self._ping_watchdog()
            try:
                event = self._events.get(timeout=_WAIT_SECONDS)
            except queue.Empty:
                continue
            if event != HANGUP:
                return event
            if load is None:
                log.warning("SIGHUP changes nothing here: the config came from no file")
                continue
            self.notifier.reloading()
            if reload(self._service, load, self._listeners):
                for clock in self._clocks:
                    clock.wake()
                self.notifier.ready("the config was read again")
            else:
                self.notifier.ready("the config has errors, and the one before is in force")

    def _ping_watchdog(self) -> None:
        """Ping while all loops advance; say once which ones do not."""
        stalled = self._pulse.find_stalled()
        for name in stalled.keys() - self._was_stalled:
            log.error("stalled loop=%s seconds=%.0f", name, stalled[name])
        for name in self._was_stalled - stalled.keys():
            log.info("advances again loop=%s", name)
        self._was_stalled = frozenset(stalled)
        if not stalled:
            self.notifier.ping()

    def stop(self) -> bool:
        """Begin nothing more, and wait for what has begun.

        Return whether all verbs have ended within the time that they get.
        """
        self._pulse.state = "stopping"
        self.notifier.stopping()
        self._service.stopping.set()
        for clock in self._clocks:
            clock.hold()
        if self._pages:
            self._pages.stop()
        for clock in self._senders:
            while not clock.stop(_WAIT_SECONDS):
                self.notifier.ping()
        deadline = time.monotonic() + _STOP_SECONDS
        ended = [clock.stop(max(0.1, deadline - time.monotonic())) for clock in self._schedulers]
        for listener in (self._health, self._metrics):
            if listener:
                listener.stop()
        log.info("stopped" if all(ended) else "stopped; what still computes is not waited for")
        return all(ended)
