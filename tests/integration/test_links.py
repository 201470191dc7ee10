"""Links in mails over the life of a service: keys are rotated, processes run on, readers leave while their mail is being sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from digest import feedback, pipeline, store, subscriptions
from digest.app import App
from digest.errors import LinkError
from digest.model import Link, MessageKind, MessageState, Purpose, Standing, Subscriber
from tests.conftest import NOON, make_app
from tests.webclient import Client

Cast = Callable[[App], dict[str, Subscriber]]


@pytest.fixture
def two(any_app: App) -> Iterator[tuple[App, App]]:
    """Two processes on one database, both of which know its first key."""
    any_app.keys()
    other = App.open(any_app.config, now=any_app.now)
    other.keys()
    yield any_app, other
    other.close()


def test_a_link_that_a_new_key_signed_works_at_a_process_that_runs_since_before(two: tuple[App, App], cast: Cast) -> None:
    sender, pages = two
    alice = cast(sender)["alice"]
    client = Client(pages)
    old = sender.url(Purpose.UNSUBSCRIBE, alice.id)
    sender.rotate_keys()
    new = sender.url(Purpose.UNSUBSCRIBE, alice.id)
    assert old != new
    for url in (new, old):
        answer = client.post(url.removeprefix(sender.config.web.base_url), data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    assert subscriptions.by_id(pages, alice.id).standing is Standing.LEFT


def test_a_running_sender_signs_with_the_new_key_after_a_minute(two: tuple[App, App]) -> None:
    one, sender = two
    one.rotate_keys()
    assert len(sender.keys()) == 1
    sender._keys.read = -math.inf
    assert [one.id for one in list(sender.keys())] == [1, 2]
    assert sender.url(Purpose.MANAGE, 1) == one.url(Purpose.MANAGE, 1)


def test_a_token_of_a_key_that_never_was_is_refused_everywhere(two: tuple[App, App]) -> None:
    pages = two[1]
    forged = feedback.write_token(Link(purpose=Purpose.UNSUBSCRIBE, subscriber_id=1), replace(pages.keys()[0], id=200))
    assert Client(pages).post(f"/u/{forged}").status_code == 404
    with pytest.raises(LinkError):
        pages.with_keys(lambda keys: feedback.read_subject(f"Unsubscribe {forged}", keys))


@pytest.mark.parametrize("rotations", [0, 3])
def test_every_link_of_a_mail_survives_rotation(app: App, cast: Cast, dump: Callable[..., Path], rotations: int) -> None:
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    paths = {
        purpose: app.url(purpose, alice.id, paper_id=1).removeprefix(app.config.web.base_url) for purpose in Purpose if purpose != "bounce"
    }
    for _ in range(rotations):
        app.rotate_keys()
    for path in paths.values():
        assert Client(app).get(path).status_code == 200


def test_leaving_stops_a_mail_whose_body_has_not_begun(any_app: App, cast: Cast, dump: Callable[..., Path]) -> None:
    """The claim is taken, the mail is written, the server has said 354: the reader leaves, and not a byte goes out."""
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
    sent = pipeline.send(any_app)
    assert MessageState.ACCEPTED not in sent.states


def test_a_bounce_address_names_its_message(tmp_path: Path) -> None:
    app = make_app(tmp_path, mail__bounce_domain="bounces.example.org")
    address = app.bounce_address(7, 9)
    assert address is not None
    assert address.endswith("@bounces.example.org")
    app.rotate_keys()
    link = app.with_keys(lambda keys: feedback.read_bounce_address(address, keys))
    assert link == Link(purpose=Purpose.BOUNCE, subscriber_id=7, message_id=9)
    assert app.at(NOON).bounce_address(7, 9) != address
    app.close()


def test_without_a_bounce_domain_bounces_go_to_the_sender(app: App) -> None:
    assert app.bounce_address(7, 9) is None
