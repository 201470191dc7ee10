"""A reader's own search, where they vote, and the way to it from their own pages."""

from __future__ import annotations

import re

import pytest

from digest import services
from digest.model import Purpose, Subscriber, SubscriberStatus
from tests.unit.web.conftest import set_status
from tests.unit.web.test_voting import ballot, place, press
from tests.webclient import Client, contents


def link_in_head(text: str, name: str) -> str:
    head = text.partition("<header")[2].partition("</header>")[0]
    found = re.search(rf'<a href="([^"]*)">{name}</a>', head)
    return found[1] if found else ""


def word_of(client: Client, paper_id: int) -> str:
    title = services.load_paper_page(client.app, paper_id).paper.title
    return max(re.findall(r"[a-z]+", title.lower()), key=len)


def test_a_reader_votes_on_what_they_searched_for(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    own = place(client, readers["bob"])
    path = f"{own}/search?q={word_of(client, 3)}&order=new"
    page = client.get(path)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert f'href="{own}/p/3"' in page.text
    assert f'<form method="get" action="{own}/search"' in page.text
    answer = press(client, path, 3)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}#p3")
    assert ballot(client.get(path).text, 3)["do"] == "undo"
    assert [voter.votes for voter in services.list_voters(client.app)] == [1]


def test_the_search_for_everybody_has_no_buttons(client: Client) -> None:
    page = client.get(f"/search?q={word_of(client, 3)}").text
    assert 'href="/p/3"' in page
    assert "Up-vote" not in page


def test_searching_changes_nothing_and_needs_a_word(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    own = place(client, readers["bob"])
    client.get(own)
    before = contents(client.app)
    for path in (f"{own}/search", f"{own}/search?q=", f"{own}/search?q=paper&do=vote&paper=1"):
        for method in ("GET", "HEAD"):
            assert client.request(method, path).status_code == 200, path
    assert "<article" not in client.get(f"{own}/search").text
    assert contents(client.app) == before


@pytest.mark.parametrize("end", ["", "/digests", "/saved", "/data", "/keys"])
def test_own_pages_lead_to_the_lists_with_votes(
    client: Client, readers: dict[str, Subscriber], end: str
) -> None:
    bob = readers["bob"]
    page = client.get(client.path(Purpose.MANAGE, bob) + end).text
    own = link_in_head(page, "Papers")
    assert own == place(client, bob)
    assert link_in_head(page, "Search") == f"{own}/search"
    assert link_in_head(page, "Subscribe") == ""
    assert client.get(f"{own}/search").status_code == 200


def test_who_has_left_is_led_to_the_lists_for_everybody(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    set_status(client.app, readers["bob"], SubscriberStatus.LEFT)
    page = client.get(client.path(Purpose.MANAGE, readers["bob"]) + "/digests").text
    assert link_in_head(page, "Papers") == "/"
    assert link_in_head(page, "Search") == "/search"
