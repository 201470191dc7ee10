"""Serve pages, scheduler and sender in one process.

The scheduler reads dumps and composes.

Each of them is a role, so several processes can share the work. Parts start in order and stop in
reverse order on SIGTERM or SIGINT: no new tick begins, open requests end, and the running verb ends
(a send finishes the deliveries that have begun and releases the other claims). A second signal ends
the process at once, which the ledger allows. SIGHUP changes nothing: settings are read at start.
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
from digest.logs import Fields
from digest.scheduler import Scheduler
from digest.web.listener import Listener
from digest.web.metrics import MetricsServer

log = logging.getLogger("digest.serve")

ROLES = ("web", "scheduler", "sender")
#: how often to check whether the corpus has grown enough for new word vectors
_LEARN_SECONDS = 3600
#: seconds that composing, ingesting and learning get to stop
_STOP_SECONDS = 3.0
_DIED = "web"
_HANGUP = "SIGHUP"
#: how often to look for alarms; they are about hours and days
_WATCH_SECONDS = 600
#: seconds between looks for events that webhooks wait for, at most
_WEBHOOK_SECONDS = 10
#: seconds between looks for mails to send, at most: people wait for their confirmation
_SEND_SECONDS = 10


def run(
    app: App,
    *,
    only: Collection[str] = (),
    ready: Callable[[str], None] | None = None,
    extra: Iterable[web.Extra] = (),
) -> bool:
    """Serve until SIGTERM or SIGINT. Call it from the main thread.

    Returns:
        Whether everything has ended. False: a verb still computes in a thread. The process may end
        without it; its transaction is rolled back, as after a kill.

    Args:
        app: stays open afterwards; whoever opened it closes it.
        only: roles to take: "web", "scheduler", "sender"; empty = all.
        ready: called once the pages answer, with their base address; with "" where this process
            serves no pages.
        extra: routers or mounts served beside the pages.

    Raises:
        InputError: an unknown role.
        DigestError: the address cannot be bound, or the pages stopped by themselves.
        StoreError: the database does not answer.
    """
    roles = _check_roles(only)
    _subscribe_readers_from_config(app)
    events: queue.SimpleQueue[str] = queue.SimpleQueue()
    with _signals(events):
        pages = None
        if "web" in roles:
            pages = Background(app, extra=extra, stopped=lambda: events.put(_DIED))
        stopping = threading.Event()
        schedulers = list(scheduling(app, stopping)) if "scheduler" in roles else []
        senders = list(sending(app, stopping)) if "sender" in roles else []
        clocks = [*schedulers, *senders]
        measures = MetricsServer(app, roles) if app.config.metrics.bind else None
        try:
            if measures:
                log.info("metrics address=%s", measures.start())
            address = pages.start() if pages else ""
            for clock in clocks:
                clock.start()
            log.info("serve roles=%s address=%s", ",".join(sorted(roles)), address or "-")
            if ready:
                ready(address)
            why = _wait_for_end(events)
            log.info("stop by=%s", why)
        finally:
            stopping.set()
            for clock in clocks:
                clock.hold()
            if pages:
                pages.stop()
            for clock in senders:
                clock.stop()
            all_ended = _stop_in_time(schedulers)
            if measures:
                measures.stop()
    if why == _DIED:
        raise DigestError(
            "the pages stopped by themselves; the log says why. Start `digest serve` again"
        )
    return all_ended


def _check_roles(only: Collection[str]) -> set[str]:
    """Return the roles to take, all if none is named; InputError for an unknown one."""
    roles = set(only) or set(ROLES)
    if unknown := roles - set(ROLES):
        raise InputError(f"unknown role {', '.join(sorted(unknown))}. Known are {', '.join(ROLES)}")
    return roles


def _subscribe_readers_from_config(app: App) -> None:
    """Apply the readers of the config, and log every change."""
    for result in subscriptions.apply_config(app):
        if result.outcome != "unchanged":
            log.info(
                "subscribe subscriber=%d outcome=%s via=config",
                result.subscriber.id,
                result.outcome,
            )


def _stop_in_time(schedulers: Iterable[Scheduler]) -> bool:
    """Stop schedulers.

    Return whether all verbs have ended within the time that they get.
    """
    deadline = time.monotonic() + _STOP_SECONDS
    ended = [scheduler.stop(max(0.1, deadline - time.monotonic())) for scheduler in schedulers]
    log.info("stopped" if all(ended) else "stopped; what still computes is not waited for")
    return all(ended)


# ----------------------------------------------------------------------------------------------
# what each clock calls; the log names a job by its inner function


def scheduling(app: App, stopping: threading.Event) -> Iterator[Scheduler]:
    """Yield the schedulers of everything but sending.

    Work that may take long has its own.

    Sources answer slowly and ask for pauses of minutes, so fetching does not delay composing.
    """
    tick = app.config.schedule.tick_seconds
    yield Scheduler(
        [_make_ingest_job(app, stopping), _make_compose_job(app, stopping)], seconds=tick
    )
    if app.config.sources:
        yield Scheduler([_make_fetch_job(app, stopping)], seconds=tick)
    if app.config.mailbox.host:
        yield Scheduler([_make_mailbox_job(app, stopping)], seconds=60 * app.config.mailbox.minutes)
    yield Scheduler([_make_watch_job(app), _make_purge_job(app)], seconds=_WATCH_SECONDS)
    yield Scheduler([_make_prune_job(app, stopping)], seconds=_WATCH_SECONDS)
    yield Scheduler([_make_webhook_job(app, stopping)], seconds=min(tick, _WEBHOOK_SECONDS))
    yield Scheduler([_make_word_vector_job(app, stopping)], seconds=_LEARN_SECONDS)
    if app.config.features.encoder:  # a new one takes hours for a large store
        yield Scheduler([_make_encoding_job(app, stopping)], seconds=_LEARN_SECONDS)


def sending(app: App, stopping: threading.Event) -> Iterator[Scheduler]:
    """Yield the scheduler that sends, apart from composing: neither delays the other."""
    tick = app.config.schedule.tick_seconds
    yield Scheduler([_make_send_job(app, stopping)], seconds=min(tick, _SEND_SECONDS))


def _make_ingest_job(app: App, stopping: threading.Event) -> Callable[[], None]:
    def ingest() -> None:
        for file in services.ingest_inbox(app, stop=stopping.is_set).files:
            counts = Fields(sorted(file.counts.items()))
            log.info("ingest dump=%s %s", file.name, file.refused or counts or Fields(read=0))

    return ingest


def _make_compose_job(app: App, stopping: threading.Event) -> Callable[[], None]:
    composer = pipeline.DueComposer(app)

    def compose() -> None:
        composed = composer.compose(stop=stopping.is_set)
        if composed and (composed.planned or composed.quiet):
            log.info("compose planned=%d quiet=%d", len(composed.planned), len(composed.quiet))

    return compose


def _make_send_job(app: App, stopping: threading.Event) -> Callable[[], None]:
    next_try = 0.0

    def send() -> None:
        nonlocal next_try
        if time.monotonic() < next_try:
            return
        sent = pipeline.send(app, stop=stopping.is_set)
        if sent.error:  # a mail server that is down is not asked at every look
            next_try = time.monotonic() + app.config.schedule.tick_seconds
        if sent.states or sent.error:
            states = Fields({state.value: n for state, n in sorted(sent.states.items())})
            log.info("send %s", states or Fields(accepted=0))

    return send


def _make_word_vector_job(app: App, stopping: threading.Event) -> Callable[[], None]:
    def learn() -> None:
        if pipeline.word_vectors_due(app):
            try:
                table = pipeline.train_word_vectors(app, stop=stopping.is_set)
            except StoppedError:
                return
            log.info("vectors version=%s words=%d", table.version, len(table.columns))

    return learn


def _make_encoding_job(app: App, stopping: threading.Event) -> Callable[[], None]:
    def encode() -> None:
        encoded = services.encode(app, stop=stopping.is_set)
        if encoded is not None:
            log.info(
                "encode version=%s encoded=%d stored=%d",
                encoded.version,
                encoded.encoded,
                encoded.stored,
            )

    return encode


def _make_fetch_job(app: App, stopping: threading.Event) -> Callable[[], None]:
    options = services.FetchOptions(
        due=True, reading=False, stop=stopping.is_set, sleep=stopping.wait
    )

    def fetch() -> None:
        report = services.fetch(app, options=options)
        for source in report.sources:
            log.info(
                "fetch source=%s outcome=%s files=%d %s",
                source.name,
                source.outcome,
                len(source.files),
                source.error,
            )

    return fetch


def _make_watch_job(app: App) -> Callable[[], None]:
    def watch() -> None:
        services.watch(app)

    return watch


def _make_purge_job(app: App) -> Callable[[], None]:
    def purge() -> None:
        subscriptions.delete_old_moves(app)
        if deleted := subscriptions.delete_unconfirmed(app):
            log.info("purge unconfirmed=%d", deleted)
        services.purge_webhooks(app)
        services.delete_old_answers(app)

    return purge


def _make_prune_job(app: App, stopping: threading.Event) -> Callable[[], None]:
    def prune() -> None:
        if services.is_pruning_due(app):
            for pruned in services.prune(app, stop=stopping.is_set):
                if pruned.rows:
                    log.info("prune %s=%d bytes=%d", pruned.name, pruned.rows, pruned.bytes)

    return prune


def _make_webhook_job(app: App, stopping: threading.Event) -> Callable[[], None]:
    def send_webhooks() -> None:
        report = services.send_webhooks(app, stop=stopping.is_set)
        if report.outcomes:
            log.info("webhooks %s", Fields(sorted(report.outcomes.items())))

    return send_webhooks


def _make_mailbox_job(app: App, stopping: threading.Event) -> Callable[[], None]:
    def poll() -> None:
        while services.poll_mailbox(app, stop=stopping.is_set).more and not stopping.is_set():
            continue

    return poll


# ----------------------------------------------------------------------------------------------
# signals


#: seconds of one wait for a signal
_WAIT_SECONDS = 0.5


def _wait_for_end(events: queue.SimpleQueue[str]) -> str:
    """Wait for the event that ends the service, and return its name.

    The wait has a timeout: a signal that comes just before it begins is handled only after it.
    """
    while True:
        try:
            why = events.get(timeout=_WAIT_SECONDS)
        except queue.Empty:
            continue
        if why != _HANGUP:
            return why
        log.warning("SIGHUP changes nothing: to read the config again, restart `digest serve`")


@contextmanager
def _signals(events: queue.SimpleQueue[str]) -> Iterator[None]:
    """Put signals into a queue.

    It is a SimpleQueue because a signal handler may only use a queue without locks.
    """
    previous_handlers = {
        number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)
    }

    def handle(number: int, _frame: FrameType | None) -> None:
        for stop_signal in (signal.SIGTERM, signal.SIGINT):
            signal.signal(stop_signal, signal.SIG_DFL)
        events.put(signal.Signals(number).name)

    for number in previous_handlers:
        signal.signal(number, handle)
    if hasattr(signal, _HANGUP):  # not on Windows
        previous_handlers[signal.SIGHUP] = signal.signal(
            signal.SIGHUP, lambda *_: events.put(_HANGUP)
        )
    try:
        yield
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)


# ----------------------------------------------------------------------------------------------
# the pages


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
