"""Servers that lead in a circle, or name the encoding only in the header of an answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from digest.sources import SourceReport
from tests.conftest import NOON
from tests.fakes.source_server import SourceServer
from tests.integration.sources.conftest import ALL, ids, texts


@pytest.mark.parametrize(
    "leads_to",
    [
        pytest.param({5: 5}, id="a page leads to itself"),
        pytest.param({10: 5}, id="a circle of two pages"),
        pytest.param({15: 0}, id="back to the beginning"),
        pytest.param({15: 5}, id="a circle of three pages"),
    ],
)
def test_a_server_that_repeats_a_resumption_token_ends_the_harvest_with_a_word(
    server: SourceServer, harvest: Callable[..., SourceReport], leads_to: dict[int, int]
) -> None:
    server.page, server.leads_to = 5, leads_to
    report = harvest("oai", "/oai")
    assert (report.outcome, report.restarts, report.retries) == ("failed", 0, 0)
    assert "repeats a resumption token" in report.error
    assert set(ids(report)) == set(ALL[: max(leads_to) + 5])
    assert len(server.requests) < 15

    server.leads_to = {}
    mended = harvest("oai", "/oai", now=NOON + timedelta(days=1))
    assert (mended.outcome, mended.error) == ("fetched", "")
    assert set(ids(mended)) | set(ids(report)) == set(ALL)


def test_tokens_that_never_repeat_are_read_to_the_last(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    server.page = 1
    report = harvest("oai", "/oai")
    assert (report.outcome, report.error, ids(report)) == ("fetched", "", ALL)


TITLE = "Größe der Löffel"
FEED = (
    '<?xml version="1.0"?><rss version="2.0"><channel><item><title>TITLE</title>'
    "<link>https://example.org/1</link></item></channel></rss>"
)


@pytest.mark.parametrize(
    ("header", "title", "encoding"),
    [
        ("text/xml; charset=ISO-8859-1", "Größe “der” Löffel", "cp1252"),
        ("text/xml; charset=ISO-8859-1", TITLE, "utf-8"),
        ("text/xml; charset=windows-1251", "Жизнь медуз", "cp1251"),
        ('application/rss+xml; charset="gb2312"', "水母的生命", "gb18030"),
        ("text/xml; charset=UTF-8", TITLE, "utf-16"),
        ("text/xml", TITLE, "utf-16-le"),
        ("text/xml; charset=nonsense", TITLE, "utf-8"),
        ("text/xml", TITLE, "utf-8"),
    ],
)
def test_an_answer_is_kept_as_utf_8_whatever_its_header_says(
    server: SourceServer,
    harvest: Callable[..., SourceReport],
    header: str,
    title: str,
    encoding: str,
) -> None:
    feed = FEED.replace("TITLE", title)
    server.bodies["/any"] = (header, feed.encode(encoding))
    report = harvest("url", "/any")
    assert (report.outcome, report.error) == ("fetched", "")
    assert texts(report).removeprefix("\ufeff") == feed
    assert report.bytes == len(feed.encode())


def test_an_answer_that_declares_its_encoding_is_kept_as_it_is(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    body = (
        FEED.replace("?>", ' encoding="windows-1250"?>').replace("TITLE", "Żółw").encode("cp1250")
    )
    server.bodies["/any"] = ("text/xml; charset=ISO-8859-1", body)
    (path,) = harvest("url", "/any").files
    assert path.read_bytes() == body


def test_a_packed_file_is_kept_as_it_is(
    server: SourceServer, harvest: Callable[..., SourceReport]
) -> None:
    body = bytes(range(256)) * 20
    server.bodies["/any"] = ("text/plain; charset=ISO-8859-1", body)
    (path,) = harvest("url", "/any").files
    assert path.read_bytes() == body
