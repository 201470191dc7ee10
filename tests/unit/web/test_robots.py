"""Robots that press every button.

Their presses are held until a person confirms them, and leaving wins.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.model import MessageKind, Purpose, Subscriber, SubscriberStatus
from tests.conftest import read_mails
from tests.unit.web.conftest import heading, hidden, vote
from tests.webclient import Client, Clock, forms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def robot(app: App, readers: dict[str, Subscriber], clock: Clock) -> Client:
    """A client without pauses: the clock stands still unless a test moves it."""
    return Client(replace(app, now=clock))


def status(client: Client, reader: Subscriber) -> SubscriberStatus:
    return subscriptions.get(client.app, reader.id).status


def press_all(client: Client, *paths: str) -> None:
    """Open each page and send each form on it."""
    for path in paths:
        for action, fields in forms(client.get(path).text):
            client.post(action or path, data=fields)


def goodbyes(client: Client) -> int:
    return sum(row["kind"] == MessageKind.GOODBYE for row in services.deliveries(client.app))


@pytest.mark.parametrize("first", [Purpose.UP, Purpose.DOWN])
def test_both_thumbs_of_a_paper_count_for_nothing_until_one_is_confirmed(
    robot: Client, alice: Subscriber, clock: Clock, first: Purpose
) -> None:
    second = Purpose.DOWN if first is Purpose.UP else Purpose.UP
    press_all(robot, robot.path(first, alice, 1), robot.path(second, alice, 1))
    assert vote(robot, alice) == 0
    clock.wait(3600)
    for purpose in (first, second):
        page = robot.get(robot.path(purpose, alice, 1))
        assert heading(page.text) == "Which one do you mean?"
    (up, _), (down, less) = forms(page.text)
    assert (up, down) == (robot.path(Purpose.UP, alice, 1), robot.path(Purpose.DOWN, alice, 1))
    answer = robot.post(down, data=less)
    assert vote(robot, alice) == -1
    assert heading(answer.text) == "Noted: less like this"
    assert heading(robot.get(up).text) == "More like this?"


def test_a_vote_that_stood_before_the_robot_came_stands_after_it(
    robot: Client, alice: Subscriber, clock: Clock
) -> None:
    down = robot.path(Purpose.DOWN, alice, 1)
    robot.post(down, data=hidden(robot.get(down).text))
    clock.wait(86400)
    for purpose in (Purpose.UP, Purpose.DOWN, Purpose.UP, Purpose.DOWN):
        robot.post(robot.path(purpose, alice, 1))
    assert vote(robot, alice) == -1


def test_a_robot_that_confirms_both_thumbs_confirms_neither(
    robot: Client, alice: Subscriber
) -> None:
    up, down = robot.path(Purpose.UP, alice, 1), robot.path(Purpose.DOWN, alice, 1)
    robot.post(up)
    answer = robot.post(down)
    for action, fields in forms(answer.text):
        robot.post(action, data=fields)
    assert vote(robot, alice) == 0
    assert heading(robot.get(up).text) == "Which one do you mean?"


def test_a_person_may_confirm_at_once(robot: Client, alice: Subscriber) -> None:
    robot.post(robot.path(Purpose.UP, alice, 1))
    answer = robot.post(robot.path(Purpose.DOWN, alice, 1))
    (up, more), _ = forms(answer.text)
    robot.post(up, data=more)
    assert vote(robot, alice) == 1


def test_a_single_press_and_thumbs_on_many_papers_are_never_held(
    robot: Client, alice: Subscriber
) -> None:
    for paper, purpose in enumerate([Purpose.UP, Purpose.DOWN, Purpose.UP, Purpose.DOWN], start=1):
        robot.post(robot.path(purpose, alice, paper))
    assert [vote(robot, alice, paper) for paper in (1, 2, 3, 4)] == [1, -1, 1, -1]


def test_presses_of_another_reader_hold_nothing(
    robot: Client, readers: dict[str, Subscriber]
) -> None:
    robot.post(robot.path(Purpose.UP, readers["alice"], 1))
    robot.post(robot.path(Purpose.DOWN, readers["bob"], 1))
    assert (vote(robot, readers["alice"]), vote(robot, readers["bob"])) == (1, -1)


def test_the_settings_page_tells_of_held_presses_for_a_week(
    robot: Client, alice: Subscriber, clock: Clock
) -> None:
    press_all(robot, robot.path(Purpose.UP, alice, 1), robot.path(Purpose.DOWN, alice, 1))
    title = services.get_paper(robot.app, 1).title
    settings = robot.get(robot.path(Purpose.MANAGE, alice)).text
    assert "Which one did you mean?" in settings
    assert title in settings
    assert f'href="{robot.path(Purpose.UP, alice, 1)}"' in settings
    clock.wait(timedelta(days=7, seconds=1).total_seconds())
    assert title not in robot.get(robot.path(Purpose.MANAGE, alice)).text
    assert heading(robot.get(robot.path(Purpose.UP, alice, 1)).text) == "More like this?"
    assert vote(robot, alice) == 0


# ------------------------------------------------------------------------------------------ leaving


def test_leaving_is_obeyed_within_a_burst_and_a_mail_offers_the_way_back(
    robot: Client, alice: Subscriber, clock: Clock
) -> None:
    leave = robot.path(Purpose.UNSUBSCRIBE, alice)
    press_all(robot, robot.path(Purpose.UP, alice, 1), robot.path(Purpose.DOWN, alice, 1), leave)
    assert status(robot, alice) is SubscriberStatus.LEFT
    assert goodbyes(robot) == 1
    clock.wait(3600)
    pipeline.send(robot.app)
    (mail,) = read_mails(robot.app).values()
    body = mail.get_body(("plain",))
    assert body is not None
    (link,) = [line.strip("<>") for line in body.get_content().split() if "/u/" in line]
    path = link.removeprefix(robot.app.config.web.base_url)
    page = robot.get(path)
    assert status(robot, alice) is SubscriberStatus.LEFT, "a look changes nothing"
    assert heading(page.text) == "You have left"
    assert heading(robot.post(path, data=hidden(page.text)).text) == "Welcome back"
    assert status(robot, alice) is SubscriberStatus.ACTIVE


def test_a_burst_may_begin_with_leaving(robot: Client, alice: Subscriber) -> None:
    robot.post(robot.path(Purpose.UNSUBSCRIBE, alice))
    assert goodbyes(robot) == 0
    for paper in (1, 2, 3):
        robot.post(robot.path(Purpose.UP, alice, paper))
    assert goodbyes(robot) == 1
    assert status(robot, alice) is SubscriberStatus.LEFT


def test_a_person_who_leaves_gets_no_mail(robot: Client, alice: Subscriber, clock: Clock) -> None:
    robot.post(robot.path(Purpose.UP, alice, 1))
    clock.wait(5)
    robot.post(robot.path(Purpose.UNSUBSCRIBE, alice), data={"List-Unsubscribe": "One-Click"})
    assert status(robot, alice) is SubscriberStatus.LEFT
    assert goodbyes(robot) == 0


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_a_robot_that_follows_each_answer_brings_nobody_back(
    robot: Client, alice: Subscriber, clock: Clock, depth: int
) -> None:
    path = robot.path(Purpose.UNSUBSCRIBE, alice)
    page = robot.post(path)
    for _ in range(depth):
        clock.wait(0.3)
        page = robot.post(path, data=hidden(page.text))
        assert status(robot, alice) is SubscriberStatus.LEFT
    assert heading(page.text) == "Do you want to come back?"
    assert goodbyes(robot) == 1
    clock.wait(4)
    assert heading(robot.post(path, data=hidden(page.text)).text) == "Welcome back"
    assert status(robot, alice) is SubscriberStatus.ACTIVE


def test_a_robot_at_the_settings_page_brings_nobody_back(
    robot: Client, alice: Subscriber, clock: Clock
) -> None:
    subscribed = robot.path(Purpose.MANAGE, alice)
    robot.post(robot.path(Purpose.UNSUBSCRIBE, alice))
    fields = hidden(robot.get(subscribed).text)
    answer = robot.post(subscribed, data=fields | {"do": "return"})
    assert status(robot, alice) is SubscriberStatus.LEFT
    assert "was pressed a moment ago" in answer.text
    clock.wait(5)
    robot.post(subscribed, data=hidden(answer.text) | {"do": "return"})
    assert status(robot, alice) is SubscriberStatus.ACTIVE


def test_a_reader_who_left_earlier_comes_back_at_once(
    robot: Client, alice: Subscriber, clock: Clock
) -> None:
    path = robot.path(Purpose.UNSUBSCRIBE, alice)
    answer = robot.post(path)
    clock.wait(11)
    assert heading(robot.post(path, data=hidden(answer.text)).text) == "Welcome back"
    assert goodbyes(robot) == 0


def test_old_pages_posted_again_neither_resubscribe_nor_unsubscribe(
    robot: Client, alice: Subscriber, clock: Clock
) -> None:
    path = robot.path(Purpose.UNSUBSCRIBE, alice)
    go = hidden(robot.get(path).text)
    back = hidden(robot.post(path, data=go).text)
    clock.wait(60)
    robot.post(path, data=back)
    clock.wait(60)
    assert heading(robot.post(path, data=go).text) == "Nothing has changed"
    assert status(robot, alice) is SubscriberStatus.ACTIVE
    robot.post(path, data={"List-Unsubscribe": "One-Click"})
    clock.wait(60)
    robot.post(path, data=back)
    assert status(robot, alice) is SubscriberStatus.LEFT
    robot.post(path, data={"List-Unsubscribe": "One-Click"})
    assert status(robot, alice) is SubscriberStatus.LEFT


def test_pages_of_last_year_ask_again(robot: Client, alice: Subscriber, clock: Clock) -> None:
    """Whether they were posted then is no longer known.

    Leaving alone works from any page.
    """
    leave, manage = robot.path(Purpose.UNSUBSCRIBE, alice), robot.path(Purpose.MANAGE, alice)
    go = hidden(robot.get(leave).text)
    (pause,) = [
        fields for _, fields in forms(robot.get(manage).text) if fields.get("do") == "pause"
    ]
    robot.post(leave, data=go)
    back = hidden(robot.get(leave).text)
    clock.wait(200 * 86_400)
    answer = robot.post(leave, data=back)
    assert (heading(answer.text), status(robot, alice)) == ("You have left", SubscriberStatus.LEFT)
    robot.post(leave, data=hidden(answer.text))
    assert status(robot, alice) is SubscriberStatus.ACTIVE
    robot.post(manage, data=pause)
    assert status(robot, alice) is SubscriberStatus.ACTIVE
    robot.post(leave, data=go)
    assert status(robot, alice) is SubscriberStatus.LEFT


def test_a_robot_that_follows_each_answer_forgets_no_thumbs(
    robot: Client, alice: Subscriber, clock: Clock
) -> None:
    path = robot.path(Purpose.MANAGE, alice) + "/learned"
    robot.post(robot.path(Purpose.UP, alice, 1))

    def buttons(text: str) -> list[dict[str, str]]:
        return [
            fields for _, fields in forms(text) if fields.get("do", "").startswith("start-over")
        ]

    (ask,) = buttons(robot.get(path).text)
    page = robot.post(path, data=ask)
    for _ in range(3):
        clock.wait(0.5)
        page = robot.post(path, data=buttons(page.text)[0])
    assert vote(robot, alice) == 1
    sure = buttons(page.text)[0]
    clock.wait(5)
    assert "All your thumbs are forgotten." in robot.post(path, data=sure).text
    assert vote(robot, alice) == 0
    clock.wait(3600)
    robot.post(robot.path(Purpose.DOWN, alice, 1))
    robot.post(path, data=sure)
    assert vote(robot, alice) == -1, "the same page posted again forgets nothing more"


def test_a_pause_posted_again_does_not_undo_a_later_resume(
    robot: Client, alice: Subscriber
) -> None:
    path = robot.path(Purpose.MANAGE, alice)
    (pause,) = [fields for _, fields in forms(robot.get(path).text) if fields.get("do") == "pause"]
    paused = robot.post(path, data=pause)
    (resume,) = [fields for _, fields in forms(paused.text) if fields.get("do") == "resume"]
    robot.post(path, data=resume)
    robot.post(path, data=pause)
    assert status(robot, alice) is SubscriberStatus.ACTIVE
