"""Live sources with faults at every page, waits that servers ask for, and rates."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from digest.errors import SourceError
from digest.sources import KINDS, SourceReport, SourceSettings
from digest.sources.base import BadAnswer, Page
from digest.sources.web import MIN_INTERVALS, Web
from tests.conftest import NOON
from tests.fakes.source_answers import oai
from tests.fakes.source_server import SourceServer
from tests.integration.sources.conftest import ALL, Time, ids

# ------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    "fault",
    [
        "429",
        "503",
        "503-date",
        "500",
        "cut",
        "cut-quietly",
        "html",
        "garbage",
        "empty",
        "bad-gzip",
        "hang-up",
        "bad-token",
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_harvest_survives_every_fault_at_every_page(
    server: SourceServer, harvest: Callable[..., SourceReport], fault: str, place: int
) -> None:
    server.fail("/oai", *["ok"] * place, fault)
    report = harvest("oai", "/oai")
    assert (report.outcome, report.error, ids(report)) == ("fetched", "", ALL)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("huggingface", "/daily"),
        ("biorxiv", "/details"),
        ("openalex", "/works"),
        ("pubmed", "/eutils"),
        ("europe-pmc", "/europe-pmc"),
        ("dblp", "/dblp"),
        ("openreview", "/openreview"),
        ("semantic-scholar", "/recommendations/v1"),
        ("url", "/any"),
    ],
)
@pytest.mark.parametrize(
    "fault", ["429", "503", "cut", "cut-quietly", "html", "bad-gzip", "hang-up"]
)
def test_every_kind_survives_a_fault(
    server: SourceServer, harvest: Callable[..., SourceReport], kind: str, path: str, fault: str
) -> None:
    server.records = 250 if kind == "biorxiv" else 2500  # several pages of each
    more: dict[str, Any] = {}
    if kind in ("pubmed", "europe-pmc", "dblp", "openreview"):
        more = {"query": "robot"}
    elif kind == "semantic-scholar":
        more = {"papers": ("ARXIV:2606.00001", "ARXIV:2606.00002")}
    file_count = len(harvest(kind, path, **more).files)
    harvest.state.clear()  # type: ignore[attr-defined]
    server.fail(path, "ok", fault) if kind != "url" else server.fail(path, fault)
    again = harvest(kind, path, **more)
    assert again.error == ""
    assert len(again.files) == file_count


def test_retry_after_is_obeyed_in_seconds_and_as_a_date(
    server: SourceServer, harvest: Callable[..., SourceReport], time: Time
) -> None:
    server.fail("/any", "503", "503-date")
    started = time.now
    harvest("url", "/any")
    assert 11 <= time.slept[0] <= 12
    # The date is a minute after the start of the clock.
    assert 60 <= time.now - started <= 63


def test_backoff_is_exponential_with_jitter(
    server: SourceServer, harvest: Callable[..., SourceReport], time: Time
) -> None:
    server.fail("/any", *["500"] * 9)
    report = harvest(
        "url",
        "/any",
        client={"pace": {"127.0.0.1": 0.0}, "jitter": iter((0.0, 0.9, 0.1, 0.8, 0.3)).__next__},
    )
    assert time.slept == pytest.approx([1.0, 3.8, 4.4, 14.4, 20.8])
    assert (report.outcome, report.requests) == ("failed", 6)
    assert "after 6 tries" in report.error


def test_a_source_waits_a_day_if_its_server_asks_for_it(
    server: SourceServer, harvest: Callable[..., SourceReport], time: Time
) -> None:
    server.fail("/oai", "ok", "503-long")
    report = harvest("oai", "/oai")
    assert (report.outcome, len(report.files), time.slept) == ("failed", 1, [1.0])
    assert harvest.state["not_before"] == "2026-06-10T12:00:00+00:00"  # type: ignore[attr-defined]


def test_an_expired_resumption_token_restarts_the_window_and_loses_nothing(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    server.fail("/oai", "ok", "ok", "bad-token", "bad-token")
    report = harvest("oai", "/oai")
    assert (report.outcome, report.restarts, set(ids(report))) == (
        "fetched",
        1,
        set(ALL),
    )


def test_a_harvest_that_failed_goes_on_where_it_stopped(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    server.fail("/oai", "ok", *["500"] * 6)
    first = harvest("oai", "/oai")
    second = harvest("oai", "/oai", now=NOON + timedelta(days=1))
    assert (first.outcome, ids(first)) == ("failed", ALL[:10])
    # First the rest of the window, then the days since.
    assert (second.outcome, ids(second)) == ("fetched", ALL[10:] + ALL)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("loop", "redirects"),
        ("elsewhere", "elsewhere.example, which the settings do not name"),
        ("file", "redirects to file:"),
        ("huge", "larger than 1,000,000 bytes"),
        ("bomb", "larger than 1,000,000 bytes"),
        ("404", "answers 404"),
    ],
)
def test_errors_that_repeating_cannot_help_are_reported_at_once(
    server: SourceServer, harvest: Callable[..., SourceReport], fault: str, expected: str
) -> None:
    server.fail("/any", *[fault] * 10)
    report = harvest("url", "/any", client={"cap": 1_000_000})
    assert (report.outcome, report.files) == ("failed", [])
    assert expected in report.error
    assert report.retries == 0


def test_a_server_that_does_not_answer_is_given_up_in_time(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    server.fail("/any", "slow", "slow")
    report = harvest("url", "/any", client={"timeout": 0.1, "attempts": 2})
    assert "no answer in time" in report.error


def test_bad_answers_are_kept_outside_of_the_inbox(
    server: SourceServer, harvest: Callable[..., SourceReport], tmp_path: Path
) -> None:
    server.fail("/any", *["html"] * 9)
    harvest("url", "/any", client={"attempts": 9})
    assert len(list((tmp_path / ".fetch").glob("one.refused-*"))) == 5
    assert list((tmp_path / "one").iterdir()) == []


def test_an_error_never_shows_the_key(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    server.fail("/works", *["500"] * 6)
    report = harvest("openalex", "/works", key="swordfish")
    assert server.requests[0].query["api_key"] == "swordfish"
    assert "swordfish" not in report.error + repr(harvest.state)  # type: ignore[attr-defined]


def test_an_error_shows_neither_login_nor_query_of_an_address(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    for fault in ("404", "500", "moved"):
        server.moved = "http://127.0.0.1:1/else?hex=swordfish"
        server.fail("/any", *[fault] * 6)
        url = server.url("/any").replace("//", "//me:trout@") + "?code=swordfish"
        report = harvest("url", "/any", address=url)
        assert report.error.startswith(server.url("/any") + ":")
        assert "swordfish" not in report.error
        assert "trout" not in report.error
    assert server.requests[0].headers["Authorization"].startswith("Basic ")


# ---------------------------------------------------------------------------------------- redirects


def test_a_redirect_to_another_port_is_refused_and_the_key_is_not_sent_there(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    with SourceServer() as other:
        server.moved = other.url("/works")
        server.fail("/works", "moved")
        report = harvest("openalex", "/works", key="swordfish")
        assert other.requests == []
    place = urlsplit(other.url("")).netloc
    assert (report.outcome, report.files, report.retries) == ("failed", [], 0)
    assert f"redirects to {place}, which the settings do not name" in report.error
    assert "set it as the url" in report.error


def test_a_redirect_within_host_and_port_is_followed_without_the_key(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    for target in (server.url("/moved"), "/moved"):
        server.moved = target
        server.fail("/any", "moved")
        assert harvest("url", "/any", address=server.url("/any?api_key=swordfish")).error == ""
        assert server.requests[-1].path == "/moved"
        assert "swordfish" not in str(server.requests[-1])
        harvest.state.clear()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("at", "to", "follows"),
    [
        ("https://h.example/a", "https://h.example/b", True),
        ("https://h.example/a", "https://h.example:443/b", True),
        ("https://h.example/a", "https://H.EXAMPLE/b", True),
        ("http://h.example/a", "https://h.example/b", True),
        ("http://h.example:8080/a", "https://h.example:8080/b", True),
        ("https://h.example/a", "http://h.example/b", False),
        ("https://h.example/a", "http://h.example:443/b", False),
        ("https://h.example/a", "https://h.example:8443/b", False),
        ("http://h.example/a", "http://h.example:443/b", False),
        ("http://h.example:8080/a", "https://h.example/b", False),
        ("http://h.example/a", "http://h.example.evil.example/b", False),
        ("http://h.example/a", "http://h.example@evil.example/b", False),
        ("http://h.example/a", "//evil.example/b", False),
        ("http://h.example/a", "\\\\evil.example/b", True),  # a path on this server
        ("http://h.example/a", "ftp://h.example/b", False),
        ("http://h.example/a", "data:text/xml,<x/>", False),
        ("http://h.example/a", "http://[::1]/b", False),
        ("http://h.example/a", "http://h.example:99999/b", False),
    ],
)
def test_a_redirect_stays_at_host_and_port_and_does_not_leave_tls(
    at: str, to: str, follows: bool
) -> None:
    web = Web(agent="a")
    response = httpx.Response(302, headers={"Location": to})
    web.close()
    if follows:
        assert web._follow_redirect(httpx.URL(at), response).host == "h.example"
    else:
        with pytest.raises(SourceError, match="redirects to"):
            web._follow_redirect(httpx.URL(at), response)


@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_moves_a_harvest_to_another_host(kind: str, tmp_path: Path) -> None:
    """Tokens, cursors and links of an answer are used only for the named address."""
    evil = "http://evil.example/next"
    url = "https://h.example/base"
    options = {"categories": ("cs.LG",), "sets": ("cs",)}
    source_settings = SourceSettings(
        name="one",
        kind=kind,
        url=url,
        query="robot",
        papers=("DOI:10.1/a", "ARXIV:2606.00002"),
        **options,  # type: ignore[arg-type]
    )
    protocol = KINDS[kind]
    first_position = protocol.first_position(source_settings, date(2026, 6, 1), date(2026, 6, 9))
    answers: list[bytes] = [
        oai([1], evil),
        f'<feed xmlns="a"><link rel="next" href="{evil}"/><entry/></feed>'.encode(),
        json.dumps({"meta": {"next_cursor": evil}, "results": [{}] * 100}).encode(),
        json.dumps({"message": {"next-cursor": evil, "items": [{}] * 200}, "next": evil}).encode(),
        json.dumps({"messages": [{"total": 9999}], "collection": [{}], "next": evil}).encode(),
        json.dumps({"esearchresult": {"count": "5", "webenv": evil, "querykey": "1"}}).encode(),
        json.dumps([{"next": evil}] * 100).encode(),
        json.dumps({"nextCursorMark": evil, "resultList": {"result": [{"next": evil}]}}).encode(),
        json.dumps({"result": {"hits": {"@total": "9999", "hit": [{"url": evil}]}}}).encode(),
        json.dumps({"notes": [{"next": evil}] * 1000, "next": evil}).encode(),
        json.dumps({"recommendedPapers": [{"url": evil}], "next": evil}).encode(),
    ]
    onward = 0
    for number, body in enumerate(answers):
        path = tmp_path / str(number)
        path.write_bytes(body)
        try:
            result = protocol.read_page(
                source_settings, first_position, Page(path=path, size=len(body))
            )
        except BadAnswer:
            continue
        for position in filter(None, (result.next,)):
            onward += 1
            assert (
                urlsplit(protocol.build_request(source_settings, position).url).netloc
                == "h.example"
            )
    assert onward or kind == "arxiv-feed"
    assert (
        urlsplit(protocol.build_request(source_settings, first_position).url).netloc == "h.example"
    )


# -------------------------------------------------------------------------------------------- rates


def test_all_sources_at_one_host_share_its_rate_limit(
    server: SourceServer, harvest: Callable[..., SourceReport], time: Time
) -> None:
    last_requests: dict[str, float] = {}
    client = {"pace": {"127.0.0.1": 3.0}, "last_requests": last_requests}
    harvest("oai", "/oai", client=client)
    harvest("url", "/any", client=client)
    assert time.slept == [3.0, 3.0, 3.0]


def test_arxiv_hosts_have_three_seconds() -> None:
    web = Web(agent="a", clock=(time := Time()).clock, sleep=time.sleep)
    for host in ("rss.arxiv.org", "oaipmh.arxiv.org", "export.arxiv.org", "notarxiv.org"):
        web._keep_rate_limit(host)
    web.close()
    assert time.slept == [3.0, 3.0]
    assert MIN_INTERVALS["ncbi.nlm.nih.gov"] * 3 >= 1


def test_the_user_agent_names_a_contact(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    harvest("url", "/any")
    assert "mailto:a@example.org" in server.requests[0].headers["User-Agent"]


def test_public_addresses_are_https() -> None:
    assert [
        kind.base_url
        for kind in KINDS.values()
        if kind.base_url and not kind.base_url.startswith("https://")
    ] == []
