"""Links in mails after key rotations, and readers who leave during a send."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.errors import LinkError
from digest.mail import links
from digest.model import Link, MessageKind, MessageState, Purpose, Subscriber, SubscriberStatus
from digest.pipeline.steps import write_messages
from tests.conftest import NOON, make_app
from tests.webclient import Client

Cast = Callable[[App], dict[str, Subscriber]]


@pytest.fixture
def processes(any_app: App) -> Iterator[tuple[App, App]]:
    """Two processes on one database; both know its first key."""
    any_app.keys()
    other = App.open(any_app.config, now=any_app.now)
    other.keys()
    yield any_app, other
    other.close()


def test_a_link_that_a_new_key_signed_works_at_a_process_that_runs_since_before(
    processes: tuple[App, App], cast: Cast
) -> None:
    sender, pages = processes
    alice = cast(sender)["alice"]
    client = Client(pages)
    old = sender.url(Purpose.UNSUBSCRIBE, alice.id)
    sender.rotate_keys()
    new = sender.url(Purpose.UNSUBSCRIBE, alice.id)
    assert old != new
    for url in (new, old):
        answer = client.post(
            url.removeprefix(sender.config.web.base_url), data={"List-Unsubscribe": "One-Click"}
        )
        assert answer.status_code == 200
    assert subscriptions.get(pages, alice.id).status is SubscriberStatus.LEFT


def test_a_running_sender_signs_with_the_new_key_after_a_minute(processes: tuple[App, App]) -> None:
    rotator, sender = processes
    rotator.rotate_keys()
    assert len(sender.keys()) == 1
    sender._keys.read = -math.inf
    assert [key.id for key in list(sender.keys())] == [1, 2]
    assert sender.url(Purpose.MANAGE, 1) == rotator.url(Purpose.MANAGE, 1)


def test_a_token_of_an_unknown_key_is_refused_everywhere(processes: tuple[App, App]) -> None:
    pages = processes[1]
    forged = links.write_token(
        Link(purpose=Purpose.UNSUBSCRIBE, subscriber_id=1), replace(pages.keys()[0], id=200)
    )
    assert Client(pages).post(f"/u/{forged}").status_code == 404
    with pytest.raises(LinkError):
        pages.with_keys(lambda keys: links.read_subject(f"Unsubscribe {forged}", keys))


@pytest.mark.parametrize("rotations", [0, 3])
def test_every_link_of_a_mail_survives_rotation(
    app: App, cast: Cast, dump: Callable[..., Path], rotations: int
) -> None:
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    paths = {
        purpose: app.url(purpose, alice.id, paper_id=1).removeprefix(app.config.web.base_url)
        for purpose in Purpose
        if purpose not in ("bounce", "feed")
    }
    feed = services.renew_feed(app, alice.id, 0, is_open=True)
    (address,) = app.urls([services.feed_link(alice.id, feed)])
    paths[Purpose.FEED] = address.removeprefix(app.config.web.base_url) + ".atom"
    for _ in range(rotations):
        app.rotate_keys()
    for path in paths.values():
        assert Client(app).get(path).status_code == 200


def test_leaving_stops_a_mail_whose_body_has_not_begun(
    any_app: App, cast: Cast, dump: Callable[..., Path]
) -> None:
    """The reader leaves after the server's 354; no byte of the body goes out."""
    alice = cast(any_app)["alice"]
    pipeline.ingest(any_app, [dump()])
    pipeline.compose(any_app, only=alice)
    with any_app.store.writing() as tx:
        (queued,) = store.ledger.claim(tx, owner="sender", now=NOON, clock=NOON)
    assert (queued.kind, queued.subscriber.id) == (MessageKind.DIGEST, alice.id)
    path = any_app.url(Purpose.UNSUBSCRIBE, alice.id).removeprefix(any_app.config.web.base_url)
    assert Client(any_app).post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    with any_app.store.writing() as tx:
        assert store.ledger.begin(tx, [queued], owner="sender", now=NOON, clock=NOON) == set()
    report = pipeline.send(any_app)
    assert MessageState.ACCEPTED not in report.states


def test_a_bounce_address_names_its_message(tmp_path: Path) -> None:
    app = make_app(tmp_path, mail__bounce_domain="bounces.example.org")
    address = app.bounce_address(7, 9)
    assert address is not None
    assert address.endswith("@bounces.example.org")
    app.rotate_keys()
    link = app.with_keys(lambda keys: links.read_bounce_address(address, keys))
    assert link == Link(purpose=Purpose.BOUNCE, subscriber_id=7, message_id=9)
    assert app.at(NOON).bounce_address(7, 9) != address
    app.close()


def test_without_a_bounce_domain_bounces_go_to_the_sender(app: App) -> None:
    assert app.bounce_address(7, 9) is None


# ------------------------------------------------------- an install on a laptop with a mail account


def send_to_alice(
    app: App, cast: Cast, dump: Callable[..., Path]
) -> tuple[Subscriber, EmailMessage]:
    """Run a round that sends alice one mail; returns alice and the mail."""
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    pipeline.compose(app, only=alice)
    pipeline.send(app, only=alice)
    (path,) = app.config.smtp.outbox.glob("*.eml")
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return alice, message


def get_body(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_a_reader_who_cannot_reach_the_pages_answers_by_mail(
    app: App, cast: Cast, dump: Callable[..., Path]
) -> None:
    alice, message = send_to_alice(app, cast, dump)
    offered = re.findall(r"<(mailto:[^>]+)>", get_body(message))
    assert len(offered) == 2 * 3 + 1
    assert set(re.findall(r'"(mailto:[^"]+)"', get_body(message, "html"))) == set(offered)
    for _ in range(2):
        app.rotate_keys()
    asked = []
    for url in offered:
        parts = urlsplit(url)
        assert parts.path == "digest@example.org"
        (subject,) = parse_qs(parts.query)["subject"]
        asked.append(app.with_keys(partial(links.read_subject, f"Re: {subject}")))
    assert [link.purpose for link in asked] == [Purpose.UP, Purpose.DOWN] * 3 + [
        Purpose.UNSUBSCRIBE
    ]
    assert {link.subscriber_id for link in asked} == {alice.id}
    assert len({link.paper_id for link in asked[:-1]}) == 3
    assert message["List-Unsubscribe"] == f"<{offered[-1]}>"
    assert "List-Unsubscribe-Post" not in message


@pytest.mark.parametrize(
    ("base_url", "sender", "reply_to", "in_body", "in_header"),
    [
        ("http://127.0.0.1:8025", "digest@example.org", "", True, ["mailto:digest@example.org"]),
        (
            "http://127.0.0.1:8025",
            "digest@example.org",
            "me@example.net",
            True,
            ["mailto:me@example.net"],
        ),
        ("http://127.0.0.1:8025", "digest@localhost", "", False, []),
        ("https://digest.internal", "digest@example.org", "", True, ["mailto:digest@example.org"]),
        (
            "https://papers.example.org",
            "digest@example.org",
            "",
            False,
            ["https://papers.example.org/u/"],
        ),
        (
            "https://papers.example.org",
            "digest@example.org",
            "me@example.net",
            False,
            ["https://papers.example.org/u/", "mailto:me@example.net"],
        ),
        (
            "http://papers.example.org",
            "digest@example.org",
            "",
            False,
            ["http://papers.example.org/u/"],
        ),
    ],
)
def test_a_mail_offers_only_ways_to_leave_that_work(
    tmp_path: Path,
    cast: Cast,
    dump: Callable[..., Path],
    base_url: str,
    sender: str,
    reply_to: str,
    in_body: bool,
    in_header: list[str],
) -> None:
    app = make_app(tmp_path, web__base_url=base_url, mail__sender=sender, mail__reply_to=reply_to)
    message = send_to_alice(app, cast, dump)[1]
    assert ("mailto:" in get_body(message)) == ("mailto:" in get_body(message, "html")) == in_body
    ways = str(message["List-Unsubscribe"] or "").split(", ")
    assert len(list(filter(None, ways))) == len(in_header)
    for way, expected in zip(ways, in_header, strict=False):
        assert way.startswith(f"<{expected}")
        assert way.endswith(">")
    assert ("List-Unsubscribe-Post" in message) == (
        in_header[:1] == ["https://papers.example.org/u/"]
    )
    assert message["Reply-To"] == (reply_to or None)
    app.close()


@pytest.mark.parametrize(
    ("login", "way"),
    [("box@example.net", "mailto:box@example.net?subject=Unsubscribe"), ("box", "")],
)
def test_an_install_with_a_mailbox_accepts_leaving_by_mail(
    tmp_path: Path, cast: Cast, dump: Callable[..., Path], login: str, way: str
) -> None:
    app = make_app(
        tmp_path,
        web__base_url="https://papers.example.org",
        mailbox__host="127.0.0.1",
        mailbox__username=login,
    )
    message = send_to_alice(app, cast, dump)[1]
    assert ("mailto:" in str(message["List-Unsubscribe"])) == bool(way)
    assert way in str(message["List-Unsubscribe"])
    assert "List-Unsubscribe-Post" in message
    assert "mailto:" not in get_body(message)
    app.close()


def test_with_a_bounce_domain_each_mail_has_an_envelope_sender_of_its_own(
    tmp_path: Path, cast: Cast, dump: Callable[..., Path]
) -> None:
    app = make_app(tmp_path, mail__bounce_domain="bounces.example.org")
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    pipeline.compose(app, only=alice)
    with app.store.writing() as tx:
        (queued,) = store.ledger.claim(tx, owner="sender", now=NOON, clock=NOON)
    message = write_messages.write_message(
        app,
        queued,
        write_messages.load_sources(app, [queued], write_messages.PaperCache(app)),
    )
    link = app.with_keys(partial(links.read_bounce_address, message.sender))
    assert (link.subscriber_id, link.message_id) == (alice.id, queued.id)
    assert b"\r\nFrom: Digest <digest@example.org>\r\n" in b"\r\n" + message.data
    app.close()
