"""Keep the answer to a request of the API, so that sending it again changes nothing.

A program that hears no answer sends the same request with the same Idempotency-Key again, and gets
the first answer. Only successes are kept: after an error nothing has changed, and the request is
tried anew. If a process ends between a change and its answer, the request is tried anew after a
minute; each change of the API is harmless when it is made twice.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from digest import store
from digest.app import App
from digest.store.api_answers import StoredAnswer

#: how long an answer is kept, and after what time a request without one counts as lost
KEPT, LOST = timedelta(hours=24), timedelta(minutes=1)


def claim_answer(app: App, caller: str, key: str, request_hash: bytes) -> StoredAnswer | None:
    """Claim a key for a request.

    Args:
        caller: who asks, in up to 40 characters.
        key: the Idempotency-Key.
        request_hash: SHA-256 of the request.

    Returns:
        None where the request may be worked on. Else what is known of the request that has the key:
        perhaps another one (`request_hash`), perhaps without an answer yet (`status` 0).
    """

    def claim(tx: store.Connection) -> StoredAnswer | None:
        now = app.now()
        store.api_answers.delete_old(tx, before=now - KEPT, claims_before=now - LOST)
        key_hash = _hash(key)
        if store.api_answers.claim(tx, caller, key_hash, request_hash, now=now):
            return None
        return store.api_answers.find(tx, caller, key_hash)

    return app.store.commit_together(claim)


def save_answer(
    app: App, caller: str, key: str, answer: StoredAnswer, *, subscriber_id: int | None
) -> None:
    """Keep the answer to a request that claimed its key.

    Args:
        subscriber_id: the reader whom it is about, with whom it is deleted; None = nobody.
    """
    app.store.commit_together(
        lambda tx: store.api_answers.save(
            tx, caller, _hash(key), answer, subscriber_id=subscriber_id
        )
    )


def release_answer(app: App, caller: str, key: str) -> None:
    """Give up a claim, since the request failed and changed nothing."""
    app.store.commit_together(lambda tx: store.api_answers.release(tx, caller, _hash(key)))


def delete_old_answers(app: App) -> None:
    """Delete the answers of more than a day ago."""
    now = app.now()
    with app.store.writing() as tx:
        store.api_answers.delete_old(tx, before=now - KEPT, claims_before=now - LOST)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
