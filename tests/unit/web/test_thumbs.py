"""The pages behind thumbs: a button, its undo, and what counts."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import event

from digest import services, subscriptions
from digest.app import App
from digest.model import Link, Purpose, Subscriber, SubscriberStatus
from tests.unit.web.conftest import heading, hidden, listed, message_id, set_status, vote
from tests.webclient import Client, contents


def test_a_thumb_page_shows_the_paper_and_one_button(client: Client, alice: Subscriber) -> None:
    answer = client.get(client.path(Purpose.UP, alice, 1))
    paper = services.get_paper(client.app, 1)
    assert answer.status_code == 200
    assert paper.title in answer.text
    assert "Jane Doe" in answer.text
    assert f'href="{paper.url}"' in answer.text
    assert answer.text.count("<button") == 1
    assert heading(answer.text) == "More like this?"


def test_a_thumb_page_does_not_show_the_whole_address(client: Client, alice: Subscriber) -> None:
    for text in (
        client.get(client.path(Purpose.UP, alice, 1)).text,
        client.post(client.path(Purpose.UP, alice, 1)).text,
    ):
        assert "a…@example.org" in text
        assert "alice@" not in text


def test_get_and_head_of_every_link_change_nothing(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    """A scanner follows every link of a mail, and every link on the pages behind."""
    paths = ["/", "/healthz", "/readyz", "/openapi.json", "/robots.txt", "/style.css", "/icon.svg"]
    for reader in readers.values():
        paths += [client.path(purpose, reader, 1) for purpose in (Purpose.UP, Purpose.DOWN)]
        paths += [
            client.path(purpose, reader)
            for purpose in (Purpose.UNSUBSCRIBE, Purpose.MANAGE, Purpose.CONFIRM)
        ]
    before = contents(client.app)
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200, path
        for link in re.findall(r'(?:href|action|src)="(/[^"]*)"', answer.text):
            assert client.get(link).status_code in (200, 302)
        assert client.request("HEAD", path).status_code in (200, 405)
        assert client.get(path + "?undo=1&do=pause&List-Unsubscribe=One-Click").status_code == 200
    assert contents(client.app) == before


@pytest.mark.parametrize(("purpose", "expected"), [(Purpose.UP, 1), (Purpose.DOWN, -1)])
def test_pressing_the_button_votes_and_says_so(
    client: Client, alice: Subscriber, purpose: Purpose, expected: int
) -> None:
    answer = client.post(client.path(purpose, alice, 1))
    assert answer.status_code == 200
    assert vote(client, alice) == expected
    assert heading(answer.text).startswith("Noted: ")
    assert vote(client, alice, 2) == 0


def test_pressing_twice_is_pressing_once(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.UP, alice, 1)
    fields = hidden(client.get(path).text)
    first = client.post(path, data=fields)
    after_one = contents(client.app)
    second = client.post(path, data=fields)
    assert contents(client.app) == after_one
    assert heading(second.text) == heading(first.text)
    assert hidden(second.text)["before"] == hidden(first.text)["before"]


def test_undo_goes_back_to_the_vote_before(client: Client, alice: Subscriber) -> None:
    up, down = client.path(Purpose.UP, alice, 1), client.path(Purpose.DOWN, alice, 1)
    client.post(down)
    fields = hidden(client.get(up).text)
    done = client.post(up, data=fields)
    assert vote(client, alice) == 1
    undone = client.post(up, data=hidden(done.text))
    assert vote(client, alice) == -1
    assert heading(undone.text) == "Taken back"


def test_undo_without_a_vote_before_withdraws(client: Client, alice: Subscriber) -> None:
    up = client.path(Purpose.UP, alice, 1)
    client.post(up)
    client.post(up, data={"undo": "1"})
    assert vote(client, alice) == 0
    client.post(up, data={"undo": "1", "before": "1"})
    assert vote(client, alice) == 0, "a second undo must not bring the thumb back"


def test_a_page_that_is_posted_again_still_undoes_to_the_first_state(
    client: Client, alice: Subscriber
) -> None:
    up = client.path(Purpose.UP, alice, 1)
    fields = hidden(client.get(up).text)
    client.post(up, data=fields)
    again = client.post(up, data=fields)
    client.post(up, data=hidden(again.text))
    assert vote(client, alice) == 0


def test_an_old_undo_does_not_take_back_a_newer_thumb(client: Client, alice: Subscriber) -> None:
    done = client.post(client.path(Purpose.UP, alice, 1))
    client.post(client.path(Purpose.DOWN, alice, 1))
    client.post(client.path(Purpose.UP, alice, 1), data=hidden(done.text))
    assert vote(client, alice) == -1


def test_the_opposite_vote_is_one_press_away(client: Client, alice: Subscriber) -> None:
    done = client.post(client.path(Purpose.UP, alice, 1))
    (other,) = re.findall(r'action="([^"]+)"', done.text)
    assert other == client.path(Purpose.DOWN, alice, 1)
    client.post(other, data={"before": "1"})
    assert vote(client, alice) == -1


def test_an_invented_earlier_vote_is_ignored(client: Client, alice: Subscriber) -> None:
    up = client.path(Purpose.UP, alice, 1)
    client.post(up, data={"before": "17"})
    client.post(up, data={"undo": "1", "before": "-17"})
    assert vote(client, alice) == 0


@pytest.mark.parametrize(
    "status",
    [
        SubscriberStatus.PENDING,
        SubscriberStatus.PAUSED,
        SubscriberStatus.SUPPRESSED,
        SubscriberStatus.ACTIVE,
    ],
)
def test_a_thumb_counts_with_every_status(
    client: Client, alice: Subscriber, status: SubscriberStatus
) -> None:
    set_status(client.app, alice, status)
    assert client.post(client.path(Purpose.UP, alice, 1)).status_code == 200
    assert vote(client, alice) == 1


def test_a_thumb_of_a_reader_who_left_does_not_count(client: Client, alice: Subscriber) -> None:
    subscriptions.unsubscribe(client.app, alice.id)
    before = contents(client.app)
    answer = client.post(client.path(Purpose.UP, alice, 1))
    assert answer.status_code == 200
    assert heading(answer.text) == "Thumbs are not counted any more"
    assert "<button" not in answer.text
    assert contents(client.app) == before


def noted_statements(service: App, act: Callable[[], object]) -> list[str]:
    statements: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(service.store.engine, "before_cursor_execute", note)
    act()
    event.remove(service.store.engine, "before_cursor_execute", note)
    return statements


def test_a_thumb_takes_few_statements_that_are_all_known_the_next_time(
    sent: App, person: Client, alice: Subscriber
) -> None:
    """Compiling statements, and statements that nothing on the page needs, were most of its time.

    The answer shows the digest's next paper, and its length does not matter.
    """
    rated = listed(sent, alice).items
    assert len(rated) > 2
    url = {item.number: thumb_path(sent, alice, item.paper.id) for item in rated}
    for number in (1, 2):  # what is asked once only
        assert "Next: " in person.post(url[number]).text
    kinds = []
    for number in (2, 3):  # taken back, and a new one
        fields = hidden(person.get(url[2]).text) if number == 2 else {}
        statements = noted_statements(sent, lambda n=number, f=fields: person.post(url[n], data=f))  # type: ignore[misc]
        assert len(statements) <= 16, statements
        kinds.append(set(statements))
    assert kinds[0] == kinds[1]


def thumb_path(
    service: App, reader: Subscriber, paper_id: int, purpose: Purpose = Purpose.UP
) -> str:
    message = message_id(service, reader)
    url = service.url(purpose, reader.id, paper_id=paper_id, message_id=message)
    return url.removeprefix(service.config.web.base_url)


def test_the_next_paper_is_the_first_without_a_thumb_from_there_on(
    sent: App, person: Client, alice: Subscriber
) -> None:
    """The page asks for it in one query; here it is found by hand in the whole digest."""
    for number in (3, 1, 2, len(listed(sent, alice).items)):
        items = listed(sent, alice).items
        pressed = items[number - 1]
        rest = [*items[number:], *items[: number - 1]]
        wanted = next((item for item in rest if not item.vote and not item.is_held), None)
        link = Link(Purpose.UP, alice.id, pressed.paper.id, message_id=message_id(sent, alice))
        shown = services.load_thumb_papers(sent, link)
        assert shown.paper == pressed.paper
        assert shown.count == len(items)
        assert (shown.number, shown.following) == (
            (wanted.number, wanted.paper) if wanted else (0, None)
        )
        person.post(thumb_path(sent, alice, pressed.paper.id))


def test_the_next_paper_is_none_that_is_held_withdrawn_or_merged_into_a_rated_one(
    sent: App, robot: Client, alice: Subscriber
) -> None:
    first, second, third = (item.paper.id for item in listed(sent, alice).items)
    for purpose in (Purpose.UP, Purpose.DOWN):
        robot.post(thumb_path(sent, alice, second, purpose))
    assert listed(sent, alice).items[1].is_held
    link = Link(Purpose.UP, alice.id, first, message_id=message_id(sent, alice))
    shown = services.load_thumb_papers(sent, link)
    assert (shown.number, shown.count) == (3, 3)
    with sent.store.writing() as tx:
        tx.exec_driver_sql(f"UPDATE papers SET withdrawn = 1 WHERE id = {second}")
    shown = services.load_thumb_papers(sent, link)
    assert (shown.number, shown.count) == (2, 2), "numbers are those of the list"
    assert shown.following is not None
    assert shown.following.id == third
    with sent.store.writing() as tx:  # the third turns out to be the second
        tx.exec_driver_sql(f"UPDATE papers SET withdrawn = 0 WHERE id = {second}")
        tx.exec_driver_sql(f"UPDATE papers SET merged_into = {second} WHERE id = {third}")
    shown = services.load_thumb_papers(sent, link)
    assert (shown.number, shown.following, shown.count) == (0, None, 3)
    shown = services.load_thumb_papers(sent, link._replace(paper_id=third))
    assert shown.paper.id == second
    assert shown.number == 1
