"""Learned words become keywords or are muted, by the buttons beside them."""

from __future__ import annotations

import re

import pytest

from digest import services, subscriptions
from digest.model import Interest, Purpose, Subscriber
from digest.subscriptions import SubscriptionRequest
from tests.webclient import Client, contents


@pytest.fixture
def path(client: Client, alice: Subscriber) -> str:
    services.rate(client.app, alice, "paper:1", 1)
    return f"{client.path(Purpose.MANAGE, alice)}/learned"


def keywords(client: Client, reader: Subscriber) -> tuple[str, ...]:
    return subscriptions.get(client.app, reader.id).interests[0].keywords


def press(client: Client, path: str, word: str, do: str, interest: str = "") -> str:
    data = {"word": word, "do": do, "interest": interest}
    return client.post(path, data=data).text


def test_a_word_becomes_a_keyword_is_muted_and_forgotten(
    client: Client, path: str, alice: Subscriber
) -> None:
    page = client.get(path).text
    word = re.findall(r'name="word" value="([^"]+)"', page)[1]
    before = keywords(client, alice)
    assert "is a keyword of yours now" in press(client, path, word, "more")
    assert keywords(client, alice) == (*before, word)
    page = press(client, path, word, "mute")
    assert f"Papers with “{word}” are not listed any more" in page
    assert keywords(client, alice) == (*before, f"-{word}")
    assert "Taken back" in press(client, path, word, "clear")
    assert keywords(client, alice) == before


def test_a_second_press_changes_nothing(client: Client, path: str, alice: Subscriber) -> None:
    press(client, path, "gripper", "more")
    before = contents(client.app)
    press(client, path, "Gripper", "more")
    assert len(contents(client.app)) == len(before)
    assert [word.lower() for word in keywords(client, alice)].count("gripper") == 1
    before = contents(client.app)
    press(client, path, "never seen", "clear")
    client.get(path)
    assert contents(client.app) == before


@pytest.mark.parametrize("word", ["", "+-", "?!", "the", "w" * 500, '"><script>alert(1)</script>'])
def test_what_is_no_word_is_refused_or_stays_text(
    client: Client, path: str, alice: Subscriber, word: str
) -> None:
    page = press(client, path, word, "mute")
    assert "<script>alert" not in page
    assert len(keywords(client, alice)) <= 2


def test_a_word_goes_to_the_interest_where_it_was_learned(
    client: Client, path: str, alice: Subscriber
) -> None:
    interests = (Interest(name="one", keywords=("robot",)), Interest(name="two", keywords=("owl",)))
    subscriptions.change(
        client.app, alice.id, SubscriptionRequest(email=alice.email, interests=interests)
    )
    press(client, path, "feather", "more", "two")
    press(client, path, "rust", "mute", "a name that nobody gave")
    one, two = subscriptions.get(client.app, alice.id).interests
    assert one.keywords == ("robot", "-rust")
    assert two.keywords == ("owl", "feather")


def test_who_has_no_interest_gets_one(client: Client, readers: dict[str, Subscriber]) -> None:
    carol = readers["carol"]
    path = f"{client.path(Purpose.MANAGE, carol)}/learned"
    press(client, path, "galaxy", "more")
    assert keywords(client, carol) == ("galaxy",)
