"""The page with the best papers of the days that a reader was away."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from digest import pipeline, services, subscriptions
from digest.errors import BusyError
from digest.model import Purpose, Subscriber, SubscriberStatus
from digest.subscriptions import SubscriptionRequest
from tests.conftest import TODAY
from tests.unit.web.conftest import heading, listed, set_status
from tests.webclient import Person, Write, contents, forms


@pytest.fixture
def path(person: Person, alice: Subscriber, dump: Write) -> str:
    """The page, nine days after the digest; papers came on two days in between."""
    for days in (3, 8):
        day = TODAY + timedelta(days=days)
        pipeline.ingest(person.app, [dump(day, per_topic=2)], seen="name")
    person.clock.wait(timedelta(days=9).total_seconds())
    return person.path(Purpose.MANAGE, alice) + "/catch-up"


def titles(text: str) -> list[str]:
    return [re.sub(r"<[^>]*>", "", t) for t in re.findall(r'<h2 id="t\d+"[^>]*>(.*?)</h2>', text)]


def test_the_days_are_chosen(person: Person, alice: Subscriber, path: str) -> None:
    week, all_days = person.get(f"{path}?days=7").text, person.get(f"{path}?days=30").text
    assert heading(week) == "The best of the last 7 days"
    assert "09 June" not in week
    assert "12 June" in week
    assert "09 June" in all_days
    assert "in your digest of 9 June" in all_days
    assert "robot" in titles(week)[0], "best first, as a digest is"
    since = person.get(f"{path}?days=since")
    assert heading(since.text) == "The best of the days since your last digest"
    assert "09 June" not in since.text
    assert "12 June" in since.text
    for odd in ("", "0", "-3", "9" * 30, "x", "15"):
        assert heading(person.get(f"{path}?days={odd}").text) == "The best of the last 14 days"


def test_the_page_is_ranked_by_what_the_reader_asked_for(
    person: Person, readers: dict[str, Subscriber], path: str
) -> None:
    bob = person.path(Purpose.MANAGE, readers["bob"]) + "/catch-up?days=7"
    assert "tumour" in titles(person.get(bob).text)[0]
    assert "robot" in titles(person.get(f"{path}?days=7").text)[0]


def test_nothing_is_stored(person: Person, path: str) -> None:
    before = contents(person.app)
    person.get(path)
    person.get(f"{path}?days=30")
    assert contents(person.app) == before


def test_a_thumb_counts_and_its_paper_stays_to_be_taken_back(
    person: Person, alice: Subscriber, path: str
) -> None:
    person.clock.at = person.clock.at.replace(minute=0)
    text = person.get(path).text
    before = titles(text)
    action, up = next((a, f) for a, f in forms(text) if f.get("vote") == "1")
    answer = person.post(action.partition("#")[0], data=up).text
    assert "Noted: more like this" in answer
    assert titles(answer) == before
    assert pipeline.current_vote(person.app, alice.id, int(up["paper"])) == 1
    (undo,) = [fields for _, fields in forms(answer) if "undo" in fields]
    person.post(action.partition("#")[0], data=undo)
    assert pipeline.current_vote(person.app, alice.id, int(up["paper"])) == 0


def test_what_was_rated_before_is_left_out(person: Person, alice: Subscriber, path: str) -> None:
    rated = listed(person.app, alice).items[0].paper
    services.rate(person.app, alice, rated.name, 1)
    shown = titles(person.get(f"{path}?days=30").text)
    assert not any(rated.title in title for title in shown)


def test_a_paper_is_saved_from_the_page(person: Person, alice: Subscriber, path: str) -> None:
    action, save = next((a, f) for a, f in forms(person.get(path).text) if f.get("do") == "save")
    for _ in range(2):
        assert "Saved for later." in person.post(action.partition("#")[0], data=save).text
    (saved,) = services.load_saved(person.app, alice.id)
    assert saved.paper.id == int(save["paper"])


def test_more_papers_than_can_be_ranked_leave_the_newest_days(
    person: Person, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.services.catch_up.MOST_RANKED", 10)
    text = person.get(f"{path}?days=30").text
    assert "These days are the newest ones" in text
    assert "17 June" in text
    assert not any("12 June" in title for title in titles(text))


def test_forms_about_no_paper_change_nothing(person: Person, path: str) -> None:
    before = contents(person.app)
    for fields in ({}, {"paper": "x", "vote": "1"}, {"paper": "1"}, {"paper": "1", "vote": "7"}):
        assert person.post(path, data=fields).status_code == 200
    assert person.post(path, data={"paper": "9" * 18, "vote": "1"}).status_code == 404
    assert contents(person.app) == before


def test_no_papers_and_no_fit_are_told_apart(person: Person, alice: Subscriber, path: str) -> None:
    strict = SubscriptionRequest(
        email=alice.email, strictness=99, keywords=("beekeeping",), categories=()
    )
    subscriptions.change(person.app, alice.id, strict)
    assert "fits what you asked for" in person.get(path).text
    person.clock.wait(timedelta(days=100).total_seconds())
    assert "No papers came from" in person.get(path).text


def test_who_has_left_sees_no_buttons(person: Person, alice: Subscriber, path: str) -> None:
    set_status(person.app, alice, SubscriberStatus.LEFT)
    assert "<button" not in person.get(path).text


def test_a_press_counts_though_the_list_cannot_be_made_again(
    person: Person, alice: Subscriber, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = next(fields for _, fields in forms(person.get(path).text) if fields.get("vote") == "1")

    async def refuse(*_: object) -> None:
        raise BusyError(7)

    monkeypatch.setattr("digest.web.catch_up.SingleFlightCache.get", refuse)
    assert person.get(path).status_code == 503
    answer = person.post(path, data=form)
    assert (answer.status_code, heading(answer.text)) == (200, "Noted")
    assert pipeline.current_vote(person.app, alice.id, int(form["paper"])) == 1
