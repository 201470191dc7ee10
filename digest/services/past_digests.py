"""The digests of a reader as plain values: those that were made, and the one that would come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from digest import store
from digest.app import App
from digest.errors import NotFoundError
from digest.model import Digest, MessageState, Quiet, Subscriber
from digest.services.preview import Preview, preview, sent_digest
from digest.store.digest_lists import DigestEntry


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestValues:
    """A digest with its papers and reasons, or a quiet day."""

    local_date: date
    #: why there is no digest, "" where there is one
    reason: str
    #: of its mail; None where it has none
    message: MessageState | None = None
    #: how it was made
    made: Mapping[str, Any]
    #: as `Preview.json` gives them, each with the id of its paper
    papers: tuple[Mapping[str, Any], ...] = ()


def list_digests(
    app: App, subscriber_id: int, *, before: date | None, limit: int
) -> list[DigestEntry]:
    """List the digests and quiet days of a reader, the newest first.

    Args:
        before: only those of earlier local dates; None = all.
    """
    with app.store.reading() as tx:
        return store.digest_lists.list_page(tx, subscriber_id, before=before, limit=limit)


def load_digest(app: App, subscriber: Subscriber, day: date) -> DigestValues:
    """Load what a reader got on a local date.

    Raises:
        NotFoundError: neither a digest nor a quiet day is stored.
    """
    with app.store.reading() as tx:
        entry = store.digest_lists.find(tx, subscriber.id, day)
    if entry is None:
        raise NotFoundError(f"there is no digest for {day}")
    if entry.reason:
        return DigestValues(local_date=day, reason=entry.reason, message=entry.message, made={})
    digest, papers = sent_digest(app, subscriber, day)
    shown = Preview(subscriber=subscriber, outcome=digest, papers=papers, message=None)
    return _to_values(shown, entry.message)


def preview_digest(app: App, subscriber: Subscriber) -> DigestValues:
    """Compose what would come now; nothing is stored or sent."""
    return _to_values(preview(app, subscriber), None)


def _to_values(shown: Preview, message: MessageState | None) -> DigestValues:
    values: dict[str, Any] = shown.json
    outcome: Digest | Quiet = shown.outcome
    ids = [item.score.paper_id for item in outcome.items] if isinstance(outcome, Digest) else []
    return DigestValues(
        local_date=outcome.local_date,
        reason="" if isinstance(outcome, Digest) else outcome.reason.value,
        message=message,
        made=values["made"],
        papers=tuple(
            {"id": ident, **row} for ident, row in zip(ids, values["papers"], strict=True)
        ),
    )
