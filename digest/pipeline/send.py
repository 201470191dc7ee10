"""send: deliver the messages that are due.

A killed send leaves every message accounted for.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from digest import store
from digest.app import App
from digest.errors import MailerError
from digest.model import MessageState, Subscriber
from digest.pipeline.steps.group_commit import GroupCommit
from digest.pipeline.steps.recover import recover_messages
from digest.pipeline.steps.send_report import SendReport
from digest.pipeline.steps.sender import Sender, SendOptions
from digest.store.ledger import LEASE

log = logging.getLogger("digest.send")

#: objects allocated, and not freed, between two collections of reference cycles
_GC_THRESHOLD = 20_000


def send(
    app: App,
    *,
    only: Subscriber | None = None,
    dry_run: bool = False,
    stop: Callable[[], bool] = lambda: False,
    lease: timedelta = LEASE,
) -> SendReport:
    """Send what is due.

    A mail server that cannot be reached ends the send; the messages wait, and `error` says why.

    Args:
        only: this reader's messages alone.
        dry_run: only look, and write nothing; `due` tells who would get what.
        stop: asked before anything is begun. True: deliveries that have begun end (up to the
            timeout of the final dot), other claims are released.
        lease: how long a claim outlives a sender that fell silent on another machine.
    """
    report = SendReport()
    if dry_run:
        with app.store.reading() as tx:
            only_ids = None if only is None else [only.id]
            report.due = store.deliveries.list_due(tx, now=app.now(), only=only_ids)
        _count_waiting(app, report)
        return report
    recovered = recover_messages(app)
    with app.store.reading() as tx:
        is_due = store.deliveries.is_anything_due(tx, now=app.now())
    report.states += Counter(  # zero counts are not added
        {MessageState.UNKNOWN: recovered.unknown, MessageState.EXPIRED: recovered.expired}
    )
    if is_due:
        owner = store.owners.identify_process(secrets.token_hex(4))
        options = SendOptions(owner=owner, only=only, stop=stop, lease=lease)
        with _less_garbage_collection():
            asyncio.run(_deliver_due(app, report, options))
    _count_waiting(app, report)
    _record_round(app, report)
    return report


async def _deliver_due(app: App, report: SendReport, options: SendOptions) -> None:
    """Deliver until nothing is due; an error of the mail servers goes into the report."""
    try:
        mailer = app.make_mailer()
        try:
            await mailer.open()
            connections = mailer.connections
            async with GroupCommit(app, options.owner, connections=connections) as ledger:
                await Sender(app, mailer, ledger, report, options).run()
        finally:
            await mailer.close()
    except MailerError as error:
        report.error = str(error)
        log.warning("send stopped: %s", error)


@contextmanager
def _less_garbage_collection() -> Iterator[None]:
    """Collect reference cycles less often.

    A digest is made of thousands of short-lived objects, few of them in cycles; looking for cycles
    took a fifth of a send's time.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _count_waiting(app: App, report: SendReport) -> None:
    with app.store.reading() as tx:
        report.waiting, report.later = store.deliveries.count_waiting(tx, now=app.now())


def _record_round(app: App, report: SendReport) -> None:
    """Record the round, unless nothing happened and the last one did not fail either."""
    with app.store.reading() as tx:
        last = store.rounds.load_latest(tx, "send")
    failed_before = last is not None and last["error"]
    if report.states or report.error or failed_before:
        with app.store.writing() as tx:
            store.rounds.record(tx, "send", at=app.now(), report=report.counts, error=report.error)
