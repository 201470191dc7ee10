"""Write a queued message from what is stored about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from types import MappingProxyType

from digest import papers, store
from digest.app import App
from digest.errors import DigestError
from digest.locales import ENGLISH, gettext, use_language
from digest.mail import messages
from digest.mail.messages import Listed, MessageContext
from digest.model import (
    ADDRESS_CHANGE_VALID,
    Digest,
    Message,
    MessageKind,
    Paper,
    Purpose,
    Queued,
    Quiet,
    Resources,
)
from digest.pipeline.steps.co_likes import least_readers
from digest.pipeline.steps.message_links import make_bounce_address, sign_links, write_mailto
from digest.ranking import scores
from digest.redaction import mask_address
from digest.store.alarms import Raised


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageSources:
    """What a batch of messages is written from, read in a few queries."""

    digests: dict[int, Digest]
    #: of quiet days that the reader is told of, by id of the digest
    quiet_days: dict[int, Quiet]
    papers: dict[int, Paper]
    #: where they are on the web
    resources: dict[int, Resources]
    #: by kind
    alarms: dict[str, Raised]
    #: signs while the next message is written; None = messages come signed
    signing: Executor | None = None


class PaperCache:
    """Papers that were read a moment ago; the digests of a day list the same ones."""

    #: seconds after which papers are read again, since they may have been withdrawn
    MAX_AGE_SECONDS = 60.0
    #: papers that are kept
    MAX_PAPERS = 4000

    def __init__(self, app: App) -> None:
        self._app = app
        self._papers: dict[int, Paper] = {}
        #: of the papers, where they are on the web
        self.resources: dict[int, Resources] = {}
        self._since = monotonic()

    def papers(self, tx: store.Connection, idents: set[int]) -> dict[int, Paper]:
        """Return papers by id, as `store.papers.load` does."""
        if monotonic() - self._since > self.MAX_AGE_SECONDS or len(self._papers) > self.MAX_PAPERS:
            self._papers, self.resources, self._since = {}, {}, monotonic()
        if absent := idents - self._papers.keys():
            loaded = store.papers.load(tx, absent, least=least_readers(self._app, tx))
            self._papers |= loaded
            self.resources |= {
                ident: papers.find_resources(paper) for ident, paper in loaded.items()
            }
        return {ident: self._papers[ident] for ident in idents if ident in self._papers}


def load_sources(
    app: App,
    messages: Sequence[Queued],
    cache: PaperCache,
    signing: Executor | None = None,
) -> MessageSources:
    """Load what queued messages are written from; papers may come from the cache."""
    digest_ids = {queued.digest_id for queued in messages if queued.digest_id is not None}
    has_alert = any(queued.kind is MessageKind.ALERT for queued in messages)
    with app.store.reading() as tx:
        digests = store.digests.load_many(tx, digest_ids)
        quiet_days = store.quiet_days.load(tx, digest_ids - digests.keys())
        paper_ids = {item.score.paper_id for digest in digests.values() for item in digest.items}
        paper_ids |= {
            quiet.nearest_paper_id for quiet in quiet_days.values() if quiet.nearest_paper_id
        }
        papers_by_id = cache.papers(tx, paper_ids)
        alarms = store.alarms.load_all(tx) if has_alert else {}
    return MessageSources(
        digests=digests,
        quiet_days=quiet_days,
        papers=papers_by_id,
        resources=cache.resources,
        alarms=alarms,
        signing=signing,
    )


def write_message(app: App, queued: Queued, sources: MessageSources) -> Message:
    """Write a message as it is sent, in the reader's language; nothing of it is stored.

    Raises:
        TemplateError: a template is missing or broken.
        DigestError: nothing is left of what it was to say.
    """
    # the operator reads English, as in the log
    is_alert = queued.kind is MessageKind.ALERT
    with use_language(ENGLISH if is_alert else app.language_of(queued.subscriber)):
        return _write_message(app, queued, sources)


def _write_message(app: App, queued: Queued, sources: MessageSources) -> Message:
    if queued.kind is MessageKind.DIGEST and (digest := sources.digests.get(queued.digest_id or 0)):
        return write_digest(
            app,
            queued,
            digest,
            sources.papers,
            at=app.now(),
            resources_by_id=sources.resources,
            signing=sources.signing,
        )
    if queued.kind is MessageKind.DIGEST and (
        quiet := sources.quiet_days.get(queued.digest_id or 0)
    ):
        return write_quiet_day(app, queued, quiet, sources.papers, at=app.now())
    if queued.kind is MessageKind.ALERT:
        return _write_alert(
            app, queued, sources.alarms.get(queued.key.partition(":")[0]), at=app.now()
        )
    return _write_letter(app, queued, at=app.now())


def _write_alert(app: App, queued: Queued, alarm: Raised | None, *, at: datetime) -> Message:
    if alarm is None or alarm.over_at is not None or not app.config.alerts.to:
        raise DigestError(
            f"message {queued.message_id}: the alarm is over, or nobody is named in "
            f"[alerts] to; the message will expire unsent"
        )
    return messages.write_alert(
        _context(app, queued, at, make_bounce_address(app, queued)),
        recipient=app.config.alerts.to,
        what=alarm.what,
        remedy=f"{alarm.remedy}.",
        details="\n".join((*alarm.details, f"since {alarm.since:%Y-%m-%d %H:%M} UTC")),
    )


def write_digest(
    app: App,
    queued: Queued,
    digest: Digest,
    papers_by_id: Mapping[int, Paper],
    *,
    at: datetime,
    resources_by_id: Mapping[int, Resources] = MappingProxyType({}),
    signing: Executor | None = None,
) -> Message:
    """Write the message of a digest, without papers withdrawn since the choice.

    Args:
        resources_by_id: where papers are on the web, of those for which it is known already.
        signing: signs while the next message is written; None = the message comes signed.
    """
    items = [
        (item, papers_by_id[item.score.paper_id])
        for item in digest.items
        if not papers_by_id[item.score.paper_id].withdrawn
    ]
    resources = [
        resources_by_id.get(paper.id) or papers.find_resources(paper) for _, paper in items
    ]
    links, papers_links, bounce_address = sign_links(
        app, queued, [paper for _, paper in items], resources
    )
    listed = [
        Listed(
            paper=paper,
            resources=paper_resources,
            reason=scores.write_reason(item.score),
            label=gettext(item.score.word) if item.score.word else "",
            links=paper_links,
            words=scores.lifting_words(item.score),
            seen_before=item.seen_before,
            interest=item.score.interest,
            slot=item.slot,
            from_day=item.from_day,
        )
        for (item, paper), paper_resources, paper_links in zip(
            items, resources, papers_links, strict=True
        )
    ]
    if not listed:
        raise DigestError(
            f"message {queued.message_id}: every paper of it was withdrawn since it was chosen; it "
            f"will expire unsent"
        )
    return messages.write_digest(
        _context(app, queued, at, bounce_address, signing),
        subscriber=queued.subscriber,
        local_date=digest.local_date,
        listed=listed,
        made=digest.provenance,
        links=links,
        quiet_days_told=digest.quiet_days_told,
    )


def write_quiet_day(
    app: App, queued: Queued, quiet: Quiet, papers_by_id: Mapping[int, Paper], *, at: datetime
) -> Message:
    """Write the mail of a quiet day; a nearest paper that was withdrawn is not named."""
    nearest = papers_by_id.get(quiet.nearest_paper_id or 0)
    if nearest is not None and nearest.withdrawn:
        nearest = None
    links, _, bounce_address = sign_links(app, queued)
    return messages.write_quiet_day(
        _context(app, queued, at, bounce_address),
        subscriber=queued.subscriber,
        quiet=quiet,
        nearest=nearest,
        url=papers.find_resources(nearest).page if nearest else "",
        links=links,
    )


def _write_letter(app: App, queued: Queued, *, at: datetime) -> Message:
    match queued.kind:
        case MessageKind.CONFIRM:
            with app.store.reading() as tx:
                move = store.address_changes.find_asked(
                    tx, queued.subscriber.email, since=at - ADDRESS_CHANGE_VALID
                )
            move_id = move.id if move else 0
            return messages.write_confirm(
                _context(app, queued, at, make_bounce_address(app, queued)),
                subscriber=queued.subscriber,
                confirm=app.url(
                    Purpose.CONFIRM, queued.subscriber.id, paper_id=move_id, message_id=queued.id
                ),
                confirm_by_mail=write_mailto(app, Purpose.CONFIRM, queued, move_id),
                asked=gettext("the page at %(url)s", url=app.config.web.base_url),
                moves=move is not None,
            )
        case MessageKind.NOTICE:
            return _write_notice(app, queued, at=at)
        case MessageKind.WELCOME:
            links, _, bounce_address = sign_links(app, queued)
            return messages.write_welcome(
                _context(app, queued, at, bounce_address),
                subscriber=queued.subscriber,
                links=links,
                first=f"{links.manage}/first",
            )
        case MessageKind.GOODBYE:
            return messages.write_goodbye(
                _context(app, queued, at, make_bounce_address(app, queued)),
                subscriber=queued.subscriber,
                come_back=app.url(Purpose.UNSUBSCRIBE, queued.subscriber.id, message_id=queued.id),
            )
        case _:
            raise DigestError(
                f"message {queued.message_id} of kind {queued.kind} has nothing to say; its digest "
                f"is gone from the database"
            )


def _write_notice(app: App, queued: Queued, *, at: datetime) -> Message:
    with app.store.reading() as tx:
        move = store.address_changes.find(tx, int(queued.key))
    if move is None or move.old_email != queued.subscriber.email:
        raise DigestError(
            f"message {queued.message_id}: the change of address that it tells of is over; it will "
            f"expire unsent"
        )
    return messages.write_notice(
        _context(app, queued, at, make_bounce_address(app, queued)),
        subscriber=queued.subscriber,
        new_address=mask_address(move.new_email),
        stop=app.url(Purpose.OBJECT, queued.subscriber.id, paper_id=move.id, message_id=queued.id),
    )


def _context(
    app: App,
    queued: Queued,
    at: datetime,
    bounce_address: str | None,
    signing: Executor | None = None,
) -> MessageContext:
    """How this install writes, with the bounce address of this message."""
    return MessageContext(
        mailing=app.mailing,
        message_id=queued.message_id,
        date=at,
        bounce_address=bounce_address,
        folders=app.templates,
        signing=signing,
    )
