"""Watch the service and mail its operator about problems that last.

There is at most one letter a day of each kind.

The letters go through the ledger like any other mail.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

from digest import store
from digest.app import App
from digest.config import Config
from digest.model import MessageKind, SubscriberStatus
from digest.pipeline import load_day_limit
from digest.services import alarm_rules
from digest.services.alarm_webhook import sync_alarm_webhook, tell_ended, tell_started
from digest.services.alarms import Alarm, Disk, Facts, Failing
from digest.services.fetch import only_arxiv, overdue
from digest.store.alarms import Raised

log = logging.getLogger("digest.watch")

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
#: how long another machine's disk is believed to be full
_FOREIGN_DISK = timedelta(days=2)


@dataclass(kw_only=True, slots=True)
class WatchReport:
    """Alarms of one look at the service."""

    alarms: list[Alarm] = field(default_factory=list)
    #: kinds that a letter was planned for
    planned: list[str] = field(default_factory=list)
    #: kinds that are over since the last look
    over: list[str] = field(default_factory=list)


def watch(app: App) -> WatchReport:
    """Find alarms, store the urgent ones, and plan letters and events about them.

    The next send delivers the letters, and the next look for events of webhooks posts the events.
    """
    sync_alarm_webhook(app)
    with app.store.reading() as tx:
        current_alarms = alarm_rules.find(facts(app, tx))
        stored_alarms = store.alarms.load_all(tx)
    urgent = {
        kind: _merge(list(of_kind))
        for kind, of_kind in groupby(sorted(current_alarms, key=_kind), key=_kind)
        if kind in _urgent(current_alarms)
    }
    report = WatchReport(
        alarms=current_alarms,
        over=[
            kind
            for kind, known_alarm in stored_alarms.items()
            if known_alarm.over_at is None and kind not in urgent and _may_end(app, known_alarm)
        ],
    )
    now = app.now()
    raised = [_raise(alarm, stored_alarms.get(alarm.kind), now) for alarm in urgent.values()]
    if not (raised or report.over):
        return report
    started: list[Raised] = []
    ended: list[Raised] = []
    with app.store.writing() as tx:
        for kind in report.over:
            if store.alarms.end(tx, kind, now=now):
                ended.append(replace(stored_alarms[kind], over_at=now))
                tell_ended(tx, ended[-1])
            store.ledger.skip_alerts(tx, f"{kind}:", now=now)
        for alarm in raised:
            if alarm != stored_alarms.get(alarm.kind) and store.alarms.save(tx, alarm):
                started.append(alarm)
                tell_started(tx, alarm)
            if app.config.alerts.to and _plan_letter(app, tx, alarm.kind, now):
                report.planned.append(alarm.kind)
    for alarm in started:
        log.warning("alarm started kind=%s: %s", alarm.kind, alarm.what)
    for alarm in ended:
        log.info("alarm ended kind=%s", alarm.kind)
    return report


def _may_end(app: App, alarm: Raised) -> bool:
    """Return whether this process can know that an alarm is over.

    Only the machine whose disk is full sees that; one that is gone must not keep the alarm.
    """
    if alarm.kind != "disk" or app.now() - alarm.since > _FOREIGN_DISK:
        return True
    hosts = [detail for detail in alarm.details if detail.startswith("on ")]
    return not hosts or f"on {socket.gethostname()}" in hosts


def _kind(alarm: Alarm) -> str:
    return alarm.kind


def _urgent(current_alarms: Iterable[Alarm]) -> set[str]:
    return {alarm.kind for alarm in current_alarms if alarm.urgent}


def _merge(of_kind: list[Alarm]) -> Alarm:
    """Merge the alarms of a kind: the first urgent one, and the others as its details."""
    first = next((alarm for alarm in of_kind if alarm.urgent), of_kind[0])
    others = tuple(
        line for alarm in of_kind if alarm is not first for line in (alarm.what, *alarm.details)
    )
    return Alarm(
        kind=first.kind, what=first.what, remedy=first.remedy, details=(*first.details, *others)
    )


def _raise(alarm: Alarm, before: Raised | None, now: datetime) -> Raised:
    since = min(before.since, now) if before and before.over_at is None else now
    return Raised(
        kind=alarm.kind, what=alarm.what, remedy=alarm.remedy, details=alarm.details, since=since
    )


def _plan_letter(app: App, tx: store.Connection, kind: str, now: datetime) -> bool:
    key = f"{kind}:{now.date().isoformat()}"
    message_id = app.message_id(MessageKind.ALERT, key.replace(":", "."), 0)
    return store.ledger.plan(
        tx,
        kind=MessageKind.ALERT,
        subscriber_id=None,
        key=key,
        message_id=message_id,
        not_before=now,
        expires_at=now + _DAY,
    )


# ----------------------------------------------------------------------------------------------
# facts


def facts(app: App, tx: store.Connection) -> Facts:
    """Collect the current facts that alarms are derived from."""
    now = app.now()
    dumps = store.dumps.list_latest(tx)
    return Facts(
        now=now,
        dumps=dumps,
        dump_missing=overdue(app, dumps[0]["started_at"]) is not None
        if dumps and only_arxiv(app)
        else None,
        sources=_failing_sources(app, tx),
        active_readers=store.subscribers.count_by_status(tx).get(SubscriberStatus.ACTIVE, 0),
        sent=store.rounds.load_latest(tx, "send"),
        waiting=store.deliveries.count_waiting(tx, now=now)[0],
        waiting_since=store.deliveries.find_oldest_due(tx, now=now),
        # deliveries are timed by the real clock, whatever --date says
        faults=store.deliveries.list_faults(tx, since=datetime.now(UTC) - _DAY, lasting=True),
        returned=store.bounces.summarise_own_faults(tx, since=now - _DAY),
        unknown=store.deliveries.count_unknown(tx),
        ended=store.deliveries.count_ended(tx, since=min(now, datetime.now(UTC)) - _DAY, now=now),
        mailbox=_failing_mailbox(app, tx),
        disks=disks(app.config),
        least_mb=app.config.alerts.disk_mb,
        signups=store.signups.count(tx, since=now - _HOUR),
        signups_max=app.config.web.signups_per_hour,
        webhooks=store.webhooks.list_all(tx),
        stop=store.sending.find_stop(tx),
        day_limit=load_day_limit(app, tx, clock=datetime.now(UTC)),
    )


def _failing_sources(app: App, tx: store.Connection) -> list[Failing]:
    enabled = {entry.name for entry in app.config.sources if entry.enabled}
    return [
        Failing(name=name, error=state["error"], since=_instant(state.get("failing_since")))
        for name, state in store.sources.load_states(tx).items()
        if name in enabled and state.get("error")
    ]


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _failing_mailbox(app: App, tx: store.Connection) -> Failing | None:
    server = app.imap
    if server is None:
        return None
    position = store.mailboxes.load(tx, server.name)
    return (
        Failing(name=server.folder, error=position.error, since=position.read_at)
        if position.error
        else None
    )


def disks(config: Config) -> list[Disk]:
    """Each file system that something of ours is written to, once."""
    url = config.store.url
    folders = [Path(url.removeprefix("sqlite:///")).parent] if url.startswith("sqlite:///") else []
    folders += (
        [config.ingest.inbox] if config.smtp.host else [config.ingest.inbox, config.smtp.outbox]
    )
    disks_by_device: dict[int, Disk] = {}
    for folder in folders:
        there = next((parent for parent in (folder, *folder.parents) if parent.is_dir()), None)
        if there is not None:
            disks_by_device.setdefault(
                os.stat(there).st_dev,
                Disk(
                    path=str(folder),
                    free_mb=shutil.disk_usage(there).free // 1_000_000,
                    host=socket.gethostname(),
                ),
            )
    return list(disks_by_device.values())
