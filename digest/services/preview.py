"""Preview what a reader would get now, and why; nothing is stored or sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

import msgspec

from digest import store
from digest.app import App
from digest.due_dates import local_date_of
from digest.errors import NotFoundError
from digest.locales import use_language
from digest.model import Digest, Message, MessageKind, Paper, Queued, Quiet, Subscriber
from digest.papers import find_resources
from digest.pipeline.compose import decide_for
from digest.pipeline.steps.co_likes import least_readers
from digest.pipeline.steps.quiet_days import sends_mail
from digest.pipeline.steps.write_messages import write_digest, write_quiet_day
from digest.ranking import scores

#: more papers than ever compete
_ALL = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """The digest that would be composed, with its papers and its message.

    The message is None on a quiet day of which the reader is not told.
    """

    subscriber: Subscriber
    outcome: Digest | Quiet
    papers: dict[int, Paper]
    message: Message | None
    #: ids of papers that the digest would list; None = all that are here
    listed: frozenset[int] | None = None

    @property
    def _nearest(self) -> dict[str, str] | None:
        """The paper that came nearest to being listed on a quiet day."""
        return next(
            ({"paper": paper.name, "title": paper.title} for paper in self.papers.values()), None
        )

    @property
    def json(self) -> dict[str, object]:
        provenance = msgspec.to_builtins(self.outcome.provenance)
        del provenance["at"]
        head: dict[str, object] = {
            "email": self.subscriber.email,
            "date": self.outcome.local_date.isoformat(),
            "made": provenance,
        }
        if isinstance(self.outcome, Quiet):
            return head | {
                "quiet": self.outcome.reason.value,
                "nearest": self._nearest,
                "papers": [],
            }
        return head | {
            "papers": [
                {
                    "position": item.position,
                    "paper": self.papers[item.score.paper_id].name,
                    "title": self.papers[item.score.paper_id].title,
                    "categories": list(self.papers[item.score.paper_id].categories),
                    "authors": list(self.papers[item.score.paper_id].authors),
                    **_published(self.papers[item.score.paper_id]),
                    "from_day": None if item.from_day is None else item.from_day.isoformat(),
                    "first_seen": self.papers[item.score.paper_id].first_seen.isoformat(),
                    "score": round(item.score.value, 6),
                    "match": item.score.match,
                    "match_word": item.score.word,
                    "percentile": item.score.percentile,
                    "reason": scores.write_reason(item.score),
                    "parts": [
                        {"kind": p.kind, "name": p.name, "value": round(p.value, 6)}
                        for p in item.score.parts
                    ],
                    "rest": round(item.score.rest, 6),
                    "nearest": None
                    if item.score.nearest is None
                    else {
                        "title": item.score.nearest[0],
                        "cosine": round(item.score.nearest[1], 4),
                    },
                    "seen_before": item.seen_before,
                    "slot": item.slot,
                    "recipe": item.team or self.outcome.provenance.recipe,
                    "interest": item.score.interest,
                    "probability": round(item.probability, 6),
                    "listed": self.listed is None or item.score.paper_id in self.listed,
                }
                for item in self.outcome.items
            ]
        }


def _published(paper: Paper) -> dict[str, object]:
    """Where a paper was published, and where its parts are, as the mail shows it."""
    resources = find_resources(paper)
    return {
        "page": resources.page,
        "page_is_search": resources.is_search,
        "venue": resources.venue,
        "comment": resources.comment,
        "links": dict(resources.links),
    }


def preview(app: App, subscriber: Subscriber, *, day: date | None = None) -> Preview:
    """Compose and write a digest without storing or sending it. The links in it work."""
    local_date = day or local_date_of(subscriber, app.now())
    outcome = decide_for(app, subscriber, local_date)
    with app.store.reading() as tx:
        papers_by_id = store.papers.load(tx, _paper_ids(outcome), least=least_readers(app, tx))
    key = local_date.isoformat()
    queued = Queued(
        id=0,
        kind=MessageKind.DIGEST,
        subscriber=subscriber,
        key=key,
        message_id=app.message_id(MessageKind.DIGEST, key, subscriber.id),
    )
    at = datetime.combine(local_date, time(subscriber.hour), UTC)
    message = None
    with use_language(app.language_of(subscriber)):
        if isinstance(outcome, Digest):
            message = write_digest(app, queued, outcome, papers_by_id, at=at)
        elif sends_mail(subscriber, outcome):
            message = write_quiet_day(app, queued, outcome, papers_by_id, at=at)
    return Preview(subscriber=subscriber, outcome=outcome, papers=papers_by_id, message=message)


def preview_all(app: App, subscriber: Subscriber, *, day: date | None = None) -> Preview:
    """Rank all papers that compete for a digest, the listed ones too; store and send nothing.

    Near-duplicates of better papers are left out, and so is what is muted.
    """
    local_date = day or local_date_of(subscriber, app.now())
    digest = decide_for(app, subscriber, local_date)
    unlimited = replace(subscriber, size=_ALL, strictness="always")
    outcome = decide_for(app, unlimited, local_date)
    with app.store.reading() as tx:
        papers_by_id = store.papers.load(tx, _paper_ids(outcome), least=least_readers(app, tx))
    listed = frozenset(_paper_ids(digest)) if isinstance(digest, Digest) else frozenset()
    return Preview(
        subscriber=subscriber, outcome=outcome, papers=papers_by_id, message=None, listed=listed
    )


def _paper_ids(outcome: Digest | Quiet) -> list[int]:
    if isinstance(outcome, Digest):
        return [item.score.paper_id for item in outcome.items]
    return [] if outcome.nearest_paper_id is None else [outcome.nearest_paper_id]


def sent_digest(app: App, subscriber: Subscriber, day: date) -> tuple[Digest, dict[int, Paper]]:
    """Load a stored digest and its papers.

    Raises:
        NotFoundError: there is none for that date.
    """
    with app.store.reading() as tx:
        digest_id = store.digests.find_by_date(tx, subscriber.id, day)
        if digest_id is None:
            raise NotFoundError(f"{subscriber.email} has no digest for {day}")
        digest = store.digests.load(tx, digest_id)
        return digest, store.papers.load(
            tx, [item.score.paper_id for item in digest.items], least=least_readers(app, tx)
        )
