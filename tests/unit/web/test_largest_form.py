"""The largest settings form within the limits is saved.

A larger one is refused with size and limit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import subscriptions
from digest.app import App
from digest.errors import InputError
from digest.model import (
    INTERESTS_MAX,
    LISTS_OCTETS_MAX,
    NAME_MAX,
    SHARE_MAX,
    Interest,
    Purpose,
    Subscriber,
)
from digest.subscriptions import SubscriptionRequest
from digest.subscriptions.requests import apply_request
from digest.web.middleware import BODY_MAX
from digest.web.settings_form import zones
from tests.conftest import NOON
from tests.unit.web.conftest import hidden
from tests.webclient import Client

#: a character of four octets in UTF-8, which a form sends as twelve
WIDE = "\U0001d54f"
#: characters of one entry
ENTRY_MAX = 600
READER = Subscriber(id=1, email="reader@example.org", created=NOON)


def largest() -> tuple[Interest, ...]:
    """Make as many and as large interests as the limits allow."""
    octets_left, interests = LISTS_OCTETS_MAX, []
    for number in range(INTERESTS_MAX):
        lists: dict[str, tuple[str, ...]] = {}
        share = octets_left // (INTERESTS_MAX - number)
        for name in ("keywords", "categories", "authors"):
            entries: list[str] = []
            room = min(share, octets_left)
            while len(entries) < 20 and room > 40:
                length = min(ENTRY_MAX - 4, (room - 2) // 4 - 4)
                entry = f"{len(entries):04}" + WIDE * length
                room -= len(entry.encode()) + 2
                octets_left -= len(entry.encode()) + 2
                entries.append(entry)
            lists[name], share = tuple(entries), room
        interests.append(
            Interest(name=f"{number:02}" + WIDE * (NAME_MAX - 2), share=SHARE_MAX, **lists)
        )
    assert 0 <= octets_left < 60 * INTERESTS_MAX
    return tuple(interests)


def form_of(interests: tuple[Interest, ...], former: tuple[Interest, ...]) -> dict[str, object]:
    fields: dict[str, object] = {
        "do": "save",
        "size": "100",
        "hour": "23",
        "timezone": max(zones(), key=len),
        "days": list("1234567"),
        "strictness": "balanced",
        "quiet_days": "silent",
    }
    for number, interest in enumerate(interests):
        fields |= {
            f"former-{number}": former[number].name,
            f"name-{number}": interest.name,
            f"share-{number}": str(interest.share),
            f"keywords-{number}": "\r\n".join(interest.keywords),
            f"categories-{number}": "\r\n".join(interest.categories),
            f"authors-{number}": "\r\n".join(interest.authors),
        }
    return fields


@pytest.fixture
def alice(app: App, cast: Callable[[App], dict[str, Subscriber]]) -> Subscriber:
    return cast(app)["alice"]


def test_the_largest_form_is_saved_and_fits_the_limit_of_a_body(
    app: App, alice: Subscriber
) -> None:
    former = tuple(
        Interest(name=f"{number:02}" + WIDE * (NAME_MAX - 2), keywords=("x",))
        for number in range(INTERESTS_MAX)
    )
    subscriptions.change(app, alice.id, SubscriptionRequest(email="", interests=former))
    client, path = (
        Client(app),
        app.url(Purpose.MANAGE, alice.id).removeprefix(app.config.web.base_url),
    )
    interests = largest()
    fields = form_of(interests, former) | hidden(client.get(path).text)
    assert len(urlencode(fields, doseq=True)) < BODY_MAX * 0.95
    answer = client.post(path, data=fields)
    assert answer.status_code == 200, answer.text[:2000]
    assert subscriptions.get(app, alice.id).interests == interests


def test_one_word_too_many_is_refused_with_size_and_limit(app: App, alice: Subscriber) -> None:
    client, path = (
        Client(app),
        app.url(Purpose.MANAGE, alice.id).removeprefix(app.config.web.base_url),
    )
    interests = largest()
    more = (*interests[:-1], replace(interests[-1], authors=(*interests[-1].authors, WIDE * 400)))
    answer = client.post(path, data=form_of(more, more))
    assert answer.status_code == 422
    assert f"the most is {LISTS_OCTETS_MAX // 1000} kB" in answer.text
    assert 'href="#interests"' in answer.text


@given(st.lists(st.text(min_size=1, max_size=50), max_size=30), st.integers(1, 3))
def test_the_bound_counts_every_octet_of_every_list(words: list[str], lists: int) -> None:
    """Accepted lists are never longer than the bound, as a form would send them."""
    named = tuple(f"robot {word}" for word in words)
    interest = Interest(
        keywords=named,
        authors=named if lists > 1 else (),
        categories=named if lists > 2 else (),
    )
    shape = apply_request(SubscriptionRequest(email="", interests=(interest,)), READER)
    sent = sum(
        len(word.encode("utf-8", "replace")) + 2
        for saved in shape.interests
        for word in (*saved.keywords, *saved.categories, *saved.authors)
    )
    assert sent <= LISTS_OCTETS_MAX


def test_a_reader_above_the_limit_may_change_other_fields_and_remove_words() -> None:
    long = tuple(f"{number:03} " + "x" * 590 for number in range(180))
    reader = replace(READER, interests=(Interest(keywords=long),))
    assert apply_request(SubscriptionRequest(email="", size=3), reader).size == 3
    assert (
        apply_request(SubscriptionRequest(email="", keywords=long[:170]), reader)
        .interests[0]
        .keywords
        == long[:170]
    )
    with pytest.raises(InputError, match="interests: all keywords"):
        apply_request(SubscriptionRequest(email="", keywords=(*long, "another robot")), reader)
