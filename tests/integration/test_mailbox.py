"""The mailbox over IMAP, against a real Dovecot.

New mails are read once, processed ones are moved or marked, and nothing is ever deleted.
"""

from __future__ import annotations

import imaplib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest import serve, services, store, subscriptions
from digest.app import App
from digest.errors import MailboxError
from digest.mail.imap import ImapServer, Mailbox
from digest.model import Purpose, Subscriber, SubscriberStatus
from digest.subscriptions import SubscriptionRequest
from tests.conftest import build_sqlite_file, make_app, skip_or_fail
from tests.fakes.dovecot import PLAIN_HOST, Dovecot, program
from tests.returned import bounce_of, letter

USERS = [f"user{number}" for number in range(20)]


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    if program() is None:
        skip_or_fail("no Dovecot is installed (Debian: dovecot-imapd)")
    with Dovecot(*USERS) as server:
        yield server


@pytest.fixture(scope="module")
def fresh(dovecot: Dovecot) -> Callable[[], str]:
    """Return names of users whose mailboxes are unused."""
    names = iter(USERS)
    return lambda: next(names)


@pytest.fixture
def server(dovecot: Dovecot, fresh: Callable[[], str]) -> ImapServer:
    return ImapServer(
        host="127.0.0.1",
        port=dovecot.tls,
        username=fresh(),
        password="secret",
        ca_file=dovecot.certificate,
    )


@pytest.fixture
def person(dovecot: Dovecot, server: ImapServer) -> Iterator[imaplib.IMAP4_SSL]:
    """The same mailbox, as another mail program sees it."""
    client = dovecot.client(server.username)
    client.select()
    yield client
    client.logout()


@pytest.fixture
def listening(tmp_path: Path, server: ImapServer) -> Iterator[App]:
    """An app that reads a mailbox of the server."""
    (tmp_path / "digest.sqlite").write_bytes(build_sqlite_file())
    app = make_app(tmp_path, mail__bounce_domain="bounces.example.org", **settings(server))
    yield app
    app.close()


def settings(server: ImapServer, **more: str) -> dict[str, str]:
    return {
        "mailbox__host": server.host,
        "mailbox__port": str(server.port),
        "mailbox__username": server.username,
        "mailbox__password": server.password,
        "mailbox__ca_file": str(server.ca_file),
    } | {f"mailbox__{name}": value for name, value in more.items()}


@pytest.fixture
def alice(listening: App) -> Subscriber:
    return subscriptions.subscribe(
        listening, SubscriptionRequest(email="alice@example.org"), origin="command"
    ).subscriber


def put(client: imaplib.IMAP4_SSL, mail: bytes, folder: str = "INBOX", flags: str = "") -> None:
    kind, answer = client.append(folder, flags, "", mail)
    assert kind == "OK", answer


def mails(client: imaplib.IMAP4_SSL, criterion: str = "ALL", folder: str = "INBOX") -> int:
    client.select(folder)
    return len(client.search(None, criterion)[1][0].split())


ORDINARY = (
    b"From: bob@example.net\r\nTo: digest@example.org\r\nSubject: hello\r\n\r\nHow are you?\r\n"
)


# ------------------------------------------------------------------------------ reading the mailbox


@pytest.mark.parametrize("tls", ["tls", "starttls", "none"])
def test_it_opens_with_and_without_tls(dovecot: Dovecot, server: ImapServer, tls: str) -> None:
    port = dovecot.tls if tls == "tls" else dovecot.starttls
    with Mailbox(replace(server, tls=tls, port=port)) as mailbox:  # type: ignore[arg-type]
        assert mailbox.uid_validity > 1
        assert mailbox.find_uids(0, unread=False, limit=9) == []


def test_a_certificate_that_nobody_vouches_for_is_refused(server: ImapServer) -> None:
    for tls, port in (("tls", server.port),):
        with (
            pytest.raises(MailboxError, match="ca_file"),
            Mailbox(replace(server, ca_file=None, tls=tls, port=port)),
        ):  # type: ignore[arg-type]
            pass


def test_problems_are_reported_with_the_remedy(dovecot: Dovecot, server: ImapServer) -> None:
    for change, expected in (
        ({"password": "wrong"}, "password"),
        ({"folder": "Nowhere"}, "Nowhere"),
        ({"port": 1}, "host, port"),
        ({"port": dovecot.starttls}, "tls"),
    ):
        with (
            pytest.raises(MailboxError, match=expected) as failed,
            Mailbox(replace(server, **change)),
        ):  # type: ignore[arg-type]
            pass
        assert server.name.split("@", 1)[0] in str(failed.value)
        assert "secret" not in str(failed.value)


def test_a_mail_is_read_and_stays_unread_and_a_long_one_is_cut(
    server: ImapServer, person: imaplib.IMAP4_SSL
) -> None:
    put(person, ORDINARY)
    put(person, ORDINARY + b"x" * 100_000, flags=r"(\Seen)")
    with Mailbox(server) as mailbox:
        (first, second) = mailbox.find_uids(0, unread=False, limit=9)
        assert mailbox.find_uids(0, unread=True, limit=9) == [first]
        assert mailbox.find_uids(first, unread=False, limit=9) == [second]
        assert mailbox.find_uids(second, unread=False, limit=9) == []
        assert mailbox.fetch(first, 10_000) == ORDINARY
        assert len(mailbox.fetch(second, 10_000) or b"") == 10_000
        assert mailbox.fetch(second + 7, 10) is None
    assert mails(person, "UNSEEN") == 1


@pytest.mark.parametrize("folder", ["Done", "Entwürfe & Zurück", 'with "quotes" and \\'])
def test_a_processed_mail_is_moved(
    server: ImapServer, person: imaplib.IMAP4_SSL, folder: str
) -> None:
    put(person, ORDINARY)
    put(person, ORDINARY)
    for remaining in (1, 0):
        with Mailbox(replace(server, processed=folder)) as mailbox:
            mailbox.mark_processed(mailbox.find_uids(0, unread=False, limit=1)[0])
        assert mails(person) == remaining
    with Mailbox(replace(server, folder=folder)) as mailbox:
        assert len(mailbox.find_uids(0, unread=False, limit=9)) == 2


def test_where_the_server_cannot_move_it_is_marked_as_read(
    dovecot: Dovecot, server: ImapServer, person: imaplib.IMAP4_SSL
) -> None:
    put(person, ORDINARY)
    plain = replace(server, host=PLAIN_HOST, port=dovecot.starttls, tls="none", processed="Done")
    for place in (plain, replace(server, processed="")):
        with Mailbox(place) as mailbox:
            mailbox.mark_processed(mailbox.find_uids(0, unread=False, limit=1)[0])
        assert (mails(person), mails(person, "SEEN")) == (1, 1)


# ------------------------------------------------------------------------------------------ polling


def test_a_bounce_suppresses_and_mail_for_people_stays_unread(
    listening: App, alice: Subscriber, person: imaplib.IMAP4_SSL
) -> None:
    put(person, ORDINARY)
    put(person, bounce_of(listening, letter(listening, alice)))
    report = services.poll_mailbox(listening)
    assert (dict(report.outcomes), report.error, report.more) == (
        {"other": 1, "bounced": 1},
        "",
        False,
    )
    assert subscriptions.get(listening, alice.id).status is SubscriberStatus.SUPPRESSED
    assert (mails(person), mails(person, "UNSEEN"), mails(person, 'UNSEEN SUBJECT "hello"')) == (
        2,
        1,
        1,
    )
    assert not services.poll_mailbox(listening).outcomes


def test_every_mail_is_looked_at_once_whether_or_not_a_person_opens_it_first(
    listening: App, alice: Subscriber, person: imaplib.IMAP4_SSL
) -> None:
    put(person, ORDINARY, flags=r"(\Seen)")
    put(person, ORDINARY)
    assert dict(services.poll_mailbox(listening).outcomes) == {"other": 1}, (
        "the first look takes what is unread"
    )
    put(person, bounce_of(listening, letter(listening, alice)), flags=r"(\Seen)")
    assert dict(services.poll_mailbox(listening).outcomes) == {"bounced": 1}, (
        "later ones take all that is new"
    )
    person.select()
    person.store("1:*", "-FLAGS", r"(\Seen)")
    assert not services.poll_mailbox(listening).outcomes, "what a person marks as unread is theirs"


def test_a_poll_is_bounded_and_the_next_goes_on(listening: App, person: imaplib.IMAP4_SSL) -> None:
    for _ in range(5):
        put(person, ORDINARY)
    reports = [services.poll_mailbox(listening, most=2) for _ in range(4)]
    assert [report.outcomes["other"] for report in reports] == [2, 2, 1, 0]
    assert [report.more for report in reports] == [True, True, False, False]


def test_a_poll_that_is_asked_to_stop_loses_and_doubles_nothing(
    listening: App, person: imaplib.IMAP4_SSL
) -> None:
    for _ in range(3):
        put(person, ORDINARY)
    answers = iter([False, True])
    assert services.poll_mailbox(listening, stop=lambda: next(answers)).outcomes["other"] == 1
    assert services.poll_mailbox(listening).outcomes["other"] == 2


def test_a_folder_that_was_made_anew_is_read_from_its_beginning(
    dovecot: Dovecot, tmp_path: Path, server: ImapServer, person: imaplib.IMAP4_SSL
) -> None:
    (tmp_path / "digest.sqlite").write_bytes(build_sqlite_file())
    listening = make_app(tmp_path, **settings(server, folder="Bounces"))
    for expected in (3, 2):
        person.create("Bounces")
        for _ in range(expected):
            put(person, ORDINARY, "Bounces")
        assert services.poll_mailbox(listening).outcomes["other"] == expected
        person.select()
        person.delete("Bounces")
    listening.close()


def test_a_mailbox_that_cannot_be_read_is_noted_until_it_can(
    listening: App, dovecot: Dovecot, server: ImapServer
) -> None:
    broken = replace(
        listening,
        config=listening.config.model_copy(
            update={"mailbox": listening.config.mailbox.model_copy(update={"port": 1})}
        ),
    )
    assert "port" in services.poll_mailbox(broken).error
    with listening.store.reading() as tx:
        assert "port" in store.mailboxes.load(tx, replace(server, port=1).name).error
    assert services.poll_mailbox(listening).error == ""
    later = listening.at(listening.now() + timedelta(hours=1))
    services.poll_mailbox(later)
    with listening.store.reading() as tx:
        place = store.mailboxes.load(tx, server.name)
    assert (place.error, place.read_at) == ("", later.now())


def test_serve_reads_the_mailbox_by_itself(
    listening: App, alice: Subscriber, person: imaplib.IMAP4_SSL
) -> None:
    put(person, bounce_of(listening, letter(listening, alice)))
    main = threading.main_thread().ident
    assert main is not None
    done = threading.Event()

    def look() -> None:
        for _ in range(1200):
            if mails(person, "SEEN"):
                done.set()
                break
            time.sleep(0.05)
        signal.pthread_kill(main, signal.SIGTERM)

    serve.run(
        listening,
        only=["scheduler"],
        ready=lambda _: threading.Thread(target=look, daemon=True).start(),
    )
    assert done.is_set()
    assert subscriptions.get(listening, alice.id).status is SubscriberStatus.SUPPRESSED


def test_without_a_mailbox_nothing_is_asked(app: App) -> None:
    assert services.poll_mailbox(app).not_configured


def test_a_flood_of_requests_ends_with_the_reader_gone(
    listening: App, alice: Subscriber, person: imaplib.IMAP4_SSL
) -> None:
    token = listening.url(Purpose.UNSUBSCRIBE, alice.id).rpartition("/")[2]
    for _ in range(4):
        put(person, f"From: alice@example.org\r\nSubject: Unsubscribe {token}\r\n\r\n".encode())
    assert dict(services.poll_mailbox(listening).outcomes) == {"unsubscribed": 4}
    assert subscriptions.get(listening, alice.id).status is SubscriberStatus.LEFT
