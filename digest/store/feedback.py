"""Feedback: one current vote for each subscriber and paper."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, case, exists, func, select, update

from digest.model import Button, Feedback, Vote, WebhookEvent
from digest.store import outbox
from digest.store.statements import build_insert, split_into_batches
from digest.store.tables import feedback, papers, presses

_VOTE = select(feedback.c.vote).where(
    feedback.c.subscriber_id == bindparam("reader"), feedback.c.paper_id == bindparam("paper")
)
_PAPER_ID = func.coalesce(papers.c.merged_into, papers.c.id)
_STANDING = (
    select(
        _PAPER_ID.label("paper_id"),
        func.coalesce(feedback.c.vote, 0).label("vote"),
        exists()
        .where(
            presses.c.subscriber_id == bindparam("reader"),
            presses.c.button == Button.THUMB.value,
            presses.c.state == "held",
            presses.c.paper_id == _PAPER_ID,
        )
        .label("has_held"),
    )
    .select_from(papers)
    .outerjoin(
        feedback,
        and_(feedback.c.subscriber_id == bindparam("reader"), feedback.c.paper_id == _PAPER_ID),
    )
    .where(papers.c.id == bindparam("paper"))
)
_VOTES = (
    select(
        feedback.c.subscriber_id,
        feedback.c.paper_id,
        feedback.c.vote,
        feedback.c.at,
        feedback.c.via,
    )
    .where(feedback.c.subscriber_id.in_(bindparam("readers", expanding=True)), feedback.c.vote != 0)
    .order_by(feedback.c.at, feedback.c.paper_id)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What a reader has said of a paper."""

    #: of the paper that the asked one was merged into
    paper_id: int
    vote: Vote
    #: a thumb waits until a person confirms it
    has_held: bool


def find_standing(tx: Connection, subscriber_id: int, paper_id: int) -> Standing | None:
    """Find what a reader has said of a paper, 0 for nothing; None where there is no such paper."""
    row = tx.execute(_STANDING, {"reader": subscriber_id, "paper": paper_id}).one_or_none()
    if row is None:
        return None
    return Standing(paper_id=row.paper_id, vote=row.vote, has_held=bool(row.has_held))


def save(tx: Connection, vote: Feedback) -> Vote:
    """Upsert a vote (0 withdraws it); return the vote that it replaces, 0 for none."""
    before = _find_vote(tx, vote.subscriber_id, vote.paper_id)
    if before == vote.vote:
        return before  # a repeated click keeps the time of the first
    replace(tx, vote, before or 0)
    return before or 0


def replace(tx: Connection, vote: Feedback, before: Vote) -> None:
    """Upsert a vote that differs from the one before, which was loaded in this transaction."""
    values = {
        "subscriber_id": vote.subscriber_id,
        "paper_id": vote.paper_id,
        "vote": vote.vote,
        "at": vote.at,
        "via": vote.via,
    }
    tx.execute(_build_upsert(tx.dialect.name), values)
    data = {"paper": vote.paper_id, "vote": vote.vote, "before": before, "via": vote.via}
    happening = outbox.Happening(subscriber_id=vote.subscriber_id, data=data)
    outbox.add(tx, WebhookEvent.THUMB, [happening], at=vote.at)


@cache
def _build_upsert(dialect: str) -> Any:
    statement = build_insert(dialect, feedback)
    new = {name: statement.excluded[name] for name in ("vote", "at", "via")}
    keys = ["subscriber_id", "paper_id"]
    return statement.on_conflict_do_update(index_elements=keys, set_=new)


def add_many(tx: Connection, votes: Sequence[Feedback]) -> None:
    """Store the first votes of their readers on their papers, all at once."""
    rows = [
        {
            "subscriber_id": vote.subscriber_id,
            "paper_id": vote.paper_id,
            "vote": vote.vote,
            "at": vote.at,
            "via": vote.via,
        }
        for vote in votes
    ]
    if rows:
        tx.execute(feedback.insert(), rows)


def load(tx: Connection, subscriber_id: int, paper_id: int) -> Feedback | None:
    """Load a reader's vote on a paper, also one that was withdrawn; None for none."""
    where = (feedback.c.subscriber_id == subscriber_id, feedback.c.paper_id == paper_id)
    row = tx.execute(select(feedback).where(*where)).one_or_none()
    return None if row is None else _build(row)


def load_vote(tx: Connection, subscriber_id: int, paper_id: int) -> Vote:
    """Load a reader's current vote on a paper, 0 for none."""
    return _find_vote(tx, subscriber_id, paper_id) or 0


def _find_vote(tx: Connection, subscriber_id: int, paper_id: int) -> Vote | None:
    vote: Vote | None = tx.execute(
        _VOTE, {"reader": subscriber_id, "paper": paper_id}
    ).scalar_one_or_none()
    return vote


def withdraw_all(tx: Connection, subscriber_id: int, *, at: datetime, via: str) -> int:
    """Withdraw all votes of a subscriber; return how many there were."""
    not_withdrawn = (feedback.c.subscriber_id == subscriber_id) & (feedback.c.vote != 0)
    n = tx.execute(update(feedback).where(not_withdrawn).values(vote=0, at=at, via=via)).rowcount
    if n:
        # one event, with no paper, stands for all of them
        data = {"paper": None, "vote": 0, "before": None, "via": via}
        happening = outbox.Happening(subscriber_id=subscriber_id, data=data)
        outbox.add(tx, WebhookEvent.THUMB, [happening], at=at)
    return n


def load_votes(
    tx: Connection, ids: Iterable[int], *, since: datetime | None = None
) -> dict[int, list[Feedback]]:
    """Load the current votes of each subscriber, oldest first, without withdrawn ones.

    Args:
        since: those given from then on alone; None = all.
    """
    query = _VOTES if since is None else _VOTES.where(feedback.c.at >= since)
    votes: dict[int, list[Feedback]] = defaultdict(list)
    for batch in split_into_batches(list(ids)):
        for subscriber_id, paper_id, vote, at, via in tx.execute(query, {"readers": batch}).all():
            votes[subscriber_id].append(
                Feedback(subscriber_id=subscriber_id, paper_id=paper_id, vote=vote, at=at, via=via)
            )
    return votes


def list_page(
    tx: Connection, subscriber_id: int, *, before: tuple[datetime, int] | None, limit: int
) -> list[Feedback]:
    """List the current votes of a subscriber, the newest first, without withdrawn ones.

    Args:
        before: time and paper of the last vote of the page before; None = the first page.
    """
    query = select(feedback).where(feedback.c.subscriber_id == subscriber_id, feedback.c.vote != 0)
    if before is not None:
        at, paper_id = before
        is_later = (feedback.c.at == at) & (feedback.c.paper_id < paper_id)
        query = query.where((feedback.c.at < at) | is_later)
    query = query.order_by(feedback.c.at.desc(), feedback.c.paper_id.desc()).limit(limit)
    return [_build(row) for row in tx.execute(query)]


def _build(row: Row[Any]) -> Feedback:
    return Feedback(
        subscriber_id=row.subscriber_id,
        paper_id=row.paper_id,
        vote=row.vote,
        at=row.at,
        via=row.via,
    )


def count_thumbs(tx: Connection) -> tuple[int, int]:
    """Count (thumbs up, thumbs down) of all readers."""
    row = tx.execute(
        select(
            func.coalesce(func.sum(case((feedback.c.vote == 1, 1))), 0),
            func.coalesce(func.sum(case((feedback.c.vote == -1, 1))), 0),
        )
    ).one()
    return int(row[0]), int(row[1])
