"""OAI-PMH 2.0 (https://www.openarchives.org/OAI/openarchivesprotocol.html): ListRecords, one set
after the other.

Only the frame of a page is looked at (its end, its error, its token), by patterns: one damaged
record inside must not stop a harvest.
"""

from __future__ import annotations

import html
import re
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from digest.sources.base import Ask, Bad, Page, Position, Then, Turn, Wanted

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


def refuse_html(data: bytes) -> None:
    """An error page comes with status 200 from many a server. Raises Bad."""
    if _HTML.match(data[:4096].removeprefix(b"\xef\xbb\xbf")):
        raise Bad("a web page instead of data")


class Oai:
    """Any OAI-PMH server; arXiv's unless another address is named."""

    home: str = "https://oaipmh.arxiv.org/oai"
    every: int = 720
    suffix: str = "xml"

    def begin(self, wanted: Wanted, since: date, until: date) -> Position:
        return {"since": since.isoformat(), "until": until.isoformat(), "set": 0}

    def ask(self, wanted: Wanted, position: Position) -> Ask:
        url = wanted.url or self.home
        if position.get("token"):
            # the token is exclusive: any argument beside it but the verb is an error
            url = url.partition("?")[0]
            return Ask(
                url=url, params={"verb": "ListRecords", "resumptionToken": position["token"]}
            )
        arxiv = (urlsplit(url).hostname or "").endswith("arxiv.org")
        params = {
            "verb": "ListRecords",
            "metadataPrefix": wanted.prefix or ("arXiv" if arxiv else "oai_dc"),
        }
        params |= {"from": position["since"], "until": position["until"]}
        if wanted.sets:
            params["set"] = wanted.sets[position["set"]]
        return Ask(url=url, params=params)

    def take(self, wanted: Wanted, position: Position, page: Page) -> Turn:
        data = page.bytes()
        refuse_html(data)
        if b"OAI-PMH" not in data[:65_536]:
            raise Bad("no OAI-PMH answer")
        if not _END.search(data[-4096:]):
            raise Bad(f"cut off after {page.size:,} bytes")
        first = _RECORD.search(data)
        if first is None and (error := _ERROR.search(data)):
            return self._error(
                wanted,
                position,
                error[1].decode(),
                (error[2] or b"").decode("utf-8", "replace").strip(),
            )
        last = 0
        for end in _RECORD_END.finditer(data):
            last = end.end()
        token = _TOKEN.search(data, last)
        text = html.unescape((token[1] or b"").decode("utf-8", "replace")).strip() if token else ""
        if text and text == position.get("token"):
            raise Bad("the token of the next page is this page's own", Then.RESTART)
        return Turn(
            next=position | {"token": text} if text else self._next_set(wanted, position),
            entries=first is not None,
        )

    def _next_set(self, wanted: Wanted, position: Position) -> Position | None:
        number = position["set"] + 1
        return (
            {"since": position["since"], "until": position["until"], "set": number}
            if number < len(wanted.sets)
            else None
        )

    def _error(self, wanted: Wanted, position: Position, code: str, text: str) -> Turn:
        told = f"{code}: {text[:200]}" if text else code
        if code == "noRecordsMatch":
            return Turn(next=self._next_set(wanted, position), entries=False)
        if code == "badResumptionToken" or (position.get("token") and code == "badArgument"):
            raise Bad(told, Then.RESTART)
        raise Bad(told, Then.GIVE_UP)
