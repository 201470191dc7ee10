"""A folder of a mailbox: each of its mails becomes a file of the inbox once. Reads no paper.

Speaks no IMAP: the caller opens the folder. Nothing in it is changed, not even marked as read.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Protocol

from digest import private
from digest.errors import MailboxError
from digest.sources.base import SourceReport, SourceSettings, State, Stopped

#: mails of one fetch; the next one goes on
_MAIL_LIMIT: Final = 500
#: bytes of a mail that are kept
_SIZE_CAP: Final = 16 * 1024 * 1024


class MailFolder(Protocol):
    """An open folder, as of `digest.mail.imap.Mailbox`."""

    #: UIDs are comparable only while this number stays the same
    uid_validity: int
    #: every mail in the folder had a lower UID when it was opened
    next_uid: int

    def find_uids(
        self, after: int, *, unread: bool, limit: int, since: date | None = None
    ) -> list[int]: ...

    def fetch(self, uid: int, max_bytes: int) -> bytes | None: ...


def copy_new_mails(
    settings: SourceSettings,
    state: State,
    *,
    inbox: Path,
    open_folder: Callable[[], AbstractContextManager[MailFolder]],
    save: Callable[[State, list[Path]], None],
    today: date,
    beat: Callable[[], None] = lambda: None,
) -> SourceReport:
    """Copy the mails that came since the last fetch to the inbox.

    The first fetch takes those of the last `settings.days` days. So does one after the server has
    numbered its mails anew; mails that come twice change nothing.

    Args:
        settings: The source.
        state: `uid_validity` and `last_uid` say how far the folder was read.
        inbox: The folder of all dumps.
        open_folder: Opens the folder, for reading alone.
        save: Stores the state and the new file, after each mail.
        today: The day of the fetch.
        beat: Called before each mail; raises Stopped to end the fetch.
    """
    report = SourceReport(name=settings.name, outcome="unchanged")
    target = inbox / settings.name
    try:
        private.make_folder(target)
        with open_folder() as folder:
            _copy(folder, settings, state, report, target, save, today, beat)
    except Stopped:
        report.outcome = "stopped"
    except MailboxError as error:
        report.outcome, report.error = "failed", str(error)
    except OSError as error:
        report.outcome, report.error = (
            "failed",
            f"{inbox}: {error.strerror or error}. Check the inbox and the space on its disk",
        )
    return report


def _copy(
    folder: MailFolder,
    settings: SourceSettings,
    state: State,
    report: SourceReport,
    target: Path,
    save: Callable[[State, list[Path]], None],
    today: date,
    beat: Callable[[], None],
) -> None:
    if state.get("uid_validity") != folder.uid_validity:
        state["uid_validity"], state["last_uid"] = folder.uid_validity, 0
    last_uid = state["last_uid"]
    since = None if last_uid else today - timedelta(days=settings.days)
    uids = folder.find_uids(last_uid, unread=False, limit=_MAIL_LIMIT, since=since)
    for uid in uids:
        beat()
        report.requests += 1
        data = folder.fetch(uid, _SIZE_CAP)
        files = []
        if data is not None:
            # The name says which mail it is, so that a kill before `save` makes no second file.
            path = target / f"{settings.name}-{folder.uid_validity}-{uid:06}.eml"
            partial = target / ".part"
            partial.write_bytes(data)
            partial.rename(path)
            files, report.outcome = [path], "fetched"
            report.files.append(path)
            report.bytes += len(data)
        state["last_uid"] = uid
        save(state, files)
    if len(uids) < _MAIL_LIMIT:
        state["last_uid"] = max(state["last_uid"], folder.next_uid - 1)
    else:
        report.notes.append(f"{_MAIL_LIMIT} mails were read; the next fetch goes on")
