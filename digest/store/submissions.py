"""Papers that readers suggest, and what the operator decided about them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select, update

from digest.model import Identity, IdentityKind, Submission, SubmissionState
from digest.store.tables import submissions


def add(tx: Connection, submission: Submission) -> int:
    """Add a submission, and return its id."""
    identity = submission.identity
    statement = submissions.insert().values(
        subscriber_id=submission.subscriber_id,
        at=submission.at,
        kind=identity.kind if identity else "",
        value=identity.value if identity else "",
        url=submission.url,
        title=submission.title,
        state=submission.state,
    )
    return int(tx.execute(statement.returning(submissions.c.id)).scalar_one())


def find(tx: Connection, ident: int) -> Submission | None:
    row = tx.execute(select(submissions).where(submissions.c.id == ident)).one_or_none()
    return None if row is None else _build_submission(row)


def find_waiting(tx: Connection, submission: Submission) -> Submission | None:
    """Find the reader's own submission of the same paper that still waits."""
    identity = submission.identity
    same = (
        (submissions.c.kind == identity.kind) & (submissions.c.value == identity.value)
        if identity
        else (submissions.c.kind == "") & (submissions.c.url == submission.url)
    )
    own = (submissions.c.subscriber_id == submission.subscriber_id, same)
    rows = tx.execute(select(submissions).where(*own, submissions.c.state == "waiting").limit(1))
    row = rows.one_or_none()
    return None if row is None else _build_submission(row)


def count_own(tx: Connection, subscriber_id: int, *, since: datetime) -> int:
    """Count what a reader has suggested since a time."""
    own = (submissions.c.subscriber_id == subscriber_id, submissions.c.at > since)
    return tx.execute(select(func.count()).select_from(submissions).where(*own)).scalar_one()


def count_by_state(tx: Connection) -> dict[SubmissionState, int]:
    rows = tx.execute(select(submissions.c.state, func.count()).group_by(submissions.c.state))
    return {row[0]: row[1] for row in rows}


def list_by_state(
    tx: Connection, states: Collection[SubmissionState], *, limit: int, offset: int = 0
) -> list[Submission]:
    """List submissions; those that wait longest come first, of others the newest."""
    at = submissions.c.at.asc() if set(states) == {"waiting"} else submissions.c.at.desc()
    query = select(submissions).where(submissions.c.state.in_(states))
    rows = tx.execute(query.order_by(at, submissions.c.id).limit(limit).offset(offset))
    return [_build_submission(row) for row in rows]


def list_own(tx: Connection, subscriber_id: int, *, limit: int) -> list[Submission]:
    """List what a reader has suggested, newest first."""
    query = select(submissions).where(submissions.c.subscriber_id == subscriber_id)
    rows = tx.execute(query.order_by(submissions.c.at.desc(), submissions.c.id.desc()).limit(limit))
    return [_build_submission(row) for row in rows]


def list_to_look_up(tx: Connection, *, asked_before: datetime, limit: int) -> list[Submission]:
    """List accepted submissions without a paper that no source was asked for lately."""
    conditions: tuple[ColumnElement[bool], ...] = (
        submissions.c.state == "accepted",
        submissions.c.paper_id.is_(None),
        submissions.c.kind != "",
        or_(submissions.c.looked_up_at.is_(None), submissions.c.looked_up_at < asked_before),
    )
    rows = tx.execute(
        select(submissions).where(*conditions).order_by(submissions.c.id).limit(limit)
    )
    return [_build_submission(row) for row in rows]


def decide(tx: Connection, ident: int, state: SubmissionState, *, at: datetime) -> bool:
    """Set the state of a submission that has no paper yet; return False for any other."""
    open_ones = (submissions.c.id == ident, submissions.c.paper_id.is_(None))
    return (
        tx.execute(
            update(submissions).where(*open_ones).values(state=state, decided_at=at)
        ).rowcount
        > 0
    )


def set_paper(tx: Connection, ident: int, paper_id: int) -> None:
    """Set the paper that an accepted submission became."""
    accepted = (submissions.c.id == ident, submissions.c.state == "accepted")
    tx.execute(update(submissions).where(*accepted).values(paper_id=paper_id))


def set_looked_up(tx: Connection, ident: int, *, at: datetime) -> None:
    tx.execute(update(submissions).where(submissions.c.id == ident).values(looked_up_at=at))


def _build_submission(row: Row[Any]) -> Submission:
    identity = Identity(kind=cast(IdentityKind, row.kind), value=row.value) if row.kind else None
    return Submission(
        id=row.id,
        subscriber_id=row.subscriber_id,
        at=row.at,
        identity=identity,
        url=row.url,
        title=row.title,
        state=cast(SubmissionState, row.state),
        decided_at=row.decided_at,
        looked_up_at=row.looked_up_at,
        paper_id=row.paper_id,
    )
