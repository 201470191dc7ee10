"""Answers of Semantic Scholar's Graph API, with keys in camelCase: pages ({"data": [...]}), lists,
JSON lines and single papers.

Described at https://api.semanticscholar.org/api-docs/graph. Which fields a paper has is up to
whoever asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from digest.dumps.fields import is_withdrawn, parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.jats import strip_abstract_markup, strip_title_markup
from digest.dumps.json_pages import find_page_items, read_page_rows
from digest.dumps.json_text import decode_rows
from digest.dumps.notices import has_withdrawn_title
from digest.dumps.references import strip_version
from digest.dumps.semantic_scholar import Author, external_ids, has_page, named, no_paper
from digest.dumps.stream import Source, raw_text
from digest.model import Record, Rejected, Skipped

_PAPER_ID: Final = re.compile(r"[0-9a-f]{40}")
_BEGINS: Final = re.compile(r'"paperId"\s*:\s*"[0-9a-f]{40}"')
#: all that an answer without a paper has
_PAGE: Final = frozenset({"total", "offset", "next", "token", "data"})


class _Pdf(msgspec.Struct, gc=False):
    url: str | None = None


class _Paper(msgspec.Struct, gc=False, rename="camel"):
    corpus_id: int | str | None = None
    external_ids: dict[str, Any] | None = None
    title: str | None = None
    abstract: str | None = None
    authors: list[Author | None] | None = None
    url: str | None = None
    open_access_pdf: _Pdf | None = None
    publication_date: str | None = None
    publication_types: list[str | None] | None = None


_DECODER: Final = msgspec.json.Decoder(_Paper | None)


class SemanticScholarApi:
    """`title`, `abstract`, `authors`, `externalIds`, `corpusId`, `publicationDate`, an arXiv link
    in `openAccessPdf`.
    """

    name = "semantic-scholar-api"

    def sniff(self, head: Head) -> Confidence:
        items = find_page_items(head, "data")
        if items is None:
            begun = "paperId" in head.keys and not head.records and _BEGINS.search(head.text)
            return Confidence.YES if begun or any(map(_is_paper, head.records)) else Confidence.NO
        empty = not items and head.records and head.keys <= _PAGE and len(head.keys) > 1
        begun = not head.records and _BEGINS.search(head.text)
        return Confidence.YES if empty or begun or any(map(_is_paper, items)) else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Skipped | Rejected]:
        for row in decode_rows(source, read_page_rows(source, "data"), _DECODER):
            yield row if isinstance(row, Rejected) else _entry(*row, source)


def _is_paper(record: Mapping[str, Any]) -> bool:
    name = record.get("paperId")
    return "externalIds" in record or (
        isinstance(name, str) and _PAPER_ID.fullmatch(name) is not None
    )


def _entry(number: int, data: bytes, paper: _Paper | None, source: Source) -> Record | Skipped:
    raw = raw_text(data)
    if paper is None:
        # The batch call answers with nothing in the place of an identifier that it does not know.
        return Skipped(line=number, raw=raw, reason="not known to Semantic Scholar")
    if (reason := no_paper(paper.publication_types)) is not None:
        return Skipped(line=number, raw=raw, reason=reason)
    pdf = (paper.open_access_pdf.url if paper.open_access_pdf else None) or ""
    own = (("s2", str(paper.corpus_id)),) if paper.corpus_id is not None else ()
    free = (("id", strip_version(pdf)),) if "arxiv.org/" in pdf.lower() else ()
    ids = tuple(dict.fromkeys((*own, *external_ids(paper.external_ids), *free)))
    title, abstract = (
        strip_title_markup(paper.title or ""),
        strip_abstract_markup(paper.abstract or ""),
    )
    return Record(
        line=number,
        raw=raw,
        title=title,
        abstract=abstract,
        authors=named(paper.authors),
        ids=ids,
        submitted=parse_day(paper.publication_date, source.today),
        url="" if has_page(ids) or free else paper.url or pdf,
        withdrawn=has_withdrawn_title(title) or is_withdrawn(None, abstract),
    )


FORMAT = SemanticScholarApi()
