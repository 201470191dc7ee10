"""Answers of arXiv's search API, an Atom feed: https://info.arxiv.org/help/api/user-manual.html.

One answer or many one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from digest.dumps.arxiv_text import arxiv_categories
from digest.dumps.fields import day_of, is_withdrawn
from digest.dumps.formats import Head, Sure
from digest.dumps.stream import Source
from digest.dumps.xml_text import Piece, attribute, child, text_of, xml_entries
from digest.model import Record, Rejected

_ERROR: Final = "/api/errors"


class ArxivApi:
    """`id` with version, `title`, `summary`, `author/name`, categories, `published` (submitted),
    `updated`, comment, DOI.
    """

    name = "arxiv-api"

    def sniff(self, head: Head) -> Sure:
        return Sure.YES if is_answer(head) else Sure.NO

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        page = _Page(source)
        for one in xml_entries(source, "entry", also=("totalResults", "startIndex")):
            if isinstance(one, Rejected):
                page.entries += 1
                yield one
            elif one.name != "entry":
                page.told(one.name, text_of(one.node))
            else:
                page.entries += 1
                identifier = text_of(child(one.node, "id")).strip()
                if _ERROR in identifier:
                    said = (
                        " ".join(text_of(child(one.node, "summary")).split())[:300]
                        or identifier[:300]
                    )
                    source.cut(f"the server answered with an error: {said}")
                else:
                    yield _record(one, identifier, source.today)
        page.end()


def is_answer(head: Head) -> bool:
    """Whether this is an answer of the API and not one of arXiv's daily feeds, which are Atom as
    well.
    """
    tags = head.tags
    if not tags or tags[0] not in ("feed", "entry") or "announce_type" in tags:
        return False
    return (
        "primary_category" in tags
        or b"://arxiv.org/api/" in head.data
        or b"://export.arxiv.org/api/" in head.data
    )


class _Page:
    """How many results a page should have at least; the server gives an empty page now and then."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._total = 0
        self._start = 0
        self.entries = 0

    def told(self, name: str, text: str) -> None:
        digits = text.strip()
        value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
        if name == "startIndex":
            self._start = value
        else:
            self.end()
            self._total, self._start, self.entries = value, 0, 0

    def end(self) -> None:
        if self._total > self._start and not self.entries:
            self._source.cut(
                f"a page without entries where {self._total - self._start:,} results were announced"
            )


def _record(piece: Piece, identifier: str, today: date) -> Record:
    told = piece.fields()
    abstract, comment = text_of(told.get("summary", [])), text_of(told.get("comment", []))
    doi = text_of(told.get("doi", [])).strip()
    terms = [
        attribute(one, "term")
        for name in ("primary_category", "category")
        for one in told.get(name, [])
    ]
    return Record(
        line=piece.line,
        raw=piece.raw,
        title=text_of(told.get("title", [])),
        abstract=abstract,
        authors=tuple(
            name for one in told.get("author", []) if (name := text_of(child(one, "name")).strip())
        ),
        categories=arxiv_categories(terms),
        ids=(("arxiv", identifier), *((("doi", doi),) if doi else ())),
        submitted=day_of(text_of(told.get("published", [])), today),
        updated=day_of(text_of(told.get("updated", [])), today),
        comment=comment,
        withdrawn=is_withdrawn(comment, abstract),
    )


FORMAT = ArxivApi()
