"""A queued message and what is stored -> the message that is sent: gathers values for `messages`,
which writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic

from digest import store
from digest.app import App
from digest.errors import DigestError
from digest.mail import messages
from digest.mail.messages import Listed, MessageContext, PaperLinks, ReaderLinks
from digest.model import Digest, Link, Message, MessageKind, Paper, Purpose, Queued
from digest.pipeline.steps.co_likes import least_readers
from digest.ranking import calibration, scores
from digest.store.alarms import Raised

_VOTES = (Purpose.UP, Purpose.DOWN)


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageSources:
    """What a batch of messages is written from: read in a few queries, then nothing more is asked
    of the database.
    """

    digests: dict[int, Digest]
    papers: dict[int, Paper]
    #: by kind
    alarms: dict[str, Raised]


class PaperCache:
    """Papers that were read a moment ago: a day's readers get the same ones, and most of reading a
    digest is reading its papers.
    """

    #: seconds after which a paper is read anew (it may have been withdrawn), and how many are kept
    SECONDS, MOST = 60.0, 4000

    def __init__(self, app: App) -> None:
        self._app = app
        self._papers: dict[int, Paper] = {}
        self._since = monotonic()

    def papers(self, tx: store.Connection, idents: set[int]) -> dict[int, Paper]:
        """As `store.papers.load`."""
        if monotonic() - self._since > self.SECONDS or len(self._papers) > self.MOST:
            self._papers, self._since = {}, monotonic()
        if absent := idents - self._papers.keys():
            self._papers |= store.papers.load(tx, absent, least=least_readers(self._app, tx))
        return {ident: self._papers[ident] for ident in idents if ident in self._papers}


def load_sources(app: App, some: Sequence[Queued], shelf: PaperCache) -> MessageSources:
    """Digests and papers of queued messages, as they are now, or were when the shelf got them."""
    with app.store.reading() as tx:
        digests = store.digests.load_many(
            tx, {queued.digest_id for queued in some if queued.digest_id is not None}
        )
        found = shelf.papers(
            tx, {item.score.paper_id for digest in digests.values() for item in digest.items}
        )
        alarms = (
            store.alarms.load_all(tx)
            if any(queued.kind is MessageKind.ALERT for queued in some)
            else {}
        )
    return MessageSources(digests=digests, papers=found, alarms=alarms)


def write_message(app: App, queued: Queued, material: MessageSources) -> Message:
    """The message as it is sent; nothing of it is stored.

    Raises:
        TemplateError: a template is missing or broken.
        DigestError: nothing is left of what it was to say.
    """
    if queued.kind is MessageKind.DIGEST and (
        digest := material.digests.get(queued.digest_id or 0)
    ):
        return write_digest(app, queued, digest, material.papers, at=app.now())
    if queued.kind is MessageKind.ALERT:
        return _write_alert(
            app, queued, material.alarms.get(queued.key.partition(":")[0]), at=app.now()
        )
    return _write_letter(app, queued, at=app.now())


def _write_alert(app: App, queued: Queued, alarm: Raised | None, *, at: datetime) -> Message:
    if alarm is None or alarm.over_at is not None or not app.config.alerts.to:
        raise DigestError(
            f"message {queued.message_id}: what it was to tell is over, or nobody is named in "
            f"[alerts] to; it will expire unsent"
        )
    return messages.write_alert(
        _context(app, queued, at),
        recipient=app.config.alerts.to,
        what=alarm.what,
        remedy=f"{alarm.remedy}.",
        details="\n".join((*alarm.details, f"since {alarm.since:%Y-%m-%d %H:%M} UTC")),
    )


def write_digest(
    app: App, queued: Queued, digest: Digest, found: Mapping[int, Paper], *, at: datetime
) -> Message:
    """The message of a digest with its links; a paper that was withdrawn since it was chosen is
    left out.
    """
    items = [
        (item, found[item.score.paper_id])
        for item in digest.items
        if not found[item.score.paper_id].withdrawn
    ]
    links, papers_links = _links(app, queued, [paper for _, paper in items])
    listed = [
        Listed(
            paper=paper,
            reason=scores.write_reason(item.score),
            label=calibration.match_label(item.score),
            links=paper_links,
            seen_before=item.seen_before,
            interest=item.score.interest,
            slot=item.slot,
        )
        for (item, paper), paper_links in zip(items, papers_links, strict=True)
    ]
    if not listed:
        raise DigestError(
            f"message {queued.message_id}: every paper of it was withdrawn since it was chosen; it "
            f"will expire unsent"
        )
    return messages.write_digest(
        _context(app, queued, at),
        subscriber=queued.subscriber,
        local_date=digest.local_date,
        listed=listed,
        made=digest.provenance,
        links=links,
    )


def _write_letter(app: App, queued: Queued, *, at: datetime) -> Message:
    match queued.kind:
        case MessageKind.CONFIRM:
            return messages.write_confirm(
                _context(app, queued, at),
                subscriber=queued.subscriber,
                confirm=app.url(Purpose.CONFIRM, queued.subscriber.id, message_id=queued.id),
                confirm_by_mail=_by_mail(app, Purpose.CONFIRM, queued),
                asked=f"the page at {app.config.web.base_url}",
            )
        case MessageKind.WELCOME:
            return messages.write_welcome(
                _context(app, queued, at),
                subscriber=queued.subscriber,
                links=_links(app, queued)[0],
            )
        case MessageKind.GOODBYE:
            return messages.write_goodbye(
                _context(app, queued, at),
                subscriber=queued.subscriber,
                come_back=app.url(Purpose.UNSUBSCRIBE, queued.subscriber.id, message_id=queued.id),
            )
        case _:
            raise DigestError(
                f"message {queued.message_id} of kind {queued.kind} has nothing to say; its digest "
                f"is gone from the database"
            )


def _context(app: App, queued: Queued, at: datetime) -> MessageContext:
    """How this install writes, with the bounce address of this message."""
    bounce_address = app.bounce_address(queued.subscriber.id, queued.id)
    return MessageContext(
        mailing=replace(app.mailing, bounce_address=bounce_address),
        message_id=queued.message_id,
        date=at,
        folders=app.templates,
    )


def _links(
    app: App, queued: Queued, papers: Sequence[Paper] = ()
) -> tuple[ReaderLinks, list[PaperLinks]]:
    """The links that a message carries: the reader's own, and those of each paper."""
    reader, message = queued.subscriber.id, queued.id
    own = [
        Link(purpose, reader, message_id=message)
        for purpose in (Purpose.MANAGE, Purpose.UNSUBSCRIBE)
    ]
    manage, unsubscribe, *answers = app.urls(
        own + [Link(vote, reader, paper.id, message) for paper in papers for vote in _VOTES]
    )
    return (
        ReaderLinks(
            manage=manage,
            unsubscribe=unsubscribe,
            unsubscribe_by_mail=app.mailto(Purpose.UNSUBSCRIBE, reader, message_id=message),
        ),
        [
            PaperLinks(
                read=paper.url,
                up=up,
                down=down,
                up_by_mail=_by_mail(app, Purpose.UP, queued, paper.id),
                down_by_mail=_by_mail(app, Purpose.DOWN, queued, paper.id),
            )
            for paper, up, down in zip(papers, answers[::2], answers[1::2], strict=True)
        ],
    )


def _by_mail(app: App, purpose: Purpose, queued: Queued, paper_id: int = 0) -> str:
    """What a page would be asked, for readers who cannot reach our pages; "" where they can, or no
    mailbox takes answers.
    """
    if messages.is_public_url(app.config.web.base_url):
        return ""
    return app.mailto(purpose, queued.subscriber.id, paper_id=paper_id, message_id=queued.id)
