"""One process for everything that runs by itself: the pages, the scheduler that reads dumps and composes, the sender. Each is a role of its own.

Parts start in order and stop in the reverse one when SIGTERM or SIGINT comes: no new tick, open requests end, the verb that runs
ends (a send finishes the messages that are on their way and gives back the others). A second signal ends the process at once; the ledger is made for that.
"""

from __future__ import annotations

import errno
import logging
import os
import queue
import signal
import socket
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

import uvicorn
from fastapi import FastAPI

from digest import inbound, pipeline, subscriptions, web
from digest.app import App
from digest.errors import DigestError, InputError
from digest.scheduler import Scheduler

log = logging.getLogger("digest.serve")

ROLES = ("web", "scheduler", "sender")
#: seconds that open requests get to end; one waits for the database that long at most
_GRACE = 20
#: how often it is looked whether the corpus has grown enough for new word vectors
_LEARN_SECONDS = 3600
_DIED = "web"
#: from one look for alarms to the next: it counts messages, and what it tells is about hours and days
_WATCH_SECONDS = 600


def run(
    app: App,
    *,
    only: Collection[str] = (),
    ready: Callable[[str], None] | None = None,
    extra: Iterable[web.Extra] = (),
) -> None:
    """Serve until SIGTERM or SIGINT. Call it from the main thread.

    Args:
        app: stays open afterwards; whoever opened it closes it.
        only: roles to play, of "web", "scheduler" and "sender"; none named = all.
        ready: called once with the base address of the pages, as bound, when they answer; with "" where this process serves none.
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
            log.info("subscribe subscriber=%d outcome=%s via=config", given.subscriber.id, given.outcome)
    news: queue.SimpleQueue[str] = queue.SimpleQueue()
    with _signals(news):
        pages = Background(app, extra=extra, stopped=lambda: news.put(_DIED)) if "web" in roles else None
        stopping = threading.Event()
        clocks = [*(_scheduling(app, stopping) if "scheduler" in roles else ()), *(_sending(app, stopping) if "sender" in roles else ())]
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
            for clock in clocks:
                clock.stop()
            log.info("stopped")
    if why == _DIED:
        raise DigestError("the pages stopped by themselves; the log says why. Start `digest serve` again")


# ---------------------------------------------------------------------------------------------- what each clock calls


def _scheduling(app: App, stopping: threading.Event) -> Iterator[Scheduler]:
    """All that is done ahead of sending and beside it, each with a clock of its own where it may take long.

    Sources answer slowly and ask for pauses of minutes: the tick reads what they bring.
    """
    tick = app.config.schedule.tick_seconds
    yield Scheduler([_ingest(app), _compose(app)], seconds=tick)
    if app.config.sources:
        yield Scheduler([_fetch(app, stopping)], seconds=tick)
    if app.config.mailbox.host:
        yield Scheduler([_poll(app, stopping)], seconds=60 * app.config.mailbox.minutes)
    yield Scheduler([_watch(app)], seconds=_WATCH_SECONDS)
    yield Scheduler([_learn(app)], seconds=_LEARN_SECONDS)
    if app.config.features.encoder:  # a new one takes hours for a large store
        yield Scheduler([_encode(app, stopping)], seconds=_LEARN_SECONDS)


def _sending(app: App, stopping: threading.Event) -> Iterator[Scheduler]:
    """A long compose keeps no mail waiting, nor a slow mail server the next compose."""
    yield Scheduler([_send(app, stopping)], seconds=app.config.schedule.tick_seconds)


def _ingest(app: App) -> Callable[[], None]:
    def ingest() -> None:
        for file in pipeline.ingest_inbox(app).files:
            told = " ".join(f"{name}={n}" for name, n in sorted(file.counts.items()))
            log.info("ingest dump=%s %s", file.name, file.refused or told or "read=0")

    return ingest


def _compose(app: App) -> Callable[[], None]:
    def compose() -> None:
        composed = pipeline.compose(app, due=True)
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


def _learn(app: App) -> Callable[[], None]:
    def learn() -> None:
        if pipeline.vectors_due(app):
            table = pipeline.train_vectors(app)
            log.info("vectors version=%s words=%d", table.version, len(table.columns))

    return learn


def _encode(app: App, stopping: threading.Event) -> Callable[[], None]:
    def encode() -> None:
        found = pipeline.encode(app, stop=stopping.is_set)
        if found is not None:
            log.info("encode version=%s encoded=%d stored=%d", found.version, found.encoded, found.stored)

    return encode


def _fetch(app: App, stopping: threading.Event) -> Callable[[], None]:
    def fetch() -> None:
        report = pipeline.fetch(app, due=True, reading=False, stop=stopping.is_set, sleep=stopping.wait)
        for one in report.sources:
            log.info("fetch source=%s outcome=%s files=%d %s", one.name, one.outcome, len(one.files), one.error)

    return fetch


def _watch(app: App) -> Callable[[], None]:
    def watch() -> None:
        pipeline.watch(app)

    return watch


def _poll(app: App, stopping: threading.Event) -> Callable[[], None]:
    def poll() -> None:
        while inbound.poll(app, stop=stopping.is_set).more and not stopping.is_set():
            continue

    return poll


# ---------------------------------------------------------------------------------------------- signals


#: seconds between two looks for signals that came while no wait was there to be interrupted
_LISTEN = 0.5


def _heard(news: queue.SimpleQueue[str]) -> str:
    """What ends the service. A signal that comes in the instant before the wait begins interrupts nothing, and is handled only when it ends."""
    while True:
        try:
            return news.get(timeout=_LISTEN)
        except queue.Empty:
            continue


@contextmanager
def _signals(news: queue.SimpleQueue[str]) -> Iterator[None]:
    """Signals become news. Only a SimpleQueue may be filled from a handler: it needs no lock that its reader may hold."""
    known = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def hear(number: int, _frame: FrameType | None) -> None:
        for one in known:
            signal.signal(one, signal.SIG_DFL)
        news.put(signal.Signals(number).name)

    for number in known:
        signal.signal(number, hear)
    try:
        yield
    finally:
        for number, handler in known.items():
            signal.signal(number, handler)


# ---------------------------------------------------------------------------------------------- the pages in a thread


class Listener:
    """Pages in a thread: `with Listener(...) as address: ...` yields their base address and stops them at the end.

    Args:
        make: gives the application, once the address is bound.
        bind: host:port; port 0 means any free one.
        key: what the operator set `bind` by, for the message when it cannot be used.
        stopped: called when the pages end, asked for or not.

    Raises:
        DigestError: on entering, when the address cannot be bound: which, why, and the remedy.
    """

    def __init__(self, make: Callable[[], FastAPI], bind: str, *, key: str, stopped: Callable[[], None] | None = None) -> None:
        self._make, self._bind, self._key, self._stopped = make, bind, key, stopped
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Bind, answer, and return the base address, such as http://127.0.0.1:8025."""
        listener = _listen(self._bind, self._key)
        address = _address(listener)
        try:
            config = uvicorn.Config(
                self._make(),
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level="warning",
                # a path holds a token, and a token is the right to act for a reader: none may reach a log
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=_GRACE,
            )
        except BaseException:
            listener.close()
            raise
        self._server = server = _Server(config)
        self._thread = threading.Thread(target=self._serve, args=(server, listener), name="digest-web", daemon=True)
        self._thread.start()
        server.up.wait()
        if not server.started:
            self.stop()
            raise DigestError(f"the pages could not be served at {address}; the log says why")
        return address

    def stop(self) -> None:
        """Take no more requests, let the open ones end, and wait for that. Does nothing where nothing was started."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join()
            self._server = self._thread = None

    def _serve(self, server: _Server, listener: socket.socket) -> None:
        try:
            server.run(sockets=[listener])
        finally:
            listener.close()
            server.up.set()
            if self._stopped:
                self._stopped()

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


class Background(Listener):
    """The service's pages alone.

    Args:
        app: what the pages work with; its `web.bind` may name port 0 for any free one.
        extra: routers or mounts served beside the pages.
        stopped: called when the pages end, asked for or not.
    """

    def __init__(self, app: App, *, extra: Iterable[web.Extra] = (), stopped: Callable[[], None] | None = None) -> None:
        super().__init__(lambda: web.create(app, extra=extra), app.config.web.bind, key="web.bind", stopped=stopped)


class _Server(uvicorn.Server):
    """Tells when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


def _listen(bind: str, key: str) -> socket.socket:
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    # Without the protocol by name asyncio leaves Nagle's delay on: 40 ms for every page.
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two programs share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, int(port)))
        listener.listen(512)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            why = "another program listens there already (another `digest serve`?). Stop it, or set another port"
        elif error.errno in (errno.EACCES, errno.EPERM):
            why = "this user may not listen there. Set a port from 1024 on, and put a proxy before it"
        else:
            why = f"{error.strerror or error}. Set an address of this machine, or 0.0.0.0 for all of them"
        raise DigestError(f"{key} = {bind!r}: {why}") from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
