"""What a server of the sources' protocols answers; all papers are invented."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import unquote


@dataclass(frozen=True)
class ReceivedRequest:
    path: str
    query: dict[str, str]
    headers: dict[str, str]


class SourceAnswers:
    """The answers of all sources, from invented records.

    Args:
        records: Number of records to harvest.
        page: Records of a page.
    """

    def __init__(self, records: int, page: int) -> None:
        self.records, self.page = records, page
        self.feed_items = 3
        #: first record of a page -> that of the page to which its resumption token leads
        self.leads_to: dict[int, int] = {}
        #: path -> content type and body
        self.bodies: dict[str, tuple[str, bytes]] = {}
        #: items of the Zotero library users/1
        self.library: list[dict[str, Any]] = []

    def answer(self, request: ReceivedRequest) -> tuple[str, bytes]:
        """Return content type and body."""
        path, query = request.path, request.query
        if path in self.bodies:
            return self.bodies[path]
        if path == "/oai":
            return "text/xml", self._oai(query)
        if path.startswith("/rss/"):
            return "text/xml", feed(self.feed_items, unquote(path.removeprefix("/rss/")))
        by_query = {
            "/users/1/items/top": self._zotero,
            "/daily": self._daily,
            "/europe-pmc": self._europe_pmc,
            "/dblp": self._dblp,
            "/openreview": self._openreview,
        }
        if path in by_query:
            return "application/json", by_query[path](query)
        if path.startswith("/recommendations/"):
            return "application/json", self._recommend(path)
        if path.startswith("/details/"):
            return "application/json", self._preprints(path)
        if path in ("/works", "/crossref"):
            return "application/json", self._works(path, query)
        if path == "/eutils/esearch.fcgi":
            result = {
                "count": str(self.records),
                "webenv": "MCID_invented",
                "querykey": "1",
                "idlist": [],
            }
            return "application/json", json.dumps({"esearchresult": result}).encode()
        if path == "/eutils/efetch.fcgi":
            start, size = int(query["retstart"]), int(query["retmax"])
            return "text/xml", pubmed(range(start, min(start + size, self.records)))
        return "text/xml", feed(self.feed_items, path)

    def _oai(self, query: dict[str, str]) -> bytes:
        token = query.get("resumptionToken")
        if token is not None and set(query) != {"verb", "resumptionToken"}:
            return oai_error("badArgument", "the token is exclusive")
        if query.get("set") == "empty":
            return oai_error("noRecordsMatch", "")
        if token is not None and not token.startswith("from&"):
            return oai_error("badResumptionToken", "no such token")
        start = int(token.removeprefix("from&")) if token else 0
        end = min(start + self.page, self.records)
        next_token = f"from&amp;{self.leads_to.get(start, end)}" if end < self.records else ""
        return oai(range(start, end), next_token)

    def _zotero(self, query: dict[str, str]) -> bytes:
        changed = [item for item in self.library if item["version"] > int(query["since"])]
        start = int(query["start"])
        return json.dumps(changed[start : start + int(query["limit"])]).encode()

    def _daily(self, query: dict[str, str]) -> bytes:
        day = date.fromisoformat(query["date"])
        if day.weekday() > 4:
            return b"[]"
        papers = [
            {
                "id": f"{day:%y%m}.{day:%d}{n:03}",
                "title": f"A title {n}",
                "summary": "Text.",
                "authors": [{"name": "Jane Doe"}],
            }
            for n in (1, 2)
        ]
        return json.dumps([{"paper": paper, "title": paper["title"]} for paper in papers]).encode()

    def _preprints(self, path: str) -> bytes:
        cursor = int(path.split("/")[-2])
        rows = [_preprint(n) for n in range(cursor, min(cursor + self.page, self.records))]
        return json.dumps(
            {
                "messages": [
                    {
                        "status": "ok",
                        "cursor": cursor,
                        "count": len(rows),
                        "total": str(self.records),
                    }
                ],
                "collection": rows,
            }
        ).encode()

    def _works(self, path: str, query: dict[str, str]) -> bytes:
        start = 0 if query["cursor"] == "*" else int(query["cursor"].removeprefix("c"))
        size = int(query.get("per-page") or query["rows"])
        end = min(start + size, self.records)
        if path == "/works":
            rows = [
                {
                    "id": f"https://openalex.org/W{n}",
                    "title": f"A title {n}",
                    "abstract_inverted_index": {"Text": [0]},
                }
                for n in range(start, end)
            ]
            return json.dumps(
                {"meta": {"next_cursor": f"c{end}" if rows else None}, "results": rows}
            ).encode()
        items = [
            {"DOI": f"10.1000/{n}", "title": [f"A title {n}"], "type": "journal-article"}
            for n in range(start, end)
        ]
        return json.dumps(
            {"status": "ok", "message": {"items": items, "next-cursor": f"c{end}"}}
        ).encode()

    def _europe_pmc(self, query: dict[str, str]) -> bytes:
        start = 0 if query["cursorMark"] == "*" else int(query["cursorMark"].removeprefix("c"))
        end = min(start + int(query["pageSize"]), self.records)
        results = [
            {"id": str(n + 1), "source": "MED", "title": f"A title {n}.", "pubYear": "2026"}
            for n in range(start, end)
        ]
        answer = {"hitCount": self.records, "resultList": {"result": results}}
        more = {"nextCursorMark": f"c{end}"} if end < self.records else {}
        return json.dumps(answer | more).encode()

    def _dblp(self, query: dict[str, str]) -> bytes:
        """Each year has all records."""
        year = query["q"].rpartition("year:")[2]
        start = int(query["f"])
        numbers = range(start, min(start + int(query["h"]), self.records))
        hits: dict[str, Any] = {
            "@total": str(self.records),
            "@sent": str(len(numbers)),
            "@first": str(start),
        }
        if numbers:
            hits["hit"] = [
                {"@id": f"{year}{n}", "info": {"title": f"A title {n}.", "year": year}}
                for n in numbers
            ]
        return json.dumps({"result": {"status": {"@code": "200"}, "hits": hits}}).encode()

    def _openreview(self, query: dict[str, str]) -> bytes:
        """A note was changed every minute, the first one last."""
        start = int(query["offset"])
        now = int(datetime(2026, 6, 9, 12, tzinfo=UTC).timestamp() * 1000)
        notes = [
            {
                "id": f"n{n}",
                "forum": f"n{n}",
                "invitations": [],
                "tmdate": now - 60_000 * n,
                "content": {"title": {"value": f"A title {n}"}},
            }
            for n in range(start, min(start + int(query["limit"]), self.records))
        ]
        return json.dumps({"notes": notes}).encode()

    def _recommend(self, path: str) -> bytes:
        """Three papers for each paper, of which the next one gets two as well."""
        number = int(path[-1])
        papers = [
            {
                "paperId": f"{n:040x}",
                "externalIds": {"ArXiv": f"2606.{n:05}", "CorpusId": n},
                "title": f"A title {n}",
                "authors": [{"authorId": "1", "name": "Jane Doe"}],
                "publicationDate": "2026-06-08",
            }
            for n in range(number, number + 3)
        ]
        return json.dumps({"recommendedPapers": papers}).encode()


def record(number: int) -> str:
    """Build a record of June 2026; title and abstract differ from record to record."""
    arxiv_id = f"2606.{number + 1:05}"
    return (
        f"<record><header><identifier>oai:arXiv.org:{arxiv_id}</identifier><datestamp>2026-06-08<"
        f"/datestamp><setSpec>cs:cs:LG</setSpec></header>"
        f"<metadata><arXiv "
        f'xmlns="http://arxiv.org/OAI/arXiv/"><id>{arxiv_id}</id><created>2026-06-08</created><authors><author><keyname>Doe</keyname>'
        f"<forenames>Jane</forenames></author></authors><title>A title of number "
        f"{number}</title><categories>cs.LG</categories>"
        f"<abstract>Invented text about number {number}.</abstract></arXiv></metadata></record>"
    )


def oai(numbers: Iterable[int], token: str) -> bytes:
    body = "".join(record(number) for number in numbers)
    return _oai_frame(
        f"<ListRecords>{body}<resumptionToken>{token}</resumptionToken></ListRecords>"
    )


def oai_error(code: str, text: str) -> bytes:
    return _oai_frame(f'<error code="{code}">{text}</error>')


def _oai_frame(inside: str) -> bytes:
    start = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH '
        'xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-06-09T12:00:00Z</responseDate>'
    )
    return f"{start}<request>http://127.0.0.1/oai</request>{inside}</OAI-PMH>\n".encode()


def feed(items: int, about: str) -> bytes:
    entries = "".join(
        f"<item><title>A title "
        f"{n}</title><link>https://arxiv.org/abs/2606.{n:05}</link>"
        f"<description>arXiv:2606.{n:05}v1 Announce Type: new\n"
        f"Abstract: Text {n}.</description><guid "
        f'isPermaLink="false">oai:arXiv.org:2606.{n:05}v1</guid><category>cs.LG</category>'
        "<arxiv:announce_type>new</arxiv:announce_type><dc:creator>Jane Doe</dc:creator></item>"
        for n in range(1, items + 1)
    )
    names = (
        'xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    )
    return (
        f'<?xml version="1.0"?>\n<rss {names} version="2.0"><channel><title>{about} updates on '
        f"arXiv.org</title>{entries}</channel></rss>\n"
    ).encode()


def pubmed(numbers: Iterable[int]) -> bytes:
    entries = "".join(
        f'<PubmedArticle><MedlineCitation><PMID Version="1">{n + 1}</PMID><Article><ArticleTitle>A '
        f"title {n}.</ArticleTitle></Article>"
        "</MedlineCitation></PubmedArticle>"
        for n in numbers
    )
    return f'<?xml version="1.0"?>\n<PubmedArticleSet>{entries}</PubmedArticleSet>\n'.encode()


def _preprint(number: int) -> dict[str, Any]:
    day = date(2026, 6, 1) + timedelta(days=number % 7)
    return {
        "doi": f"10.1101/2026.06.01.{number:06}",
        "title": f"A title {number}",
        "authors": "Doe, J.",
        "date": str(day),
        "version": "1",
        "abstract": "Text.",
    }
