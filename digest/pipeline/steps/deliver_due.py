"""Deliver what is due, by this process alone."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from digest.app import App
from digest.errors import MailerError
from digest.pipeline.steps.group_commit import GroupCommit
from digest.pipeline.steps.send_report import SendReport
from digest.pipeline.steps.sender import Sender, SendOptions

log = logging.getLogger("digest.send")

#: objects allocated, and not freed, between two collections of reference cycles
_GC_THRESHOLD = 20_000


def deliver_due(app: App, options: SendOptions) -> SendReport:
    """Deliver until nothing is due; an error of the mail servers goes into the report."""
    report = SendReport()
    with _less_garbage_collection():
        asyncio.run(_deliver(app, report, options))
    return report


async def _deliver(app: App, report: SendReport, options: SendOptions) -> None:
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
        log.debug("send stopped: %s", error)  # whoever sends tells it


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
