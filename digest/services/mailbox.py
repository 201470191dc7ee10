"""Poll the mailbox: read the mails that came since the last look."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from digest import store
from digest.app import App
from digest.errors import MailboxError, StoreError
from digest.mail import bounces
from digest.mail.imap import ImapServer, Mailbox
from digest.services.inbound import Outcome, receive_mail
from digest.store.mailboxes import MailboxPosition

log = logging.getLogger("digest.inbound")

#: mails read in one look, so that a flood cannot keep a round waiting
_MAX_MAILS = 500


@dataclass(kw_only=True, slots=True)
class MailboxReport:
    """What one look into the mailbox gave."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    #: mails that failed by a mistake of ours: left for people, and the log says more
    failed: int = 0
    #: there may be more mails than one look reads
    more: bool = False
    #: why the mailbox could not be read, or ""
    error: str = ""
    #: no mailbox is configured
    not_configured: bool = False

    @property
    def json(self) -> dict[str, object]:
        return {
            **{str(name): n for name, n in self.outcomes.items()},
            "failed": self.failed,
            "more": self.more,
            "error": self.error,
        }


def poll_mailbox(
    app: App, *, stop: Callable[[], bool] = lambda: False, most: int = _MAX_MAILS
) -> MailboxReport:
    """Read what came to the mailbox since the last look, `most` mails at most.

    The first look takes the unread mails; later ones take all new mails, even those that a mail
    program has opened. The position moves after each mail, so a kill makes one mail be read
    again, which changes nothing. A mailbox that cannot be read gives `error`.

    Raises:
        StoreError: the database does not answer.
    """
    report = MailboxReport()
    server = app.imap
    if server is None:
        report.not_configured = True
        return report
    try:
        with Mailbox(app.open_imap() or server) as mailbox:
            _read_new(app, mailbox, report, stop, most)
    except MailboxError as error:
        report.error = str(error)
        log.debug("mailbox not read: %s", error)  # whoever reads tells it
        with app.store.reading() as tx:
            position = store.mailboxes.load(tx, server.name)
        _save_position(app, server, replace(position, error=report.error))
    return report


def _read_new(
    app: App, mailbox: Mailbox, report: MailboxReport, stop: Callable[[], bool], most: int
) -> None:
    with app.store.reading() as tx:
        position = store.mailboxes.load(tx, mailbox.server.name)
    if position.uid_validity != mailbox.uid_validity:
        position = MailboxPosition(uid_validity=mailbox.uid_validity)
    uids = mailbox.find_uids(position.last_uid, unread=not position.caught_up, limit=most)
    for uid in uids:
        if stop():
            return
        handled = _handle_mail(app, mailbox, uid, report)
        position = replace(position, last_uid=uid)
        _save_position(app, mailbox.server, position)
        if handled:
            try:
                mailbox.mark_processed(uid)
            except MailboxError as error:  # it is done with, wherever it lies
                report.error = str(error)
    report.more = len(uids) == most
    if not report.more:
        position = replace(
            position, caught_up=True, last_uid=max(mailbox.next_uid - 1, position.last_uid)
        )
    _save_position(app, mailbox.server, replace(position, error=report.error, read_at=app.now()))


def _handle_mail(app: App, mailbox: Mailbox, uid: int, report: MailboxReport) -> bool:
    """Act on one mail.

    Return whether it is done with, so that no person needs to read it.
    """
    data = mailbox.fetch(uid, bounces.MAX_SIZE)
    if data is None:
        return False
    try:
        received = receive_mail(app, data)
    except StoreError:
        raise
    except Exception:
        log.exception(
            "mail not processed uid=%d mailbox=%s: a mistake of ours", uid, mailbox.server.name
        )
        report.failed += 1
        return False
    report.outcomes[received.outcome] += 1
    return received.handled


def _save_position(app: App, server: ImapServer, position: MailboxPosition) -> None:
    with app.store.writing() as tx:
        store.mailboxes.save(tx, server.name, position, now=app.now())
