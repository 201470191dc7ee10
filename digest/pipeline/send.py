"""send: deliver the messages that are due.

A killed send leaves every message accounted for.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from digest import metrics, store
from digest.app import App
from digest.model import MessageState, Subscriber
from digest.pipeline.steps.deliver_due import deliver_due
from digest.pipeline.steps.recover import recover_messages
from digest.pipeline.steps.send_report import SendReport
from digest.pipeline.steps.sender import SendOptions
from digest.pipeline.steps.sender_processes import count_processes, deliver_by_processes
from digest.pipeline.steps.sending_limits import (
    list_sendable,
    load_day_limit,
    may_send_anything,
)
from digest.store.ledger import LEASE


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
    So do messages beyond the day's limit, and all of them while sending is stopped.

    Args:
        only: this reader's messages alone.
        dry_run: only look, and write nothing; `due` tells who would get what, `sendable` how many
            messages that are, and `held_back` how many digests would wait for another day.
        stop: asked before anything is begun. True: deliveries that have begun end (up to the
            timeout of the final dot), other claims are released.
        lease: how long a claim outlives a sender that fell silent on another machine.
    """
    report = SendReport()
    if dry_run:
        with app.store.reading() as tx:
            only_ids = None if only is None else [only.id]
            sendable = list_sendable(app, tx, only=only_ids)
            report.due = store.deliveries.list_due(tx, now=app.now(), only=only_ids, among=sendable)
        _count_waiting(app, report)
        _count_sendable(report, sendable, everybody=only is None)
        return report
    _recover(app, report)
    with app.store.reading() as tx:
        is_due = store.deliveries.is_anything_due(tx, now=app.now()) and may_send_anything(app, tx)
    if is_due:
        report = SendReport.add([report, _deliver(app, only, stop, lease)])
    _count_waiting(app, report)
    states = {state.value: number for state, number in report.states.items()}
    metrics.count_send(states, report.latency, report.deliveries)
    _record_round(app, report)
    return report


def _deliver(
    app: App, only: Subscriber | None, stop: Callable[[], bool], lease: timedelta
) -> SendReport:
    """Deliver what is due, by several processes if they are configured and worth it."""
    processes = 1
    if app.config.smtp.processes > 1 and only is None:
        with app.store.reading() as tx:
            due, _ = store.deliveries.count_waiting(tx, now=app.now())
        processes = count_processes(app.config, due)
    if processes == 1:
        owner = store.owners.identify_process(secrets.token_hex(4))
        return deliver_due(app, SendOptions(owner=owner, only=only, stop=stop, lease=lease))
    report = deliver_by_processes(app, processes, stop=stop, lease=lease)
    _recover(app, report)  # what a process that died had claimed
    return report


def _recover(app: App, report: SendReport) -> None:
    recovered = recover_messages(app)
    report.states += Counter(  # zero counts are not added
        {MessageState.UNKNOWN: recovered.unknown, MessageState.EXPIRED: recovered.expired}
    )


def _count_waiting(app: App, report: SendReport) -> None:
    with app.store.reading() as tx:
        report.waiting, report.later = store.deliveries.count_waiting(tx, now=app.now())
        stop = store.sending.find_stop(tx)
        day = load_day_limit(app, tx, clock=datetime.now(UTC))
    report.halted = "" if stop is None else stop.what
    report.held_back = 0 if day is None else day.held_back


def _count_sendable(report: SendReport, listed: list[int] | None, *, everybody: bool) -> None:
    """Count what a send would send; `listed` as by `list_sendable`."""
    if listed is not None:
        report.sendable = len(listed)
        if everybody and not report.halted:
            report.held_back = max(0, report.waiting - len(listed))
    else:
        report.sendable = report.waiting if everybody else len(report.due)


def _record_round(app: App, report: SendReport) -> None:
    """Record the round, unless nothing happened and the last one did not fail either."""
    with app.store.reading() as tx:
        last = store.rounds.load_latest(tx, "send")
    failed_before = last is not None and last["error"]
    if report.states or report.error or failed_before:
        with app.store.writing() as tx:
            store.rounds.record(tx, "send", at=app.now(), report=report.counts, error=report.error)
