"""Keys of the API; of their texts only hashes are stored."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from digest.model import ApiKey, Scope
from digest.store.tables import api_keys


def add(tx: Connection, key: ApiKey, hash_: bytes) -> ApiKey:
    """Store a new key; return it with its id.

    Args:
        key: its id is ignored.
        hash_: SHA-256 of its text, 32 bytes.
    """
    values = {
        "hash": hash_,
        "hint": key.hint,
        "name": key.name,
        "scopes": sorted(scope.value for scope in key.scopes),
        "subscriber_id": key.subscriber_id,
        "per_minute": key.per_minute,
        "created_at": key.created,
        "expires_at": key.expires,
    }
    row = tx.execute(api_keys.insert().values(**values).returning(api_keys)).one()
    return _build(row)


def find(tx: Connection, hash_: bytes) -> ApiKey | None:
    """Find a key by the hash of its text, valid or not."""
    row = tx.execute(select(api_keys).where(api_keys.c.hash == hash_)).one_or_none()
    return None if row is None else _build(row)


def list_keys(tx: Connection, subscriber_id: int | None = None) -> list[ApiKey]:
    """List the keys of the operator, or those of a reader, oldest first."""
    # SQLAlchemy writes a comparison with None as IS NULL
    owned = api_keys.c.subscriber_id == subscriber_id
    rows = tx.execute(select(api_keys).where(owned).order_by(api_keys.c.id))
    return [_build(row) for row in rows]


def note_use(tx: Connection, ident: int, day: date) -> None:
    """Note the day of use."""
    tx.execute(update(api_keys).where(api_keys.c.id == ident).values(last_used_on=day))


def revoke(tx: Connection, ident: int, now: datetime, subscriber_id: int | None = None) -> bool:
    """Revoke a key; return False where there is none, or it was revoked already.

    Args:
        subscriber_id: the reader to whom it must belong; None = it may be anybody's.
    """
    where = [api_keys.c.id == ident, api_keys.c.revoked_at.is_(None)]
    if subscriber_id is not None:
        where.append(api_keys.c.subscriber_id == subscriber_id)
    return tx.execute(update(api_keys).where(*where).values(revoked_at=now)).rowcount == 1


def revoke_by_hash(tx: Connection, hash_: bytes, now: datetime) -> None:
    """Revoke the key of a hash, if there is one that is valid."""
    where = (api_keys.c.hash == hash_) & api_keys.c.revoked_at.is_(None)
    tx.execute(update(api_keys).where(where).values(revoked_at=now))


def exists(tx: Connection, ident: int) -> bool:
    return tx.execute(select(api_keys.c.id).where(api_keys.c.id == ident)).first() is not None


def _build(row: Row[Any]) -> ApiKey:
    known = {scope.value for scope in Scope}
    return ApiKey(
        id=row.id,
        name=row.name,
        hint=row.hint,
        # a later version may have had more scopes
        scopes=frozenset(Scope(value) for value in row.scopes if value in known),
        subscriber_id=row.subscriber_id,
        per_minute=row.per_minute,
        created=row.created_at,
        expires=row.expires_at,
        last_used=row.last_used_on,
        revoked=row.revoked_at,
    )
