"""Past digests, saved papers and feeds of readers, on each kind of database."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.errors import NotFoundError
from digest.model import Link, MessageState, Purpose
from tests.conftest import NOON, TODAY, subscribe_cast
from tests.webclient import Write


def test_what_a_reader_has_is_theirs_and_goes_with_them(any_app: App, dump: Write) -> None:
    app = any_app.at(NOON)
    pipeline.ingest(app, [dump(TODAY, per_topic=2)], seen="name")
    cast = subscribe_cast(app)
    alice, bob = cast["alice"], cast["bob"]
    pipeline.compose(app)
    assert services.load_archive(app, alice.id).total == 0, "nothing was sent yet"
    pipeline.send(app)
    archive = services.load_archive(app, alice.id)
    (past,) = archive.digests
    with app.store.reading() as tx:
        mail = store.archive.find_mail(tx, past.message_id, alice.id)
        assert store.archive.find_mail(tx, past.message_id, bob.id) is None
        listed = store.archive.load_listed_dates(tx, alice.id, since=TODAY - timedelta(days=1))
        assert store.archive.load_listed_dates(tx, alice.id, since=TODAY) == {}
        assert store.archive.find_last_date(tx, alice.id) == TODAY
    assert mail is not None
    assert mail.state is MessageState.ACCEPTED
    assert len(listed) == past.papers
    assert set(listed.values()) == {TODAY}

    first, second = sorted(listed)[:2]
    for ident in (first, second, first):
        services.save_paper(app.at(NOON + timedelta(minutes=ident)), alice.id, ident)
    saved = services.load_saved(app, alice.id)
    assert [entry.paper.id for entry in saved] == [second, first]
    assert saved[1].at == NOON + timedelta(minutes=first), "the first time is kept"
    assert services.load_saved(app, bob.id) == []
    services.remove_saved(app, alice.id, second)
    services.remove_saved(app, alice.id, second)
    assert [entry.paper.id for entry in services.load_saved(app, alice.id)] == [first]

    feed = services.renew_feed(app, alice.id, 0, is_open=True)
    assert services.renew_feed(app, alice.id, 0, is_open=True) == feed
    link = services.feed_link(alice.id, feed)
    assert {entry.paper.id for entry in services.load_feed(app, link)} == set(listed)
    newer = services.renew_feed(app, alice.id, feed.number, is_open=True)
    closed = services.renew_feed(app, alice.id, newer.number, is_open=False)
    assert services.renew_feed(app, alice.id, closed.number, is_open=False) == closed
    for number in (0, feed.number, newer.number, closed.number):
        assert is_gone(app, Link(Purpose.FEED, alice.id, message_id=number))

    subscriptions.delete(app, alice.id)
    with app.store.reading() as tx:
        assert store.saved.load(tx, alice.id) == {}
        assert store.feeds.find(tx, alice.id) is None
    assert services.load_archive(app, alice.id).total == 0


def is_gone(app: App, link: Link) -> bool:
    try:
        services.load_feed(app, link)
    except NotFoundError:
        return True
    return False


def test_a_mute_is_one_row_whatever_is_posted_when(any_app: App, tmp_path: Path) -> None:
    alice = subscribe_cast(any_app)["alice"]
    for form in ("a", "a", "b"):
        subscriptions.mute(any_app, alice.id, "authors", "Jane Doe", interest="", form_id=form)
    assert subscriptions.get(any_app, alice.id).interests[0].authors == ("-Jane Doe",)
    for form in ("c", "c", "d"):
        subscriptions.unmute(any_app, alice.id, "authors", "Jane Doe", wishes=(), form_id=form)
    assert subscriptions.get(any_app, alice.id).interests == alice.interests
