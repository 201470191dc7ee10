"""A service with readers and papers, and what tests of its pages look for."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from digest import pipeline, store
from digest.app import App
from digest.model import Subscriber, SubscriberStatus
from tests.webclient import Client, Clock, Person, Write, fill

Cast = Callable[[App], dict[str, Subscriber]]


@pytest.fixture
def readers(app: App, cast: Cast, dump: Write) -> dict[str, Subscriber]:
    fill(app, dump)
    return cast(app)


@pytest.fixture
def client(app: App, readers: dict[str, Subscriber]) -> Client:
    return Person(app, Clock())


@pytest.fixture
def alice(readers: dict[str, Subscriber]) -> Subscriber:
    return readers["alice"]


def vote(client: Client, subscriber: Subscriber, paper_id: int = 1) -> int:
    return pipeline.standing_vote(client.app, subscriber.id, paper_id)


def heading(text: str) -> str:
    (found,) = re.findall(r"<h1>(.*?)</h1>", text)
    return str(found)


def hidden(text: str) -> dict[str, str]:
    """The hidden fields of the page's first form."""
    form = text.partition("<form")[2].partition("</form>")[0]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


def stand(app: App, subscriber: Subscriber, status: SubscriberStatus) -> None:
    with app.store.writing() as tx:
        store.subscribers.set_status(tx, subscriber.id, status, now=app.now())
