"""The page that leaves an author or a topic out, and takes that back."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.mail import links
from digest.model import Interest, Link, Purpose, Subscriber
from digest.presses import READING
from digest.subscriptions import SubscriptionRequest
from tests.conftest import TODAY
from tests.unit.web.conftest import heading, hidden, listed, message_id, page_of
from tests.webclient import Client, Clock, Person, Write, contents, forms


def less_path(app: App, reader: Subscriber, number: int = 1) -> str:
    paper = listed(app, reader).items[number - 1].paper
    url = app.url(Purpose.DOWN, reader.id, paper_id=paper.id, message_id=message_id(app, reader))
    return url.removeprefix(app.config.web.base_url) + "/less"


def mute_form(text: str, name: str) -> dict[str, str]:
    (fields,) = [fields for _, fields in forms(text) if fields.get("name") == name]
    return fields | {"do": "mute"}


def undo_form(text: str) -> dict[str, str]:
    (fields,) = [fields for _, fields in forms(text) if fields.get("do") == "unmute"]
    return fields


def interests(app: App, reader: Subscriber) -> tuple[Interest, ...]:
    return subscriptions.get(app, reader.id).interests


def test_the_rating_page_and_the_thumb_down_lead_there(person: Person, alice: Subscriber) -> None:
    path = less_path(person.app, alice)
    assert f'href="{path}"' in person.get(page_of(person.app, alice)).text
    down = path.removesuffix("/less")
    assert path not in person.get(down).text, "first the thumb that was asked for"
    text = person.post(down, data=hidden(person.get(down).text)).text
    assert f'href="{path}"' in text


def test_an_author_is_left_out_and_comes_back(
    person: Person, alice: Subscriber, dump: Write
) -> None:
    before = interests(person.app, alice)
    path = less_path(person.app, alice)
    answer = person.post(path, data=mute_form(person.get(path).text, "Jane Doe"))
    assert heading(answer.text) == "Left out from now on"
    assert "No paper by Jane Doe comes from your next digest on." in answer.text
    assert [interest.authors for interest in interests(person.app, alice)] == [("-Jane Doe",)]
    assert "left out already" in answer.text
    pipeline.ingest(person.app, [dump(TODAY + timedelta(days=1), per_topic=1)], seen="name")
    tomorrow = replace(person.app, now=lambda: person.clock.at + timedelta(days=1))
    assert services.preview(tomorrow, subscriptions.get(tomorrow, alice.id)).json["papers"] == []
    assert heading(person.post(path, data=undo_form(answer.text)).text) == "Taken back"
    assert interests(person.app, alice) == before
    assert services.preview(tomorrow, subscriptions.get(tomorrow, alice.id)).json["papers"]


def test_a_topic_is_one_that_stands_in_the_paper(person: Person, alice: Subscriber) -> None:
    path = less_path(person.app, alice)
    paper = listed(person.app, alice).items[0].paper
    text = person.get(path).text
    topics = [fields["name"] for _, fields in forms(text) if fields.get("list") == "keywords"]
    assert topics
    stands = f"{paper.title} {paper.abstract}".casefold()
    assert all(topic.casefold() in stands for topic in topics)
    answer = person.post(path, data=mute_form(text, topics[0]))
    assert f"No paper that says “{topics[0]}” comes" in answer.text
    assert f"-{topics[0]}" in interests(person.app, alice)[0].keywords


def test_what_was_asked_for_is_taken_away_and_comes_back(person: Person, alice: Subscriber) -> None:
    own = (
        Interest(name="Arms", keywords=("robot",), authors=("jane doe",)),
        Interest(name="Else", keywords=("+galaxy",), authors=("+Jane Doe", "John Roe")),
    )
    request = SubscriptionRequest(email=alice.email, interests=own)
    subscriptions.change(person.app, alice.id, request)
    path = less_path(person.app, alice)
    answer = person.post(path, data=mute_form(person.get(path).text, "Jane Doe"))
    assert "You had asked for this author’s papers" in answer.text
    muted = [interest.authors for interest in interests(person.app, alice)]
    assert muted == [("-Jane Doe",), ("John Roe",)]
    fields: dict[str, list[str]] = {}
    form = answer.text.partition('class="actions"')[2].partition("</form>")[0]
    for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form):
        fields.setdefault(name, []).append(value)
    person.post(path, data={**fields, "do": "unmute"})
    back = [set(interest.authors) for interest in interests(person.app, alice)]
    assert back == [{"jane doe"}, {"+Jane Doe", "John Roe"}]


def test_a_form_posted_twice_or_after_the_undo_changes_nothing(
    person: Person, alice: Subscriber
) -> None:
    path = less_path(person.app, alice)
    form = mute_form(person.get(path).text, "Jane Doe")
    undo = undo_form(person.post(path, data=form).text)
    person.post(path, data=form)
    assert interests(person.app, alice)[0].authors == ("-Jane Doe",)
    for _ in range(2):
        person.post(path, data=undo)
        assert interests(person.app, alice)[0].authors == ()
    assert heading(person.post(path, data=form).text) == "Nothing has changed"
    assert interests(person.app, alice)[0].authors == ()


def test_a_robot_that_presses_every_button_mutes_nothing(
    robot: Client, alice: Subscriber, clock: Clock
) -> None:
    path = less_path(robot.app, alice)
    before = interests(robot.app, alice)
    text = robot.get(path).text
    for _ in range(3):
        for action, fields in forms(text):
            answer = robot.post(action, data=fields | {"do": "mute"})
            assert heading(answer.text) == "Was that you?"
        text = answer.text
    assert interests(robot.app, alice) == before
    clock.wait(READING.total_seconds() + 1)
    text = robot.post(path, data=mute_form(text, "Jane Doe")).text
    assert interests(robot.app, alice)[0].authors == ("-Jane Doe",), "a person reads first"
    robot.post(path, data=undo_form(text))
    assert interests(robot.app, alice) == before, "and may take it back at once"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"list": "authors", "do": "mute"},
        {"list": "authors", "name": "Nobody Here", "do": "mute"},
        {"list": "email", "name": "Jane Doe", "do": "mute"},
        {"list": "authors", "name": "Jane Doe", "do": "erase"},
        {"list": "authors", "name": "Jane Doe", "do": "mute"},  # no form of ours
        {"list": "authors", "name": "-Jane Doe\n+John Roe", "do": "mute"},
    ],
)
def test_only_what_the_page_offers_is_muted(
    person: Person, alice: Subscriber, fields: dict[str, str]
) -> None:
    path = less_path(person.app, alice)
    before = contents(person.app)
    assert person.post(path, data=fields).status_code == 200
    assert contents(person.app) == before


def test_an_undo_brings_back_only_the_same_name(person: Person, alice: Subscriber) -> None:
    path = less_path(person.app, alice)
    answer = person.post(path, data=mute_form(person.get(path).text, "Jane Doe"))
    forged = undo_form(answer.text) | {"of": "", "was": "+Somebody Else"}
    person.post(path, data=forged)
    assert interests(person.app, alice)[0].authors == ()


@pytest.mark.parametrize("purpose", [p for p in Purpose if p is not Purpose.DOWN])
def test_other_links_mute_nothing(person: Person, alice: Subscriber, purpose: Purpose) -> None:
    token = links.write_token(Link(purpose, alice.id, 1, 1), person.app.keys()[-1])
    assert person.get(f"/t/{token}/less").status_code == 404
    assert person.post(f"/t/{token}/less", data={"do": "mute"}).status_code == 404


def test_a_full_list_says_so(
    person: Person, alice: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.subscriptions.requests.LISTS_OCTETS_MAX", 0)
    path = less_path(person.app, alice)
    answer = person.post(path, data=mute_form(person.get(path).text, "Jane Doe"))
    assert answer.status_code == 422
    assert heading(answer.text) == "There is no room"
    assert interests(person.app, alice)[0].authors == ()
