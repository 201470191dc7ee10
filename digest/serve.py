"""One process for everything that runs by itself: the pages, the scheduler that reads dumps and
composes, the sender. Each is a role of its own.

Parts start in order and stop in the reverse one when SIGTERM or SIGINT comes: no new tick, open
requests end, the verb that runs ends (a send finishes the messages that are on their way and gives
back the others). A second signal ends the process at once; the ledger is made for that. SIGHUP,
which a closed terminal sends too, changes nothing: settings are read at the start.
"""

from __future__ import annotations

import logging
import queue
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

from digest import pipeline, services, subscriptions, web
from digest.app import App
from digest.errors import DigestError, InputError, StoppedError
from digest.scheduler import Scheduler
from digest.web.listener import Listener

log = logging.getLogger("digest.serve")

ROLES = ("web", "scheduler", "sender")
#: how often it is looked whether the corpus has grown enough for new word vectors
_LEARN_SECONDS = 3600
#: seconds that composing, ingesting and learning get to come to a stop
_PATIENCE = 3.0
_DIED = "web"
_HANGUP = "SIGHUP"
#: from one look for alarms to the next: it counts messages, and what it tells is about hours and
#: days
_WATCH_SECONDS = 600


def run(
    app: App,
    *,
    only: Collection[str] = (),
    ready: Callable[[str], None] | None = None,
    extra: Iterable[web.Extra] = (),
) -> bool:
    """Serve until SIGTERM or SIGINT. Call it from the main thread.

    Returns:
        Whether all has ended. False: a verb of the scheduler still computes in a thread, and the
        process may end without it; what it has begun is undone or gone on with, as after a kill.

    Args:
        app: stays open afterwards; whoever opened it closes it.
        only: roles to play, of "web", "scheduler" and "sender"; none named = all.
        ready: called once with the base address of the pages, as bound, when they answer; with ""
        where this process serves none.
        extra: routers or mounts served beside the pages.

    Raises:
        InputError: an unknown role.
        DigestError: the address cannot be bound, or the pages stopped by themselves.
        StoreError: the database does not answer.
    """
    roles = set(only) or set(ROLES)
    if unknown := roles - set(ROLES):
        raise InputError(f"unknown role {', '.join(sorted(unknown))}. Known are {', '.join(ROLES)}")
    for given in subscriptions.apply_config(app):
        if given.outcome != "unchanged":
            log.info(
                "subscribe subscriber=%d outcome=%s via=config", given.subscriber.id, given.outcome
            )
    news: queue.SimpleQueue[str] = queue.SimpleQueue()
    with _signals(news):
        pages = (
            Background(app, extra=extra, stopped=lambda: news.put(_DIED))
            if "web" in roles
            else None
        )
        stopping = threading.Event()
        makers = list(scheduling(app, stopping)) if "scheduler" in roles else []
        senders = list(sending(app, stopping)) if "sender" in roles else []
        clocks = [*makers, *senders]
        try:
            address = pages.start() if pages else ""
            for clock in clocks:
                clock.start()
            log.info("serve roles=%s address=%s", ",".join(sorted(roles)), address or "-")
            if ready:
                ready(address)
            why = _heard(news)
            log.info("stop by=%s", why)
        finally:
            stopping.set()
            for clock in clocks:
                clock.hold()
            if pages:
                pages.stop()
            for clock in senders:
                clock.stop()
            late = time.monotonic() + _PATIENCE
            ended = [clock.stop(max(0.1, late - time.monotonic())) for clock in makers]
            log.info("stopped" if all(ended) else "stopped; what still computes is not waited for")
    if why == _DIED:
        raise DigestError(
            "the pages stopped by themselves; the log says why. Start `digest serve` again"
        )
    return all(ended)


# ----------------------------------------------------------------------------------------------
# what each clock calls


def scheduling(app: App, stopping: threading.Event) -> Iterator[Scheduler]:
    """All that is done ahead of sending and beside it, each with a clock of its own where it may
    take long.

    Sources answer slowly and ask for pauses of minutes: the tick reads what they bring.
    """
    tick = app.config.schedule.tick_seconds
    yield Scheduler([_ingest(app, stopping), _compose(app, stopping)], seconds=tick)
    if app.config.sources:
        yield Scheduler([_fetch(app, stopping)], seconds=tick)
    if app.config.mailbox.host:
        yield Scheduler([_poll(app, stopping)], seconds=60 * app.config.mailbox.minutes)
    yield Scheduler([_watch(app), _purge(app)], seconds=_WATCH_SECONDS)
    yield Scheduler([_learn(app, stopping)], seconds=_LEARN_SECONDS)
    if app.config.features.encoder:  # a new one takes hours for a large store
        yield Scheduler([_encode(app, stopping)], seconds=_LEARN_SECONDS)


def sending(app: App, stopping: threading.Event) -> Iterator[Scheduler]:
    """A long compose keeps no mail waiting, nor a slow mail server the next compose."""
    yield Scheduler([_send(app, stopping)], seconds=app.config.schedule.tick_seconds)


def _ingest(app: App, stopping: threading.Event) -> Callable[[], None]:
    def ingest() -> None:
        for file in services.ingest_inbox(app, stop=stopping.is_set).files:
            told = " ".join(f"{name}={n}" for name, n in sorted(file.counts.items()))
            log.info("ingest dump=%s %s", file.name, file.refused or told or "read=0")

    return ingest


def _compose(app: App, stopping: threading.Event) -> Callable[[], None]:
    started = app.now()

    def compose() -> None:
        composed = pipeline.compose(app, due=True, started=started, stop=stopping.is_set)
        if composed.planned or composed.quiet:
            log.info("compose planned=%d quiet=%d", len(composed.planned), len(composed.quiet))

    return compose


def _send(app: App, stopping: threading.Event) -> Callable[[], None]:
    def send() -> None:
        sent = pipeline.send(app, stop=stopping.is_set)
        if sent.states or sent.error:
            states = " ".join(f"{state.value}={n}" for state, n in sorted(sent.states.items()))
            log.info("send %s", states or "accepted=0")

    return send


def _learn(app: App, stopping: threading.Event) -> Callable[[], None]:
    def learn() -> None:
        if pipeline.word_vectors_due(app):
            try:
                table = pipeline.train_word_vectors(app, stop=stopping.is_set)
            except StoppedError:
                return
            log.info("vectors version=%s words=%d", table.version, len(table.columns))

    return learn


def _encode(app: App, stopping: threading.Event) -> Callable[[], None]:
    def encode() -> None:
        found = services.encode(app, stop=stopping.is_set)
        if found is not None:
            log.info(
                "encode version=%s encoded=%d stored=%d", found.version, found.encoded, found.stored
            )

    return encode


def _fetch(app: App, stopping: threading.Event) -> Callable[[], None]:
    def fetch() -> None:
        report = services.fetch(
            app, due=True, reading=False, stop=stopping.is_set, sleep=stopping.wait
        )
        for one in report.sources:
            log.info(
                "fetch source=%s outcome=%s files=%d %s",
                one.name,
                one.outcome,
                len(one.files),
                one.error,
            )

    return fetch


def _watch(app: App) -> Callable[[], None]:
    def watch() -> None:
        services.watch(app)

    return watch


def _purge(app: App) -> Callable[[], None]:
    def purge() -> None:
        if deleted := subscriptions.delete_unconfirmed(app):
            log.info("purge unconfirmed=%d", deleted)

    return purge


def _poll(app: App, stopping: threading.Event) -> Callable[[], None]:
    def poll() -> None:
        while services.poll_mailbox(app, stop=stopping.is_set).more and not stopping.is_set():
            continue

    return poll


# ----------------------------------------------------------------------------------------------
# signals


#: seconds between two looks for signals that came while no wait was there to be interrupted
_LISTEN = 0.5


def _heard(news: queue.SimpleQueue[str]) -> str:
    """What ends the service.

    A signal that comes in the instant before the wait begins interrupts nothing, and is handled
    only when it ends.
    """
    while True:
        try:
            why = news.get(timeout=_LISTEN)
        except queue.Empty:
            continue
        if why != _HANGUP:
            return why
        log.warning("SIGHUP changes nothing: to read the config again, restart `digest serve`")


@contextmanager
def _signals(news: queue.SimpleQueue[str]) -> Iterator[None]:
    """Signals become news.

    Only a SimpleQueue may be filled from a handler: it needs no lock that its reader may hold.
    """
    known = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def hear(number: int, _frame: FrameType | None) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL)
        news.put(signal.Signals(number).name)

    for number in known:
        signal.signal(number, hear)
    if hasattr(signal, _HANGUP):  # not on Windows
        known[signal.SIGHUP] = signal.signal(signal.SIGHUP, lambda *_: news.put(_HANGUP))
    try:
        yield
    finally:
        for number, handler in known.items():
            signal.signal(number, handler)


# ---------------------------------------------------------------------------------------------- the
# pages


class Background(Listener):
    """The service's pages alone.

    Args:
        app: what the pages work with; its `web.bind` may name port 0 for any free one.
        extra: routers or mounts served beside the pages.
        stopped: called when the pages end, asked for or not.
    """

    def __init__(
        self,
        app: App,
        *,
        extra: Iterable[web.Extra] = (),
        stopped: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(
            lambda: web.create(app, extra=extra),
            app.config.web.bind,
            key="web.bind",
            stopped=stopped,
        )
