"""OAI-PMH 2.0: ListRecords, one set after the other.

Described at https://www.openarchives.org/OAI/openarchivesprotocol.html. Patterns find the end of a
page, its error and its resumption token, since a damaged record must not stop a harvest.
"""

from __future__ import annotations

import html
import re
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from digest.sources.base import (
    BadAnswer,
    Page,
    PageResult,
    Position,
    Recovery,
    Request,
    SourceSettings,
)

_ERROR: Final = re.compile(
    rb"<(?:[\w.-]+:)?error\b[^>]*?\bcode\s*=\s*[\"'](\w+)[\"'][^>]*?(?:/>|>(.*?)</)", re.DOTALL
)
_TOKEN: Final = re.compile(
    rb"<(?:[\w.-]+:)?resumptionToken\b[^>]*?(?:/>|>(.*?)</(?:[\w.-]+:)?resumptionToken\s*>)",
    re.DOTALL,
)
_RECORD: Final = re.compile(rb"<(?:[\w.-]+:)?record[\s>]")
_RECORD_END: Final = re.compile(rb"</(?:[\w.-]+:)?record\s*>")
_END: Final = re.compile(rb"</(?:[\w.-]+:)?OAI-PMH\s*>\s*(?:<!--[^>]*-->\s*)*\Z")
_HTML: Final = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)


_ENDLESS: Final = (
    "the server repeats a resumption token, so its list would never end. What was read is kept; "
    "tell those who run the server, or choose a smaller set"
)


def reject_html(data: bytes) -> None:
    """Reject a web page: many servers send error pages with status 200.

    Raises:
        BadAnswer: If the data are HTML.
    """
    if _HTML.match(data[:4096].removeprefix(b"\xef\xbb\xbf")):
        raise BadAnswer("a web page instead of data")


class Oai:
    """Any OAI-PMH server; arXiv's unless the settings have another address."""

    base_url: str = "https://oaipmh.arxiv.org/oai"
    interval_minutes: int = 720
    suffix: str = "xml"

    def first_position(self, settings: SourceSettings, since: date, until: date) -> Position:
        return {"since": since.isoformat(), "until": until.isoformat(), "set": 0}

    def build_request(self, settings: SourceSettings, position: Position) -> Request:
        url = settings.url or self.base_url
        if position.get("token"):
            # Besides the resumption token, only the verb is allowed.
            url = url.partition("?")[0]
            return Request(
                url=url, params={"verb": "ListRecords", "resumptionToken": position["token"]}
            )
        is_arxiv = (urlsplit(url).hostname or "").endswith("arxiv.org")
        params = {
            "verb": "ListRecords",
            "metadataPrefix": settings.prefix or ("arXiv" if is_arxiv else "oai_dc"),
        }
        params |= {"from": position["since"], "until": position["until"]}
        if settings.sets:
            params["set"] = settings.sets[position["set"]]
        return Request(url=url, params=params)

    def read_page(self, settings: SourceSettings, position: Position, page: Page) -> PageResult:
        data = page.bytes()
        reject_html(data)
        if b"OAI-PMH" not in data[:65_536]:
            raise BadAnswer("no OAI-PMH answer")
        if not _END.search(data[-4096:]):
            raise BadAnswer(f"cut off after {page.size:,} bytes")
        first = _RECORD.search(data)
        if first is None and (error := _ERROR.search(data)):
            return self._read_error(
                settings,
                position,
                error[1].decode(),
                (error[2] or b"").decode("utf-8", "replace").strip(),
            )
        last = 0
        for end in _RECORD_END.finditer(data):
            last = end.end()
        token = _TOKEN.search(data, last)
        text = html.unescape((token[1] or b"").decode("utf-8", "replace")).strip() if token else ""
        if not text:
            return PageResult(next=self._next_set(settings, position), entries=first is not None)
        if text in (position.get("token"), position.get("earlier")):
            again = {key: position[key] for key in position if key not in ("pages", "earlier")}
            return PageResult(next=again, entries=first is not None, error=_ENDLESS)
        return PageResult(next=_remember_token(position, text), entries=first is not None)

    def _next_set(self, settings: SourceSettings, position: Position) -> Position | None:
        number = position["set"] + 1
        return (
            {"since": position["since"], "until": position["until"], "set": number}
            if number < len(settings.sets)
            else None
        )

    def _read_error(
        self, settings: SourceSettings, position: Position, code: str, text: str
    ) -> PageResult:
        message = f"{code}: {text[:200]}" if text else code
        if code == "noRecordsMatch":
            return PageResult(next=self._next_set(settings, position), entries=False)
        if code == "badResumptionToken" or (position.get("token") and code == "badArgument"):
            raise BadAnswer(message, Recovery.RESTART)
        raise BadAnswer(message, Recovery.GIVE_UP)


def _remember_token(position: Position, token: str) -> Position:
    """Move to the next page, and remember one earlier token, as in Brent's cycle detection.

    The earlier token is renewed after 1, 2, 4, ... pages, so that a circle of any length is found.
    """
    pages = position.get("pages", 0) + 1
    is_power_of_two = pages & (pages - 1) == 0
    return position | {
        "token": token,
        "pages": pages,
        "earlier": token if is_power_of_two else position["earlier"],
    }
