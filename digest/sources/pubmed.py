"""PubMed by E-utilities.

The server keeps a search, and gives its records in slices.

Described at https://www.ncbi.nlm.nih.gov/books/NBK25499/.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any, Final

from digest.sources.base import (
    BadAnswer,
    Page,
    PageResult,
    Position,
    Recovery,
    Request,
    SourceSettings,
    parse_count,
)
from digest.sources.oai import reject_html

_END: Final = re.compile(rb"(?:</PubmedArticleSet\s*>|<PubmedArticleSet\s*/>)\s*\Z")
_ENTRY: Final = re.compile(rb"<(?:PubmedArticle|PubmedBookArticle|DeleteCitation)[\s>]")
#: the server's message when it no longer keeps the search
_SEARCH_LOST: Final = re.compile(rb"(?i)webenv|query_?key|unable to obtain query")
#: records that the server returns from one search
_SEARCH_LIMIT: Final = 9_999


class PubMed:
    """Records with an Entrez date in the window that match the operator's search."""

    base_url: str = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
    interval_minutes: int = 360
    suffix: str = "xml"
    _slice: int = 200

    def first_position(self, settings: SourceSettings, since: date, until: date) -> Position:
        return {"since": since.isoformat(), "until": until.isoformat()}

    def build_request(self, settings: SourceSettings, position: Position) -> Request:
        base = (settings.url or self.base_url).rstrip("/")
        common = {"db": "pubmed", "tool": "digest"}
        if settings.contact:
            common["email"] = settings.contact
        if settings.key:
            common["api_key"] = settings.key
        if "webenv" not in position:
            days = {
                "datetype": "edat",
                "mindate": position["since"].replace("-", "/"),
                "maxdate": position["until"].replace("-", "/"),
            }
            return Request(
                url=f"{base}/esearch.fcgi",
                params=common
                | days
                | {"term": settings.query, "usehistory": "y", "retmax": "0", "retmode": "json"},
            )
        slice_params = {
            "WebEnv": position["webenv"],
            "query_key": position["key"],
            "retstart": str(position["start"]),
            "retmax": str(self._slice),
        }
        return Request(url=f"{base}/efetch.fcgi", params=common | slice_params | {"retmode": "xml"})

    def read_page(self, settings: SourceSettings, position: Position, page: Page) -> PageResult:
        reject_html(page.head())
        if "webenv" not in position:
            return self._read_search(position, page.json())
        data = page.bytes()
        if not _END.search(data[-4096:]):
            if b"<PubmedArticleSet" in data[:4096]:
                raise BadAnswer(f"cut off after {page.size:,} bytes")
            message = data[:200].decode("utf-8", "replace").strip()
            raise BadAnswer(
                f"no records: {message}",
                Recovery.RESTART if _SEARCH_LOST.search(data[:4096]) else Recovery.RETRY,
            )
        next_start = position["start"] + self._slice
        next_position = (
            position | {"start": next_start}
            if next_start < position["count"]
            else self._next_part(position)
        )
        if not _ENTRY.search(data):
            note = (
                f"the list is empty at {position['start']} although {position['count']} were found"
            )
            raise BadAnswer(note, fallback=PageResult(next=next_position, entries=False, note=note))
        return PageResult(next=next_position)

    def _next_part(self, position: Position) -> Position | None:
        """Return the later part of a window that was too large for one search."""
        if "last" not in position or position["until"] >= position["last"]:
            return None
        after = date.fromisoformat(position["until"]) + timedelta(days=1)
        return {"since": after.isoformat(), "until": position["last"], "last": position["last"]}

    def _read_search(self, position: Position, answer: Any) -> PageResult:
        result = answer.get("esearchresult") if isinstance(answer, dict) else None
        count = (
            parse_count(result.get("count"))
            if isinstance(result, dict) and "ERROR" not in result
            else None
        )
        if count is None or not isinstance(result, dict):
            raise BadAnswer(
                f"no search result: "
                f"{str(result.get('ERROR', '') if isinstance(result, dict) else answer)[:200]}"
            )
        since, until = date.fromisoformat(position["since"]), date.fromisoformat(position["until"])
        if count > _SEARCH_LIMIT and since < until:
            half = since + (until - since) // 2
            return PageResult(
                next={
                    "since": position["since"],
                    "until": half.isoformat(),
                    "last": position.get("last", position["until"]),
                },
                entries=False,
            )
        # The answer to a search holds no papers, so it is not kept.
        if not count:
            return PageResult(next=self._next_part(position), entries=False)
        webenv, key = result.get("webenv"), result.get("querykey")
        if not webenv or not key:
            raise BadAnswer("the search was not kept on the server")
        note = (
            f"{count:,} records of {since} match, of which the server hands out "
            f"{_SEARCH_LIMIT:,}; make the search narrower"
            if count > _SEARCH_LIMIT
            else ""
        )
        return PageResult(
            next=position
            | {
                "webenv": str(webenv),
                "key": str(key),
                "start": 0,
                "count": min(count, _SEARCH_LIMIT),
            },
            entries=False,
            note=note,
        )
