"""A reader's past digests, and each of them as its mail showed it."""

from __future__ import annotations

from dataclasses import dataclass

from digest import store
from digest.app import App
from digest.errors import NotFoundError
from digest.model import Link, Message, MessageKind, Queued
from digest.pipeline.steps.co_likes import least_readers
from digest.pipeline.steps.write_messages import write_digest, write_quiet_day
from digest.store.archive import PastDigest

#: digests on a page of the archive
PAGE_SIZE = 30
#: a page beyond it is no page
_MAX_PAGE = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """A page of a reader's past digests, newest first."""

    digests: tuple[PastDigest, ...]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE_SIZE))


def load_archive(app: App, subscriber_id: int, page: int = 1) -> Archive:
    """Load a page of the digests that were sent to a reader.

    A number that is no page's yields the nearest page.
    """
    with app.store.reading() as tx:
        total = store.archive.count_digests(tx, subscriber_id)
        last = max(1, -(-total // PAGE_SIZE))
        page = min(max(1, page), last, _MAX_PAGE)
        past_digests = store.archive.list_digests(
            tx, subscriber_id, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE
        )
    return Archive(digests=tuple(past_digests), total=total, page=page)


def write_sent_mail(app: App, link: Link) -> Message:
    """Write the mail of a digest, or of a quiet day, again from what is stored.

    The choice, its order and its reasons are those of the mail. Papers are as they are known now,
    and those that were withdrawn since are left out.

    Raises:
        NotFoundError: it is no longer stored, or all its papers were withdrawn.
    """
    with app.store.reading() as tx:
        mail = store.archive.find_mail(tx, link.message_id, link.subscriber_id)
        reader = store.subscribers.find(tx, link.subscriber_id)
        if mail is None or reader is None:
            raise NotFoundError("the mail of this link is no longer stored")
        digest = store.digests.load_many(tx, [mail.digest_id]).get(mail.digest_id)
        quiet = store.quiet_days.load(tx, [mail.digest_id]).get(mail.digest_id)
        paper_ids = [item.score.paper_id for item in digest.items] if digest else []
        if quiet and quiet.nearest_paper_id:
            paper_ids.append(quiet.nearest_paper_id)
        papers = store.papers.load(tx, paper_ids, least=least_readers(app, tx))
    queued = Queued(
        id=link.message_id,
        kind=MessageKind.DIGEST,
        subscriber=reader,
        key=mail.key,
        message_id=mail.message_id,
        digest_id=mail.digest_id,
    )
    if digest is not None:
        if all(papers[item.score.paper_id].withdrawn for item in digest.items):
            raise NotFoundError("all papers of this digest were withdrawn since")
        return write_digest(app, queued, digest, papers, at=mail.changed_at)
    if quiet is not None:
        return write_quiet_day(app, queued, quiet, papers, at=mail.changed_at)
    raise NotFoundError("the digest of this mail is no longer stored")
