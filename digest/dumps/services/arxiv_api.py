"""Answers of arXiv's search API, one or several: Atom feeds.

Described at https://info.arxiv.org/help/api/user-manual.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from digest.dumps.fields import is_withdrawn, parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.services.arxiv_text import select_arxiv_categories
from digest.dumps.stream import Source
from digest.dumps.xml_text import XmlEntry, attribute, child, read_xml_entries, text_of
from digest.model import Record, Rejected

_ERROR_PATH: Final = "/api/errors"


class ArxivApi:
    """The format `arxiv-api`.

    Fields: `id` with version, `title`, `summary`, `author/name`, categories, `published`
    (submitted), `updated`, comment, journal reference, DOI.
    """

    name = "arxiv-api"

    def sniff(self, head: Head) -> Confidence:
        return Confidence.YES if is_api_answer(head) else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        counter = _ResultCounter(source)
        for element in read_xml_entries(source, "entry", also=("totalResults", "startIndex")):
            if isinstance(element, Rejected):
                counter.entries += 1
                yield element
            elif element.name != "entry":
                counter.set_header(element.name, text_of(element.node))
            else:
                counter.entries += 1
                identifier = text_of(child(element.node, "id")).strip()
                if _ERROR_PATH in identifier:
                    message = (
                        " ".join(text_of(child(element.node, "summary")).split())[:300]
                        or identifier[:300]
                    )
                    source.mark_incomplete(f"the server answered with an error: {message}")
                else:
                    yield _build_record(element, identifier, source.today)
        counter.check()


def is_api_answer(head: Head) -> bool:
    """Whether this is an answer of the API; arXiv's daily feeds are Atom as well."""
    tags = head.tags
    if not tags or tags[0] not in ("feed", "entry") or "announce_type" in tags:
        return False
    return (
        "primary_category" in tags
        or b"://arxiv.org/api/" in head.data
        or b"://export.arxiv.org/api/" in head.data
    )


class _ResultCounter:
    """Counts the entries of a page.

    The server sometimes answers with an empty one.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._total = 0
        self._start = 0
        self.entries = 0

    def set_header(self, name: str, text: str) -> None:
        """Take the total number of results, or the position of the page in them."""
        digits = text.strip()
        value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
        if name == "startIndex":
            self._start = value
        else:
            self.check()
            self._total, self._start, self.entries = value, 0, 0

    def check(self) -> None:
        """Mark the file as incomplete if the page is empty though results were announced."""
        if self._total > self._start and not self.entries:
            self._source.mark_incomplete(
                f"a page without entries where {self._total - self._start:,} results were announced"
            )


def _build_record(entry: XmlEntry, identifier: str, today: date) -> Record:
    elements = entry.fields()
    abstract, comment = text_of(elements.get("summary", [])), text_of(elements.get("comment", []))
    doi = text_of(elements.get("doi", [])).strip()
    terms = [
        attribute(node, "term")
        for name in ("primary_category", "category")
        for node in elements.get(name, [])
    ]
    return Record(
        line=entry.line,
        raw=entry.raw,
        title=text_of(elements.get("title", [])),
        abstract=abstract,
        authors=tuple(
            name
            for author in elements.get("author", [])
            if (name := text_of(child(author, "name")).strip())
        ),
        categories=select_arxiv_categories(terms),
        ids=(("arxiv", identifier), *((("doi", doi),) if doi else ())),
        submitted=parse_day(text_of(elements.get("published", [])), today),
        updated=parse_day(text_of(elements.get("updated", [])), today),
        comment=comment,
        journal_ref=text_of(elements.get("journal_ref", [])),
        withdrawn=is_withdrawn(comment, None),
    )


FORMAT = ArxivApi()
