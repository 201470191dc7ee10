"""The protocols of the sources: what to ask next, and what an answer means.

Pure; the papers inside are read by `dumps`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import quote, urlsplit

from digest.sources.base import Ask, Bad, Kind, Page, Position, Then, Turn, Wanted, whole_number
from digest.sources.oai import Oai, refuse_html
from digest.sources.pubmed import PubMed

_ENTRY: Final = re.compile(rb"<(?:[\w.-]+:)?(?:item|entry|record|PubmedArticle)[\s>/]")
#: arXiv answers a query that it does not understand with a feed that says so
_FEED_ERROR: Final = re.compile(rb"Feed error for query|/api/errors#")
_XML: Final = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<")


def _whole_xml(page: Page) -> bytes:
    """The body, which must be XML that ends where its root element ends."""
    data = page.bytes()
    refuse_html(data)
    if not _XML.match(data):
        raise Bad("neither a feed nor XML")
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
        raise Bad(f"cut off after {page.size:,} bytes")
    return data


class ArxivFeed:
    """The feed of the day for a list of categories: https://info.arxiv.org/help/rss.html"""

    home: str = "https://rss.arxiv.org/rss"
    every: int = 60
    suffix: str = "xml"

    def begin(self, wanted: Wanted, since: date, until: date) -> Position:
        return {"day": until.isoformat()}

    def ask(self, wanted: Wanted, position: Position) -> Ask:
        base = (wanted.url or self.home).rstrip("/")
        return Ask(
            url=f"{base}/{'+'.join(quote(one, safe='.-') for one in wanted.categories)}",
            conditional=True,
        )

    def take(self, wanted: Wanted, position: Position, page: Page) -> Turn:
        data = _whole_xml(page)
        if _FEED_ERROR.search(data):
            raise Bad(
                f"the feed says that it does not know the categories "
                f"{', '.join(wanted.categories)}",
                Then.GIVE_UP,
            )
        count = len(_ENTRY.findall(data))
        full = count >= 2000
        return Turn(
            entries=count > 0,
            note=(
                "the feed is full at 2,000 items and leaves papers out; split the categories over "
                "two sources"
            )
            if full
            else "",
        )


class AnyUrl:
    """Whatever stands at an address, whole and in one piece. {since} and {until} in it
    become days."""

    home: str = ""
    every: int = 60
    suffix: str = "dat"

    def begin(self, wanted: Wanted, since: date, until: date) -> Position:
        return {"since": since.isoformat(), "until": until.isoformat()}

    def ask(self, wanted: Wanted, position: Position) -> Ask:
        if position.get("token"):
            return Oai().ask(wanted, position)
        url = wanted.url.replace("{since}", position["since"]).replace("{until}", position["until"])
        return Ask(url=url, conditional=True)

    def take(self, wanted: Wanted, position: Position, page: Page) -> Turn:
        start = page.head(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
        refuse_html(start)
        if not start:
            return Turn(entries=False)
        if start[:1] in (b"{", b"["):
            return self._json(page)
        if start[:1] != b"<":
            return Turn()
        if re.search(rb"<(?:[\w.-]+:)?OAI-PMH[\s>]", start):
            return Oai().take(wanted, position | {"set": 0}, page)
        data = _whole_xml(page)
        if _FEED_ERROR.search(data):
            raise Bad("the feed holds an error message instead of papers", Then.GIVE_UP)
        return Turn(entries=bool(_ENTRY.search(data)))

    def _json(self, page: Page) -> Turn:
        data = page.bytes().rstrip()
        if data.endswith((b"}", b"]")):
            # JSON lines are no JSON document, and their readers put a bad line aside by itself
            return Turn(entries=data not in (b"[]", b"{}"))
        raise Bad(f"cut off after {page.size:,} bytes")


class HuggingFace:
    """The list of each day: https://huggingface.co/docs/hub/api"""

    home: str = "https://huggingface.co/api/daily_papers"
    every: int = 180
    suffix: str = "json"
    _size: int = 100

    def begin(self, wanted: Wanted, since: date, until: date) -> Position:
        return {"day": since.isoformat(), "last": until.isoformat(), "page": 0}

    def ask(self, wanted: Wanted, position: Position) -> Ask:
        return Ask(
            url=wanted.url or self.home,
            params={"date": position["day"], "limit": str(self._size), "p": str(position["page"])},
        )

    def take(self, wanted: Wanted, position: Position, page: Page) -> Turn:
        refuse_html(page.head())
        rows = page.json()
        if not isinstance(rows, list):
            raise Bad(f"no list of papers: {_told(rows)}")
        after: Position | None = position | {"page": position["page"] + 1}
        if len(rows) < self._size:
            day = date.fromisoformat(position["day"]) + timedelta(days=1)
            after = (
                position | {"day": day.isoformat(), "page": 0}
                if day <= date.fromisoformat(position["last"])
                else None
            )
        return Turn(next=after, entries=bool(rows))


class Rxiv:
    """bioRxiv and medRxiv, a hundred versions at a time: https://api.biorxiv.org"""

    every: int = 360
    suffix: str = "json"
    home: str = "https://api.biorxiv.org/details"

    def __init__(self, server: str) -> None:
        self._server = server

    def begin(self, wanted: Wanted, since: date, until: date) -> Position:
        return {"since": since.isoformat(), "until": until.isoformat(), "cursor": 0}

    def ask(self, wanted: Wanted, position: Position) -> Ask:
        base = (wanted.url or self.home).rstrip("/")
        return Ask(
            url=f"{base}/{self._server}/{position['since']}/{position['until']}/{position['cursor']}/json"
        )

    def take(self, wanted: Wanted, position: Position, page: Page) -> Turn:
        refuse_html(page.head())
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
            return Turn(entries=False)
        if not isinstance(rows, list) or (status and status.lower() != "ok"):
            raise Bad(f"no list of preprints: {status or _told(answer)}")
        came = position["cursor"] + len(rows)
        total = whole_number(message.get("total"))
        if rows:
            more = came < total if total is not None else True
            return Turn(next=position | {"cursor": came} if more else None)
        if total is None or came >= total:
            return Turn(entries=False)
        # Totals contradict the rows now and then, and the server also gives empty pages by mistake.
        note = f"the list ended at {came} although {total} were announced"
        raise Bad(note, accept=Turn(entries=False, note=note))


class Cursor:
    """Lists that hand out the key of the next page: OpenAlex (https://docs.openalex.org), Crossref
    (https://api.crossref.org).
    """

    every: int = 360
    suffix: str = "json"

    def __init__(
        self,
        *,
        home: str,
        filters: str,
        rows: str,
        count: int,
        items: tuple[str, ...],
        after: tuple[str, ...],
        ends_short: bool,
    ) -> None:
        self.home = home
        self._filters, self._rows, self._count, self._items, self._after = (
            filters,
            rows,
            count,
            items,
            after,
        )
        #: whether a page that is not full is the last one: the next cursor is given even then
        self._ends_short = ends_short

    def begin(self, wanted: Wanted, since: date, until: date) -> Position:
        return {"since": since.isoformat(), "until": until.isoformat(), "cursor": "*"}

    def ask(self, wanted: Wanted, position: Position) -> Ask:
        filters = self._filters.format(since=position["since"], until=position["until"]) + (
            f",{wanted.query}" if wanted.query else ""
        )
        params = {"filter": filters, self._rows: str(self._count), "cursor": position["cursor"]}
        if wanted.contact:
            params["mailto"] = wanted.contact
        if wanted.key:
            params["api_key"] = wanted.key
        return Ask(url=wanted.url or self.home, params=params)

    def take(self, wanted: Wanted, position: Position, page: Page) -> Turn:
        refuse_html(page.head())
        answer = page.json()
        items, after = _at(answer, self._items), _at(answer, self._after)
        if not isinstance(items, list):
            gone = "cursor" in _told(answer).lower() and position["cursor"] != "*"
            raise Bad(f"no list of works: {_told(answer)}", Then.RESTART if gone else Then.RETRY)
        last = (
            not items
            or not isinstance(after, str)
            or not after
            or (self._ends_short and len(items) < self._count)
        )
        return Turn(next=None if last else position | {"cursor": after}, entries=bool(items))


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _told(answer: Any) -> str:
    """What an answer says of itself, short enough for a line."""
    found = (
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
    return html.unescape(found or str(answer))[:200]


KINDS: Final[Mapping[str, Kind]] = {
    "arxiv-feed": ArxivFeed(),
    "oai": Oai(),
    "huggingface": HuggingFace(),
    "biorxiv": Rxiv("biorxiv"),
    "medrxiv": Rxiv("medrxiv"),
    "openalex": Cursor(
        home="https://api.openalex.org/works",
        filters="from_created_date:{since},to_created_date:{until}",
        rows="per-page",
        count=100,
        items=("results",),
        after=("meta", "next_cursor"),
        ends_short=False,
    ),
    "crossref": Cursor(
        home="https://api.crossref.org/works",
        filters="from-index-date:{since},until-index-date:{until}",
        rows="rows",
        count=200,
        items=("message", "items"),
        after=("message", "next-cursor"),
        ends_short=True,
    ),
    "pubmed": PubMed(),
    "url": AnyUrl(),
}

#: a look into a folder costs nobody anything
_FOLDER_EVERY: Final = 1


def home_of(wanted: Wanted) -> str:
    """The address that the source is contacted at; "" for a folder."""
    return wanted.url or (KINDS[wanted.kind].home if wanted.kind in KINDS else "")


def every_minutes(kind: str) -> int:
    """Minutes between two looks where the operator names none."""
    return KINDS[kind].every if kind in KINDS else _FOLDER_EVERY


def is_arxiv(wanted: Wanted) -> bool:
    """Whether arXiv's calendar holds for it."""
    host = urlsplit(home_of(wanted)).hostname or ""
    return wanted.kind == "arxiv-feed" or host == "arxiv.org" or host.endswith(".arxiv.org")
