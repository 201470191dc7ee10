"""Rules for every answer: headers, plain text, a page for every failure.

Also health, prefixes and templates.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from digest import subscriptions, web
from digest.app import App
from digest.errors import TemplateError
from digest.model import Purpose, Subscriber
from digest.store import Store
from digest.subscriptions import SubscriptionRequest
from digest.web.middleware import BODY_MAX, HEADERS
from tests.conftest import make_app
from tests.unit.web.conftest import Cast, heading, vote
from tests.webclient import Client, Write, fill

# ----------------------------------------------------------------------------------------------
# rules for every answer


def pages(client: Client, reader: Subscriber) -> list[str]:
    """The front page, a reader's own pages, and an address that does not exist."""
    own = [
        client.path(Purpose.UP, reader, 1),
        client.path(Purpose.UNSUBSCRIBE, reader),
        client.path(Purpose.MANAGE, reader),
    ]
    return ["/subscribe", *own, "/nothing"]


def test_every_page_carries_the_protecting_headers(client: Client, alice: Subscriber) -> None:
    for path in (*pages(client, alice), "/healthz"):
        for answer in (client.get(path), client.post(path)):
            sent = {name: answer.headers[name] for name in HEADERS}
            policy = "Content-Security-Policy"
            if path == "/subscribe":  # it may run a script of this service, and nothing else
                sent[policy] = sent[policy].removesuffix("; script-src 'self'")
            assert sent == HEADERS, path


def test_a_page_names_no_other_host_and_runs_no_script(client: Client, alice: Subscriber) -> None:
    for path in (
        "/subscribe",
        client.path(Purpose.UNSUBSCRIBE, alice),
        client.path(Purpose.MANAGE, alice),
        "/style.css",
        "/icon.svg",
    ):
        text = client.get(path).text.replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text
        scripts = re.findall("<script.*", text)
        assert scripts == (
            ['<script src="/timezone.js" defer></script>'] if path == "/subscribe" else []
        )
        assert "style=" not in text
        assert not re.search(r"\son\w+=", text)


def test_every_page_has_a_language_a_title_and_one_heading(
    client: Client, alice: Subscriber
) -> None:
    for path in pages(client, alice):
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
    request = SubscriptionRequest(
        email="mallory@example.org",
        name="</bdi><script>alert(3)</script>",
        keywords=("</textarea><script>",),
        timezone="UTC",
    )
    mallory = subscriptions.subscribe(app, request, origin="command").subscriber
    client = Client(app)
    for path in (client.path(Purpose.UP, mallory, 1), client.path(Purpose.MANAGE, mallory)):
        for answer in (client.get(path), client.post(path)):
            assert answer.status_code == 200
            assert "<script" not in answer.text
            assert "<img src=x" not in answer.text
            assert "&lt;script&gt;" in answer.text
            assert "{{7*7}}" in answer.text or path.startswith("/m/")


def test_only_a_web_address_becomes_a_read_link(app: App, cast: Cast, dump: Write) -> None:
    fill(
        app,
        dump,
        rows=[
            {
                "title": "A title without any link to it",
                "abstract": "Nothing.",
                "url": "javascript:alert(1)",
            }
        ],
    )
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
    async def large_body() -> object:
        for _ in range(BODY_MAX // 1024 + 2):
            yield b"a" * 1024

    answer = client.post(
        "/", content=large_body(), headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 413


def test_the_pages_for_everybody_keep_all_protections_but_two(client: Client) -> None:
    own_script = HEADERS | {
        "Content-Security-Policy": HEADERS["Content-Security-Policy"] + "; script-src 'self'"
    }
    # the sign-up form on the home page guesses the time zone
    for path, kept in (
        ("/", own_script),
        ("/p/1", HEADERS),
        ("/search?q=yeast", HEADERS),
        ("/feed.atom", HEADERS),
    ):
        headers = client.get(path).headers
        for name in kept.keys() - {"Cache-Control", "X-Robots-Tag"}:
            assert headers[name] == kept[name], path
        assert headers["cache-control"] == "public, max-age=60"


def test_robots_are_told_of_the_pages_for_everybody(client: Client) -> None:
    rules = client.get("/robots.txt").text.splitlines()
    assert rules == ["User-agent: *", "Disallow:", "Sitemap: http://127.0.0.1:8025/sitemap.xml"]


def test_a_locked_database_is_answered_by_a_page_without_traceback(
    client: Client, alice: Subscriber
) -> None:
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


def test_a_bug_is_answered_by_a_page_without_traceback(client: Client) -> None:
    def fail(_request: object) -> PlainTextResponse:
        raise KeyError("secret")

    answer = Client(client.app, web.create(client.app, extra=[Route("/broken", fail)])).get(
        "/broken"
    )
    assert answer.status_code == 500
    assert heading(answer.text) == "Something went wrong here"
    assert "secret" not in answer.text
    assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]


def test_extra_routes_keep_their_own_headers(client: Client) -> None:
    def inbox(_request: object) -> PlainTextResponse:
        return PlainTextResponse("mails", headers={"Content-Security-Policy": "frame-src 'self'"})

    pages = web.create(client.app, extra=[Mount("/inbox", routes=[Route("/", inbox)])])
    answer = Client(client.app, pages).get("/inbox/")
    assert answer.text == "mails"
    assert answer.headers["content-security-policy"] == "frame-src 'self'"
    assert answer.headers["referrer-policy"] == "no-referrer"


# ----------------------------------------------------------------------------------------------
# health, prefixes, templates


KEY = {"authorization": "Bearer open sesame"}


def with_key(app: App) -> App:
    web = app.config.web.model_copy(update={"status_key": SecretStr("open sesame")})
    return replace(app, config=app.config.model_copy(update={"web": web}))


def test_health_without_the_key_shows_only_ok(client: Client) -> None:
    keyed = Client(with_key(client.app))
    values = ("Bearer open", "Basic open sesame", "Bearer")
    wrong: tuple[dict[str, str], ...] = ({}, *({"authorization": value} for value in values))
    for api_client in (client, keyed):
        for headers in (
            *wrong,
            *((KEY,) if api_client is client else ()),
            {"authorization": "Bearer "},
        ):
            answer = api_client.request("GET", "/healthz", headers=headers)
            assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_health_with_the_key_shows_counts(client: Client) -> None:
    health = Client(with_key(client.app)).request("GET", "/healthz", headers=KEY).json()
    assert (health["status"], health["papers"], health["subscribers"]) == ("ok", 4, 3)
    assert (health["latest_dump"]["name"], health["latest_dump"]["new"]) == ("2026-06-09.jsonl", 4)


def test_health_of_an_empty_database_is_fine(app: App) -> None:
    answer = Client(with_key(app)).request("GET", "/healthz", headers=KEY)
    assert answer.json() == {"status": "ok", "papers": 0, "subscribers": 0, "latest_dump": None}


def test_only_who_has_the_key_is_told_where_a_broken_database_is(
    app: App, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app.keys()
    (tmp_path / "broken.sqlite").write_bytes(
        b"this is no database, it only looks like a file" * 100
    )
    broken = replace(with_key(app), store=Store(f"sqlite:///{tmp_path / 'broken.sqlite'}"))
    assert Client(broken).get("/healthz").json() == {"status": "ok"}
    answer = Client(broken).get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "reason": "damaged"}
    assert "broken.sqlite" in caplog.text
    with_status_key = Client(broken).request("GET", "/healthz", headers=KEY)
    assert with_status_key.status_code == 503
    assert with_status_key.json()["status"] == "unavailable"
    assert "broken.sqlite" in with_status_key.json()["reason"]
    broken.store.close()


def test_pages_work_below_a_path_whether_or_not_the_proxy_strips_it(
    tmp_path: Path, cast: Cast, dump: Write
) -> None:
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
