"""The latest deliberate press of a thumb stands when old pages are posted again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest import services, store
from digest.model import Purpose, Subscriber
from tests.unit.web.conftest import heading, hidden, vote
from tests.webclient import Client, Person, forms


def test_a_reload_does_not_undo_a_later_thumb(client: Client, alice: Subscriber) -> None:
    up, down = client.path(Purpose.UP, alice, 1), client.path(Purpose.DOWN, alice, 1)
    tab_a, tab_b = hidden(client.get(up).text), hidden(client.get(down).text)
    client.post(up, data=tab_a)
    client.post(down, data=tab_b)
    again = client.post(up, data=tab_a)
    assert vote(client, alice) == -1
    assert heading(again.text) == "Nothing has changed"
    assert "You have said “less like this” since, and that stands." in again.text


def test_a_press_on_the_page_that_says_so_counts(client: Client, alice: Subscriber) -> None:
    up, down = client.path(Purpose.UP, alice, 1), client.path(Purpose.DOWN, alice, 1)
    tab_a = hidden(client.get(up).text)
    client.post(up, data=tab_a)
    client.post(down, data=hidden(client.get(down).text))
    again = client.post(up, data=tab_a)
    client.post(up, data=hidden(again.text))
    assert vote(client, alice) == 1


def test_an_undo_that_is_sent_again_takes_nothing_back(client: Client, alice: Subscriber) -> None:
    up = client.path(Purpose.UP, alice, 1)
    undo = hidden(client.post(up, data=hidden(client.get(up).text)).text)
    client.post(up, data=undo)
    client.post(up, data=hidden(client.get(up).text))
    client.post(up, data=undo)
    assert vote(client, alice) == 1


def test_a_page_of_last_year_asks_again(client: Person, alice: Subscriber) -> None:
    """Whether it was posted then is no longer known, and a question costs nothing."""
    up = client.path(Purpose.UP, alice, 1)
    old = hidden(client.get(up).text)
    client.clock.wait(timedelta(days=200).total_seconds())
    answer = client.post(up, data=old)
    assert vote(client, alice) == 0
    assert "This page was opened long ago" in answer.text
    client.post(up, data=hidden(answer.text))
    assert vote(client, alice) == 1


def test_an_old_mail_opened_today_counts(client: Person, alice: Subscriber) -> None:
    up, down = client.path(Purpose.UP, alice, 1), client.path(Purpose.DOWN, alice, 1)
    client.post(up, data=hidden(client.get(up).text))
    client.clock.wait(timedelta(days=300).total_seconds())
    client.post(down, data=hidden(client.get(down).text))
    assert vote(client, alice) == -1


def test_pages_posted_long_ago_are_forgotten(client: Person, alice: Subscriber) -> None:
    client.post(client.path(Purpose.UP, alice, 1))
    client.clock.wait(timedelta(days=91).total_seconds())
    client.post(client.path(Purpose.UP, alice, 2))
    with client.app.store.reading() as tx:
        rows = store.presses.list_around(tx, alice.id, client.clock.at, timedelta(days=500))
    assert [row.paper_id for row in rows] == [2]


@dataclass
class Tabs:
    """The model: pages that were shown, and the last choice of the reader."""

    open: list[tuple[str, dict[str, str], int]] = field(default_factory=list)
    posted: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    meant: int = 0


Act = Literal["show up", "show down", "press", "post again"]


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["show up", "show down", "press", "press", "post again"]),
            st.integers(0, 5),
        ),
        max_size=14,
    )
)
def test_the_latest_deliberate_press_stands(
    client: Client, alice: Subscriber, acts: list[tuple[Act, int]]
) -> None:
    services.start_over(client.app, alice.id, via="page")
    tabs = Tabs()
    for act, number in acts:
        if act.startswith("show"):
            purpose = Purpose.UP if act == "show up" else Purpose.DOWN
            path = client.path(purpose, alice, 1)
            expected_vote = 1 if purpose is Purpose.UP else -1
            for action, fields in forms(client.get(path).text):
                if "undo" not in fields:
                    tabs.open.append(
                        (action or path, fields, -expected_vote if action else expected_vote)
                    )
        elif act == "press" and tabs.open:
            path, fields, expected_vote = tabs.open.pop(number % len(tabs.open))
            client.post(path, data=fields)
            tabs.posted.append((path, fields))
            tabs.meant = expected_vote
        elif act == "post again" and tabs.posted:
            path, fields = tabs.posted[number % len(tabs.posted)]
            client.post(path, data=fields)
        assert vote(client, alice) == tabs.meant


@pytest.mark.parametrize("form", ["x", "a" * 5000, "<b>", "12.34", "\x00"])
def test_a_made_up_form_token_is_accepted(client: Client, alice: Subscriber, form: str) -> None:
    assert (
        client.post(
            client.path(Purpose.UP, alice, 1), data={"form": form, "answers": form}
        ).status_code
        == 200
    )
    assert vote(client, alice) == 1
