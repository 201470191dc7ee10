"""Recommenders of others: what they may read, and the papers that they hand in.

A system is a key of the API with the scope recommendations:write, and is known by the key's name.
It sees readers under names of its own, which tell neither who they are nor which reader another
system means. Which readers take part, and whether any do, the operator decides in the config.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from digest import store
from digest.app import App
from digest.errors import InputError
from digest.model import Feedback, Paper, Subscriber
from digest.pipeline.steps.trained_readers import system_name, takes_part
from digest.store.recommendations import Recommendation

#: days for which recommendations can be handed in ahead, since zones differ
_DAYS_AHEAD = 2
#: how long they are kept after their date
_KEPT_FOR = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpaqueReader:
    """A reader as one system sees them."""

    name: str
    subscriber: Subscriber
    #: oldest first
    votes: tuple[Feedback, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferedPaper:
    """A recommendation as it is handed in."""

    reader: str
    paper_id: int
    score: float
    explanation: str = ""


def list_candidates(app: App, *, after: int, limit: int) -> list[Paper]:
    """List the papers that digests may list now, by id.

    Args:
        after: only papers with a greater id.
    """
    since = app.now().date() - timedelta(days=app.config.digest.window_days)
    with app.store.reading() as tx:
        ids = store.papers.list_new(tx, since, after=after, limit=limit)
        papers = store.papers.load(tx, ids)
    return [papers[ident] for ident in ids if ident in papers]


def list_opaque_readers(app: App, key_name: str, *, after: int, limit: int) -> list[OpaqueReader]:
    """List the active readers who take part, by id, as one system sees them.

    Args:
        after: only readers with a greater id.
    """
    readers: list[Subscriber] = []
    with app.store.reading() as tx:
        while len(readers) < limit:
            page = store.subscribers.load_page(tx, after=after, limit=limit)
            if not page:
                break
            after = page[-1].id
            readers += [reader for reader in page if takes_part(app.config, reader.id)]
        votes = store.feedback.load_votes(tx, [reader.id for reader in readers[:limit]])
    return [
        OpaqueReader(
            name=hide(app, key_name, reader.id),
            subscriber=reader,
            votes=tuple(votes.get(reader.id, ())),
        )
        for reader in readers[:limit]
    ]


def hide(app: App, key_name: str, subscriber_id: int) -> str:
    """Return the name under which a system knows a reader; nobody else can compute it."""
    content = f"recommender\0{key_name}\0{subscriber_id}".encode()
    digest = hmac.digest(app.keys()[0].secret, content, hashlib.sha256)
    return base64.b32encode(digest[:15]).decode("ascii").lower()


def hand_in(
    app: App, key_name: str, local_date: date, offered: Sequence[OfferedPaper]
) -> list[int]:
    """Store recommendations for a date; return the ids of papers that are not stored.

    Raises:
        InputError: the date is past or far ahead, or a reader takes no part. Nothing was stored.
    """
    today = app.now().date()
    if not today - timedelta(days=1) <= local_date <= today + timedelta(days=_DAYS_AHEAD):
        raise InputError(
            f"date: {local_date} is not between yesterday and {_DAYS_AHEAD} days ahead"
        )
    with app.store.writing() as tx:
        ids = {hide(app, key_name, ident): ident for ident in _list_participants(app, tx)}
        unknown = next((one.reader for one in offered if one.reader not in ids), None)
        if unknown is not None:
            raise InputError(f"reader: {unknown[:40]!r} takes no part, or no longer")
        known = store.papers.load(tx, {one.paper_id for one in offered})
        chosen = [
            Recommendation(
                system=system_name(key_name),
                subscriber_id=ids[one.reader],
                local_date=local_date,
                # a paper that was merged into another one counts as that one
                paper_id=known[one.paper_id].id,
                score=one.score,
                explanation=one.explanation,
            )
            for one in offered
            if one.paper_id in known
        ]
        store.recommendations.save(tx, chosen, now=app.now())
        store.recommendations.purge(tx, before=today - _KEPT_FOR)
    return sorted({one.paper_id for one in offered} - known.keys())


def _list_participants(app: App, tx: store.Connection) -> list[int]:
    return [
        ident for ident in store.subscribers.list_active_ids(tx) if takes_part(app.config, ident)
    ]
