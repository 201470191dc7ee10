"""Followed and muted words have their own fields, and the signs are still understood."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from digest import subscriptions
from digest.model import Interest, Purpose, Subscriber
from digest.web.wish_fields import LISTS, fill_wish_fields, read_wish_fields
from tests.unit.web.conftest import hidden
from tests.webclient import Client

_words = st.lists(
    st.from_regex(r"[+-]?[a-z]{1,5}( [a-z]{1,5})?", fullmatch=True), max_size=5, unique=True
).map(tuple)
_unsigned = st.lists(st.from_regex(r"-?[A-Z][a-z]{1,5}", fullmatch=True), max_size=5, unique=True)
INTERESTS = st.builds(
    Interest, keywords=_words, categories=_unsigned.map(tuple), authors=_unsigned.map(tuple)
)


@given(interest=INTERESTS)
def test_what_is_filled_in_reads_back_the_same(interest: Interest) -> None:
    read = read_wish_fields(fill_wish_fields(interest), interest)
    assert read == {name: getattr(interest, name) for name in LISTS}
    # also where nothing is stored any more: the same wishes in another order
    assert {name: sorted(words) for name, words in read.items()} == {
        name: sorted(words)
        for name, words in read_wish_fields(fill_wish_fields(interest), Interest()).items()
    }


@given(interest=INTERESTS)
def test_no_field_shows_a_sign_of_its_own(interest: Interest) -> None:
    texts = fill_wish_fields(interest)
    assert not [word for word in texts["keywords"].split("\n") if word.startswith(("+", "-"))]
    assert not [word for word in texts["never_words"].split("\n") if word.startswith("-")]


def test_signs_may_be_typed_anywhere() -> None:
    typed = {
        "keywords": "robot, -survey\n+gripper",
        "never_words": "-court",
        "authors": "Doe, Jane",
    }
    assert read_wish_fields(typed, Interest()) == {
        "keywords": ("robot", "-survey", "+gripper", "-court"),
        "categories": (),
        "authors": ("Doe, Jane",),
    }


def test_muting_on_the_page(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.MANAGE, alice)
    page = client.get(path).text
    fields = hidden(page) | {
        "do": "save",
        "size": "3",
        "hour": "7",
        "timezone": "UTC",
        "days": ["1", "2"],
        "strictness": "balanced",
        "quiet_days": "silent",
        "keywords": "robot",
        "categories": "cs.RO",
        "first_words": "gripper",
        "never_words": 'survey\n"><script>alert(1)</script>',
        "never_categories": "cs.CY",
        "never_authors": "Doe, Jane",
    }
    page = client.post(path, data=fields).text
    assert "Saved." in page
    assert "<script>alert" not in page
    (interest,) = subscriptions.get(client.app, alice.id).interests
    assert interest.keywords[:3] == ("robot", "+gripper", "-survey")
    assert interest.categories == ("cs.RO", "-cs.CY")
    assert interest.authors == ("-Doe, Jane",)
    assert "survey</textarea>" in page or "survey\n" in page
