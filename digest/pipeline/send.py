"""send: what lost senders left is recovered, what is due is sent, and the round is recorded; a
killed send leaves every message accounted for.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from digest import store
from digest.app import App
from digest.errors import MailerError
from digest.model import MessageState, Subscriber
from digest.pipeline.steps.group_commit import GroupCommit
from digest.pipeline.steps.recover import recover_messages
from digest.pipeline.steps.sender import Sender, SendReport
from digest.store.ledger import LEASE

log = logging.getLogger("digest.send")

#: objects made, and not freed, between two looks for cycles
_COLLECT_AFTER = 20_000


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
        stop: asked before anything is begun. True: what is on its way ends (up to the timeout of
        the final dot), claims are given back.
        lease: how long a claim outlives a sender that fell silent on another machine.
    """
    with _rarely_collecting():
        return asyncio.run(_send(app, only, dry_run, stop, lease))


@contextmanager
def _rarely_collecting() -> Iterator[None]:
    """Without the collector of cycles looking through all that is alive again and again: a digest
    is made of thousands of short-lived objects, few of them in cycles, and looking took a fifth of
    a send's time.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def _send(
    app: App, only: Subscriber | None, dry_run: bool, stop: Callable[[], bool], lease: timedelta
) -> SendReport:
    report = SendReport()
    if dry_run:
        with app.store.reading() as tx:
            report.due = store.deliveries.list_due(
                tx, now=app.now(), only=None if only is None else [only.id]
            )
        return _finish(app, report, dry_run=True)
    with app.store.writing() as tx:
        _recover(app, tx, report)
        due = store.deliveries.is_anything_due(tx, now=app.now())
    if due:
        owner = store.owners.identify_process(secrets.token_hex(4))
        try:
            mailer = app.make_mailer()
            try:
                await mailer.open()
                async with GroupCommit(app, owner, connections=mailer.connections) as ledger:
                    await Sender(
                        app,
                        mailer,
                        ledger,
                        report,
                        owner=owner,
                        only=only,
                        stop=stop,
                        lease=lease,
                    ).run()
            finally:
                await mailer.close()
        except MailerError as error:
            report.error = str(error)
            log.warning("send stopped: %s", error)
    return _finish(app, report, dry_run=False)


def _recover(app: App, tx: store.Connection, report: SendReport) -> None:
    moved = recover_messages(app, tx)
    report.states.update(
        {
            state: n
            for state, n in (
                (MessageState.UNKNOWN, moved.unknown),
                (MessageState.EXPIRED, moved.expired),
            )
            if n
        }
    )


def _finish(app: App, report: SendReport, *, dry_run: bool) -> SendReport:
    with app.store.reading() as tx:
        report.waiting, report.later = store.deliveries.count_waiting(tx, now=app.now())
        before = store.rounds.load_latest(tx, "send")
    # One with nothing to do is no news, unless the last one failed: that is over now.
    news = report.states or report.error or (before is not None and before["error"])
    if not dry_run and news:
        with app.store.writing() as tx:
            summary = {
                key: value
                for key, value in report.json.items()
                if key not in ("due", "troubles", "error")
            }
            store.rounds.record(tx, "send", at=app.now(), report=summary, error=report.error)
    return report
