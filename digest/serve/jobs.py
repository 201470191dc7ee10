"""What each clock calls. The log names a job by its inner function."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from digest import pipeline, services, store, subscriptions
from digest.errors import StoppedError
from digest.logs import Fields
from digest.model import MessageState
from digest.scheduler import Scheduler, Verb
from digest.serve.service import Loop, Service

log = logging.getLogger("digest.serve")

#: how often to check whether the corpus has grown enough for new word vectors
_LEARN_SECONDS = 3600.0
#: how often to look for alarms; they are about hours and days
_WATCH_SECONDS = 600.0
#: seconds between looks for events that webhooks wait for, at most
_WEBHOOK_SECONDS = 10.0
#: seconds between looks for mails to send, at most: people wait for their confirmation
_SEND_SECONDS = 10.0
#: seconds until mail servers that are down are asked again, and at most
_MAIL_FIRST, _MAIL_LONGEST = 10.0, 300.0
#: a mail server has answered for a message
_ANSWERED = (MessageState.ACCEPTED, MessageState.REJECTED)
#: seconds until a mailbox that is down is asked again, at most
_MAILBOX_LONGEST = 3600.0
#: seconds for which a verb is left to the process that holds its lock, which may be frozen
_PATIENCE = 900.0


def scheduling(service: Service) -> Iterator[Scheduler]:
    """Yield the schedulers of everything but sending.

    Work that may take long has its own. Sources answer slowly and ask for pauses of minutes, so
    fetching does not delay composing. What the config does not name has nothing to do.
    """

    def tick() -> float:
        return service.app.config.schedule.tick_seconds

    def mailbox() -> float:
        return 60.0 * service.app.config.mailbox.minutes

    clock = service.make_clock
    yield clock("compose", tick, _make_ingest_job, _make_compose_job)
    yield clock("fetch", tick, _make_fetch_job)
    yield clock("mailbox", mailbox, _make_mailbox_job)
    yield clock("watch", lambda: _WATCH_SECONDS, _make_watch_job, _make_purge_job)
    yield clock("prune", lambda: _WATCH_SECONDS, _make_prune_job)
    yield clock("webhooks", lambda: min(tick(), _WEBHOOK_SECONDS), _make_webhook_job)
    yield clock("vectors", lambda: _LEARN_SECONDS, _make_word_vector_job)
    # A new encoder takes hours for a large store.
    yield clock("encode", lambda: _LEARN_SECONDS, _make_encoding_job)


def sending(service: Service) -> Iterator[Scheduler]:
    """Yield the scheduler that sends, apart from composing: neither delays the other."""
    yield service.make_clock(
        "send",
        lambda: min(service.app.config.schedule.tick_seconds, _SEND_SECONDS),
        _make_send_job,
    )


class _Turn:
    """Whether this process calls a verb, or leaves it to another one that does.

    Args:
        patience: seconds after which the verb is called all the same. Nothing doubles by it: the
            database sees to that.
    """

    def __init__(self, loop: Loop, name: str, patience: float = _PATIENCE) -> None:
        self._loop, self._name, self._patience = loop, name, patience
        self._waits_since: float | None = None

    @contextmanager
    def take(self) -> Iterator[bool]:
        with store.locks.try_lock(self._loop.app.store, self._name) as is_held:
            now = time.monotonic()
            if is_held:
                self._waits_since = None
            elif self._waits_since is None:
                self._waits_since = now
            yield is_held or now - (self._waits_since or now) > self._patience


def _make_ingest_job(loop: Loop) -> Verb:
    turn = _Turn(loop, "ingest")

    def ingest() -> None:
        with turn.take() as is_ours:
            files = services.ingest_inbox(loop.app, stop=loop.stop).files if is_ours else []
        for file in files:
            counts = Fields(sorted(file.counts.items()))
            log.info("ingest dump=%s %s", file.name, file.refused or counts or Fields(read=0))

    return ingest


def _make_compose_job(loop: Loop) -> Verb:
    turn = _Turn(loop, "compose")
    composer = pipeline.DueComposer(loop.app)

    def compose() -> None:
        composer.use(loop.app)
        with turn.take() as is_ours:
            composed = composer.compose(stop=loop.stop) if is_ours else None
        if composed and (composed.planned or composed.quiet):
            log.info("compose planned=%d quiet=%d", len(composed.planned), len(composed.quiet))

    return compose


def _make_send_job(loop: Loop) -> Verb:
    outage = loop.service.make_outage("mail", first=_MAIL_FIRST, longest=_MAIL_LONGEST)

    def send() -> None:
        if outage.seconds_left():
            return
        sent = pipeline.send(loop.app, stop=loop.stop)
        if sent.error:
            outage.fail(sent.error)
        elif any(sent.states[state] for state in _ANSWERED):
            outage.succeed()
        if sent.states:
            log.info(
                "send %s", Fields({state.value: n for state, n in sorted(sent.states.items())})
            )

    return send


def _make_word_vector_job(loop: Loop) -> Verb:
    turn = _Turn(loop, "vectors", patience=float("inf"))

    def learn() -> None:
        with turn.take() as is_ours:
            if not (is_ours and pipeline.word_vectors_due(loop.app)):
                return
            try:
                table = pipeline.train_word_vectors(loop.app, stop=loop.stop)
            except StoppedError:
                return
        log.info("vectors version=%s words=%d", table.version, len(table.columns))

    return learn


def _make_encoding_job(loop: Loop) -> Verb:
    turn = _Turn(loop, "encode", patience=float("inf"))

    def encode() -> None:
        if not loop.app.config.features.encoder:
            return
        with turn.take() as is_ours:
            encoded = services.encode(loop.app, stop=loop.stop) if is_ours else None
        if encoded is not None:
            log.info(
                "encode version=%s encoded=%d stored=%d",
                encoded.version,
                encoded.encoded,
                encoded.stored,
            )

    return encode


def _make_fetch_job(loop: Loop) -> Verb:
    def fetch() -> None:
        if not loop.app.config.sources:
            return
        options = services.FetchOptions(due=True, reading=False, stop=loop.stop, sleep=loop.sleep)
        for source in services.fetch(loop.app, options=options).sources:
            if source.outcome == "waiting":
                continue
            if source.outcome != "failed":
                log.info(
                    "fetch source=%s outcome=%s files=%d",
                    source.name,
                    source.outcome,
                    len(source.files),
                )
            # Stored with the source: another process may have asked before.
            if source.error and not source.failed_before:
                log.warning("outage server=%s: %s", f"source:{source.name}", source.error)
            elif source.failed_before and not source.error and source.outcome != "stopped":
                log.info(
                    "outage over server=%s failed_tries=%d",
                    f"source:{source.name}",
                    source.failed_before,
                )

    return fetch


def _make_watch_job(loop: Loop) -> Verb:
    turn = _Turn(loop, "watch")

    def watch() -> None:
        with turn.take() as is_ours:
            if is_ours:
                services.watch(loop.app)

    return watch


def _make_purge_job(loop: Loop) -> Verb:
    def purge() -> None:
        app = loop.app
        subscriptions.delete_old_moves(app)
        if deleted := subscriptions.delete_unconfirmed(app):
            log.info("purge unconfirmed=%d", deleted)
        services.purge_webhooks(app)
        services.delete_old_answers(app)

    return purge


def _make_prune_job(loop: Loop) -> Verb:
    turn = _Turn(loop, "prune")

    def prune() -> None:
        with turn.take() as is_ours:
            if not (is_ours and services.is_pruning_due(loop.app)):
                return
            for pruned in services.prune(loop.app, stop=loop.stop):
                if pruned.rows:
                    log.info(
                        "prune kind=%s rows=%d bytes=%d", pruned.name, pruned.rows, pruned.bytes
                    )

    return prune


def _make_webhook_job(loop: Loop) -> Verb:
    def send_webhooks() -> None:
        report = services.send_webhooks(loop.app, stop=loop.stop)
        if report.outcomes:
            log.info("webhooks %s", Fields(sorted(report.outcomes.items())))

    return send_webhooks


def _make_mailbox_job(loop: Loop) -> Verb:
    turn = _Turn(loop, "mailbox")
    outage = loop.service.make_outage("mailbox", first=0.0, longest=_MAILBOX_LONGEST)

    def poll() -> None:
        settings = loop.app.config.mailbox
        if not settings.host or outage.seconds_left():
            return
        outage.first = 60.0 * settings.minutes
        outage.longest = max(outage.first, _MAILBOX_LONGEST)
        with turn.take() as is_ours:
            while is_ours:
                report = services.poll_mailbox(loop.app, stop=loop.stop)
                if report.error:
                    outage.fail(report.error)
                else:
                    outage.succeed()
                is_ours = report.more and not loop.stop()

    return poll
