"""The page that rates a whole digest: what it shows, what counts, and what robots do there."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from digest import store
from digest.app import App
from digest.mail import links
from digest.model import Link, Purpose, Subscriber, SubscriberStatus, Vote
from digest.presses import KEPT_FOR
from tests.conftest import read_mails
from tests.unit.web.conftest import heading, hidden, listed, message_id, page_of, set_status
from tests.webclient import Client, Clock, contents, forms


def votes(app: App, reader: Subscriber) -> list[Vote]:
    return [rated.vote for rated in listed(app, reader).items]


def form_of(text: str, number: int, wish: int) -> dict[str, str]:
    """The hidden fields of one button of a paper."""
    part = text.partition(f'id="p{number}"')[2].partition("</article>")[0]
    (fields,) = (
        fields
        for _, fields in forms(part)
        if fields.get("vote") == str(wish) and "undo" not in fields
    )
    return fields


def undo_of(text: str, number: int) -> dict[str, str]:
    part = text.partition(f'id="p{number}"')[2].partition("</article>")[0]
    (fields,) = (fields for _, fields in forms(part) if "undo" in fields)
    return fields


def test_the_mail_leads_to_one_page_with_all_its_papers(person: Client, alice: Subscriber) -> None:
    mails = [
        mail for mail in read_mails(person.app).values() if mail["To"] and "alice" in mail["To"]
    ]
    (mail,) = mails
    body = mail.get_body(("plain",))
    assert body is not None
    found = re.findall(r"<http://\S+?(/d/[a-z0-9]+)>", body.get_content())
    assert found[0] == page_of(person.app, alice)
    answer = person.get(found[0])
    assert answer.status_code == 200
    papers = listed(person.app, alice).items
    assert len(papers) > 1
    for rated in papers:
        assert f"{rated.number}. {rated.paper.title}" in re.sub(r"</?a[^>]*>", "", answer.text)
    buttons = re.findall(r'<button type="submit"[^>]* aria-label="(.*?): ', answer.text)
    assert buttons == ["More like this", "Less like this", "Save for later"] * len(papers)
    assert "alice@" not in answer.text


def test_opening_the_pages_changes_nothing(person: Client, alice: Subscriber) -> None:
    path = page_of(person.app, alice)
    before = contents(person.app)
    for address in (path, f"{path}/made", f"{path}?paper=1&vote=1", path.upper()):
        for method in ("GET", "HEAD"):
            assert person.request(method, address.replace("/D/", "/d/")).status_code == 200
    assert contents(person.app) == before


def test_a_press_counts_and_the_page_shows_it(person: Client, alice: Subscriber) -> None:
    path = page_of(person.app, alice)
    answer = person.post(path, data=form_of(person.get(path).text, 2, 1))
    assert votes(person.app, alice)[:3] == [0, 1, 0]
    assert "Noted: more like this" in answer.text
    assert f"1 of {len(votes(person.app, alice))} rated" in answer.text
    assert "You said: more like this" in person.get(path).text


def test_papers_are_rated_one_after_the_other_on_the_answers(
    person: Client, alice: Subscriber
) -> None:
    path = page_of(person.app, alice)
    text = person.get(path).text
    for number, wish in ((1, 1), (2, -1), (3, 1)):
        text = person.post(path, data=form_of(text, number, wish)).text
    assert votes(person.app, alice)[:3] == [1, -1, 1]


def test_a_thumb_is_taken_back_and_turned(person: Client, alice: Subscriber) -> None:
    path = page_of(person.app, alice)
    text = person.post(path, data=form_of(person.get(path).text, 1, 1)).text
    text = person.post(path, data=form_of(text, 1, -1)).text
    assert votes(person.app, alice)[0] == -1
    text = person.post(path, data=undo_of(text, 1)).text
    assert votes(person.app, alice)[0] == 1, "an undo goes back to the vote before"
    text = person.post(path, data=undo_of(person.get(path).text, 1)).text
    assert votes(person.app, alice)[0] == 0
    assert "Taken back" in text


def test_a_page_posted_again_counts_once(person: Client, alice: Subscriber) -> None:
    path = page_of(person.app, alice)
    fields = form_of(person.get(path).text, 1, 1)
    text = person.post(path, data=fields).text
    person.post(path, data=undo_of(text, 1))
    person.post(path, data=fields)
    assert votes(person.app, alice)[0] == 0


def test_a_quick_correction_is_a_persons_even_after_other_papers(
    robot: Client, alice: Subscriber
) -> None:
    path = page_of(robot.app, alice)
    text = robot.post(path, data=form_of(robot.get(path).text, 1, 1)).text
    text = robot.post(path, data=form_of(text, 2, 1)).text
    robot.post(path, data=form_of(text, 1, -1))
    assert votes(robot.app, alice)[:2] == [-1, 1]


def test_a_robot_that_presses_every_button_rates_nothing(robot: Client, alice: Subscriber) -> None:
    path = page_of(robot.app, alice)
    for _, fields in forms(robot.get(path).text):
        robot.post(path, data=fields)
    assert set(votes(robot.app, alice)) == {0}
    page = robot.get(path).text
    assert page.count("Which one do you mean?") == len(votes(robot.app, alice))
    robot.post(path, data=form_of(page, 1, -1))
    assert votes(robot.app, alice)[0] == -1, "a person may confirm one"


def test_a_robot_on_both_kinds_of_pages_rates_nothing(robot: Client, alice: Subscriber) -> None:
    path = page_of(robot.app, alice)
    first = listed(robot.app, alice).items[0].paper.id
    robot.post(path, data=form_of(robot.get(path).text, 1, 1))
    robot.post(robot.path(Purpose.DOWN, alice, first))
    assert votes(robot.app, alice)[0] == 0


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"paper": "1"},
        {"vote": "1"},
        {"paper": "1", "vote": "2"},
        {"paper": "-1", "vote": "1"},
        {"paper": "9" * 30, "vote": "1"},
        {"paper": "١", "vote": "1"},
        {"paper": "1; drop table papers", "vote": "1"},
    ],
)
def test_a_form_that_says_nothing_usable_changes_nothing(
    person: Client, alice: Subscriber, fields: dict[str, str]
) -> None:
    before = contents(person.app)
    assert person.post(page_of(person.app, alice), data=fields).status_code == 200
    assert contents(person.app) == before


def test_only_papers_of_the_digest_can_be_rated(person: Client, alice: Subscriber) -> None:
    listed_ids = {rated.paper.id for rated in listed(person.app, alice).items}
    with person.app.store.reading() as tx:
        other = next(
            ident for ident in range(1, store.papers.find_max_id(tx) + 2) if ident not in listed_ids
        )
    before = contents(person.app)
    answer = person.post(page_of(person.app, alice), data={"paper": str(other), "vote": "1"})
    assert answer.status_code == 404
    assert contents(person.app) == before


def test_a_page_shows_no_digest_but_its_readers_own(
    person: Client, readers: dict[str, Subscriber]
) -> None:
    """A token for another's message is never made; if one were, it would open nothing."""
    alice, bob = readers["alice"], readers["bob"]
    for ident in (message_id(person.app, bob), 2**39):
        url = person.app.url(Purpose.RATE, alice.id, message_id=ident)
        path = url.removeprefix(person.app.config.web.base_url)
        for address in (path, f"{path}/made"):
            assert person.get(address).status_code == 404
        assert person.post(path, data={"paper": "1", "vote": "1"}).status_code == 404
    assert set(votes(person.app, bob)) == {0}


@pytest.mark.parametrize("purpose", [p for p in Purpose if p is not Purpose.RATE])
def test_a_token_for_something_else_opens_no_page(
    person: Client, alice: Subscriber, purpose: Purpose
) -> None:
    ident = message_id(person.app, alice)
    token = links.write_token(Link(purpose, alice.id, 1, ident), person.app.keys()[-1])
    before = contents(person.app)
    assert person.get(f"/d/{token}").status_code == 404
    assert person.get(f"/d/{token}/made").status_code == 404
    assert person.post(f"/d/{token}", data={"paper": "1", "vote": "1"}).status_code == 404
    rate = page_of(person.app, alice).removeprefix("/d/")
    for path in ("/t/", "/u/", "/m/", "/c/"):
        assert person.post(f"{path}{rate}").status_code == 404
    assert contents(person.app) == before


def test_a_link_of_a_preview_says_that_nothing_is_stored(person: Client, alice: Subscriber) -> None:
    path = person.path(Purpose.RATE, alice)
    for answer in (
        person.get(path),
        person.get(f"{path}/made"),
        person.post(path, data={"paper": "1", "vote": "1"}),
    ):
        assert answer.status_code == 200
        assert heading(answer.text) == "This is a preview"
    assert set(votes(person.app, alice)) == {0}


def test_a_revoked_key_rates_nothing(person: Client, alice: Subscriber) -> None:
    path = page_of(person.app, alice)
    fields = form_of(person.get(path).text, 1, 1)
    person.app.revoke_key(person.app.keys()[-1].id)
    assert person.post(path, data=fields).status_code >= 400
    assert votes(person.app, alice)[0] == 0


def test_a_page_from_long_ago_asks_once_more(
    person: Client, alice: Subscriber, clock: Clock
) -> None:
    path = page_of(person.app, alice)
    fields = form_of(person.get(path).text, 1, 1)
    clock.wait((KEPT_FOR + timedelta(days=1)).total_seconds())
    answer = person.post(path, data=fields)
    assert "please say it once more" in answer.text
    assert votes(person.app, alice)[0] == 0


def test_who_has_left_sees_the_papers_and_no_buttons(person: Client, alice: Subscriber) -> None:
    path = page_of(person.app, alice)
    fields = form_of(person.get(path).text, 1, 1)
    set_status(person.app, alice, SubscriberStatus.LEFT)
    answer = person.get(path)
    assert "You have left this digest" in answer.text
    assert "<button" not in answer.text
    person.post(path, data=fields)
    assert votes(person.app, alice)[0] == 0


def test_how_a_digest_was_made_is_shown_on_request(person: Client, alice: Subscriber) -> None:
    answer = person.get(f"{page_of(person.app, alice)}/made")
    assert heading(answer.text) == "How this was made"
    made = listed(person.app, alice).digest.provenance
    for words in (made.features, *made.dumps, f"{made.papers_read:,}"):
        assert words in answer.text


# --------------------------------------------------------------------- from one thumb to the next


def thumb_path(client: Client, reader: Subscriber, number: int, purpose: Purpose) -> str:
    """The path of a thumb as the reader's mail has it."""
    rated = listed(client.app, reader).items[number - 1]
    url = client.app.url(
        purpose, reader.id, paper_id=rated.paper.id, message_id=message_id(client.app, reader)
    )
    return url.removeprefix(client.app.config.web.base_url)


def test_a_thumb_leads_on_to_the_next_paper_until_the_last(
    person: Client, alice: Subscriber
) -> None:
    items = listed(person.app, alice).items
    path = thumb_path(person, alice, 1, Purpose.UP)
    page = person.get(path)
    assert "Next:" not in page.text, "first the thumb that was asked for"
    text = person.post(path, data=hidden(page.text)).text
    for rated in items[1:]:
        assert f"Next: {rated.number} of {len(items)}" in text
        assert rated.paper.title in text
        action, fields = forms(text)[-1]
        assert action == thumb_path(person, alice, rated.number, Purpose.DOWN)
        text = person.post(action, data=fields).text
    assert "Next:" not in text
    assert f"That was the last of {len(items)}." in text
    assert votes(person.app, alice) == [1, *[-1] * (len(items) - 1)]
    assert f'href="{page_of(person.app, alice)}"' in text


def test_the_next_paper_is_one_without_a_thumb(person: Client, alice: Subscriber) -> None:
    items = listed(person.app, alice).items
    second = thumb_path(person, alice, 2, Purpose.UP)
    person.post(second, data=hidden(person.get(second).text))
    first = thumb_path(person, alice, 1, Purpose.UP)
    text = person.post(first, data=hidden(person.get(first).text)).text
    assert f"Next: 3 of {len(items)}" in text


def test_the_papers_before_follow_after_the_last(person: Client, alice: Subscriber) -> None:
    items = listed(person.app, alice).items
    last = thumb_path(person, alice, len(items), Purpose.UP)
    text = person.post(last, data=hidden(person.get(last).text)).text
    assert f"Next: 1 of {len(items)}" in text


def test_a_robot_that_follows_the_next_paper_rates_nothing(
    robot: Client, alice: Subscriber
) -> None:
    path = thumb_path(robot, alice, 1, Purpose.UP)
    text = robot.post(path, data=hidden(robot.get(path).text)).text
    for action, fields in forms(text)[-2:]:
        robot.post(action, data=fields)
    assert votes(robot.app, alice)[1] == 0
