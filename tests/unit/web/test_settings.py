"""The settings page: what is saved and refused, and that no typed text is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape

import pytest

from digest import subscriptions
from digest.app import App
from digest.mail.messages.templates import render
from digest.model import (
    QUIET_DAYS,
    STRICTNESS_WORDS,
    Interest,
    Purpose,
    Subscriber,
    SubscriberStatus,
)
from digest.redaction import mask_address
from digest.subscriptions import SubscriptionRequest
from digest.web.field_values import lines
from digest.web.pages import Form, rhythm
from digest.web.settings_form import fill_settings_form, offered_zones, read_settings_form
from digest.web.wish_fields import WISH_FIELDS
from tests.webclient import Client, contents

Cast = Callable[[App], dict[str, Subscriber]]
GOOD = {
    "do": "save",
    "size": "7",
    "hour": "18",
    "timezone": "Europe/Berlin",
    "days": ["1", "3"],
    "strictness": "80",
    "quiet_days": "line",
    "keywords": "tactile sensing\r\n-survey\r\n",
    "categories": "cs.RO, q-bio",
    "authors": "Jane Doe\r\nDoe, John",
}


@pytest.fixture
def client(app: App) -> Client:
    return Client(app)


@pytest.fixture
def alice(app: App, cast: Cast) -> Subscriber:
    return cast(app)["alice"]


def test_the_page_shows_the_current_settings(client: Client, alice: Subscriber) -> None:
    text = client.get(client.path(Purpose.MANAGE, alice)).text
    assert 'name="size" type="number" inputmode="numeric" min="1" max="100" value="3"' in text
    assert re.search(r'<option value="7" selected>07:00</option>', text)
    assert 'value="UTC"' in text
    assert text.count(" checked") == 7 + 2
    assert re.search(r'name="keywords"[^>]*>\nrobot</textarea>', text)
    assert "every day, after 07:00 (UTC time)" in text


def test_everything_on_the_page_can_be_changed(client: Client, alice: Subscriber) -> None:
    answer = client.post(client.path(Purpose.MANAGE, alice), data=GOOD)
    assert answer.status_code == 200
    assert "Saved." in answer.text
    saved = subscriptions.get(client.app, alice.id)
    assert (saved.size, saved.hour, saved.timezone, saved.days, saved.strictness) == (
        7,
        18,
        "Europe/Berlin",
        (1, 3),
        80,
    )
    assert saved.quiet_days == "line"
    (topic,) = saved.interests
    assert topic.keywords == ("tactile sensing", "-survey")
    assert topic.categories == ("cs.RO", "q-bio")
    assert topic.authors == ("Jane Doe", "Doe, John")
    assert saved.email == alice.email


def test_strictness_is_a_word_and_an_own_number_stays(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.MANAGE, alice)
    for chosen in STRICTNESS_WORDS:
        shown = client.post(path, data=GOOD | {"strictness": chosen}).text
        assert f'value="{chosen}" checked' in shown
        assert subscriptions.get(client.app, alice.id).strictness == chosen
    request = SubscriptionRequest(email=alice.email, strictness=37)
    subscriptions.change(client.app, alice.id, request)
    assert 'value="37" checked' in client.get(path).text


def test_each_choice_for_quiet_days_is_kept(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.MANAGE, alice)
    for chosen in QUIET_DAYS:
        shown = client.post(path, data=GOOD | {"quiet_days": chosen}).text
        assert f'name="quiet_days" value="{chosen}" checked' in shown
        assert subscriptions.get(client.app, alice.id).quiet_days == chosen


def test_saving_what_is_shown_changes_nothing(client: Client) -> None:
    request = SubscriptionRequest(
        email="erin@example.org",
        name="Erin",
        size=5,
        strictness=50,
        days=(2, 4),
        hour=0,
        timezone="Asia/Kolkata",
        keywords=("a b", "-c"),
        categories=("cs.LG",),
        authors=(("Jane Doe"),),
        papers=("arxiv:2604.00001",),
        text="All about cells.",
    )
    erin = subscriptions.subscribe(client.app, request, origin="command").subscriber
    shown = fill_settings_form(erin)
    sent = {
        name: getattr(shown, name)
        for name in (
            "size",
            "hour",
            "timezone",
            "days",
            "strictness",
            "quiet_days",
            *WISH_FIELDS,
        )
    }
    assert (
        client.post(client.path(Purpose.MANAGE, erin), data={"do": "save", **sent}).status_code
        == 200
    )
    assert subscriptions.get(client.app, erin.id) == erin


def test_a_number_of_ones_own_is_kept_as_a_choice(client: Client, alice: Subscriber) -> None:
    subscriptions.change(
        client.app, alice.id, SubscriptionRequest(email=alice.email, strictness=50)
    )
    text = client.get(client.path(Purpose.MANAGE, alice)).text
    assert re.search(r'name="strictness" value="50" checked', text)


def test_emptied_lists_are_emptied(client: Client, alice: Subscriber) -> None:
    client.post(
        client.path(Purpose.MANAGE, alice),
        data=GOOD | {"keywords": "", "categories": " \n ", "authors": ""},
    )
    assert subscriptions.get(client.app, alice.id).interests == ()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("size", "0", "whole number from 1 to 100"),
        ("size", "101", "whole number from 1 to 100"),
        ("size", "ten", "whole number from 1 to 100"),
        ("size", "", "whole number from 1 to 100"),
        ("size", "٣", "whole number from 1 to 100"),
        ("size", "9" * 5000, "whole number from 1 to 100"),
        ("hour", "24", "from 0 to 23"),
        ("timezone", "Berlin", "Did you mean Europe/Berlin?"),
        ("timezone", "new york", "Did you mean America/New_York?"),
        ("timezone", "Atlantis", "nearest large city"),
        ("timezone", "../../etc/passwd", "nearest large city"),
        ("timezone", "", "Choose your time zone"),
        ("days", [], "one day at least"),
        ("days", ["8", "x"], "one day at least"),
        ("strictness", "all", "Choose one"),
        ("strictness", "100", "Choose one"),
        ("quiet_days", "often", "Choose one"),
        ("keywords", "\n".join(f"word {n}" for n in range(201)), "At most 200"),
        ("authors", "x" * 601, "characters each"),
    ],
)
def test_a_bad_value_is_named_next_to_its_field_and_nothing_is_lost(
    client: Client, alice: Subscriber, field: str, value: object, message: str
) -> None:
    before = contents(client.app)
    answer = client.post(client.path(Purpose.MANAGE, alice), data=GOOD | {field: value})
    assert answer.status_code == 422
    (problem,) = re.findall(rf'<p class="error" id="{field}-error">(.*?)</p>', answer.text)
    assert message in unescape(problem)
    assert "aria-describedby" in answer.text
    assert re.search(rf'id="{field}"', answer.text)
    for typed_text in (
        ("tactile sensing", "-survey", "Doe, John")
        if field not in ("keywords", "authors")
        else ("cs.RO, q-bio",)
    ):
        assert typed_text in answer.text
    if field in (
        "hour",
        "strictness",
        "quiet_days",
    ):  # chosen, not typed: what is none of the choices has no place on the page
        assert f'value="{value}"' not in answer.text
    elif isinstance(value, str):
        assert value in unescape(answer.text)
    assert contents(client.app) == before


def test_several_bad_values_are_all_named(client: Client, alice: Subscriber) -> None:
    text = client.post(
        client.path(Purpose.MANAGE, alice),
        data=GOOD | {"size": "0", "timezone": "Berlin", "days": []},
    ).text
    assert "3 answers need another look" in text
    assert [f'href="#{name}"' in text for name in ("size", "timezone", "days")] == [True] * 3


def test_the_case_of_a_zone_does_not_matter(client: Client, alice: Subscriber) -> None:
    client.post(client.path(Purpose.MANAGE, alice), data=GOOD | {"timezone": " america/new york "})
    assert subscriptions.get(client.app, alice.id).timezone == "America/New_York"


def test_characters_that_no_database_stores_are_dropped(client: Client, alice: Subscriber) -> None:
    answer = client.post(
        client.path(Purpose.MANAGE, alice),
        content=b"do=save&size=5&hour=7&timezone=UTC&days=1&strictness=few&quiet_days=silent&keywords=ce%00lls%0D%0A%ED%A0%80x%1B&categories=&authors=",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 200
    (topic,) = subscriptions.get(client.app, alice.id).interests
    assert topic.keywords[0] == "cells"
    assert not any(
        character in "\x00\x1b" or "\ud800" <= character <= "\udfff"
        for word in topic.keywords
        for character in word
    )


def test_a_pause_and_its_end(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.MANAGE, alice)
    paused = client.post(path, data={"do": "pause"})
    assert "The digest is paused" in paused.text
    assert subscriptions.get(client.app, alice.id).status is SubscriberStatus.PAUSED
    client.post(path, data={"do": "pause"})
    client.post(path, data={"do": "resume"})
    assert replace(subscriptions.get(client.app, alice.id), due_from=None) == alice


def test_a_pause_sends_no_other_setting(client: Client, alice: Subscriber) -> None:
    client.post(client.path(Purpose.MANAGE, alice), data=GOOD | {"do": "pause"})
    assert subscriptions.get(client.app, alice.id) == replace(alice, status=SubscriberStatus.PAUSED)


def test_a_post_without_a_verb_changes_nothing(client: Client, alice: Subscriber) -> None:
    before = contents(client.app)
    assert (
        client.post(client.path(Purpose.MANAGE, alice), data=GOOD | {"do": "drop"}).status_code
        == 200
    )
    assert client.post(client.path(Purpose.MANAGE, alice)).status_code == 200
    assert contents(client.app) == before


def test_the_page_links_to_unsubscribe(client: Client, alice: Subscriber) -> None:
    text = client.get(client.path(Purpose.MANAGE, alice)).text
    assert f'href="{client.path(Purpose.UNSUBSCRIBE, alice)}"' in text


def test_a_reader_who_left_can_come_back_from_the_settings(
    client: Client, alice: Subscriber
) -> None:
    subscriptions.unsubscribe(client.app, alice.id)
    path = client.path(Purpose.MANAGE, alice)
    assert "You have left" in client.get(path).text
    client.post(path, data={"do": "resume"})
    assert subscriptions.get(client.app, alice.id).status is SubscriberStatus.LEFT
    client.post(path, data={"do": "return"})
    assert subscriptions.get(client.app, alice.id).status is SubscriberStatus.ACTIVE


# ---------------------------------------------------------------------------------------------- the
# parts


def test_words_are_split_at_lines_and_commas_and_names_only_at_lines() -> None:
    assert subscriptions.split_words(" a b ,c;\n\nd,,") == ("a b", "c", "d")
    assert lines("Doe, Jane\n\n  John Doe ") == ("Doe, Jane", "John Doe")


def test_every_offered_zone_is_accepted(alice: Subscriber) -> None:
    assert len(offered_zones()) > 300
    for zone in offered_zones():
        _, request = read_settings_form(Form(fields={"timezone": (zone,)}), alice)
        assert request.timezone == zone


def test_an_address_is_masked() -> None:
    assert mask_address("alice@example.org") == "a…@example.org"
    assert mask_address("b@example.org") == "b…@example.org"


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ((1, 2, 3, 4, 5, 6, 7), "every day"),
        ((1, 2, 3, 4, 5), "from Monday to Friday"),
        ((6,), "on Saturday"),
        ((1, 3, 7), "on Monday, Wednesday and Sunday"),
    ],
)
def test_the_schedule_is_shown_in_words(
    alice: Subscriber, days: tuple[int, ...], words: str
) -> None:
    assert rhythm(replace(alice, days=days, hour=9)) == f"{words}, after 09:00 (UTC time)"


def _luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(scheme: str) -> None:
    """Contrast of WCAG 2.1: 4.5 for text, 3 for edges of fields and buttons."""
    blocks = re.findall(r":root \{(.*?)\}", render("web/style.css", {}), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", blocks[0 if scheme == "light" else 1]))
    grounds = {
        "sheet": ("strong", "plain", "quiet", "accent", "accent-over", "bad"),
        "page": ("strong", "plain", "quiet", "accent", "accent-over"),
        "tint": ("strong", "accent"),
        "bad-tint": ("strong", "bad"),
        "accent": ("on-accent",),
        "accent-over": ("on-accent",),
    }

    def contrast(foreground: str, background: str) -> float:
        high, low = sorted(
            (_luminance(colours[foreground]), _luminance(colours[background])), reverse=True
        )
        return (high + 0.05) / (low + 0.05)

    poor = [
        (text, ground)
        for ground, texts in grounds.items()
        for text in texts
        if contrast(text, ground) < 4.5
    ]
    assert poor == []
    assert contrast("edge", "sheet") >= 3


# ----------------------------------------------------------------------------------------------
# several interests


def blocks(*interests: dict[str, str]) -> dict[str, str]:
    return {
        f"{key}-{place}": value
        for place, interest in enumerate(interests)
        for key, value in ({"former": "", "share": "1"} | interest).items()
    }


def test_one_more_interest_is_saved_with_what_was_there(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.MANAGE, alice)
    added = client.post(path, data=GOOD | {"do": "add"})
    assert 'name="name-0" value="main"' in added.text
    assert 'name="name-1" value=""' in added.text
    two = blocks(
        {"former": "main", "name": "hands", "share": "3", "keywords": "grasp"},
        {"name": "verse", "keywords": "rhyme\nmetre", "authors": "Doe, J"},
    )
    assert client.post(path, data=GOOD | two).status_code == 200
    hands, verse = subscriptions.get(client.app, alice.id).interests
    assert (hands.name, hands.share, hands.keywords) == ("hands", 3, ("grasp",))
    assert (verse.name, verse.share, verse.keywords, verse.authors) == (
        "verse",
        1,
        ("rhyme", "metre"),
        ("Doe, J",),
    )


def test_example_papers_stay_with_a_renamed_interest_and_go_with_a_given_up_one(
    client: Client, alice: Subscriber
) -> None:
    path = client.path(Purpose.MANAGE, alice)
    interests = tuple(
        Interest(name=name, papers=(f"arxiv:2604.0000{n}",), text="Words.")
        for n, name in enumerate("abc")
    )
    subscriptions.change(client.app, alice.id, SubscriptionRequest(email="", interests=interests))
    sent = blocks(*({"former": name, "name": name, "keywords": ""} for name in "abc")) | {
        "name-0": "z",
        "remove-2": "1",
    }
    assert client.post(path, data=GOOD | sent).status_code == 200
    assert [
        (interest.name, interest.papers)
        for interest in subscriptions.get(client.app, alice.id).interests
    ] == [
        ("z", ("arxiv:2604.00000",)),
        ("b", ("arxiv:2604.00001",)),
    ]


@pytest.mark.parametrize(
    ("second", "field"),
    [
        ({"name": "", "keywords": "x"}, "name-1"),
        ({"name": "HANDS", "keywords": "x"}, "name-1"),
        ({"name": "n" * 101, "keywords": "x"}, "name-1"),
        ({"name": "b", "keywords": "x", "share": "0"}, "share-1"),
        ({"name": "b", "keywords": "x", "share": "lots"}, "share-1"),
    ],
)
def test_a_bad_block_is_named_and_nothing_is_lost(
    client: Client, alice: Subscriber, second: dict[str, str], field: str
) -> None:
    before = contents(client.app)
    answer = client.post(
        client.path(Purpose.MANAGE, alice),
        data=GOOD | blocks({"name": "hands", "keywords": "grasp"}, second),
    )
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert f'href="#{field}"' in answer.text
    assert "grasp</textarea>" in answer.text
    assert contents(client.app) == before


def test_removing_all_interests_leaves_none(client: Client, alice: Subscriber) -> None:
    sent = blocks({"former": "main", "name": "main", "keywords": "robot"}) | {"remove-0": "1"}
    assert client.post(client.path(Purpose.MANAGE, alice), data=GOOD | sent).status_code == 200
    assert subscriptions.get(client.app, alice.id).interests == ()
