"""Sessions of the operator's pages, each begun by a link that works once.

Only hashes of the secrets are stored, so that a copy of the database lets nobody in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, or_, select, update

from digest.store.tables import operator_sessions as sessions


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorSession:
    """A session that somebody logged in to."""

    id: int
    expires_at: datetime
    seen_at: datetime
    #: what the browser called itself
    browser: str


def add_link(tx: Connection, link_hash: bytes, *, now: datetime, until: datetime) -> int:
    """Store a link that may be used until a time; return the id of its session."""
    values = {"link_hash": link_hash, "made_at": now, "expires_at": until, "browser": ""}
    statement = sessions.insert().values(**values).returning(sessions.c.id)
    return int(tx.execute(statement).scalar_one())


def log_in(
    tx: Connection,
    link_hash: bytes,
    session_hash: bytes,
    *,
    browser: str,
    now: datetime,
    until: datetime,
) -> int | None:
    """Begin the session of a link; return its id, None where the link cannot be used (any more).

    One statement, so of two who use a link at the same time one gets in.
    """
    statement = (
        update(sessions)
        .where(
            sessions.c.link_hash == link_hash,
            sessions.c.session_hash.is_(None),
            sessions.c.expires_at > now,
        )
        .values(session_hash=session_hash, expires_at=until, seen_at=now, browser=browser)
        .returning(sessions.c.id)
    )
    return tx.execute(statement).scalar_one_or_none()


def find(tx: Connection, session_hash: bytes) -> OperatorSession | None:
    """Find a session by the hash of its secret, also one that is over."""
    row = tx.execute(select(sessions).where(sessions.c.session_hash == session_hash)).one_or_none()
    return None if row is None else _build(row)


def touch(tx: Connection, ident: int, *, now: datetime) -> None:
    """Record that a session was used."""
    tx.execute(update(sessions).where(sessions.c.id == ident).values(seen_at=now))


def list_open(tx: Connection, *, now: datetime, used_since: datetime) -> list[OperatorSession]:
    """List the sessions that are not over, newest first."""
    rows = tx.execute(
        select(sessions)
        .where(sessions.c.expires_at > now, sessions.c.seen_at > used_since)
        .order_by(sessions.c.id.desc())
    )
    return [_build(row) for row in rows]


def end(tx: Connection, ident: int) -> bool:
    """End a session, or take back a link; False where there is none."""
    return tx.execute(delete(sessions).where(sessions.c.id == ident)).rowcount == 1


def end_all(tx: Connection) -> int:
    """End all sessions and take back all links; return how many there were."""
    return tx.execute(delete(sessions)).rowcount


def delete_old(tx: Connection, *, now: datetime, used_since: datetime) -> None:
    """Delete links and sessions that are over."""
    idle = and_(sessions.c.seen_at.is_not(None), sessions.c.seen_at <= used_since)
    tx.execute(delete(sessions).where(or_(sessions.c.expires_at <= now, idle)))


def _build(row: Row[Any]) -> OperatorSession:
    return OperatorSession(
        id=row.id, expires_at=row.expires_at, seen_at=row.seen_at, browser=row.browser
    )
