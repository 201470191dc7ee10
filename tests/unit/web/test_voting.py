"""A reader's own view of the lists: votes, picks and suggestions by a link."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from digest import services
from digest.app import App
from digest.model import Purpose, Subscriber, SubscriberStatus
from tests.conftest import TODAY, make_app
from tests.unit.web.conftest import build_filled_file, heading, hidden, set_status
from tests.webclient import Client, Clock, Person, contents

FORM = r'<form method="post" action="([^"]*)"(.*?)</form>'
XSS = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'&<b>"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """An app with papers and the cast; alice is a curator."""
    (tmp_path / "digest.sqlite").write_bytes(build_filled_file())
    app = make_app(tmp_path, web__curators='["Alice@example.org"]')
    yield app
    app.close()


def place(client: Client, reader: Subscriber) -> str:
    return client.path(Purpose.VOTE, reader)


def forms_of(text: str) -> list[dict[str, str]]:
    """Return the fields and buttons of the forms of a page."""
    return [
        dict(re.findall(r'name="(\w+)" value="([^"]*)"', form)) | {"": html.unescape(action)}
        for action, form in re.findall(
            r'<form method="post" action="([^"]*)"(.*?)</form>', text, re.S
        )
    ]


def ballot(text: str, paper_id: int) -> dict[str, str]:
    (form,) = [f for f in forms_of(text) if f.get("paper") == str(paper_id)]
    return form


def press(client: Client, path: str, paper_id: int) -> Any:
    form = ballot(client.get(path).text, paper_id)
    return client.post(form.pop(""), data=form)


def test_a_reader_votes_on_the_list_and_takes_it_back(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    own = place(client, readers["bob"])
    page = client.get(own)
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    answer = press(client, own, 3)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{own}/{TODAY}#p3"
    after = client.get(own).text
    assert "1 upvote" in after
    assert ballot(after, 3)["do"] == "undo"
    assert "1 upvote" in client.get("/").text
    press(client, own, 3)
    assert "upvote<" not in client.get(own).text
    assert services.list_voters(client.app) == []


def test_a_press_leads_back_to_the_same_list(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    path = f"{place(client, readers['bob'])}/{TODAY:%Y-%m}?order=new&category=cs.AI"
    answer = press(client, path, 2)
    assert answer.headers["location"] == f"{path}#p2"


def test_a_page_sent_again_changes_nothing(client: Client, readers: dict[str, Subscriber]) -> None:
    form = ballot(client.get(place(client, readers["bob"])).text, 1)
    action = form.pop("")
    for _ in range(3):
        assert client.post(action, data=form).status_code == 303
    assert [voter.votes for voter in services.list_voters(client.app)] == [1]


def test_opening_changes_nothing(client: Client, readers: dict[str, Subscriber]) -> None:
    for name in ("alice", "bob"):
        own = place(client, readers[name])
        client.get(own)
        before = contents(client.app)
        for path in (own, f"{own}/{TODAY}", f"{own}/p/1", f"{own}/suggest"):
            for method in ("GET", "HEAD"):
                for address in (path, path.lower(), f"{path}?do=vote&paper=1"):
                    assert client.request(method, address).status_code == 200, address
        assert contents(client.app) == before


def test_a_link_is_good_for_voting_alone(client: Client, readers: dict[str, Subscriber]) -> None:
    own = place(client, readers["bob"])
    token = own.rpartition("/")[2]
    for path in (f"/m/{token}", f"/t/{token}", f"/u/{token}", f"/d/{token}", f"/c/{token}"):
        assert client.get(path).status_code == 404
    for purpose in (Purpose.MANAGE, Purpose.RATE, Purpose.UP, Purpose.UNSUBSCRIBE):
        other = client.path(purpose, readers["bob"]).rpartition("/")[2]
        assert client.get(f"/r/{other}").status_code == 404
        assert client.post(f"/r/{other}/p/1", data={"do": "vote"}).status_code == 404
    page = client.get(own).text
    assert "/m/" not in page
    assert "bob@example.org" not in page


@pytest.mark.parametrize("status", [SubscriberStatus.PENDING, SubscriberStatus.LEFT])
def test_others_read_why_they_have_no_vote(
    client: Client, readers: dict[str, Subscriber], status: SubscriberStatus
) -> None:
    own = place(client, readers["bob"])
    set_status(client.app, readers["bob"], status)
    for answer in (client.get(own), client.post(f"{own}/p/1", data={"do": "vote"})):
        assert (answer.status_code, heading(answer.text)) == (403, "This is for readers")
    assert "Vote and suggest" not in client.get(client.path(Purpose.MANAGE, readers["bob"])).text


def test_a_robot_that_presses_at_once_has_no_vote(app: App, readers: dict[str, Subscriber]) -> None:
    """The clock stands still between opening a page and pressing its buttons."""
    robot = Client(replace(app, now=Clock()))
    own = place(robot, readers["alice"])
    before = contents(app)
    for path in (own, f"{own}/p/1", f"{own}/suggest"):
        for form in forms_of(robot.get(path).text):
            answer = robot.post(form.pop(""), data=form | {"paper": form.get("paper", "10.1/x")})
            assert (answer.status_code, heading(answer.text)) == (422, "Once more, please")
    assert contents(app) == before


@pytest.mark.parametrize("paper", ["", "x", "-1", "٣", "9" * 19, "999999"])
@pytest.mark.parametrize("verb", ["vote", "undo", "unpick", "", "drop"])
def test_odd_presses_are_refused(
    client: Client, readers: dict[str, Subscriber], paper: str, verb: str
) -> None:
    own = place(client, readers["alice"])
    before = contents(client.app)
    answer = client.post(f"{own}/{TODAY}", data={"paper": paper, "do": verb})
    assert answer.status_code in (404, 422)
    assert contents(client.app) == before


def test_the_links_stand_on_settings_and_thumb_pages(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    bob = readers["bob"]
    assert f'href="{place(client, bob)}"' in client.get(client.path(Purpose.MANAGE, bob)).text
    thumb = client.path(Purpose.UP, bob, 1)
    asked = client.get(thumb).text
    assert "/r/" not in asked
    fields = hidden(asked)
    assert f'href="{place(client, bob)}/p/1"' in client.post(thumb, data=fields).text


# ------------------------------------------------------------------------------------- picks


def pick(client: Client, reader: Subscriber, paper_id: int, **fields: str) -> Any:
    return client.post(f"{place(client, reader)}/p/{paper_id}", data={"do": "pick", **fields})


def test_a_curator_picks_and_everybody_reads_it(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    alice = readers["alice"]
    assert "Pick this for everybody" in client.get(f"{place(client, alice)}/p/2").text
    answer = pick(client, alice, 2, name="Alice", note="The one to read.")
    assert (answer.status_code, answer.headers["location"][-9:]) == (303, "/p/2#pick")
    for path in ("/?order=picks", "/p/2", f"/{TODAY}"):
        page = client.get(path).text
        assert "Picked by <bdi>Alice</bdi></strong>: The one to read." in page
        assert "alice@example.org" not in page
    assert "<bdi>Alice</bdi>" not in client.get("/p/3").text
    assert client.get("/api/v1/picks").status_code == 401
    listed = client.get_with_key("/api/v1/picks").json()
    assert listed["next"] is None
    (one,) = listed["picks"]
    assert (one["paper"]["id"], one["name"], one["note"]) == (2, "Alice", "The one to read.")
    assert one["day"] == str(TODAY)
    assert 'value="Alice"' in client.get(f"{place(client, alice)}/p/3").text
    client.post(f"{place(client, alice)}/p/2", data={"do": "unpick"})
    assert services.list_picks(client.app) == []


def test_others_cannot_pick(client: Client, readers: dict[str, Subscriber]) -> None:
    own = place(client, readers["bob"])
    assert 'id="pick"' not in client.get(f"{own}/p/2").text
    assert pick(client, readers["bob"], 2, name="", note="").status_code == 404
    assert services.list_picks(client.app) == []


def test_a_pick_that_cannot_be_saved_says_why_and_keeps_what_was_typed(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    answer = pick(client, readers["alice"], 2, name="me@example.org", note="x" * 301)
    assert answer.status_code == 422
    assert "301 characters; shorten it to 300." in answer.text
    answer = pick(client, readers["alice"], 2, name="me@example.org", note="Kept")
    assert "must not be an e-mail address" in answer.text
    assert 'value="me@example.org"' in answer.text
    assert "Kept</textarea>" in answer.text


def test_what_people_type_is_never_markup(client: Client, readers: dict[str, Subscriber]) -> None:
    alice = readers["alice"]
    own = place(client, alice)
    pick(client, alice, 2, name=XSS[:100], note=XSS)
    client.post(f"{own}/suggest", data={"paper": "https://example.com/?a=%22%3E", "title": XSS})
    for listed in services.list_submissions(client.app):
        services.decide_submission(client.app, listed.submission.id, accept=True)
    bad = client.post(f"{own}/suggest", data={"paper": XSS})
    assert bad.status_code == 422
    pages = [bad.text]
    for path in ("/", "/?order=picks", "/p/2", "/p/5", own, f"{own}/p/2", f"{own}/suggest"):
        answer = client.get(path)
        assert answer.status_code == 200
        pages.append(answer.text)
    for page in pages:
        assert page.count("<script") == page.count('<script src="/timezone.js"')
        assert "<img src=x" not in page
        assert "<b>" not in page


# ---------------------------------------------------------------------------------- suggestions


def suggest(client: Client, reader: Subscriber, **fields: str) -> Any:
    return client.post(f"{place(client, reader)}/suggest", data=fields)


def test_a_suggestion_is_public_once_it_is_accepted(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    bob, own = readers["bob"], place(client, readers["bob"])
    asked = suggest(client, bob, paper="doi:10.1000/sheep")
    assert "Please type its title" in asked.text
    assert 'value="doi:10.1000/sheep"' in asked.text
    sent = suggest(client, bob, paper="doi:10.1000/sheep", title="Of counting sheep")
    assert (sent.status_code, sent.headers["location"]) == (303, f"{own}/suggest#yours")
    assert "Of counting sheep" in client.get(f"{own}/suggest").text
    for path in ("/", f"{own}", "/search?q=sheep", "/feed.atom"):
        assert "counting sheep" not in client.get(path).text, path
    assert client.get("/p/doi:10.1000/sheep").status_code == 404
    (listed,) = services.list_submissions(client.app)
    services.decide_submission(client.app, listed.submission.id, accept=True)
    later = Person(client.app, Clock())
    assert "Of counting sheep" in later.get("/").text
    assert later.get("/p/doi:10.1000/sheep").status_code == 302
    assert "Accepted" in later.get(f"{own}/suggest").text


def test_a_known_paper_opens_at_once(client: Client, readers: dict[str, Subscriber]) -> None:
    bob = readers["bob"]
    name = services.load_paper_page(client.app, 1).paper.identities[0].value
    answer = suggest(client, bob, paper=f" https://www.arxiv.org/pdf/{name}v3.pdf ")
    assert answer.headers["location"] == f"{place(client, bob)}/p/1"


def test_the_sixth_suggestion_of_a_day_is_too_many(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    for number in range(5):
        suggest(client, readers["bob"], paper=f"10.1000/{number}", title="A title")
    answer = suggest(client, readers["bob"], paper="10.1000/6", title="A title")
    assert (answer.status_code, heading(answer.text)) == (429, "Enough for now")
    assert answer.headers["retry-after"] == "86400"


def test_no_typed_address_is_ever_opened(
    client: Client, readers: dict[str, Subscriber], monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    for typed in (
        "http://169.254.169.254/latest/meta-data",
        "https://doi.org@127.0.0.1/10.1000/x",
        "http://127.0.0.1:25/",
        "https://example.com/paper",
        "http://[::1]/",
        "https://arxiv.org.evil.example/abs/2606.01234",
    ):
        suggest(client, readers["carol"], paper=typed, title="A title")
    for listed in services.list_submissions(client.app):
        services.decide_submission(client.app, listed.submission.id, accept=True)


def test_the_lists_stay_where_the_base_url_says(
    tmp_path: Path, readers: dict[str, Subscriber]
) -> None:
    app = make_app(tmp_path, web__base_url="https://papers.example.org/digest")
    client = Person(app, Clock())
    own = f"/digest{client.path(Purpose.VOTE, readers['bob'])}"
    page = client.get(own).text
    addresses = re.findall(r'(?:href|action)="(/[^"]*)"', page)
    assert addresses
    assert all(address.startswith("/digest/") for address in addresses)
    assert press(client, own, 1).headers["location"].startswith(f"{own}/")
    app.close()


def test_without_public_lists_there_is_no_view(
    tmp_path: Path, readers: dict[str, Subscriber]
) -> None:
    app, bob = make_app(tmp_path, web__papers="false"), readers["bob"]
    client = Person(app, Clock())
    assert client.get(place(client, bob)).status_code == 404
    assert "/r/" not in client.get(client.path(Purpose.MANAGE, bob)).text
    app.close()
