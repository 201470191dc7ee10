"""Papers in the API."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest.app import App
from digest.web.cursors import write_cursor
from tests.conftest import TODAY
from tests.unit.web.test_lists import write_rows
from tests.webclient import Client, Write, fill


@pytest.fixture
def client(app: App, dump: Write) -> Client:
    yesterday = TODAY - timedelta(days=1)
    fill(app, dump, day=yesterday, rows=write_rows(yesterday, "Yeast of yesterday"))
    rows = write_rows(TODAY, "Yeast of today", "Owls at night")
    rows[1] |= {"upvotes": 5, "code_url": "https://code.example.org/owls"}
    fill(app, dump, rows=rows)
    return Client(app)


def titles(client: Client, query: str = "") -> list[str]:
    answer = client.get_with_key(f"/api/v1/papers{query}")
    assert answer.status_code == 200
    return [paper["title"] for paper in answer.json()["papers"]]


def test_papers_are_listed_and_searched(client: Client) -> None:
    assert titles(client) == ["Owls at night", "Yeast of today"]
    assert titles(client, "?order=new") == ["Owls at night", "Yeast of today"]
    assert titles(client, f"?period={TODAY - timedelta(days=1)}") == ["Yeast of yesterday"]
    assert set(titles(client, "?q=yeast")) == {"Yeast of today", "Yeast of yesterday"}
    assert titles(client, f"?q=yeast&period={TODAY}") == ["Yeast of today"]
    assert len(titles(client, f"?author=doe&period={TODAY:%Y-%m}")) in (2, 3)


def test_a_paper_says_what_is_known_of_it(client: Client) -> None:
    paper = client.get_with_key("/api/v1/papers/3").json()
    name = write_rows(TODAY, "x", "y")[1]["arxiv"]
    assert paper["name"] == f"arxiv:{name}"
    assert paper["authors"] == ["Jane Doe"]
    assert (paper["first_seen"], paper["upvotes"]) == (TODAY.isoformat(), 5)
    assert paper["code"] == "https://code.example.org/owls"
    assert paper["page"] == f"https://arxiv.org/abs/{name}"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/papers/99", 404),
        ("/api/v1/papers/0", 422),
        ("/api/v1/papers/x", 422),
        ("/api/v1/papers?period=2026-02-31", 404),
        ("/api/v1/papers?limit=101", 422),
        ("/api/v1/papers?cursor=abc", 422),
        (f"/api/v1/papers?cursor={write_cursor('x')}", 422),
        (f"/api/v1/papers?cursor={write_cursor(99)}", 404),
        ("/api/v1/papers?order=odd", 422),
        (f"/api/v1/papers?q={'x' * 2001}", 422),
    ],
)
def test_errors_are_json_with_a_remedy(client: Client, path: str, status: int) -> None:
    answer = client.get_with_key(path)
    assert answer.status_code == status
    assert answer.json()["error"]["remedy"]


def test_a_cursor_leads_through_all_papers_once(client: Client) -> None:
    month = f"?period={TODAY:%Y-%m}"
    for query in (month, f"{month}&order=new", f"?q=yeast+-owls&period={TODAY:%Y-%m}"):
        whole, pages, path = titles(client, query), [], f"/api/v1/papers{query}&limit=1"
        while path:
            answer = client.get_with_key(path)
            (paper,) = answer.json()["papers"]
            pages.append(paper["title"])
            link = answer.links.get("next", {}).get("url", "")
            cursor = answer.json()["next"]
            assert link.startswith("/api/v1/papers?") == bool(cursor)
            assert f"cursor={cursor}" in link or not cursor
            path = link
        assert (pages, len(pages)) == (whole, answer.json()["total"])


def test_reading_needs_a_key_that_may_read_papers(client: Client) -> None:
    for path in ("", "/3", "/3/similar"):
        assert client.get(f"/api/v1/papers{path}").status_code == 401
        answer = client.get_with_key(f"/api/v1/papers{path}", "digests:read")
        assert answer.status_code == 403
    answer = client.get_with_key("/api/v1/papers")
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_the_description_names_them(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/api/v1/papers", "/api/v1/papers/{paper_id}"} <= paths.keys()
