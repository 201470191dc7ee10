"""Check the database: schema, damage, settings, keys of links, clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from digest import services, store
from digest.config import Config
from digest.doctor.clocks import compare_clock
from digest.doctor.findings import Finding, bad, good, note, warning
from digest.errors import StoreError
from digest.model import SubscriberStatus
from digest.store import Store
from digest.subscriptions import SubscriptionRequest

#: messages of a first day at which no receiver takes offence
_FIRST_DAY = 50
#: days after which receivers have forgotten a sender
_FORGOTTEN = timedelta(days=30)


def check_database(config: Config) -> Iterator[Finding]:
    """Check schema, damage, durability settings, keys of links, and what readers' entries name."""
    url = config.store.url
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        yield note("store", f"there is no database yet: {url}", "The first command creates it")
        return
    try:
        opened = Store(config.store.url)
    except StoreError as error:
        yield bad("store", str(error), "Check [store] url")
        return
    try:
        yield from _check_open_database(opened, config)
    except StoreError as error:
        yield bad("store", str(error), "Nothing works until it does")
    finally:
        opened.close()


def _check_open_database(opened: Store, config: Config) -> Iterator[Finding]:
    health = store.health.examine(opened)
    if health.revision is None:
        yield note(
            "store",
            f"{health.version} at {opened.display_name}: it is empty",
            "The first command creates its tables",
        )
        return
    if health.revision != health.needed:
        yield bad(
            "store",
            f"its schema is {health.revision}, this version needs {health.needed}",
            "Back it up, then: digest db upgrade",
        )
        return
    for damage in health.damage:
        yield bad(
            "store",
            f"{opened.display_name} is damaged: {damage}",
            "Stop the service, copy the file, and restore a backup",
        )
    for setting in health.unsafe:
        yield warning(
            "store",
            f"{setting}: a power cut may undo committed changes, so a mail could be sent twice",
            "Change the setting",
        )
    if not health.damage:
        yield good(
            "store", f"{health.version}, schema {health.revision}, sound: {opened.display_name}"
        )
    with opened.reading() as tx:
        keys = store.keys.list_ids(tx)
        yield from _check_subscribers(tx, config)
        yield from _check_ramp(tx, config)
    yield (
        good("store", f"keys of links: {len(keys)}, the newest of {keys[-1][1]:%Y-%m-%d}")
        if keys
        else note("store", "the key of links will be made at first use")
    )
    if health.clock is not None:
        yield from compare_clock("the database server", health.clock)


def _check_subscribers(tx: store.Connection, config: Config) -> Iterator[Finding]:
    """Check what the [[subscribers]] of the config file typed against the stored papers."""
    interests = [
        SubscriptionRequest(**entry.given()).requested_interests for entry in config.subscribers
    ]
    for entry, warnings in zip(
        config.subscribers, services.check_typed(tx, interests), strict=True
    ):
        for found in warnings:
            yield note(
                "config",
                f"[[subscribers]] {entry.email}: {found.sentence}",
                "" if found.field == "papers" else "Correct it, or leave it: it stays as it is",
            )


def _check_ramp(tx: store.Connection, config: Config) -> Iterator[Finding]:
    """Check that a fresh sender does not suddenly send much."""
    smtp = config.smtp
    if not smtp.host or smtp.ramp_start or smtp.per_day:
        return
    readers = store.subscribers.count_by_status(tx).get(SubscriberStatus.ACTIVE, 0)
    sent = store.sending.count_sent(tx, since=datetime.now(UTC) - _FORGOTTEN)
    if readers > _FIRST_DAY and sent < readers:
        yield note(
            "config",
            f"{readers} readers, and {sent} messages sent in {_FORGOTTEN.days} days: receivers "
            "distrust a domain or server that suddenly sends much",
            f"If yours is fresh: [smtp] ramp_start = {_FIRST_DAY} begins with so many a day",
        )
