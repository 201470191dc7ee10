"""Mails as a source: a Maildir, and a folder of an IMAP account."""

from __future__ import annotations

import imaplib
import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from digest import sources
from digest.app import App
from digest.errors import MailboxError
from digest.services.fetch import FetchOptions, FetchReport, fetch
from digest.sources import SourceSettings
from tests.conftest import skip_or_fail
from tests.fakes.dovecot import Dovecot, program
from tests.integration.sources.conftest import Time

TODAY = date(2026, 6, 10)


def listing(number: int) -> bytes:
    rule = "-" * 78
    return (
        "From: lists@example.org\r\nSubject: cs daily\r\nDate: Wed, 10 Jun 2026 00:30:00 GMT\r\n"
        f"\r\n{rule}\r\n\\\\\r\narXiv:2606.{number:05}\r\nDate: Mon, 8 Jun 2026 17:00:00 GMT   "
        f"(5kb)\r\n\r\nTitle: Title {number}\r\nAuthors: Jane Doe\r\nCategories: cs.LG\r\n\\\\\r\n"
        f"  It is invented.\r\n\\\\ ( https://arxiv.org/abs/2606.{number:05} ,  5kb)\r\n"
    ).encode()


def run(app: App, time: Time) -> FetchReport:
    return fetch(app, (), FetchOptions(sleep=time.sleep, clock=time.clock))


# ------------------------------------------------------------------------------------------------
# a Maildir


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for part in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    return tmp_path / "Maildir"


def put_file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    os.utime(path, (0, 0))
    return path


def test_a_mail_in_a_maildir_is_copied_once_however_it_is_renamed(
    service: Callable[..., App], time: Time, maildir: Path
) -> None:
    app = service({"name": "lists", "kind": "folder", "folder": str(maildir)})
    mail = put_file(maildir / "new" / "1780000000.M1P1.host", listing(1))
    put_file(maildir / "tmp" / "1780000001.M1P1.host", listing(2))
    put_file(maildir / "dovecot-uidlist", b"3 V1 N2")
    first = run(app, time)
    assert (len(first.sources[0].files), first.ingested.count("new")) == (1, 1)
    mail = mail.rename(maildir / "cur" / f"{mail.name}:2,")
    assert run(app, time).sources[0].outcome == "unchanged"
    mail.rename(maildir / "cur" / "1780000000.M1P1.host:2,S")
    assert run(app, time).sources[0].outcome == "unchanged"
    put_file(maildir / "cur" / "1780000002.M1P1.host:2,S", listing(3))
    assert run(app, time).ingested.count("new") == 1


# ------------------------------------------------------------------------------------------------
# any folder of mails


class Folder:
    """A folder of mails by their UID."""

    def __init__(self, mails: dict[int, bytes | None], *, uid_validity: int = 7) -> None:
        self.mails, self.uid_validity = mails, uid_validity
        self.since: list[date | None] = []
        self.next_uid = max(mails, default=0) + 1

    def find_uids(
        self, after: int, *, unread: bool, limit: int, since: date | None = None
    ) -> list[int]:
        self.since.append(since)
        return [uid for uid in sorted(self.mails) if uid > after][:limit]

    def fetch(self, uid: int, max_bytes: int) -> bytes | None:
        data = self.mails[uid]
        return data and data[:max_bytes]


@pytest.fixture
def copy(tmp_path: Path) -> Callable[..., sources.SourceReport]:
    """Return a function that copies from a folder and keeps the state from call to call."""
    state: dict[str, Any] = {}
    settings = SourceSettings(name="lists", kind="mailbox", url="imaps://jane@example.org")

    def run(folder: Folder, **more: Any) -> sources.SourceReport:
        return sources.copy_new_mails(
            settings,
            state,
            inbox=tmp_path,
            open_folder=lambda: nullcontext(folder),
            save=lambda *_: None,
            today=TODAY,
            **more,
        )

    return run


def test_each_mail_is_copied_once(copy: Callable[..., sources.SourceReport]) -> None:
    folder = Folder({3: b"three", 5: b"five", 6: None})
    first = copy(folder)
    assert [path.name for path in first.files] == ["lists-7-000003.eml", "lists-7-000005.eml"]
    assert [path.read_bytes() for path in first.files] == [b"three", b"five"]
    assert copy(folder).outcome == "unchanged"
    folder.mails[9] = b"nine"
    assert [path.name for path in copy(folder).files] == ["lists-7-000009.eml"]
    assert folder.since == [date(2026, 6, 7), None, None]


def test_a_folder_that_is_numbered_anew_is_read_again(
    copy: Callable[..., sources.SourceReport],
) -> None:
    copy(Folder({3: b"three"}))
    folder = Folder({1: b"three"}, uid_validity=8)
    assert [path.name for path in copy(folder).files] == ["lists-8-000001.eml"]
    assert folder.since == [date(2026, 6, 7)]


def test_a_fetch_that_is_stopped_goes_on_with_the_next_mail(
    copy: Callable[..., sources.SourceReport],
) -> None:
    folder = Folder(dict.fromkeys((1, 2, 3), b"x"))
    beats = iter([None, sources.Stopped("asked to stop")])

    def beat() -> None:
        if problem := next(beats):
            raise problem

    stopped = copy(folder, beat=beat)
    assert (stopped.outcome, len(stopped.files)) == ("stopped", 1)
    assert [path.name[-8:] for path in copy(folder).files] == ["0002.eml", "0003.eml"]


def test_a_mailbox_that_does_not_open_is_reported(
    copy: Callable[..., sources.SourceReport], tmp_path: Path
) -> None:
    def refuse() -> Any:
        raise MailboxError("mailbox jane: no")

    report = sources.copy_new_mails(
        SourceSettings(name="lists", kind="mailbox"),
        {},
        inbox=tmp_path,
        open_folder=refuse,
        save=lambda *_: None,
        today=TODAY,
    )
    assert (report.outcome, report.error) == ("failed", "mailbox jane: no")


# ------------------------------------------------------------------------------------------------
# IMAP


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    if program() is None:
        skip_or_fail("no Dovecot is installed (Debian: dovecot-imapd)")
    with Dovecot("jane") as server:
        yield server


def count_unread(client: imaplib.IMAP4_SSL) -> int:
    client.select("Lists", readonly=True)
    return len(client.search(None, "UNSEEN")[1][0].split())


def test_listing_mails_of_an_imap_folder_are_ingested_and_stay_unread(
    service: Callable[..., App], time: Time, tmp_path: Path, dovecot: Dovecot
) -> None:
    client = dovecot.client("jane")
    client.create("Lists")
    client.append("Lists", "", imaplib.Time2Internaldate(time.clock()), listing(1))
    (tmp_path / "password").write_text("secret\n")
    app = service(
        {
            "name": "lists",
            "kind": "mailbox",
            "url": f"imaps://jane@127.0.0.1:{dovecot.tls}/Lists",
            "password_file": "password",
            "ca_file": str(dovecot.certificate),
        }
    )
    first = run(app, time)
    assert first.sources[0].error == ""
    assert (first.sources[0].outcome, first.ingested.count("new")) == ("fetched", 1)
    assert run(app, time).sources[0].outcome == "unchanged"
    assert count_unread(client) == 1
    (tmp_path / "password").write_text("wrong\n")
    wrong = run(app, time)
    assert "[[sources]] lists" in wrong.sources[0].error
    assert "wrong" not in wrong.sources[0].error
    (tmp_path / "password").unlink()
    assert "password_file" in run(app, time).sources[0].error
    client.logout()
