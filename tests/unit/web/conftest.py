"""A service with readers and papers, and helpers that read its pages."""

from __future__ import annotations

import functools
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.model import Link, Purpose, Subscriber, SubscriberStatus
from tests.conftest import close_and_read, invent_papers, make_app, subscribe_cast, write_dump
from tests.webclient import Client, Clock, Person, fill

Cast = Callable[[App], dict[str, Subscriber]]


@functools.cache
def build_filled_file() -> bytes:
    """Build the bytes of an SQLite file with the day's papers and the cast in it.

    Filling a store anew for each test took most of the time of these tests.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        app = make_app(folder)

        def dump(day: date, rows: None, per_topic: int) -> Path:
            return write_dump(folder / "dumps", day, invent_papers(day, per_topic))

        fill(app, dump)
        subscribe_cast(app)
        content = close_and_read(app.store, folder / "digest.sqlite")
        app.close()
        return content


@pytest.fixture
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[App]:
    """An app on SQLite.

    It holds papers and readers where the test asks for `readers`.
    """
    if "readers" in request.fixturenames:
        (tmp_path / "digest.sqlite").write_bytes(build_filled_file())
    app = make_app(tmp_path)
    yield app
    app.close()


@pytest.fixture
def readers(app: App) -> dict[str, Subscriber]:
    """The cast, by name."""
    return {
        subscriber.email.partition("@")[0]: subscriber
        for subscriber in subscriptions.list_subscribers(app)
    }


@pytest.fixture
def client(app: App, readers: dict[str, Subscriber]) -> Client:
    return Person(app, Clock())


@pytest.fixture
def alice(readers: dict[str, Subscriber]) -> Subscriber:
    return readers["alice"]


def vote(client: Client, subscriber: Subscriber, paper_id: int = 1) -> int:
    return pipeline.current_vote(client.app, subscriber.id, paper_id)


def heading(text: str) -> str:
    (title,) = re.findall(r"<h1>(.*?)</h1>", text)
    return str(title)


def hidden(text: str) -> dict[str, str]:
    """Return the hidden fields of the page's first form."""
    form = text.partition("<form")[2].partition("</form>")[0]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


def set_status(app: App, subscriber: Subscriber, status: SubscriberStatus) -> None:
    with app.store.writing() as tx:
        store.subscribers.set_status(tx, subscriber.id, status, now=app.now())


# ------------------------------------------------------------------------ after a round of mails


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sent(app: App, readers: dict[str, Subscriber], clock: Clock) -> App:
    """The app after a round: everybody got a digest."""
    service = replace(app, now=clock)
    pipeline.compose(service)
    pipeline.send(service)
    return service


@pytest.fixture
def person(sent: App, clock: Clock) -> Client:
    return Person(sent, clock)


@pytest.fixture
def robot(sent: App) -> Client:
    """A client for whom the clock stands still."""
    return Client(sent)


def message_id(app: App, reader: Subscriber) -> int:
    with app.store.reading() as tx:
        rows = store.deliveries.list_messages(tx, subscriber_id=reader.id, state=None, limit=9)
    (row,) = (row for row in rows if row["kind"] == "digest")
    return int(row["id"])


def page_of(app: App, reader: Subscriber) -> str:
    url = app.url(Purpose.RATE, reader.id, message_id=message_id(app, reader))
    return url.removeprefix(app.config.web.base_url)


def listed(app: App, reader: Subscriber) -> services.DigestPapers:
    link = Link(Purpose.RATE, reader.id, message_id=message_id(app, reader))
    return services.load_digest_papers(app, link)
