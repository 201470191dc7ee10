"""The list of a reader's thumbs: turned, withdrawn, undone, page by page."""

from __future__ import annotations

import re

import pytest

from digest import pipeline, services, subscriptions
from digest.model import Purpose, Subscriber, Vote
from tests.conftest import TODAY, invent_papers
from tests.unit.web.conftest import heading
from tests.webclient import Client, Write, contents, fill, forms


@pytest.fixture
def path(client: Client, alice: Subscriber) -> str:
    votes: tuple[Vote, ...] = (1, -1, 1)
    for number, vote in enumerate(votes, start=1):
        services.rate(client.app, alice, f"paper:{number}", vote)
    return f"{client.path(Purpose.MANAGE, alice)}/thumbs"


def vote(client: Client, reader: Subscriber, paper: int) -> Vote:
    return pipeline.current_vote(client.app, reader.id, paper)


def press(client: Client, path: str, page: str, paper: int, button: str) -> str:
    """Press a button of a paper on a page; return the answering page."""
    for inside in re.findall(r"<form[^>]*>(.*?)</form>", page, re.DOTALL):
        if f'name="paper" value="{paper}"' in inside and button in inside:
            fields = dict(re.findall(r'name="([\w-]+)" value="([^"]*)"', inside))
            return client.post(path, data=fields).text
    raise AssertionError(f"no button {button!r} for paper {paper}")


def test_all_thumbs_are_listed_newest_first(client: Client, path: str) -> None:
    page = client.get(path).text
    assert heading(page) == "Your thumbs"
    assert "3 thumbs, the newest first" in page
    assert page.count('class="rated"') == 3
    assert len(forms(page)) == 6


def test_a_thumb_is_turned_and_that_is_undone(client: Client, path: str, alice: Subscriber) -> None:
    page = press(client, path, client.get(path).text, 1, "Less like this")
    assert "Less like this:" in page
    assert vote(client, alice, 1) == -1
    page = press(client, path, page, 1, ">Undo<")
    assert vote(client, alice, 1) == 1
    assert page.count('class="rated"') == 3


def test_a_thumb_is_withdrawn_and_that_is_undone(
    client: Client, path: str, alice: Subscriber
) -> None:
    page = press(client, path, client.get(path).text, 2, "Withdraw")
    assert "Withdrawn:" in page
    assert vote(client, alice, 2) == 0
    assert page.count('class="rated"') == 2
    press(client, path, page, 2, ">Undo<")
    assert vote(client, alice, 2) == -1


def test_a_page_sent_twice_counts_once(client: Client, path: str, alice: Subscriber) -> None:
    page = client.get(path).text
    press(client, path, page, 1, "Less like this")
    before = contents(client.app)
    again = press(client, path, page, 1, "Less like this")
    assert "was sent before, so nothing changed" in again
    assert contents(client.app) == before


def test_looking_changes_nothing_and_bad_forms_do_nothing(client: Client, path: str) -> None:
    before = contents(client.app)
    for page in ("", "?page=0", "?page=2", "?page=x", "?page=99999999999999999999"):
        for method in ("GET", "HEAD"):
            assert client.request(method, path + page).status_code == 200
    for data in ({}, {"paper": "1"}, {"paper": "1", "vote": "0"}, {"paper": "-1", "vote": "1"}):
        assert client.post(path, data=data).status_code == 200
    assert client.post(path, data={"paper": "987654", "vote": "1"}).status_code == 404
    assert contents(client.app) == before


def test_pages_hold_thirty(client: Client, dump: Write, path: str, alice: Subscriber) -> None:
    fill(client.app, dump, rows=invent_papers(TODAY, per_topic=9, start=1))
    for number in range(4, 40):
        services.rate(client.app, alice, f"paper:{number}", 1)
    page = client.get(path).text
    assert page.count('class="rated"') == 30
    assert f'href="{path}?page=2"' in page
    second = client.get(f"{path}?page=2").text
    assert second.count('class="rated"') == 9
    assert f'href="{path}?page=1"' in second
    pressed = press(client, f"{path}?page=2", second, 1, "Withdraw")
    assert pressed.count('class="rated"') == 8
    assert vote(client, alice, 1) == 0


def test_who_left_sees_them_and_changes_nothing(
    client: Client, path: str, alice: Subscriber
) -> None:
    page = client.get(path).text
    subscriptions.unsubscribe(client.app, alice.id)
    assert "<form" not in client.get(path).text
    press(client, path, page, 1, "Less like this")
    assert vote(client, alice, 1) == 1


def test_links_of_other_purposes_and_readers_do_not_open_it(
    client: Client, path: str, alice: Subscriber
) -> None:
    token = client.path(Purpose.UP, alice, 1).rpartition("/")[2]
    assert client.get(f"/m/{token}/thumbs").status_code == 404
    assert client.post(f"/m/{token}/thumbs", data={"paper": "1", "vote": "-1"}).status_code == 404
