"""The reference of the API: the whole OpenAPI document, and nothing else."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from digest import web
from digest.app import App
from digest.web.problems import CODES
from digest.web.reference import describe_type, read_groups, read_line, read_objects, read_text
from tests.conftest import make_app
from tests.webclient import Client


class Page(HTMLParser):
    """The tags, ids and links of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        values = dict(attrs)
        if values.get("id"):
            self.ids.append(values["id"] or "")
        for name in ("href", "src"):
            if values.get(name):
                self.links.append(values[name] or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def load(app: App) -> tuple[Page, dict[str, Any]]:
    client = Client(app)
    response = client.get("/docs")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    return Page(response.text), client.get("/openapi.json").json()


def test_every_operation_and_object_is_shown(app: App) -> None:
    page, document = load(app)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {path}" in page.text
            assert operation["summary"] in page.text
    for name, schema in document["components"]["schemas"].items():
        assert f"object-{name}" in page.ids
        for field in schema.get("properties", {}):
            assert field in page.text
    for scope in ("webhooks:write", "dumps:write", "a reader's own key"):
        assert scope in page.text


def test_the_address_of_each_problem_leads_to_its_explanation(app: App) -> None:
    page, _ = load(app)
    assert {f"problem-{code}" for code in CODES} <= set(page.ids)
    problem = Client(app).get("/api/v1/stats").json()
    assert problem["type"].partition("#")[2] in page.ids


def test_all_links_lead_somewhere_here(app: App) -> None:
    page, _ = load(app)
    assert len(page.ids) == len(set(page.ids))
    inner = {link[1:] for link in page.links if link.startswith("#")}
    assert inner
    assert inner <= set(page.ids)
    assert all(link.startswith(("#", "/")) and link[:2] != "//" for link in page.links)
    assert "script" not in page.tags


def test_it_is_linked_from_the_home_page_also_below_a_prefix(tmp_path: Path) -> None:
    app = make_app(tmp_path, web__base_url="https://papers.example.org/digest")
    client = Client(app)
    assert 'href="/digest/docs"' in client.get("/").text
    page = Page(client.get("/digest/docs").text)
    outside = [link for link in page.links if not link.startswith(("#", "/digest/"))]
    assert outside == []
    app.close()


def test_text_of_the_document_is_only_text(app: App) -> None:
    hostile = "<script>alert(1)</script> `<img src=x>`"
    pages = web.create(app)
    document = pages.openapi()
    operation = document["paths"]["/api/v1/stats"]["get"]
    operation["summary"] = operation["description"] = hostile
    document["components"]["schemas"]["StatsAnswer"]["properties"][hostile] = {"type": hostile}
    text = Client(app, pages).get("/docs").text
    assert "<script" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;" in text


@given(st.text(max_size=300))
def test_no_text_is_lost(text: str) -> None:
    plain = " ".join(re.sub(r"`([^`]+)`", r"\1", " ".join(text.split())).split())
    shown = "".join(piece for piece, _ in read_line(text))
    assert " ".join(shown.split()) == plain
    read_text(text)


def test_types_are_said_in_words() -> None:
    def say(schema: dict[str, Any]) -> str:
        return "".join(text for text, _ in describe_type(schema))

    assert say({"type": "array", "items": {"type": "string"}, "maxItems": 3}) == (
        "list of string (3 entries at most)"
    )
    assert say({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}) == "day or null"
    assert say({"type": "integer", "minimum": 1, "maximum": 2**63 - 1}) == "integer (at least 1)"
    assert say({"enum": ["a", 1]}) == '"a", 1'
    assert say({"$ref": "#/components/schemas/Thing"}) == "Thing"
    assert say({}) == "any value"


def test_an_operation_without_anything_is_shown_too() -> None:
    (group,) = read_groups({"paths": {"/x": {"get": {"responses": {}}}}})
    assert (group.name, group.operations[0].access) == ("other", "no key")
    assert read_objects({"paths": {}}) == []
