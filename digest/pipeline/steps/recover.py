"""Recover the messages of dead senders, and expire those that are too late."""

from __future__ import annotations

from datetime import UTC, datetime

from digest import store
from digest.app import App
from digest.pipeline.steps.record_bounces import record_expired
from digest.store.ledger import Recovered


def recover_messages(app: App) -> Recovered:
    """Release the claims of dead or silent senders, and expire late messages.

    A mailbox that was full at the last attempt of an expired message counts as a bounce. Where
    another sender locks the same rows in another order, the database ends one of the two
    transactions; this one then runs again.
    """

    def recover(tx: store.Connection) -> Recovered:
        dead = store.owners.find_dead(store.ledger.list_owners(tx))
        recovered = store.ledger.recover(tx, dead=dead, now=app.now(), clock=datetime.now(UTC))
        record_expired(app, tx, recovered.tried)
        return recovered

    return app.store.commit(recover)
