"""Answers of the API by Idempotency-Key, so that a repeated request changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, select, update

from digest.store.statements import insert
from digest.store.tables import api_answers, subscribers


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredAnswer:
    """What was answered to a request; status 0 = it is being worked on."""

    request_hash: bytes
    status: int = 0
    headers: dict[str, str]
    body: bytes = b""


def claim(
    tx: Connection, caller: str, key_hash: bytes, request_hash: bytes, *, now: datetime
) -> bool:
    """Claim a key for a request; return False where another request has it."""
    values = {
        "caller": caller,
        "key_hash": key_hash,
        "request_hash": request_hash,
        "status": 0,
        "headers": {},
        "body": b"",
        "at": now,
    }
    statement = insert(tx, api_answers).values(**values).on_conflict_do_nothing()
    return tx.execute(statement.returning(api_answers.c.caller)).first() is not None


def find(tx: Connection, caller: str, key_hash: bytes) -> StoredAnswer | None:
    row = tx.execute(select(api_answers).where(_is(caller, key_hash))).one_or_none()
    if row is None:
        return None
    return StoredAnswer(
        request_hash=row.request_hash, status=row.status, headers=row.headers, body=row.body
    )


def save(
    tx: Connection,
    caller: str,
    key_hash: bytes,
    answer: StoredAnswer,
    *,
    subscriber_id: int | None,
) -> None:
    """Store the answer to a request that claimed its key.

    Args:
        subscriber_id: the reader whom it is about; one who is deleted counts as None.
    """
    about = select(subscribers.c.id).where(subscribers.c.id == subscriber_id).scalar_subquery()
    tx.execute(
        update(api_answers)
        .where(_is(caller, key_hash), api_answers.c.request_hash == answer.request_hash)
        .values(
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            subscriber_id=None if subscriber_id is None else about,
        )
    )


def release(tx: Connection, caller: str, key_hash: bytes) -> None:
    """Give up a claim: the request failed and changed nothing."""
    tx.execute(delete(api_answers).where(_is(caller, key_hash), api_answers.c.status == 0))


def delete_old(tx: Connection, *, before: datetime, claims_before: datetime) -> None:
    """Delete answers, and claims of processes that ended before they answered."""
    tx.execute(
        delete(api_answers).where(
            (api_answers.c.at < before)
            | and_(api_answers.c.status == 0, api_answers.c.at < claims_before)
        )
    )


def _is(caller: str, key_hash: bytes) -> ColumnElement[bool]:
    return and_(api_answers.c.caller == caller, api_answers.c.key_hash == key_hash)
