"""Deliver what is due, by this process alone."""

from __future__ import annotations

import asyncio
import logging

from digest.app import App
from digest.errors import MailerError
from digest.pipeline.steps.garbage import collect_garbage_rarely
from digest.pipeline.steps.group_commit import GroupCommit
from digest.pipeline.steps.send_report import SendReport
from digest.pipeline.steps.sender import Sender, SendOptions

log = logging.getLogger("digest.send")


def deliver_due(app: App, options: SendOptions) -> SendReport:
    """Deliver until nothing is due; an error of the mail servers goes into the report."""
    report = SendReport()
    with collect_garbage_rarely():
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
