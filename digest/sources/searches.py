"""Searches with answers in JSON.

Of an operator: Europe PMC, DBLP, OpenReview. For what readers like: Semantic Scholar.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

from digest.sources.base import (
    BadAnswer,
    Page,
    PageResult,
    Position,
    Request,
    SourceSettings,
    parse_count,
)
from digest.sources.oai import reject_html
from digest.sources.paged import describe_answer, follow_path


class EuropePmc:
    """Papers that were published, or first indexed, in the window.

    https://europepmc.org/RestfulWebService
    """

    base_url: str = "https://www.ebi.ac.uk/europepmc/webservices/rest/search"
    interval_minutes: int = 360
    suffix: str = "json"
    _size: int = 200

    def first_position(self, settings: SourceSettings, since: date, until: date) -> Position:
        return {"since": since.isoformat(), "until": until.isoformat(), "cursor": "*"}

    def build_request(self, settings: SourceSettings, position: Position) -> Request:
        days = f"[{position['since']} TO {position['until']}]"
        params = {
            "query": f"({settings.query}) AND (FIRST_PDATE:{days} OR FIRST_IDATE:{days})",
            "resultType": "core",
            "format": "json",
            "pageSize": str(self._size),
            "cursorMark": position["cursor"],
        }
        return Request(url=settings.url or self.base_url, params=params)

    def read_page(self, settings: SourceSettings, position: Position, page: Page) -> PageResult:
        reject_html(page.head())
        answer = page.json()
        results = follow_path(answer, ("resultList", "result"))
        if not isinstance(results, list):
            raise BadAnswer(f"no list of results: {describe_answer(answer)}")
        cursor = answer.get("nextCursorMark")
        has_more = results and isinstance(cursor, str) and cursor not in ("", position["cursor"])
        return PageResult(
            next=position | {"cursor": cursor} if has_more else None, entries=bool(results)
        )


class Dblp:
    """Publications of the years of the window, year by year, since DBLP knows no days.

    https://dblp.org/faq/13501473.html
    """

    base_url: str = "https://dblp.org/search/publ/api"
    interval_minutes: int = 1440
    suffix: str = "json"
    _size: int = 1000

    def first_position(self, settings: SourceSettings, since: date, until: date) -> Position:
        return {"year": since.year, "last": until.year, "first": 0}

    def build_request(self, settings: SourceSettings, position: Position) -> Request:
        return Request(
            url=settings.url or self.base_url,
            params={
                "q": f"{settings.query} year:{position['year']}",
                "format": "json",
                "h": str(self._size),
                "f": str(position["first"]),
                "c": "0",
            },
        )

    def read_page(self, settings: SourceSettings, position: Position, page: Page) -> PageResult:
        reject_html(page.head())
        answer = page.json()
        hits = follow_path(answer, ("result", "hits"))
        total = parse_count(hits.get("@total")) if isinstance(hits, dict) else None
        if total is None:
            raise BadAnswer(f"no list of hits: {describe_answer(answer)}")
        hit = hits.get("hit", [])
        received = position["first"] + (len(hit) if isinstance(hit, list) else 1)
        if received < total and hit:
            return PageResult(next=position | {"first": received})
        next_year = (
            position | {"year": position["year"] + 1, "first": 0}
            if position["year"] < position["last"]
            else None
        )
        result = PageResult(next=next_year, entries=bool(hit))
        if received >= total:
            return result
        note = f"the list ended at {received} of {total:,} hits; make the search narrower"
        raise BadAnswer(note, fallback=PageResult(next=next_year, entries=False, note=note))


class OpenReview:
    """Papers of a venue that have changed since the window began, the last change first.

    https://docs.openreview.net/reference/api-v2
    """

    base_url: str = "https://api2.openreview.net/notes"
    interval_minutes: int = 360
    suffix: str = "json"
    _size: int = 1000

    def first_position(self, settings: SourceSettings, since: date, until: date) -> Position:
        return {"since": since.isoformat(), "offset": 0}

    def build_request(self, settings: SourceSettings, position: Position) -> Request:
        return Request(
            url=settings.url or self.base_url,
            params={
                "content.venueid": settings.query,
                "sort": "tmdate:desc",
                "limit": str(self._size),
                "offset": str(position["offset"]),
            },
        )

    def read_page(self, settings: SourceSettings, position: Position, page: Page) -> PageResult:
        reject_html(page.head())
        answer = page.json()
        notes = answer.get("notes") if isinstance(answer, dict) else None
        if not isinstance(notes, list):
            raise BadAnswer(f"no list of notes: {describe_answer(answer)}")
        changes = [_read_change(note) for note in notes]
        began = datetime.fromisoformat(position["since"]).replace(tzinfo=UTC).timestamp() * 1000
        # Another order, or a note without a time, means that older pages may hold changes.
        has_older_end = (
            bool(changes) and changes == sorted(changes, reverse=True) and 0 < changes[-1] < began
        )
        is_last = len(notes) < self._size or has_older_end
        return PageResult(
            next=None if is_last else position | {"offset": position["offset"] + len(notes)},
            entries=any(not 0 < change < began for change in changes),
        )


class SemanticScholar:
    """New papers that Semantic Scholar recommends for papers that readers like.

    It is asked for one paper at a time, so it never learns which of them belong to one reader.

    https://api.semanticscholar.org/api-docs/recommendations
    """

    base_url: str = "https://api.semanticscholar.org/recommendations/v1"
    interval_minutes: int = 1440
    suffix: str = "json"
    _size: int = 100
    _fields: str = (
        "externalIds,corpusId,url,title,abstract,authors,venue,publicationDate,publicationTypes"
    )

    def first_position(self, settings: SourceSettings, since: date, until: date) -> Position:
        return {"papers": list(settings.papers)}

    def build_request(self, settings: SourceSettings, position: Position) -> Request:
        base = (settings.url or self.base_url).rstrip("/")
        return Request(
            url=f"{base}/papers/forpaper/{quote(position['papers'][0], safe=':')}",
            params={"from": "recent", "limit": str(self._size), "fields": self._fields},
            headers={"x-api-key": settings.key} if settings.key else {},
        )

    def read_page(self, settings: SourceSettings, position: Position, page: Page) -> PageResult:
        reject_html(page.head())
        answer = page.json()
        rest = position["papers"][1:]
        following = {"papers": rest} if rest else None
        if isinstance(answer, dict) and "not found" in str(answer.get("error", "")).lower():
            return PageResult(next=following, entries=False, unknown=True)
        recommended = answer.get("recommendedPapers") if isinstance(answer, dict) else None
        if not isinstance(recommended, list):
            raise BadAnswer(f"no list of recommendations: {describe_answer(answer)}")
        return PageResult(next=following, entries=bool(recommended))


def _read_change(note: Any) -> float:
    """Read the time of a note's last change in milliseconds; 0 if it does not say."""
    change = note.get("tmdate") if isinstance(note, dict) else None
    return change if isinstance(change, int | float) and not isinstance(change, bool) else 0
