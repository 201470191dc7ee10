"""Live sources against a server of their protocols: each record is read once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from digest.dumps import open_dump
from digest.model import Record
from digest.sources import KINDS, SourceReport, SourceSettings
from digest.sources.base import BadAnswer, Page
from tests.conftest import NOON
from tests.fakes.source_server import SourceServer
from tests.integration.sources.conftest import ALL, ids, texts


def read_titles(report: SourceReport) -> list[str]:
    """Read the files of a fetch as dumps."""
    return [
        entry.title
        for path in report.files
        for entry in open_dump(path, today=NOON.date()).records()
        if isinstance(entry, Record)
    ]


def later(days: int) -> datetime:
    return NOON + timedelta(days=days)


def test_oai_is_read_to_the_last_token_and_the_token_is_sent_alone(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    report = harvest("oai", "/oai", prefix="arXiv", days=2)
    assert (report.outcome, report.error, ids(report)) == ("fetched", "", ALL)
    first, *later_requests = server.requests_for("/oai")
    assert first.query == {
        "verb": "ListRecords",
        "metadataPrefix": "arXiv",
        "from": "2026-06-07",
        "until": "2026-06-09",
    }
    assert [set(request.query) for request in later_requests] == [{"verb", "resumptionToken"}] * 2
    assert [path.name for path in report.files] == [
        f"2026-06-09-one-00000{n}.xml" for n in (1, 2, 3)
    ]


def test_each_set_is_asked_for_and_an_empty_one_is_no_failure(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    report = harvest("oai", "/oai", sets=("cs:cs:LG", "empty", "stat"))
    assert [
        request.query["set"] for request in server.requests_for("/oai") if "set" in request.query
    ] == [
        "cs:cs:LG",
        "empty",
        "stat",
    ]
    assert (report.outcome, sorted(set(ids(report)))) == ("fetched", ALL)


def test_the_next_window_begins_a_day_before_the_last_one_ended(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    harvest("oai", "/oai")
    harvest("oai", "/oai", now=NOON + timedelta(days=5))
    windows = [
        (request.query["from"], request.query["until"])
        for request in server.requests_for("/oai")
        if "from" in request.query
    ]
    assert windows == [("2026-06-06", "2026-06-09"), ("2026-06-08", "2026-06-14")]


def test_an_arxiv_feed_joins_its_categories_and_an_unchanged_one_is_not_kept_again(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    assert harvest("arxiv-feed", "/rss", categories=("cs.AI", "q-bio.NC")).outcome == "fetched"
    again = harvest("arxiv-feed", "/rss", categories=("cs.AI", "q-bio.NC"))
    assert (again.outcome, again.files, again.error) == ("unchanged", [], "")
    assert [request.path for request in server.requests] == ["/rss/cs.AI+q-bio.NC"] * 2
    assert "If-None-Match" in server.requests[1].headers


def test_an_empty_feed_is_nothing_new(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    server.feed_items = 0
    assert harvest("arxiv-feed", "/rss", categories=("cs.AI",)).outcome == "unchanged"


def test_a_full_feed_is_reported(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    server.feed_items = 2000
    assert "split the categories" in harvest("arxiv-feed", "/rss", categories=("cs.AI",)).notes[0]


def test_a_feed_that_is_an_error_message_is_not_asked_for_again(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    report = harvest("arxiv-feed", "/rss", categories=("Feed error for query",))
    assert report.outcome == "failed"
    assert len(server.requests) == 1


def test_hugging_face_is_asked_day_by_day_and_empty_weekends_are_not_kept(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    report = harvest("huggingface", "/daily", days=4)
    assert [request.query["date"] for request in server.requests] == [
        f"2026-06-0{n}" for n in (5, 6, 7, 8, 9)
    ]
    assert [json.loads(path.read_text())[0]["paper"]["id"] for path in report.files] == [
        "2606.05001",
        "2606.08001",
        "2606.09001",
    ]


@pytest.mark.parametrize("kind", ["biorxiv", "medrxiv"])
def test_preprints_are_paged_by_cursor(
    server: SourceServer, harvest: Callable[..., SourceReport], kind: str
) -> None:
    report = harvest(kind, "/details", days=1)
    assert [request.path for request in server.requests] == [
        f"/details/{kind}/2026-06-08/2026-06-09/{cursor}/json" for cursor in (0, 10, 20)
    ]
    rows = [row for path in report.files for row in json.loads(path.read_text())["collection"]]
    assert len({row["doi"] for row in rows}) == 25


@pytest.mark.parametrize(
    ("kind", "path", "count"), [("openalex", "/works", 230), ("crossref", "/crossref", 430)]
)
def test_lists_with_a_cursor_are_read_to_their_end(
    server: SourceServer, harvest: Callable[..., SourceReport], kind: str, path: str, count: int
) -> None:
    server.records = count
    report = harvest(
        kind,
        path,
        query="type:article",
        contact="ops@example.org",
        key="secret" if kind == "openalex" else "",
    )
    bodies = [json.loads(file.read_text()) for file in report.files]
    assert sum(len(body.get("results") or body["message"]["items"]) for body in bodies) == count
    first = server.requests[0].query
    assert (first["cursor"], first["mailto"]) == ("*", "ops@example.org")
    assert "2026-06-06" in first["filter"]
    assert first["filter"].endswith(",type:article")


def test_pubmed_is_searched_once_and_fetched_in_slices(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    server.records = 450
    report = harvest("pubmed", "/eutils", query="robot[ti]", contact="ops@example.org")
    assert [request.path.rpartition("/")[2] for request in server.requests] == [
        "esearch.fcgi",
        "efetch.fcgi",
        "efetch.fcgi",
        "efetch.fcgi",
    ]
    assert server.requests[0].query["mindate"] == "2026/06/06"
    assert sorted(map(int, re.findall(r"<PMID.*?>(\d+)<", texts(report)))) == list(range(1, 451))


def test_a_search_with_too_many_results_is_halved(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    server.records = 10_000
    report = harvest("pubmed", "/eutils", query="robot", days=1)
    assert [
        (request.query["mindate"], request.query["maxdate"])
        for request in server.requests_for("/eutils/esearch")
    ] == [
        ("2026/06/08", "2026/06/09"),
        ("2026/06/08", "2026/06/08"),
        ("2026/06/09", "2026/06/09"),
    ]
    assert "make the search narrower" in report.notes[0]


def test_europe_pmc_is_searched_by_day_to_the_last_cursor(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    server.records = 450
    report = harvest("europe-pmc", "/europe-pmc", query="larks OR wrens")
    queries = [request.query for request in server.requests]
    assert [query["cursorMark"] for query in queries] == ["*", "c200", "c400"]
    assert {query["query"] for query in queries} == {
        "(larks OR wrens) AND (FIRST_PDATE:[2026-06-06 TO 2026-06-09] OR "
        "FIRST_IDATE:[2026-06-06 TO 2026-06-09])"
    }
    assert {query["resultType"] for query in queries} == {"core"}
    assert read_titles(report) == [f"A title {n}" for n in range(450)]


def test_dblp_is_searched_year_by_year(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    server.records = 1200
    report = harvest("dblp", "/dblp", query="stream:conf/icig:", days=200)
    assert [(request.query["q"], request.query["f"]) for request in server.requests] == [
        ("stream:conf/icig: year:2025", "0"),
        ("stream:conf/icig: year:2025", "1000"),
        ("stream:conf/icig: year:2026", "0"),
        ("stream:conf/icig: year:2026", "1000"),
    ]
    assert read_titles(report) == [f"A title {n}" for n in range(1200)] * 2


def test_a_search_of_dblp_without_hits_is_nothing_new(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    server.records = 0
    report = harvest("dblp", "/dblp", query="nothing")
    assert (report.outcome, report.files, report.notes) == ("unchanged", [], [])


def test_a_venue_of_openreview_is_read_back_to_the_window(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    server.records = 9000  # 6.25 days of minutes
    report = harvest("openreview", "/openreview", query="ICIG.cc/2026/Conference", days=2)
    queries = [request.query for request in server.requests]
    assert [query["offset"] for query in queries] == ["0", "1000", "2000", "3000"]
    assert {query["content.venueid"] for query in queries} == {"ICIG.cc/2026/Conference"}
    assert len(read_titles(report)) == 4000
    harvest("openreview", "/openreview", query="ICIG.cc/2026/Conference", now=later(30))
    server.requests.clear()
    again = harvest("openreview", "/openreview", query="ICIG.cc/2026/Conference", now=later(60))
    assert (again.outcome, again.files, len(server.requests)) == ("unchanged", [], 1)


@pytest.mark.parametrize(
    ("changes", "has_more"),
    [
        ([3000, 2000, 1000], False),  # older than the window, in order
        ([2000, 3000, 1000], True),
        ([3000, 2000, None], True),
        ([], False),
    ],
)
def test_a_venue_in_another_order_is_read_to_its_end(
    changes: list[int | None], has_more: bool, tmp_path: Path
) -> None:
    notes = [{"tmdate": changes[min(n, len(changes) - 1)]} for n in range(1000 if changes else 0)]
    path = tmp_path / "page"
    path.write_text(json.dumps({"notes": notes}))
    settings = SourceSettings(name="one", kind="openreview", query="v")
    result = KINDS["openreview"].read_page(
        settings, {"since": "2026-06-08", "offset": 0}, Page(path=path, size=1)
    )
    assert (result.next is not None) == has_more


def test_semantic_scholar_is_asked_about_one_liked_paper_after_the_other(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    server.fail("/recommendations", "ok", "unknown")
    liked = ("ARXIV:2606.00001", "DOI:10.5555/a/2", "ARXIV:2606.00003")
    report = harvest("semantic-scholar", "/recommendations/v1", papers=liked, key="secret")
    assert (report.outcome, report.error, len(report.files)) == ("fetched", "", 2)
    assert [request.path for request in server.requests] == [
        "/recommendations/v1/papers/forpaper/ARXIV:2606.00001",
        "/recommendations/v1/papers/forpaper/DOI:10.5555%2Fa%2F2",
        "/recommendations/v1/papers/forpaper/ARXIV:2606.00003",
    ]
    assert [request.query["from"] for request in server.requests] == ["recent"] * 3
    assert server.requests[0].headers["x-api-key"] == "secret"
    assert read_titles(report) == [f"A title {n}" for n in (1, 2, 3, 3, 4, 5)]


@pytest.mark.parametrize("kind", ["europe-pmc", "dblp", "openreview", "semantic-scholar"])
@pytest.mark.parametrize(
    "answer", [[], {}, {"errCode": 400, "errMsg": "no"}, {"name": "ForbiddenError"}, "no", None, 5]
)
def test_an_answer_without_a_list_is_a_bad_answer(
    kind: str, answer: object, tmp_path: Path
) -> None:
    path = tmp_path / "page"
    path.write_text(json.dumps(answer))
    settings = SourceSettings(name="one", kind=kind, query="x", papers=("DOI:10.1/a",))
    position = KINDS[kind].first_position(settings, date(2026, 6, 8), date(2026, 6, 9))
    with pytest.raises(BadAnswer, match="no list of"):
        KINDS[kind].read_page(settings, position, Page(path=path, size=1))


def test_dblp_may_end_a_list_too_early(tmp_path: Path) -> None:
    path = tmp_path / "page"
    path.write_text(json.dumps({"result": {"hits": {"@total": "20000", "@sent": "0"}}}))
    settings = SourceSettings(name="one", kind="dblp", query="x")
    position = {"year": 2025, "last": 2026, "first": 10_000}
    with pytest.raises(BadAnswer, match="10000 of 20,000 hits; make the search narrower") as bad:
        KINDS["dblp"].read_page(settings, position, Page(path=path, size=1))
    assert bad.value.fallback is not None
    assert bad.value.fallback.next == {"year": 2026, "last": 2026, "first": 0}


@pytest.mark.parametrize("path", ["/any.xml", "/oai", "/works?cursor=*&per-page=10"])
def test_the_content_of_any_address_is_kept(
    harvest: Callable[..., SourceReport], path: str
) -> None:
    report = harvest("url", path)
    assert (report.outcome, report.error) == ("fetched", "")
    if path == "/oai":
        assert ids(report) == ALL


def test_an_address_may_name_the_days(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    harvest("url", "/any?from={since}&to={until}")
    assert server.requests[0].query == {"from": "2026-06-06", "to": "2026-06-09"}
