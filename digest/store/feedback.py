"""Rows of feedback: one current vote per subscriber and paper."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, case, func, select, update

from digest.model import Feedback, Vote
from digest.store.statements import insert, split_into_batches
from digest.store.tables import feedback


def save(tx: Connection, vote: Feedback) -> Vote:
    """Record a vote (0 withdraws it); returns the vote that it replaces, 0 for none."""
    before: Vote | None = tx.execute(
        select(feedback.c.vote).where(
            feedback.c.subscriber_id == vote.subscriber_id, feedback.c.paper_id == vote.paper_id
        )
    ).scalar_one_or_none()
    if before == vote.vote:
        return before  # a repeated click keeps the time of the first
    values = {"vote": vote.vote, "at": vote.at, "via": vote.via}
    statement = insert(tx, feedback).values(
        subscriber_id=vote.subscriber_id, paper_id=vote.paper_id, **values
    )
    tx.execute(
        statement.on_conflict_do_update(index_elements=["subscriber_id", "paper_id"], set_=values)
    )
    return before or 0


def load_vote(tx: Connection, subscriber_id: int, paper_id: int) -> Vote:
    """A reader's vote on a paper as it stands, 0 for none."""
    mine = select(feedback.c.vote).where(
        feedback.c.subscriber_id == subscriber_id, feedback.c.paper_id == paper_id
    )
    vote: Vote | None = tx.execute(mine).scalar_one_or_none()
    return vote or 0


def withdraw_all(tx: Connection, subscriber_id: int, *, at: datetime, via: str) -> int:
    """Withdraw every vote of a subscriber that stands; how many there were."""
    standing = (feedback.c.subscriber_id == subscriber_id) & (feedback.c.vote != 0)
    return tx.execute(update(feedback).where(standing).values(vote=0, at=at, via=via)).rowcount


def load_votes(tx: Connection, idents: Iterable[int]) -> dict[int, list[Feedback]]:
    """Votes that stand, oldest first."""
    found: dict[int, list[Feedback]] = defaultdict(list)
    for some in split_into_batches(list(idents)):
        rows = tx.execute(
            select(feedback)
            .where(feedback.c.subscriber_id.in_(some), feedback.c.vote != 0)
            .order_by(feedback.c.at, feedback.c.paper_id)
        )
        for row in rows:
            found[row.subscriber_id].append(
                Feedback(
                    subscriber_id=row.subscriber_id,
                    paper_id=row.paper_id,
                    vote=row.vote,
                    at=row.at,
                    via=row.via,
                )
            )
    return found


def count_thumbs(tx: Connection) -> tuple[int, int]:
    """Thumbs up and thumbs down in all."""
    row = tx.execute(
        select(
            func.coalesce(func.sum(case((feedback.c.vote == 1, 1))), 0),
            func.coalesce(func.sum(case((feedback.c.vote == -1, 1))), 0),
        )
    ).one()
    return int(row[0]), int(row[1])
