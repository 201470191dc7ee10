"""A local server of the sources' protocols, with the faults of real servers.

    with SourceServer() as server:
        server.fail("/oai", "503", "cut")      faults of the next requests for that path, in order
        server.url("/oai")                     the address
        server.requests                        path, query and headers of all requests

All papers are invented.
"""

from __future__ import annotations

import gzip
import json
import random
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = "<!DOCTYPE html><html><body>Something went wrong. Please try again.</body></html>"
HUGE = b"<x>" + b" " * 3_000_000
#: the faults of fail(); a number is a status
FAULTS = (
    "429",
    "503",
    "503-date",
    "503-long",
    "500",
    "404",
    "unknown",
    "cut",
    "cut-quietly",
    "html",
    "garbage",
    "empty",
    "slow",
    "loop",
    "elsewhere",
    "file",
    "huge",
    "bomb",
    "bad-token",
    "bad-gzip",
    "hang-up",
    "moved",
    "parrot",
)


@dataclass(frozen=True)
class ReceivedRequest:
    path: str
    query: dict[str, str]
    headers: dict[str, str]


class _Quiet(ThreadingHTTPServer):
    source: SourceServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that hang up in the middle of an answer, as some tests do."""


class SourceServer:
    """A context manager; runs the server in a thread.

    Args:
        records: Number of records to harvest.
        page: Records of a page.
        spread: Share of requests that fail at random with one of `faults`.
        faults: See `FAULTS`.
        seed: Of the random faults.
    """

    def __init__(
        self,
        *,
        records: int = 25,
        page: int = 10,
        spread: float = 0.0,
        faults: Iterable[str] = (),
        seed: int = 1,
    ) -> None:
        self.records, self.page, self.spread, self.faults = records, page, spread, tuple(faults)
        self.requests: list[ReceivedRequest] = []
        self.failures: list[str] = []
        self.feed_items = 3
        #: first record of a page -> that of the page to which its resumption token leads
        self.leads_to: dict[int, int] = {}
        #: path -> content type and body
        self.bodies: dict[str, tuple[str, bytes]] = {}
        #: items of the Zotero library users/1
        self.library: list[dict[str, Any]] = []
        #: set to end slow answers at once
        self.slow = threading.Event()
        #: where the fault "moved" redirects to
        self.moved = ""
        self._next: dict[str, deque[str]] = defaultdict(deque)
        self._random = random.Random(seed)
        self._server = _Quiet(("127.0.0.1", 0), _Handler)
        self._server.source = self
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> SourceServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.slow.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def fail(self, path: str, *faults: str) -> None:
        """Set the faults of the next requests for a path; "ok" means none."""
        unknown = [fault for fault in faults if fault not in (*FAULTS, "ok")]
        assert not unknown, unknown
        self._next[path].extend(faults)

    def wait_for(self, requests: int) -> None:
        """Wait up to a minute for so many requests."""
        deadline = time.monotonic() + 60
        while len(self.requests) < requests:
            assert time.monotonic() < deadline, f"only {len(self.requests)} requests came"
            time.sleep(0.01)

    def requests_for(self, path: str) -> list[ReceivedRequest]:
        return [request for request in self.requests if request.path.startswith(path)]

    def fault_of(self, path: str) -> str:
        for start, faults in self._next.items():
            if path.startswith(start) and faults:
                return faults.popleft()
        if self.faults and self._random.random() < self.spread:
            fault = self._random.choice(self.faults)
            self.failures.append(fault)
            return fault
        return "ok"

    # -------------------------------------------------------------------------------------- answers

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


# ------------------------------------------------------------------------------------------- bodies


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


@cache
def bomb() -> bytes:
    """Return fifty megabytes packed into fifty kilobytes."""
    return gzip.compress(b"<x>" + b" " * 50_000_000)


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


# ------------------------------------------------------------------------------ HTTP and its faults


def _faulty_answer(fault: str, body: bytes, path: str) -> tuple[int, bytes, dict[str, str]] | None:
    """Return status, body and headers of a fault that is a complete answer."""
    answers: dict[str, tuple[int, bytes, dict[str, str]]] = {
        "429": (429, b"", {"Retry-After": "7"}),
        "503": (503, b"", {"Retry-After": "11"}),
        "503-date": (503, b"", {"Retry-After": "Tue, 09 Jun 2026 12:01:00 GMT"}),
        "503-long": (503, b"", {"Retry-After": "86400"}),
        "500": (500, b"", {}),
        "404": (404, PAGE.encode(), {}),
        "unknown": (404, b'{"error": "Paper with id X not found"}', {}),
        "cut-quietly": (200, body[: len(body) * 2 // 3], {}),
        "html": (200, PAGE.encode(), {"Content-Type": "text/html"}),
        "garbage": (200, bytes(range(256)) * 4, {}),
        "empty": (200, b"", {}),
        "loop": (302, b"", {"Location": path}),
        "elsewhere": (302, b"", {"Location": "http://elsewhere.example/"}),
        "file": (302, b"", {"Location": "file:///etc/passwd"}),
        "bad-token": (200, oai_error("badResumptionToken", "it expired"), {}),
        "bad-gzip": (200, gzip.compress(body)[:-9], {"Content-Encoding": "gzip"}),
        "huge": (200, HUGE, {}),
        "bomb": (200, bomb() if fault == "bomb" else b"", {"Content-Encoding": "gzip"}),
    }
    return answers.get(fault)


class _Handler(BaseHTTPRequestHandler):
    server: _Quiet
    protocol_version = "HTTP/1.1"
    # head and body in one packet; in two, each answer waits 40 ms for the client's acknowledgement
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {
            key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()
        }
        request = ReceivedRequest(parts.path, query, dict(self.headers.items()))
        self.server.source.requests.append(request)
        fault = self.server.source.fault_of(parts.path)
        if fault == "bad-token" and "resumptionToken" not in query:
            fault = "ok"
        if fault == "ok":
            self._answer_well(request)
        else:
            self._answer_badly(fault, request)

    def _answer_well(self, request: ReceivedRequest) -> None:
        kind, body = self.server.source.answer(request)
        tag = f'"{hash(body) & 0xFFFFFFFF:x}"'
        if request.headers.get("If-None-Match") == tag:
            self._send(304, b"", ETag=tag)
        elif "gzip" in request.headers.get("Accept-Encoding", ""):
            self._send(
                200,
                gzip.compress(body, 1),
                **{"Content-Type": kind, "ETag": tag, "Content-Encoding": "gzip"},
            )
        else:
            self._send(200, body, **{"Content-Type": kind, "ETag": tag})

    def _answer_badly(self, fault: str, request: ReceivedRequest) -> None:
        _, body = self.server.source.answer(request)
        moved = (302, b"", {"Location": self.server.source.moved})
        parrot = (200, json.dumps({"error": f"bad key: {self.path}"}).encode(), {})
        special = {"moved": moved, "parrot": parrot}
        answer = special[fault] if fault in special else _faulty_answer(fault, body, self.path)
        if answer is not None:
            status, content, headers = answer
            self._send(status, content, **headers)
            return
        self.close_connection = True
        if fault == "cut":
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
        elif fault == "slow":
            self.server.source.slow.wait(2.0)

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
