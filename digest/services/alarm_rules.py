"""What is known of the service -> what an operator should look at.

Pure: `status` shows it, `watch` writes about it, and both see the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from digest.locales import count_noun
from digest.services.alarms import Alarm, Facts, Failing
from digest.store.sending import Stop

#: where files are put into the inbox by hand, or other sources are fetched beside arXiv; for arXiv
#: alone its calendar decides
_SILENT = timedelta(days=5)
#: what lasts no longer mends itself mostly: it is shown, and nobody is written to
_PATIENCE = timedelta(hours=1)
_SOURCE_PATIENCE = timedelta(days=2)
_MAILBOX_PATIENCE = timedelta(hours=6)
_WEBHOOK_PATIENCE = timedelta(hours=6)
_OURS = (
    "Mend the login, the sender's domain (SPF, DKIM, PTR) or the policy that it names; `digest "
    "doctor` looks at them"
)
#: what happened longer ago is no news
_RECENT = timedelta(days=1)


def find(facts: Facts) -> list[Alarm]:
    """Everything that is wrong, in the order of the way of the data."""
    return [
        *_dumps(facts),
        *(_source(source, facts.now) for source in facts.sources),
        *_readers(facts),
        *_signups(facts),
        *_sending(facts),
        *_mailbox(facts),
        *_webhooks(facts),
        *_disks(facts),
    ]


def _dumps(facts: Facts) -> list[Alarm]:
    alarms = []
    last = facts.dumps[0] if facts.dumps else None
    if last is None:
        remedy = "Run `digest ingest PATH`, put files into the inbox, or configure [[sources]]"
        alarms.append(
            Alarm(kind="dumps", what="No dump was ever read", remedy=remedy, urgent=False)
        )
    elif (
        facts.now - last["started_at"] > _SILENT
        if facts.dump_missing is None
        else facts.dump_missing
    ):
        what = f"No dump came since {last['started_at']:%Y-%m-%d}"
        alarms.append(
            Alarm(
                kind="dumps",
                what=what,
                remedy="Is the source still fetched? Look at `digest dumps` and the log",
            )
        )
    for dump in _newest_readings(facts.dumps):
        recent = facts.now - dump["started_at"] <= _RECENT
        if dump["finished_at"] is None:
            what = (
                f"Dump {dump['name']} was not read to its end: the process was stopped, or still "
                f"runs"
            )
            long = facts.now - dump["started_at"] > _PATIENCE
            alarms.append(
                Alarm(
                    kind="parsing",
                    what=what,
                    remedy="Ingest it again, nothing doubles",
                    urgent=recent and long,
                )
            )
        elif (
            dump["format"] != "empty"
            and not dump["new"] + dump["updated"] + dump["duplicate"] + dump["skipped"]
        ):
            what = f"Dump {dump['name']} gave no paper at all ({dump['rejected']} rejected)"
            remedy = "Has its format changed? `digest rejects` tells the reasons"
            alarms.append(Alarm(kind="parsing", what=what, remedy=remedy, urgent=recent))
    return alarms


def _newest_readings(dumps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out readings of files that were read again later.

    A file is recognised by the same bytes or the same path.
    """
    newest: list[dict[str, Any]] = []
    seen_keys: set[tuple[str, str]] = set()
    for dump in dumps:
        dump_keys = {(key, dump[key]) for key in ("sha256", "path") if dump[key]}
        if not dump_keys & seen_keys:
            newest.append(dump)
        seen_keys |= dump_keys
    return newest


def _source(source: Failing, now: datetime) -> Alarm:
    return Alarm(
        kind="source",
        what=f"Source {source.name} fails: {source.error}",
        remedy=(
            "Look at the log, and try `digest fetch`; what came before is kept, and the next fetch "
            "goes on from there"
        ),
        urgent=source.since is not None and abs(now - source.since) > _SOURCE_PATIENCE,
    )


def _readers(facts: Facts) -> list[Alarm]:
    if facts.active_readers:
        return []
    return [
        Alarm(
            kind="readers",
            what="Nobody is subscribed",
            remedy="Run `digest subscribe EMAIL`",
            urgent=False,
        )
    ]


def _signups(facts: Facts) -> list[Alarm]:
    if not facts.signups_max or facts.signups < facts.signups_max:
        return []
    what = f"{facts.signups} sign-ups came within an hour, and no more are taken"
    remedy = (
        "If they are welcome, raise [web] signups_per_hour; if they are not, limit their clients "
        "in the proxy, or set [web] signup = false for a while. `digest subscribers` lists them"
    )
    return [Alarm(kind="signups", what=what, remedy=remedy)]


def _sending(facts: Facts) -> list[Alarm]:
    waiting = _stopped(facts.stop) if facts.stop else _held_back(facts) or _waiting(facts)
    return [*waiting, *_refused(facts), *_lost(facts)]


def _stopped(stop: Stop) -> list[Alarm]:
    what = f"All sending is stopped since {stop.at:%Y-%m-%d %H:%M} UTC: {stop.what}"
    remedy = (
        "`digest deliveries --state rejected` and `digest suppressions` show which, and what "
        "servers said. Take bad addresses out, mend what they name, then run `digest send "
        "--resume`"
    )
    return [Alarm(kind="stopped", what=what, remedy=remedy)]


def _held_back(facts: Facts) -> list[Alarm]:
    """What waits for another day, and is no reason to worry."""
    day = facts.day_limit
    if day is None or not day.held_back:
        return []
    digests = count_noun(day.held_back, "digest")
    what = f"{digests} wait: today's limit of {day.limit} messages is used up"
    remedy = (
        "The rest goes after midnight UTC, or its papers go into later digests. [smtp] per_day and "
        "ramp_start set the limit"
    )
    return [Alarm(kind="send", what=what, remedy=remedy, urgent=False)]


def _waiting(facts: Facts) -> list[Alarm]:
    alarms = []
    late = facts.waiting_since is not None and facts.now - facts.waiting_since > _PATIENCE
    if facts.sent and facts.sent["error"]:
        remedy = "Messages wait for the next send. `digest doctor` tries the mail server"
        alarms.append(
            Alarm(
                kind="send",
                what=f"The last send stopped: {facts.sent['error']}",
                remedy=remedy,
                urgent=late,
            )
        )
    if facts.waiting:
        waiting = count_noun(facts.waiting, "message")
        what = f"{waiting} {'waits' if facts.waiting == 1 else 'wait'} to be sent"
        alarms.append(
            Alarm(
                kind="send",
                what=what,
                remedy="Run `digest send`, or let `digest serve` run",
                urgent=late,
            )
        )
    return alarms


def _refused(facts: Facts) -> list[Alarm]:
    alarms = []
    for fault, said, n in facts.faults:
        if fault == "ours":
            what = (
                f"{count_noun(n, 'time')} in a day a mail server refused our mail for a fault of "
                f"ours, and it waits"
            )
            alarms.append(Alarm(kind="refused", what=what, remedy=_OURS, details=(said,)))
    if facts.returned[0]:
        mails = count_noun(facts.returned[0], "mail")
        what = f"{mails} of the last day came back for a fault of ours"
        alarms.append(Alarm(kind="refused", what=what, remedy=_OURS, details=(facts.returned[1],)))
    return alarms


def _lost(facts: Facts) -> list[Alarm]:
    alarms = []
    if facts.unknown:
        what = (
            f"{count_noun(facts.unknown, 'message')} ended as unknown: the server never said "
            f"whether it took {'it' if facts.unknown == 1 else 'them'}"
        )
        remedy = (
            "They are not sent again, their papers compete again. `digest deliveries --state "
            "unknown` lists them, and --resolve settles what the "
            "server's log knows"
        )
        alarms.append(
            Alarm(
                kind="unknown", what=what, remedy=remedy, urgent=facts.ended.get("unknown", 0) > 0
            )
        )
    lost = sum(facts.ended.get(state, 0) for state in ("expired", "rejected", "unknown"))
    if lost and not facts.ended.get("accepted"):
        details = tuple(f"{n} {state}" for state, n in sorted(facts.ended.items()))
        remedy = (
            "`digest status` and `digest deliveries` say what servers answered; `digest doctor` "
            "tries them"
        )
        alarms.append(
            Alarm(
                kind="silence",
                what="In a day no message was accepted by any mail server",
                remedy=remedy,
                details=details,
            )
        )
    return alarms


def _mailbox(facts: Facts) -> list[Alarm]:
    box = facts.mailbox
    if box is None:
        return []
    long = box.since is None or abs(facts.now - box.since) > _MAILBOX_PATIENCE
    remedy = (
        "Until it is, bounces and requests to leave by mail go unheard. Mend [mailbox], then run "
        "`digest mailbox`"
    )
    return [
        Alarm(
            kind="mailbox",
            what="The mailbox cannot be read",
            remedy=remedy,
            details=(box.error,),
            urgent=long,
        )
    ]


def _disks(facts: Facts) -> list[Alarm]:
    return [
        Alarm(
            kind="disk",
            what=f"The disk of {disk.path} is nearly full: {disk.free_mb} MB are left",
            remedy="Free some space, or move the folder; a full disk stops everything",
            details=(f"on {disk.host}",) if disk.host else (),
        )
        for disk in facts.disks
        if disk.free_mb < facts.least_mb
    ]


def _webhooks(facts: Facts) -> list[Alarm]:
    alarms = []
    for webhook in facts.webhooks:
        if webhook.disabled_at is not None:
            what = f"Webhook {webhook.id} was turned off since it kept failing: {webhook.error}"
            remedy = (
                f"Mend the receiver, then run `digest webhooks enable {webhook.id}`; or remove it"
            )
            alarms.append(Alarm(kind="webhooks", what=what, remedy=remedy))
        elif webhook.failing_since and facts.now - webhook.failing_since > _WEBHOOK_PATIENCE:
            what = f"Webhook {webhook.id} fails since {webhook.failing_since:%Y-%m-%d %H:%M} UTC"
            remedy = (
                "Mend the receiver; what waits is sent again. It is turned off after three days"
            )
            alarms.append(
                Alarm(kind="webhooks", what=what, remedy=remedy, details=(webhook.error,))
            )
    return alarms
