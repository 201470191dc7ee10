"""Ratings that matches are calibrated on, and the stored calibrations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from digest.model import MessageState, Slot, Vote
from digest.store.statements import insert
from digest.store.tables import calibrations, digest_items, digests, feedback, messages

#: a rating is evidence that a message of unknown state did arrive
_SHOWN = (MessageState.ACCEPTED, MessageState.UNKNOWN)
#: votes in one query
_TOGETHER = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Rating:
    """A thumb on a listed paper, with the score that it had in the digest."""

    #: the recipe that scored it
    recipe: str
    standard: float
    slot: Slot
    #: thumbs that the profile was trained on
    thumbs_up: int
    thumbs_down: int
    vote: Vote


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A stored calibration."""

    data: bytes
    fitted_at: datetime


def load_ratings(tx: Connection, latest: int) -> list[Rating]:
    """Load ratings of listed papers among the latest thumbs, newest first.

    Of a paper that was listed twice, the later listing before the thumb counts.

    Args:
        latest: number of thumbs to look at.
    """
    standing_votes = select(
        feedback.c.subscriber_id, feedback.c.paper_id, feedback.c.vote, feedback.c.at
    ).where(feedback.c.vote != 0)
    votes = tx.execute(
        standing_votes.order_by(
            feedback.c.at.desc(), feedback.c.subscriber_id, feedback.c.paper_id
        ).limit(latest)
    ).all()
    ratings = []
    for start in range(0, len(votes), _TOGETHER):
        batch = votes[start : start + _TOGETHER]
        listed = _load_listings(tx, batch)
        for vote in batch:
            rows = [
                row
                for row in listed.get((vote.subscriber_id, vote.paper_id), ())
                if row.created_at <= vote.at
            ]
            if rows:
                ratings.append(
                    _build_rating(max(rows, key=lambda row: (row.created_at, row.id)), vote.vote)
                )
    return ratings


def _load_listings(tx: Connection, votes: Sequence[Any]) -> dict[tuple[int, int], list[Any]]:
    """Load the listings of the papers that were voted on, by (subscriber, paper)."""
    pairs = {(vote.subscriber_id, vote.paper_id) for vote in votes}
    rows = tx.execute(
        select(
            digests.c.id,
            digests.c.subscriber_id,
            digests.c.created_at,
            digests.c.provenance,
            digest_items.c.paper_id,
            digest_items.c.standard,
            digest_items.c.slot,
            digest_items.c.team,
        )
        .join(messages, messages.c.digest_id == digests.c.id)
        .join(digest_items, digest_items.c.digest_id == digests.c.id)
        .where(
            digests.c.subscriber_id.in_({reader for reader, _ in pairs}),
            digest_items.c.paper_id.in_({paper for _, paper in pairs}),
            messages.c.state.in_([state.value for state in _SHOWN]),
        )
    )
    listings: dict[tuple[int, int], list[Any]] = {}
    for row in rows:
        if (row.subscriber_id, row.paper_id) in pairs:
            listings.setdefault((row.subscriber_id, row.paper_id), []).append(row)
    return listings


def _build_rating(row: Any, vote: Vote) -> Rating:
    return Rating(
        recipe=row.team or row.provenance["recipe"],
        standard=row.standard,
        slot=row.slot,
        thumbs_up=row.provenance["thumbs_up"],
        thumbs_down=row.provenance["thumbs_down"],
        vote=vote,
    )


def count_votes_since(tx: Connection, after: datetime | None, most: int) -> int:
    """Count thumbs given, changed or withdrawn after a time, up to `most`.

    None means at any time.
    """
    where = [] if after is None else [feedback.c.at > after]
    newest = select(feedback.c.at).where(*where).limit(most).subquery()
    return tx.execute(select(func.count()).select_from(newest)).scalar_one()


def load_all(tx: Connection) -> dict[str, Stored]:
    """Load all calibrations by recipe."""
    return {
        row.recipe: Stored(data=row.data, fitted_at=row.fitted_at)
        for row in tx.execute(select(calibrations))
    }


def save(tx: Connection, recipe: str, data: bytes, *, now: datetime) -> None:
    values = {"data": data, "fitted_at": now}
    statement = insert(tx, calibrations).values(recipe=recipe, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["recipe"], set_=values))
