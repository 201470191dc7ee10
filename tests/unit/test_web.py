"""The pages behind the links in the mails, and what every page owes its readers."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from digest import feedback, pipeline, subscriptions, web
from digest.app import App
from digest.errors import TemplateError
from digest.model import Link, MessageKind, Purpose, Standing, Subscriber
from digest.store import Store
from digest.subscriptions import Wish
from digest.web.guard import BODY_MAX, HEADERS
from tests.conftest import make_app
from tests.webclient import Client, Write, contents, fill

Cast = Callable[[App], dict[str, Subscriber]]


@pytest.fixture
def readers(app: App, cast: Cast, dump: Write) -> dict[str, Subscriber]:
    fill(app, dump)
    return cast(app)


@pytest.fixture
def client(app: App, readers: dict[str, Subscriber]) -> Client:
    return Client(app)


@pytest.fixture
def alice(readers: dict[str, Subscriber]) -> Subscriber:
    return readers["alice"]


def vote(client: Client, subscriber: Subscriber, paper_id: int = 1) -> int:
    return pipeline.standing_vote(client.app, subscriber.id, paper_id)


def heading(text: str) -> str:
    (found,) = re.findall(r"<h1>(.*?)</h1>", text)
    return str(found)


def hidden(text: str) -> dict[str, str]:
    """The hidden fields of the page's first form."""
    form = text.partition("<form")[2].partition("</form>")[0]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


# ---------------------------------------------------------------------------------------------- thumbs


def test_a_thumb_page_shows_the_paper_and_one_button(client: Client, alice: Subscriber) -> None:
    answer = client.get(client.path(Purpose.UP, alice, 1))
    paper = pipeline.paper(client.app, 1)
    assert answer.status_code == 200
    assert paper.title in answer.text
    assert "Jane Doe" in answer.text
    assert f'href="{paper.url}"' in answer.text
    assert answer.text.count("<button") == 1
    assert heading(answer.text) == "More like this?"


def test_a_thumb_page_does_not_show_the_whole_address(client: Client, alice: Subscriber) -> None:
    for text in (client.get(client.path(Purpose.UP, alice, 1)).text, client.post(client.path(Purpose.UP, alice, 1)).text):
        assert "a…@example.org" in text
        assert "alice@" not in text


def test_get_and_head_of_every_link_change_nothing(client: Client, readers: dict[str, Subscriber]) -> None:
    """A scanner that follows every link of a mail, and every link on the pages behind them."""
    paths = ["/", "/healthz", "/openapi.json", "/robots.txt", "/style.css", "/icon.svg"]
    for reader in readers.values():
        paths += [client.path(purpose, reader, 1) for purpose in (Purpose.UP, Purpose.DOWN)]
        paths += [client.path(purpose, reader) for purpose in (Purpose.UNSUBSCRIBE, Purpose.MANAGE, Purpose.CONFIRM)]
    before = contents(client.app)
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200, path
        for found in re.findall(r'(?:href|action|src)="(/[^"]*)"', answer.text):
            assert client.get(found).status_code == 200
        assert client.request("HEAD", path).status_code in (200, 405)
        assert client.get(path + "?undo=1&do=pause&List-Unsubscribe=One-Click").status_code == 200
    assert contents(client.app) == before


@pytest.mark.parametrize(("purpose", "expected"), [(Purpose.UP, 1), (Purpose.DOWN, -1)])
def test_pressing_the_button_votes_and_says_so(client: Client, alice: Subscriber, purpose: Purpose, expected: int) -> None:
    answer = client.post(client.path(purpose, alice, 1))
    assert answer.status_code == 200
    assert vote(client, alice) == expected
    assert heading(answer.text).startswith("Noted: ")
    assert vote(client, alice, 2) == 0


def test_pressing_twice_is_pressing_once(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.UP, alice, 1)
    first = client.post(path, data={"before": "0"})
    after_one = contents(client.app)
    second = client.post(path, data={"before": "0"})
    assert contents(client.app) == after_one
    assert second.text == first.text


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


def test_a_page_that_is_posted_again_still_undoes_to_the_first_state(client: Client, alice: Subscriber) -> None:
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


def test_the_other_way_round_is_one_press_away(client: Client, alice: Subscriber) -> None:
    done = client.post(client.path(Purpose.UP, alice, 1))
    (other,) = re.findall(r'action="([^"]+)"', done.text)
    assert other == client.path(Purpose.DOWN, alice, 1)
    client.post(other, data={"before": "1"})
    assert vote(client, alice) == -1


def test_a_made_up_vote_before_counts_for_nothing(client: Client, alice: Subscriber) -> None:
    up = client.path(Purpose.UP, alice, 1)
    client.post(up, data={"before": "17"})
    client.post(up, data={"undo": "1", "before": "-17"})
    assert vote(client, alice) == 0


@pytest.mark.parametrize("standing", [Standing.PENDING, Standing.PAUSED, Standing.SUPPRESSED, Standing.ACTIVE])
def test_a_thumb_counts_whatever_the_standing(client: Client, alice: Subscriber, standing: Standing) -> None:
    stand(client.app, alice, standing)
    assert client.post(client.path(Purpose.UP, alice, 1)).status_code == 200
    assert vote(client, alice) == 1


def test_a_thumb_of_who_left_is_not_counted(client: Client, alice: Subscriber) -> None:
    subscriptions.unsubscribe(client.app, alice.id)
    before = contents(client.app)
    answer = client.post(client.path(Purpose.UP, alice, 1))
    assert answer.status_code == 200
    assert heading(answer.text) == "Thumbs are not counted any more"
    assert "<button" not in answer.text
    assert contents(client.app) == before


def stand(app: App, subscriber: Subscriber, standing: Standing) -> None:
    from digest import store

    with app.store.writing() as tx:
        store.subscribers.set_standing(tx, subscriber.id, standing, now=app.now())


# ---------------------------------------------------------------------------------------------- tokens


def test_the_case_of_a_token_does_not_matter(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.UP, alice, 1)
    assert path == path.lower()
    assert client.post("/t/" + path.removeprefix("/t/").upper()).status_code == 200
    assert vote(client, alice) == 1


def test_a_token_changed_by_one_letter_is_refused(client: Client, alice: Subscriber) -> None:
    before = contents(client.app)
    for path in (client.path(Purpose.UP, alice, 1), client.path(Purpose.UNSUBSCRIBE, alice), client.path(Purpose.MANAGE, alice)):
        for place in range(3, len(path), 7):
            wrong = path[:place] + ("a" if path[place] != "a" else "b") + path[place + 1 :]
            for answer in (client.get(wrong), client.post(wrong, data={"do": "pause"})):
                assert answer.status_code == 404
                assert heading(answer.text) == "This link does not work"
    assert contents(client.app) == before


def test_a_token_is_worth_nothing_at_another_page(client: Client, alice: Subscriber) -> None:
    pages = {"/t/": (Purpose.UP, Purpose.DOWN), "/u/": (Purpose.UNSUBSCRIBE,), "/m/": (Purpose.MANAGE,), "/c/": (Purpose.CONFIRM,)}
    before = contents(client.app)
    for purpose in Purpose:
        link = Link(purpose=purpose, subscriber_id=alice.id, paper_id=1 if purpose in (Purpose.UP, Purpose.DOWN) else 0)
        token = feedback.write_token(link, client.app.keys()[-1])
        for page, served in pages.items():
            if purpose not in served:
                assert client.post(page + token, data={"do": "pause"}).status_code == 404
    assert contents(client.app) == before


def test_another_readers_token_changes_only_that_reader(client: Client, readers: dict[str, Subscriber]) -> None:
    client.post(client.path(Purpose.UP, readers["bob"], 1))
    client.post(client.path(Purpose.UNSUBSCRIBE, readers["bob"]))
    assert vote(client, readers["alice"]) == 0
    assert subscriptions.by_id(client.app, readers["alice"].id).standing is Standing.ACTIVE
    assert subscriptions.by_id(client.app, readers["bob"].id).standing is Standing.LEFT


@pytest.mark.parametrize("token", ["x", "a" * 3000, "%00", "%F0%9F%98%80", "..%2f..", "{{7*7}}", "<script>"])
def test_a_garbled_token_gets_a_friendly_page(client: Client, token: str) -> None:
    for path in (f"/t/{token}", f"/u/{token}", f"/m/{token}", f"/c/{token}"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert "<script>" not in answer.text


def test_a_link_to_a_paper_that_is_gone_says_so(client: Client, alice: Subscriber) -> None:
    for answer in (client.get(client.path(Purpose.UP, alice, 4711)), client.post(client.path(Purpose.UP, alice, 4711))):
        assert answer.status_code == 404
        assert heading(answer.text) == "This is no longer here"


# ---------------------------------------------------------------------------------------------- leaving


def test_the_unsubscribe_page_has_a_button_and_changes_nothing(client: Client, alice: Subscriber) -> None:
    answer = client.get(client.path(Purpose.UNSUBSCRIBE, alice))
    assert answer.text.count("<button") == 1
    assert 'method="post"' in answer.text
    assert subscriptions.by_id(client.app, alice.id).standing is Standing.ACTIVE


@pytest.mark.parametrize("encoding", ["form", "multipart", "with a charset", "nothing"])
def test_one_click_leaves_in_every_encoding_without_cookie_or_redirect(client: Client, alice: Subscriber, encoding: str) -> None:
    sent: dict[str, object] = {
        "form": {"data": {"List-Unsubscribe": "One-Click"}},
        "multipart": {"files": {"List-Unsubscribe": (None, "One-Click")}},
        "with a charset": {
            "content": b"List-Unsubscribe=One-Click",
            "headers": {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"},
        },
        "nothing": {},
    }[encoding]
    path = client.path(Purpose.UNSUBSCRIBE, alice)
    for _ in range(2):
        answer = client.post(path, **sent)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        assert heading(answer.text) == "You have left"
        assert subscriptions.by_id(client.app, alice.id).standing is Standing.LEFT


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xfe\x00", "application/x-www-form-urlencoded"),
        (b"no boundary at all", "multipart/form-data"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"{}", "application/json"),
        (b"undo=" + b"&a=1" * 2000, "application/x-www-form-urlencoded"),
    ],
)
def test_a_garbled_body_still_leaves(client: Client, alice: Subscriber, content: bytes, kind: str) -> None:
    answer = client.post(client.path(Purpose.UNSUBSCRIBE, alice), content=content, headers={"content-type": kind})
    assert answer.status_code == 200
    assert subscriptions.by_id(client.app, alice.id).standing is Standing.LEFT


def test_coming_back_undoes_leaving(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.UNSUBSCRIBE, alice)
    left = client.post(path)
    back = client.post(path, data=hidden(left.text))
    assert heading(back.text) == "Welcome back"
    assert subscriptions.by_id(client.app, alice.id).standing is Standing.ACTIVE
    client.post(path, data={"undo": "1", "List-Unsubscribe": "One-Click"})
    assert subscriptions.by_id(client.app, alice.id).standing is Standing.LEFT


def test_who_is_deleted_can_still_leave(client: Client, alice: Subscriber) -> None:
    connection = sqlite3.connect(str(client.app.store.url.database))
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("DELETE FROM subscribers WHERE id = ?", (alice.id,))
    connection.commit()
    connection.close()
    path = client.path(Purpose.UNSUBSCRIBE, alice)
    for answer in (client.get(path), client.post(path), client.post(path, data={"undo": "1"})):
        assert answer.status_code == 200
        assert heading(answer.text) == "You are not on the list"


def test_an_address_that_bounced_stays_suppressed(client: Client, alice: Subscriber) -> None:
    stand(client.app, alice, Standing.SUPPRESSED)
    path = client.path(Purpose.UNSUBSCRIBE, alice)
    for answer in (client.get(path), client.post(path), client.post(path, data={"undo": "1"})):
        assert heading(answer.text) == "No mail goes to this address"
        assert subscriptions.by_id(client.app, alice.id).standing is Standing.SUPPRESSED


# ---------------------------------------------------------------------------------------------- joining


def letters(app: App, kind: MessageKind) -> int:
    connection = sqlite3.connect(str(app.store.url.database))
    try:
        return int(connection.execute("SELECT count(*) FROM messages WHERE kind = ?", (kind.value,)).fetchone()[0])
    finally:
        connection.close()


def test_the_front_page_subscribes_by_mail(client: Client) -> None:
    sent = {"email": "dave@example.org", "keywords": "proteins\r\nprotein folding, cells", "categories": "q-bio; cs.LG"}
    answer = client.post("/", data=sent)
    assert heading(answer.text) == "Check your mail"
    dave = subscriptions.by_email(client.app, "dave@example.org")
    assert dave.standing is Standing.PENDING
    assert dave.interests[0].keywords == ("proteins", "protein folding", "cells")
    assert dave.interests[0].categories == ("q-bio", "cs.LG")
    assert letters(client.app, MessageKind.CONFIRM) == 1


def test_a_known_address_gets_the_same_answer_as_a_new_one(client: Client) -> None:
    answers = [client.post("/", data={"email": email}) for email in ("alice@example.org", "erin@example.org")]
    assert answers[0].status_code == answers[1].status_code == 200
    assert answers[0].text.replace("alice@", "erin@") == answers[1].text


def test_a_stranger_cannot_change_or_flood_a_reader(client: Client, alice: Subscriber) -> None:
    for _ in range(3):
        client.post("/", data={"email": "alice@example.org", "keywords": "gardening"})
    assert subscriptions.by_id(client.app, alice.id) == alice
    assert letters(client.app, MessageKind.WELCOME) == 1


def test_a_bad_address_is_named_next_to_its_field_and_nothing_is_lost(client: Client) -> None:
    answer = client.post("/", data={"email": "nobody@", "keywords": "<b>cells</b>"})
    assert answer.status_code == 422
    assert 'id="email-error"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert 'value="nobody@"' in answer.text
    assert "&lt;b&gt;cells&lt;/b&gt;" in answer.text


def test_a_service_without_signup_says_so(tmp_path: Path) -> None:
    app = make_app(tmp_path, web__signup="false")
    client = Client(app)
    assert "takes no new readers" in client.get("/").text
    answer = client.post("/", data={"email": "dave@example.org"})
    assert answer.status_code == 403
    assert subscriptions.everybody(app) == []
    app.close()


def test_confirming_starts_the_digest_once(client: Client) -> None:
    client.post("/", data={"email": "dave@example.org"})
    dave = subscriptions.by_email(client.app, "dave@example.org")
    path = client.path(Purpose.CONFIRM, dave)
    assert "<button" in client.get(path).text
    assert subscriptions.by_id(client.app, dave.id).standing is Standing.PENDING
    assert heading(client.post(path).text) == "You are subscribed"
    assert subscriptions.by_id(client.app, dave.id).standing is Standing.ACTIVE
    client.post(path)
    assert letters(client.app, MessageKind.WELCOME) == 1


def test_an_old_confirmation_does_not_bring_back_who_left(client: Client, alice: Subscriber) -> None:
    subscriptions.unsubscribe(client.app, alice.id)
    answer = client.post(client.path(Purpose.CONFIRM, alice))
    assert heading(answer.text) == "You have left since"
    assert subscriptions.by_id(client.app, alice.id).standing is Standing.LEFT


# ---------------------------------------------------------------------------------------------- what every answer owes


def test_every_page_carries_the_protecting_headers(client: Client, alice: Subscriber) -> None:
    paths = [
        "/",
        client.path(Purpose.UP, alice, 1),
        client.path(Purpose.UNSUBSCRIBE, alice),
        client.path(Purpose.MANAGE, alice),
        "/nothing",
        "/healthz",
    ]
    for path in paths:
        for answer in (client.get(path), client.post(path)):
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS, path


def test_a_page_names_no_other_host_and_runs_no_script(client: Client, alice: Subscriber) -> None:
    for path in ("/", client.path(Purpose.UNSUBSCRIBE, alice), client.path(Purpose.MANAGE, alice), "/style.css", "/icon.svg"):
        text = client.get(path).text.replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text
        assert "<script" not in text
        assert "style=" not in text
        assert not re.search(r"\son\w+=", text)


def test_every_page_has_a_language_a_title_and_one_heading(client: Client, alice: Subscriber) -> None:
    paths = [
        "/",
        client.path(Purpose.UP, alice, 1),
        client.path(Purpose.UNSUBSCRIBE, alice),
        client.path(Purpose.MANAGE, alice),
        "/nothing",
    ]
    for path in paths:
        text = client.get(path).text
        assert '<html lang="en"' in text
        assert re.search(r"<title>\S.* · Digest</title>", text)
        assert text.count("<h1>") == 1
        labelled = set(re.findall(r'<label for="(\w+)"', text))
        assert set(re.findall(r'<(?:textarea|select|input)[^>]* id="(\w+)"', text)) == labelled


def test_hostile_titles_and_names_stay_text(app: App, dump: Write) -> None:
    row = {
        "title": "<script>alert(1)</script> & \"quoted\" 'single' {{7*7}}",
        "abstract": "Nothing.",
        "authors": ["<img src=x onerror=alert(1)>"],
        "categories": ["<b>"],
        "url": 'https://example.org/"><script>alert(2)</script>',
    }
    fill(app, dump, rows=[row])
    wish = Wish(email="mallory@example.org", name="</bdi><script>alert(3)</script>", keywords=("</textarea><script>",), timezone="UTC")
    mallory = subscriptions.subscribe(app, wish, origin="command").subscriber
    client = Client(app)
    for path in (client.path(Purpose.UP, mallory, 1), client.path(Purpose.MANAGE, mallory)):
        for answer in (client.get(path), client.post(path)):
            assert answer.status_code == 200
            assert "<script" not in answer.text
            assert "<img src=x" not in answer.text
            assert "&lt;script&gt;" in answer.text
            assert "{{7*7}}" in answer.text or path.startswith("/m/")


def test_only_a_web_address_becomes_a_read_link(app: App, cast: Cast, dump: Write) -> None:
    fill(app, dump, rows=[{"title": "A title without any link to it", "abstract": "Nothing.", "url": "javascript:alert(1)"}])
    client = Client(app)
    answer = client.get(client.path(Purpose.UP, cast(app)["alice"], 1))
    assert answer.status_code == 200
    assert "javascript" not in answer.text
    assert "Read the paper" not in answer.text


@pytest.mark.parametrize("path", ["/", "/u/{token}", "/api/v1/subscribers"])
def test_a_body_too_large_is_refused(client: Client, alice: Subscriber, path: str) -> None:
    url = path.format(token=client.path(Purpose.UNSUBSCRIBE, alice)[3:])
    answer = client.post(url, data={"email": "x" * BODY_MAX})
    assert answer.status_code == 413
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_large_body_of_unknown_length_is_refused(client: Client) -> None:
    async def endless() -> object:
        for _ in range(100):
            yield b"a" * 1024

    answer = client.post("/", content=endless(), headers={"content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 413


def test_robots_are_sent_away(client: Client) -> None:
    assert client.get("/robots.txt").text == "User-agent: *\nDisallow: /\n"


def test_a_locked_database_is_a_page_and_not_a_trace(client: Client, alice: Subscriber) -> None:
    app = replace(client.app, store=Store(client.app.config.store.url, busy_ms=20))
    impatient = Client(app)
    lock = sqlite3.connect(str(app.store.url.database), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    try:
        for path in (client.path(Purpose.UP, alice, 1), client.path(Purpose.UNSUBSCRIBE, alice)):
            answer = impatient.post(path)
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "60"
            assert heading(answer.text) == "Not just now"
            assert impatient.get(path).status_code == 200, "looking needs no lock"
        error = impatient.post("/api/v1/subscribers", json={"email": "dave@example.org"})
        assert (error.status_code, error.json()["error"]["code"]) == (503, "unavailable")
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    assert vote(client, alice) == 0
    assert impatient.post(client.path(Purpose.UP, alice, 1)).status_code == 200
    app.store.close()


def test_an_unexpected_mistake_is_a_page_and_not_a_trace(client: Client) -> None:
    def broken(_request: object) -> PlainTextResponse:
        raise KeyError("secret")

    answer = Client(client.app, web.create(client.app, extra=[Route("/broken", broken)])).get("/broken")
    assert answer.status_code == 500
    assert heading(answer.text) == "Something went wrong here"
    assert "secret" not in answer.text
    assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]


def test_another_doors_routes_keep_their_own_headers(client: Client) -> None:
    def inbox(_request: object) -> PlainTextResponse:
        return PlainTextResponse("mails", headers={"Content-Security-Policy": "frame-src 'self'"})

    pages = web.create(client.app, extra=[Mount("/inbox", routes=[Route("/", inbox)])])
    answer = Client(client.app, pages).get("/inbox/")
    assert answer.text == "mails"
    assert answer.headers["content-security-policy"] == "frame-src 'self'"
    assert answer.headers["referrer-policy"] == "no-referrer"


# ---------------------------------------------------------------------------------------------- health, prefixes, templates


def test_health_tells_what_is_there(client: Client) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["status"], told["papers"], told["subscribers"]) == ("ok", 4, 3)
    assert (told["latest_dump"]["name"], told["latest_dump"]["new"]) == ("2026-06-09.jsonl", 4)


def test_health_of_an_empty_database_is_fine(app: App) -> None:
    assert Client(app).get("/healthz").json() == {"status": "ok", "papers": 0, "subscribers": 0, "latest_dump": None}


def test_health_is_bad_when_the_database_does_not_answer(app: App, tmp_path: Path) -> None:
    app.keys()
    (tmp_path / "broken.sqlite").write_bytes(b"this is no database, it only looks like a file" * 100)
    broken = replace(app, store=Store(f"sqlite:///{tmp_path / 'broken.sqlite'}"))
    answer = Client(broken).get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"
    assert "broken.sqlite" in answer.json()["reason"]
    broken.store.close()


def test_pages_work_below_a_path_whether_or_not_the_proxy_strips_it(tmp_path: Path, cast: Cast, dump: Write) -> None:
    app = make_app(tmp_path, web__base_url="https://lab.example/papers")
    fill(app, dump)
    client = Client(app)
    path = client.path(Purpose.UP, cast(app)["alice"], 1)
    for url in (path, "/papers" + path):
        answer = client.post(url)
        assert answer.status_code == 200
        assert 'href="/papers/style.css"' in answer.text
        (other,) = re.findall(r'action="([^"]+)"', answer.text)
        assert other.startswith("/papers/t/")
        assert client.get(other).status_code == 200
    assert client.get("/papers/style.css").status_code == 200
    app.close()


def test_an_operators_template_wins_and_a_broken_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "own" / "web").mkdir(parents=True)
    problem = tmp_path / "own" / "web" / "problem.html"
    problem.write_text("<h1>Ours: {{ heading }}</h1>", encoding="utf-8")
    app = make_app(tmp_path, mail__templates=str(tmp_path / "own"))
    assert Client(app).get("/nothing").text == "<h1>Ours: There is no such page</h1>"
    app.close()
    (tmp_path / "own2" / "web").mkdir(parents=True)
    (tmp_path / "own2" / "web" / "problem.html").write_text("{% if %}", encoding="utf-8")
    app = make_app(tmp_path, mail__templates=str(tmp_path / "own2"))
    with pytest.raises(TemplateError, match=r"problem\.html, line 1"):
        web.create(app)
    app.close()
