"""Ratings that matches are calibrated on, and the stored calibrations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, cast, exists, func, select

from digest.model import MessageState, Slot, Vote
from digest.store.explanations import decode_evidence
from digest.store.statements import insert, split_into_batches
from digest.store.tables import calibrations, digest_items, digests, feedback, messages

#: a rating is evidence that a message of unknown state did arrive
_SHOWN = (MessageState.ACCEPTED, MessageState.UNKNOWN)
#: votes in one query
_TOGETHER = 200


_LISTINGS = select(
    digests.c.id,
    digests.c.subscriber_id,
    digests.c.created_at,
    digests.c.provenance,
    digest_items.c.paper_id,
    digest_items.c.slot,
    digest_items.c.team,
    cast(digest_items.c.explanation, Text).label("explanation"),
).join(digest_items, digest_items.c.digest_id == digests.c.id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rating:
    """A listed paper, what was known of it, and the thumb that it got."""

    #: the recipe that scored it
    recipe: str
    #: as `Score.evidence`
    evidence: tuple[float, ...]
    slot: Slot
    #: 0 = left without a thumb, in a digest where the reader rated another paper
    vote: Vote


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A stored calibration."""

    data: bytes
    fitted_at: datetime


def load_ratings(tx: Connection, latest: int) -> list[Rating]:
    """Load listed papers with the latest thumbs, and the unrated papers of the same digests.

    Those with a thumb come first, newest first. Of a paper that was listed twice, the later listing
    before the thumb counts. Papers of digests of older versions, without evidence, are left out.

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
    rated: list[tuple[Any, Vote]] = []
    for batch in split_into_batches(votes, _TOGETHER):
        listed = _load_listings(tx, batch)
        for vote in batch:
            rows = [
                row
                for row in listed.get((vote.subscriber_id, vote.paper_id), ())
                if row.created_at <= vote.at
            ]
            if rows:
                newest = max(rows, key=lambda row: (row.created_at, row.id))
                rated.append((newest, vote.vote))
    unrated = _load_unrated(tx, sorted({row.id for row, _ in rated}))
    with_evidence = (
        (row, vote, decode_evidence(row.explanation))
        for row, vote in (*rated, *((row, 0) for row in unrated))
    )
    return [
        Rating(
            recipe=row.team or row.provenance["recipe"],
            evidence=evidence,
            slot=row.slot,
            vote=vote,
        )
        for row, vote, evidence in with_evidence
        if evidence
    ]


def _load_listings(tx: Connection, votes: Sequence[Any]) -> dict[tuple[int, int], list[Any]]:
    """Load the listings of the papers that were voted on, by (subscriber, paper)."""
    pairs = {(vote.subscriber_id, vote.paper_id) for vote in votes}
    rows = tx.execute(
        _LISTINGS.join(messages, messages.c.digest_id == digests.c.id).where(
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


def _load_unrated(tx: Connection, digest_ids: Sequence[int]) -> list[Any]:
    """Load the papers of digests that their reader left without a thumb."""
    has_thumb = exists().where(
        feedback.c.subscriber_id == digests.c.subscriber_id,
        feedback.c.paper_id == digest_items.c.paper_id,
        feedback.c.vote != 0,
    )
    return [
        row
        for batch in split_into_batches(digest_ids)
        for row in tx.execute(
            _LISTINGS.where(digests.c.id.in_(batch), ~has_thumb).order_by(
                digests.c.id, digest_items.c.position
            )
        )
    ]


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
