"""Sign-ups: rate limits, and deletion of those that were never confirmed."""

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
#: deletions in one transaction
_BATCH_SIZE = 500


def admit(app: App, tx: store.Connection, client: str) -> None:
    """Count a sign-up, which may send a mail.

    Call it in the transaction that plans the mail.

    The rate limits use a sliding window of an hour, across restarts and processes.

    Args:
        client: the result of `hash_client`.

    Raises:
        LimitError: too many sign-ups within the hour, from this client or in total.
    """
    now, web = app.now(), app.config.web
    store.signups.lock(tx)
    for limit, counted_client in ((web.signups_per_client, client), (web.signups_per_hour, None)):
        first = limit and store.signups.find_newest(
            tx, limit, since=now - _WINDOW, client=counted_client
        )
        if first:
            raise LimitError(
                "too many sign-ups within an hour; nothing was stored or sent. Try again later",
                retry_after=_seconds_until(first + _WINDOW, now),
            )
    store.signups.record(tx, client, now=now)


def delete_unconfirmed(app: App) -> int:
    """Delete sign-ups that were not confirmed within [web] pending_days.

    Return how many were deleted.
    """
    now, days = app.now(), app.config.web.pending_days
    with app.store.writing() as tx:
        store.signups.delete_old(tx, before=now - _WINDOW)
    if not days:
        return 0
    before, deleted = now - timedelta(days=days), 0
    while True:
        with app.store.writing() as tx:
            idents = store.signups.list_unconfirmed(tx, before=before, limit=_BATCH_SIZE)
            results = [
                store.signups.remove_unconfirmed(tx, ident, before=before) for ident in idents
            ]
        deleted += sum(results)
        if not any(results):
            return deleted


def hash_client(app: App, client: str) -> str:
    """Hash a client with a key, so that no address is stored.

    Args:
        client: an address or network; "" = unknown.
    """
    key = app.keys()[-1].secret
    return hmac.new(key, b"client\0" + client.encode(), hashlib.sha256).hexdigest()[:32]


def _seconds_until(then: datetime, now: datetime) -> int:
    return max(1, math.ceil((then - now).total_seconds()))
