"""PubMed by E-utilities (https://www.ncbi.nlm.nih.gov/books/NBK25499/): a search kept on the
server, then its records in slices.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any, Final

from digest.sources.base import Ask, Bad, Page, Position, Then, Turn, Wanted, whole_number
from digest.sources.oai import refuse_html

_END: Final = re.compile(rb"(?:</PubmedArticleSet\s*>|<PubmedArticleSet\s*/>)\s*\Z")
_ENTRY: Final = re.compile(rb"<(?:PubmedArticle|PubmedBookArticle|DeleteCitation)[\s>]")
#: what the server says when it no longer keeps the search
_GONE: Final = re.compile(rb"(?i)webenv|query_?key|unable to obtain query")
#: the server hands out no more than these from one search
_MOST: Final = 9_999


class PubMed:
    """Records that came in during the window (the Entrez date) and match the operator's search."""

    home: str = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
    every: int = 360
    suffix: str = "xml"
    _slice: int = 200

    def begin(self, wanted: Wanted, since: date, until: date) -> Position:
        return {"since": since.isoformat(), "until": until.isoformat()}

    def ask(self, wanted: Wanted, position: Position) -> Ask:
        base = (wanted.url or self.home).rstrip("/")
        common = {"db": "pubmed", "tool": "digest"}
        if wanted.contact:
            common["email"] = wanted.contact
        if wanted.key:
            common["api_key"] = wanted.key
        if "webenv" not in position:
            days = {
                "datetype": "edat",
                "mindate": position["since"].replace("-", "/"),
                "maxdate": position["until"].replace("-", "/"),
            }
            return Ask(
                url=f"{base}/esearch.fcgi",
                params=common
                | days
                | {"term": wanted.query, "usehistory": "y", "retmax": "0", "retmode": "json"},
            )
        place = {
            "WebEnv": position["webenv"],
            "query_key": position["key"],
            "retstart": str(position["start"]),
            "retmax": str(self._slice),
        }
        return Ask(url=f"{base}/efetch.fcgi", params=common | place | {"retmode": "xml"})

    def take(self, wanted: Wanted, position: Position, page: Page) -> Turn:
        refuse_html(page.head())
        if "webenv" not in position:
            return self._found(position, page.json())
        data = page.bytes()
        if not _END.search(data[-4096:]):
            if b"<PubmedArticleSet" in data[:4096]:
                raise Bad(f"cut off after {page.size:,} bytes")
            told = data[:200].decode("utf-8", "replace").strip()
            raise Bad(
                f"no records: {told}", Then.RESTART if _GONE.search(data[:4096]) else Then.RETRY
            )
        after = position["start"] + self._slice
        onward = position | {"start": after} if after < position["count"] else self._rest(position)
        if not _ENTRY.search(data):
            note = (
                f"the list is empty at {position['start']} although {position['count']} were found"
            )
            raise Bad(note, accept=Turn(next=onward, entries=False, note=note))
        return Turn(next=onward)

    def _rest(self, position: Position) -> Position | None:
        """The later part of a window that was too large for one search."""
        if "last" not in position or position["until"] >= position["last"]:
            return None
        after = date.fromisoformat(position["until"]) + timedelta(days=1)
        return {"since": after.isoformat(), "until": position["last"], "last": position["last"]}

    def _found(self, position: Position, answer: Any) -> Turn:
        result = answer.get("esearchresult") if isinstance(answer, dict) else None
        count = (
            whole_number(result.get("count"))
            if isinstance(result, dict) and "ERROR" not in result
            else None
        )
        if count is None or not isinstance(result, dict):
            raise Bad(
                f"no search result: "
                f"{str(result.get('ERROR', '') if isinstance(result, dict) else answer)[:200]}"
            )
        since, until = date.fromisoformat(position["since"]), date.fromisoformat(position["until"])
        if count > _MOST and since < until:
            half = since + (until - since) // 2
            return Turn(
                next={
                    "since": position["since"],
                    "until": half.isoformat(),
                    "last": position.get("last", position["until"]),
                },
                entries=False,
            )
        # the answer to a search is no dump: nothing in it is a paper
        if not count:
            return Turn(next=self._rest(position), entries=False)
        webenv, key = result.get("webenv"), result.get("querykey")
        if not webenv or not key:
            raise Bad("the search was not kept on the server")
        note = (
            f"{count:,} records of {since} match, of which the server hands out {_MOST:,}; make "
            f"the search narrower"
            if count > _MOST
            else ""
        )
        return Turn(
            next=position
            | {"webenv": str(webenv), "key": str(key), "start": 0, "count": min(count, _MOST)},
            entries=False,
            note=note,
        )
