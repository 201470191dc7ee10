"""What a visitor would get today, shown before they leave an address."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest.app import App
from digest.model import Subscriber
from tests.conftest import TODAY
from tests.unit.web.conftest import heading, hidden
from tests.unit.web.test_lists import titles
from tests.webclient import Client, Clock, Person, Write, contents, fill


def test_a_visitor_sees_the_papers_that_fit_and_why(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    before = contents(client.app)
    answer = client.post(
        "/preview", data={"keywords": "robot, galaxy", "email": "dave@example.org"}
    )
    assert heading(answer.text) == "What you would get today"
    assert titles(answer.text)
    assert any("robot" in title.lower() for title in titles(answer.text))
    assert "Matches your keyword" in answer.text
    assert 'value="dave@example.org"' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert contents(client.app) == before


def test_the_digest_is_that_of_a_reader_with_these_words(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    shown = titles(client.post("/preview", data={"keywords": "robot"}).text)
    again = titles(client.post("/preview", data={"keywords": " robot ,"}).text)
    other = titles(client.post("/preview", data={"keywords": "galaxy"}).text)
    assert shown == again
    assert shown != other


def test_without_words_it_shows_a_mix_of_the_day(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    assert "a mix of the day" in client.post("/preview", data={}).text


def test_what_was_typed_goes_on_to_the_form(app: App, dump: Write) -> None:
    fill(app, dump)
    client = Person(app, Clock())
    page = client.post(
        "/preview", data={"keywords": "robot\nowls", "email": "eve@example.org"}
    ).text
    fields = hidden(page) | {"keywords": "robot\nowls", "email": "eve@example.org"}
    answer = client.post("/subscribe", data=fields | {"homepage": ""})
    assert heading(answer.text) == "Check your mail"


def test_an_older_day_is_shown_where_today_has_none(app: App, dump: Write) -> None:
    fill(app, dump, day=TODAY - timedelta(days=4))
    assert titles(Client(app).post("/preview", data={"keywords": "robot"}).text)


def test_a_service_without_papers_says_that_nothing_fits(app: App) -> None:
    answer = Client(app).post("/preview", data={"keywords": "robot"})
    assert answer.status_code == 200
    assert "No new paper fits" in answer.text


@pytest.mark.parametrize(
    "typed", ["-", "+", "*", '"', "\0", "<script>", "a" * 5000, ",".join("abcdefgh" * 50)]
)
def test_hostile_words_change_nothing_and_stay_text(app: App, dump: Write, typed: str) -> None:
    fill(app, dump)
    client = Client(app)
    before = contents(app)
    answer = client.post("/preview", data={"keywords": typed, "categories": typed})
    assert answer.status_code in (200, 422)
    own = '<script src="/timezone.js" defer></script>'
    assert "<script" not in answer.text.replace(own, "")
    assert contents(app) == before


def test_opening_its_address_leads_to_the_form(app: App) -> None:
    answer = Client(app).get("/preview")
    assert (answer.status_code, answer.headers["location"]) == (302, "/subscribe")
