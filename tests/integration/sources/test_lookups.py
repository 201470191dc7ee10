"""Suggested papers are looked up at the configured sources, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import dumps, services, sources, subscriptions
from digest.app import App
from digest.model import Identity, Record
from digest.papers import parse_name
from digest.services.fetch import FetchOptions, fetch
from digest.sources import SourceSettings
from digest.sources.base import Page
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, TODAY
from tests.fakes.source_answers import oai, oai_error, pubmed
from tests.fakes.source_server import SourceServer
from tests.integration.sources.conftest import Time

KINDS = ("arxiv-feed", "oai", "openalex", "crossref", "europe-pmc", "pubmed", "biorxiv", "medrxiv")
HOSTS = {
    "arxiv-feed": "oaipmh.arxiv.org",
    "oai": "oaipmh.arxiv.org",
    "openalex": "api.openalex.org",
    "crossref": "api.crossref.org",
    "europe-pmc": "www.ebi.ac.uk",
    "pubmed": "eutils.ncbi.nlm.nih.gov",
    "biorxiv": "api.biorxiv.org",
    "medrxiv": "api.biorxiv.org",
}


def build(kind: str, name: str) -> sources.Lookup | None:
    identity = parse_name(name)
    assert identity is not None
    return sources.build_lookup(SourceSettings(name="one", kind=kind), identity)


@pytest.mark.parametrize(
    ("kind", "name", "asks"),
    [
        ("arxiv-feed", "2606.01234v2", "oai:arXiv.org:2606.01234"),
        ("oai", "hep-th/9901001", "oai:arXiv.org:hep-th/9901001"),
        ("openalex", "10.1000/xyz", "doi:10.1000/xyz"),
        ("crossref", "https://doi.org/10.1000/XYZ", "doi:10.1000/xyz"),
        ("europe-pmc", "pmid:123", 'EXT_ID:"123" AND SRC:MED'),
        ("europe-pmc", "PMC123", 'PMCID:"PMC123"'),
        ("pubmed", "pmid:123", "123"),
    ],
)
def test_a_source_is_asked_by_identifier(kind: str, name: str, asks: str) -> None:
    lookup = build(kind, name)
    assert lookup is not None
    assert urlsplit(lookup.request.url).hostname == HOSTS[kind]
    assert asks in lookup.request.params.values()


def test_preprints_are_asked_for_in_the_path() -> None:
    lookup = build("biorxiv", "10.1101/2026.06.01.000001")
    assert lookup is not None
    assert lookup.request.url == (
        "https://api.biorxiv.org/details/biorxiv/10.1101/2026.06.01.000001/na/json"
    )


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("arxiv-feed", "10.1000/xyz"),
        ("crossref", "2606.01234"),
        ("crossref", "10.1000/a,from-index-date:2020"),
        ("openalex", "10.1000/a|b"),
        ("pubmed", "10.1000/xyz"),
        ("biorxiv", "10.1101/../../x"),
        ("biorxiv", "10.1101/gr.12345"),
    ],
)
def test_what_a_source_cannot_be_asked_is_not_asked(kind: str, name: str) -> None:
    assert build(kind, name) is None


def test_a_mirror_of_the_feed_is_no_archive() -> None:
    mirror = SourceSettings(name="one", kind="arxiv-feed", url="https://mirror.example/rss")
    assert sources.build_lookup(mirror, Identity(kind="arxiv", value="2606.01234")) is None


@given(st.text(max_size=80), st.sampled_from(KINDS))
def test_whatever_is_typed_the_host_is_the_sources(typed: str, kind: str) -> None:
    for text in (typed, f"10.1000/{typed}", f"https://{typed}/10.1000/x", f"10.1101/{typed}"):
        identity = parse_name(text)
        if identity is None:
            continue
        lookup = sources.build_lookup(SourceSettings(name="one", kind=kind), identity)
        if lookup is not None:
            parts = urlsplit(lookup.request.url)
            assert (parts.scheme, parts.hostname) == ("https", HOSTS[kind])
            assert ".." not in parts.path
            assert not parts.query


# ------------------------------------------------------------------------------ a whole fetch

DOI = "10.1000/sheep"
FOUND = {
    "meta": {"next_cursor": None},
    "results": [
        {
            "id": "https://openalex.org/W77",
            "doi": f"https://doi.org/{DOI}",
            "title": "Of counting sheep",
            "abstract_inverted_index": {"We": [0], "count": [1]},
        }
    ],
}


def accept(app: App, name: str) -> int:
    request = SubscriptionRequest(email="alice@example.org")
    reader = subscriptions.subscribe(app, request, origin="command").subscriber
    assert services.suggest(app, reader.id, name).outcome == "waiting"
    (listed,) = services.list_submissions(app)
    decided = services.decide_submission(app, listed.submission.id, accept=True)
    assert (decided.submission.state, decided.paper) == ("accepted", None)
    return decided.submission.id


def run(app: App, time: Time) -> Any:
    return fetch(app, (), FetchOptions(sleep=time.sleep, clock=time.clock, due=True))


def test_an_accepted_suggestion_is_looked_up_and_public(
    server: SourceServer, service: Callable[..., App], time: Time
) -> None:
    server.records = 0
    app = service({"name": "works", "kind": "openalex", "url": server.url("/works")})
    run(app, time)
    accept(app, f"doi:{DOI}")
    server.bodies["/works"] = ("application/json", json.dumps(FOUND).encode())
    report = run(app, time)
    assert report.ingested.count("new") == 1
    assert server.requests[-1].query["filter"] == f"doi:{DOI}"
    paper = services.load_paper_page(app, services.find_public_paper(app, DOI)).paper
    assert (paper.title, paper.abstract) == ("Of counting sheep", "We count")
    assert paper.first_seen == TODAY
    (listed,) = services.list_submissions(app, "accepted")
    assert listed.paper == paper
    asked = len(server.requests)
    run(replace(app, now=lambda: NOON + timedelta(minutes=5)), time)
    assert len(server.requests) == asked


def test_a_source_without_the_paper_is_asked_once_a_day(
    server: SourceServer, service: Callable[..., App], time: Time
) -> None:
    empty = {"meta": {"next_cursor": None}, "results": []}
    server.bodies["/works"] = ("application/json", json.dumps(empty).encode())
    entry = {"name": "works", "kind": "openalex", "url": server.url("/works"), "every": 43_200}
    app = service(entry)
    accept(app, f"doi:{DOI}")
    counts = []
    for hours in (0, 1, 23, 25):
        run(replace(app, now=lambda hours=hours: NOON + timedelta(hours=hours)), time)
        asks = [r for r in server.requests if r.query.get("filter") == f"doi:{DOI}"]
        counts.append(len(asks))
    assert counts == [1, 1, 1, 2]
    assert not list(app.config.ingest.inbox.rglob("*suggestion*"))


def test_a_failing_source_holds_nothing_up(
    server: SourceServer, service: Callable[..., App], time: Time
) -> None:
    server.records = 0
    app = service(
        {"name": "broken", "kind": "crossref", "url": server.url("/crossref")},
        {"name": "works", "kind": "openalex", "url": server.url("/works")},
    )
    run(app, time)
    accept(app, f"doi:{DOI}")
    server.fail("/crossref", *["404"] * 20)
    server.bodies["/works"] = ("application/json", json.dumps(FOUND).encode())
    run(app, time)
    assert services.find_public_paper(app, DOI)


ANSWERS: list[tuple[str, str, bytes, str]] = [
    (
        "oai",
        "2606.00001",
        oai([0], "").replace(b"ListRecords", b"GetRecord"),
        "A title of number 0",
    ),
    ("oai", "2606.00001", oai_error("idDoesNotExist", "no such paper"), ""),
    ("pubmed", "pmid:1", pubmed([0]), "A title 0"),
    ("pubmed", "pmid:1", pubmed([]), ""),
    ("crossref", DOI, json.dumps({"status": "ok", "message": {"items": []}}).encode(), ""),
    ("crossref", DOI, b"<html>busy</html>", ""),
    ("europe-pmc", "pmid:1", b'{"hitCount": 0, "resultList": {"result": []}}', ""),
    ("biorxiv", "10.1101/2026.06.01.000001", b'{"messages": [{"status": "no posts found"}]}', ""),
]


@pytest.mark.parametrize(("kind", "name", "body", "title"), ANSWERS)
def test_an_answer_has_the_paper_or_not(
    tmp_path: Path, kind: str, name: str, body: bytes, title: str
) -> None:
    lookup = build(kind, name)
    assert lookup is not None
    path = tmp_path / f"answer.{lookup.suffix}"
    path.write_bytes(body)
    assert lookup.has_paper(Page(path=path, size=len(body))) == bool(title)
    if title:
        (found,) = dumps.open_dump(path, today=TODAY).records()
        assert isinstance(found, Record)
        assert found.title.startswith(title)
