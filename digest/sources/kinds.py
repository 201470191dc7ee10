"""The protocols of the sources: the next request, and the meaning of an answer.

Pure. The papers in an answer are read by `dumps`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final
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
    parse_count,
)
from digest.sources.oai import Oai, reject_html
from digest.sources.pubmed import PubMed

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
    """The feed of the day for a list of categories: https://info.arxiv.org/help/rss.html"""

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


class HuggingFace:
    """The list of each day: https://huggingface.co/docs/hub/api."""

    base_url: str = "https://huggingface.co/api/daily_papers"
    interval_minutes: int = 180
    suffix: str = "json"
    _size: int = 100

    def first_position(self, settings: SourceSettings, since: date, until: date) -> Position:
        return {"day": since.isoformat(), "last": until.isoformat(), "page": 0}

    def build_request(self, settings: SourceSettings, position: Position) -> Request:
        return Request(
            url=settings.url or self.base_url,
            params={"date": position["day"], "limit": str(self._size), "p": str(position["page"])},
        )

    def read_page(self, settings: SourceSettings, position: Position, page: Page) -> PageResult:
        reject_html(page.head())
        rows = page.json()
        if not isinstance(rows, list):
            raise BadAnswer(f"no list of papers: {_describe_answer(rows)}")
        next_position: Position | None = position | {"page": position["page"] + 1}
        if len(rows) < self._size:
            day = date.fromisoformat(position["day"]) + timedelta(days=1)
            next_position = (
                position | {"day": day.isoformat(), "page": 0}
                if day <= date.fromisoformat(position["last"])
                else None
            )
        return PageResult(next=next_position, entries=bool(rows))


class Rxiv:
    """bioRxiv and medRxiv, a hundred versions at a time: https://api.biorxiv.org"""

    interval_minutes: int = 360
    suffix: str = "json"
    base_url: str = "https://api.biorxiv.org/details"

    def __init__(self, server: str) -> None:
        self._server = server

    def first_position(self, settings: SourceSettings, since: date, until: date) -> Position:
        return {"since": since.isoformat(), "until": until.isoformat(), "cursor": 0}

    def build_request(self, settings: SourceSettings, position: Position) -> Request:
        base = (settings.url or self.base_url).rstrip("/")
        return Request(
            url=f"{base}/{self._server}/{position['since']}/{position['until']}/{position['cursor']}/json"
        )

    def read_page(self, settings: SourceSettings, position: Position, page: Page) -> PageResult:
        reject_html(page.head())
        answer = page.json()
        rows = answer.get("collection") if isinstance(answer, dict) else None
        messages = answer.get("messages") if isinstance(answer, dict) else None
        message = (
            messages[0]
            if isinstance(messages, list) and messages and isinstance(messages[0], dict)
            else {}
        )
        status = str(message.get("status", ""))
        if not rows and status.lower().startswith("no posts"):
            return PageResult(entries=False)
        if not isinstance(rows, list) or (status and status.lower() != "ok"):
            raise BadAnswer(f"no list of preprints: {status or _describe_answer(answer)}")
        received = position["cursor"] + len(rows)
        total = parse_count(message.get("total"))
        if rows:
            more = received < total if total is not None else True
            return PageResult(next=position | {"cursor": received} if more else None)
        if total is None or received >= total:
            return PageResult(entries=False)
        # Sometimes the total is wrong, and sometimes a page is empty by mistake.
        note = f"the list ended at {received} although {total} were announced"
        raise BadAnswer(note, fallback=PageResult(entries=False, note=note))


class CursorPages:
    """Lists with a cursor to the next page.

    OpenAlex (https://docs.openalex.org) and Crossref (https://api.crossref.org).
    """

    interval_minutes: int = 360
    suffix: str = "json"

    def __init__(
        self,
        *,
        base_url: str,
        filters: str,
        size_parameter: str,
        page_size: int,
        items_path: tuple[str, ...],
        cursor_path: tuple[str, ...],
        ends_short: bool,
    ) -> None:
        self.base_url = base_url
        self._filters = filters
        self._size_parameter = size_parameter
        self._page_size = page_size
        self._items_path = items_path
        self._cursor_path = cursor_path
        #: whether the last page is the one that is not full, since it has a cursor as well
        self._ends_short = ends_short

    def first_position(self, settings: SourceSettings, since: date, until: date) -> Position:
        return {"since": since.isoformat(), "until": until.isoformat(), "cursor": "*"}

    def build_request(self, settings: SourceSettings, position: Position) -> Request:
        filters = self._filters.format(since=position["since"], until=position["until"]) + (
            f",{settings.query}" if settings.query else ""
        )
        params = {
            "filter": filters,
            self._size_parameter: str(self._page_size),
            "cursor": position["cursor"],
        }
        if settings.contact:
            params["mailto"] = settings.contact
        if settings.key:
            params["api_key"] = settings.key
        return Request(url=settings.url or self.base_url, params=params)

    def read_page(self, settings: SourceSettings, position: Position, page: Page) -> PageResult:
        reject_html(page.head())
        answer = page.json()
        items, cursor = (
            _follow_path(answer, self._items_path),
            _follow_path(answer, self._cursor_path),
        )
        if not isinstance(items, list):
            is_cursor_lost = (
                "cursor" in _describe_answer(answer).lower() and position["cursor"] != "*"
            )
            raise BadAnswer(
                f"no list of works: {_describe_answer(answer)}",
                Recovery.RESTART if is_cursor_lost else Recovery.RETRY,
            )
        is_last = (
            not items
            or not isinstance(cursor, str)
            or not cursor
            or (self._ends_short and len(items) < self._page_size)
        )
        return PageResult(
            next=None if is_last else position | {"cursor": cursor}, entries=bool(items)
        )


def _follow_path(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _describe_answer(answer: Any) -> str:
    """Return the message of an answer, short enough for a line."""
    message = (
        next(
            (
                answer[key]
                for key in ("error", "message", "status")
                if isinstance(answer.get(key), str)
            ),
            "",
        )
        if isinstance(answer, dict)
        else ""
    )
    return html.unescape(message or str(answer))[:200]


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
    "url": AnyAddress(),
}

#: minutes; reading a folder costs little
_FOLDER_INTERVAL: Final = 1


def find_base_url(settings: SourceSettings) -> str:
    """Return the address of a source; "" for a folder."""
    return settings.url or (KINDS[settings.kind].base_url if settings.kind in KINDS else "")


def default_interval(kind: str) -> int:
    """Return the minutes between two fetches if the operator sets none."""
    return KINDS[kind].interval_minutes if kind in KINDS else _FOLDER_INTERVAL


def is_arxiv(settings: SourceSettings) -> bool:
    """Whether the source follows arXiv's calendar."""
    host = urlsplit(find_base_url(settings)).hostname or ""
    return settings.kind == "arxiv-feed" or host == "arxiv.org" or host.endswith(".arxiv.org")
