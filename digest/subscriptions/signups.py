"""Sign-ups of strangers: how many there may be, and what becomes of those nobody confirms."""

from __future__ import annotations

import hashlib
import hmac
import math
from datetime import datetime, timedelta

from digest import store
from digest.app import App
from digest.errors import LimitError

#: what [web] signups_per_hour and signups_per_client count
_WINDOW = timedelta(hours=1)
#: deletions looked up together
_MANY = 500


def admit(app: App, tx: store.Connection, client: str) -> None:
    """Count a sign-up, each of which may send a mail; call it within the transaction that plans it.

    The limits hold for any hour (a sliding window), across restarts and processes.

    Args:
        client: where it comes from, as `hash_client` writes it.

    Raises:
        LimitError: too many came within the hour, from this client or from all.
    """
    now, web = app.now(), app.config.web
    store.signups.lock(tx)
    for most, whose in ((web.signups_per_client, client), (web.signups_per_hour, None)):
        first = most and store.signups.find_newest(tx, most, since=now - _WINDOW, client=whose)
        if first:
            raise LimitError(
                "too many sign-ups within an hour; nothing was stored or sent. Try again later",
                retry_after=_seconds_until(first + _WINDOW, now),
            )
    store.signups.record(tx, client, now=now)


def delete_unconfirmed(app: App) -> int:
    """Delete who signed up and did not confirm for [web] pending_days; returns how many."""
    now, days = app.now(), app.config.web.pending_days
    with app.store.writing() as tx:
        store.signups.delete_old(tx, before=now - _WINDOW)
    if not days:
        return 0
    before, deleted = now - timedelta(days=days), 0
    while True:
        with app.store.writing() as tx:
            idents = store.signups.list_unconfirmed(tx, before=before, limit=_MANY)
            gone = [store.signups.remove_unconfirmed(tx, each, before=before) for each in idents]
        deleted += sum(gone)
        if not any(gone):
            return deleted


def hash_client(app: App, client: str) -> str:
    """A client as it is stored: nobody without the key can tell which it was.

    Args:
        client: such as an address or network; "" = unknown.
    """
    key = app.keys()[-1].secret
    return hmac.new(key, b"client\0" + client.encode(), hashlib.sha256).hexdigest()[:32]


def _seconds_until(then: datetime, now: datetime) -> int:
    return max(1, math.ceil((then - now).total_seconds()))
