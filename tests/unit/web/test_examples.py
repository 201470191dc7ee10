"""Own words, example papers and a library of a reader's interests."""

from __future__ import annotations

import gzip

import pytest

from digest import subscriptions
from digest.model import Interest, Purpose, Subscriber
from digest.subscriptions import SubscriptionRequest
from digest.web.middleware import BODY_MAX
from tests.webclient import Client, contents

XSS = "</textarea><script>alert(1)</script>"


@pytest.fixture
def path(client: Client, alice: Subscriber) -> str:
    return f"{client.path(Purpose.MANAGE, alice)}/library"


def save(client: Client, path: str, library: bytes = b"", **fields: str) -> str:
    data = {"do": "save", "interest": "main", "text": "", "papers": "", **fields}
    return client.post(path, data=data, files={"library": ("mine.bib", library)}).text


def test_words_and_papers_are_saved_and_shown_and_the_rest_stays(
    client: Client, path: str, alice: Subscriber
) -> None:
    page = save(client, path, text="How arms fold.", papers="2606.00001\n2606.00001\n")
    assert "Saved." in page
    (interest,) = subscriptions.get(client.app, alice.id).interests
    assert (interest.text, interest.papers) == ("How arms fold.", ("2606.00001",))
    assert interest.keywords == alice.interests[0].keywords
    assert "How arms fold." in client.get(path).text
    save(client, path)
    assert subscriptions.get(client.app, alice.id).interests == alice.interests


def test_a_library_is_added(client: Client, path: str, alice: Subscriber) -> None:
    large = b"@misc{b, title={An essay on owls}}\n" + b"\n" * BODY_MAX
    page = save(client, path, large, papers="2606.00001")
    assert "Read: 1 paper of your library." in page
    (interest,) = subscriptions.get(client.app, alice.id).interests
    assert interest.papers == ("2606.00001", "An essay on owls")
    page = save(client, path, gzip.compress(large), papers="2606.00002")
    assert "Unpack the file first" in page
    assert "2606.00002" in page
    assert subscriptions.get(client.app, alice.id).interests == (interest,)


def test_each_interest_has_its_own(client: Client, path: str, alice: Subscriber) -> None:
    two = (
        Interest(name="one", keywords=("robot",)),
        Interest(name="two & more", keywords=("owl",)),
    )
    subscriptions.change(client.app, alice.id, SubscriptionRequest(email="", interests=two))
    save(client, path, interest="two & more", text="Owls.")
    save(client, path, interest="no such name", text="Rats.")
    one, other = subscriptions.get(client.app, alice.id).interests
    assert (one.text, other.text) == ("", "Owls.")


def test_hostile_text_stays_text_and_looking_changes_nothing(client: Client, path: str) -> None:
    page = save(client, path, text=XSS, papers=XSS)
    assert "<script>alert" not in page
    before = contents(client.app)
    for method in ("GET", "HEAD"):
        assert client.request(method, path).status_code == 200
    client.post(path, data={"text": "no button"})
    assert "At most" in save(client, path, papers="\n".join(map(str, range(3000))))
    assert contents(client.app) == before
