"""The protocols of the sources: the next request, and the meaning of an answer.

Pure. The papers in an answer are read by `dumps`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final
from urllib.parse import quote, urlsplit

from digest.sources.base import (
    BadAnswer,
    Kind,
    Page,
    PageResult,
    Position,
    Recovery,
    Request,
    SourceSettings,
)
from digest.sources.oai import Oai, reject_html
from digest.sources.paged import CursorPages, HuggingFace, Rxiv
from digest.sources.pubmed import PubMed
from digest.sources.searches import Dblp, EuropePmc, OpenReview, SemanticScholar

_ENTRY: Final = re.compile(rb"<(?:[\w.-]+:)?(?:item|entry|record|PubmedArticle)[\s>/]")
#: arXiv answers a query that it does not understand with a feed
_FEED_ERROR: Final = re.compile(rb"Feed error for query|/api/errors#")
_XML: Final = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<")


def _read_complete_xml(page: Page) -> bytes:
    """Return the body if it is XML that ends with its root element.

    Raises:
        BadAnswer: If it is not.
    """
    data = page.bytes()
    reject_html(data)
    if not _XML.match(data):
        raise BadAnswer("neither a feed nor XML")
    root = re.search(
        rb"<([A-Za-z_][\w.:-]*)[^>]*>", re.sub(rb"<!--.*?-->", b"", data[:65_536], flags=re.DOTALL)
    )
    if (
        root is not None
        and not root[0].endswith(b"/>")
        and not re.search(
            rb"</" + re.escape(root[1]) + rb"\s*>\s*(?:<!--[^>]*-->\s*)*\Z", data[-4096:]
        )
    ):
        raise BadAnswer(f"cut off after {page.size:,} bytes")
    return data


class ArxivFeed:
    """The feed of the day for a list of categories.

    https://info.arxiv.org/help/rss.html
    """

    base_url: str = "https://rss.arxiv.org/rss"
    interval_minutes: int = 60
    suffix: str = "xml"

    def first_position(self, settings: SourceSettings, since: date, until: date) -> Position:
        return {"day": until.isoformat()}

    def build_request(self, settings: SourceSettings, position: Position) -> Request:
        base = (settings.url or self.base_url).rstrip("/")
        return Request(
            url=f"{base}/{'+'.join(quote(name, safe='.-') for name in settings.categories)}",
            conditional=True,
        )

    def read_page(self, settings: SourceSettings, position: Position, page: Page) -> PageResult:
        data = _read_complete_xml(page)
        if _FEED_ERROR.search(data):
            raise BadAnswer(
                f"the feed says that it does not know the categories "
                f"{', '.join(settings.categories)}",
                Recovery.GIVE_UP,
            )
        count = len(_ENTRY.findall(data))
        full = count >= 2000
        return PageResult(
            entries=count > 0,
            note=(
                "the feed is full at 2,000 items and leaves papers out; split the categories over "
                "two sources"
            )
            if full
            else "",
        )


class AnyAddress:
    """The complete content of an address, in which {since} and {until} become days."""

    base_url: str = ""
    interval_minutes: int = 60
    suffix: str = "dat"

    def first_position(self, settings: SourceSettings, since: date, until: date) -> Position:
        return {"since": since.isoformat(), "until": until.isoformat()}

    def build_request(self, settings: SourceSettings, position: Position) -> Request:
        if position.get("token"):
            return Oai().build_request(settings, position)
        url = settings.url.replace("{since}", position["since"]).replace(
            "{until}", position["until"]
        )
        return Request(url=url, conditional=True)

    def read_page(self, settings: SourceSettings, position: Position, page: Page) -> PageResult:
        start = page.head(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
        reject_html(start)
        if not start:
            return PageResult(entries=False)
        if start[:1] in (b"{", b"["):
            return self._json(page)
        if start[:1] != b"<":
            return PageResult()
        if re.search(rb"<(?:[\w.-]+:)?OAI-PMH[\s>]", start):
            return Oai().read_page(settings, position | {"set": 0}, page)
        data = _read_complete_xml(page)
        if _FEED_ERROR.search(data):
            raise BadAnswer("the feed holds an error message instead of papers", Recovery.GIVE_UP)
        return PageResult(entries=bool(_ENTRY.search(data)))

    def _json(self, page: Page) -> PageResult:
        data = page.bytes().rstrip()
        if data.endswith((b"}", b"]")):
            # JSON lines are not a JSON document, and the parser rejects a damaged line on its own.
            return PageResult(entries=data not in (b"[]", b"{}"))
        raise BadAnswer(f"cut off after {page.size:,} bytes")


KINDS: Final[Mapping[str, Kind]] = {
    "arxiv-feed": ArxivFeed(),
    "oai": Oai(),
    "huggingface": HuggingFace(),
    "biorxiv": Rxiv("biorxiv"),
    "medrxiv": Rxiv("medrxiv"),
    "openalex": CursorPages(
        base_url="https://api.openalex.org/works",
        filters="from_created_date:{since},to_created_date:{until}",
        size_parameter="per-page",
        page_size=100,
        items_path=("results",),
        cursor_path=("meta", "next_cursor"),
        ends_short=False,
    ),
    "crossref": CursorPages(
        base_url="https://api.crossref.org/works",
        filters="from-index-date:{since},until-index-date:{until}",
        size_parameter="rows",
        page_size=200,
        items_path=("message", "items"),
        cursor_path=("message", "next-cursor"),
        ends_short=True,
    ),
    "pubmed": PubMed(),
    "europe-pmc": EuropePmc(),
    "dblp": Dblp(),
    "openreview": OpenReview(),
    "semantic-scholar": SemanticScholar(),
    "url": AnyAddress(),
}

#: kind without a protocol here -> minutes between two fetches
_OTHER_INTERVALS: Final = {"folder": 1, "mailbox": 15}


def find_base_url(settings: SourceSettings) -> str:
    """Return the address of a source; "" for a folder."""
    return settings.url or (KINDS[settings.kind].base_url if settings.kind in KINDS else "")


def default_interval(kind: str) -> int:
    """Return the minutes between two fetches if the operator sets none."""
    return KINDS[kind].interval_minutes if kind in KINDS else _OTHER_INTERVALS[kind]


def is_arxiv(settings: SourceSettings) -> bool:
    """Whether the source follows arXiv's calendar."""
    host = urlsplit(find_base_url(settings)).hostname or ""
    return settings.kind == "arxiv-feed" or host == "arxiv.org" or host.endswith(".arxiv.org")
