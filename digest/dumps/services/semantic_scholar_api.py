"""Answers of Semantic Scholar's Graph API, with keys in camelCase.

Pages ({"data": [...]}), lists, JSON lines, single papers and recommendations ({"recommendedPapers":
[...]}), described at https://api.semanticscholar.org/api-docs/graph and
https://api.semanticscholar.org/api-docs/recommendations. The request decides which fields a paper
has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from digest.dumps.fields import parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.json_pages import find_page_items, is_page, read_page_rows
from digest.dumps.json_text import decode_rows
from digest.dumps.references import strip_version
from digest.dumps.services.semantic_scholar import (
    Author,
    author_names,
    find_external_ids,
    has_paper_link,
    why_no_paper,
)
from digest.dumps.stream import Source, raw_text
from digest.model import Record, Rejected, Skipped

_PAPER_ID: Final = re.compile(r"[0-9a-f]{40}")
_PAPER_START: Final = re.compile(r'"paperId"\s*:\s*"[0-9a-f]{40}"')
#: the keys of lists of papers
_LIST_KEYS: Final = ("recommendedPapers", "data")
#: all keys of an answer without papers
_PAGE_KEYS: Final = frozenset({"total", "offset", "next", "token", "data"})


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
    venue: Any = None


_DECODER: Final = msgspec.json.Decoder(_Paper | None)


class SemanticScholarApi:
    """The format `semantic-scholar-api`.

    Fields: `title`, `abstract`, `authors`, `externalIds`, `corpusId`, `publicationDate`, an arXiv
    link in `openAccessPdf`.
    """

    name = "semantic-scholar-api"

    def sniff(self, head: Head) -> Confidence:
        key = _find_list_key(head)
        items = find_page_items(head, key)
        if items is None:
            begins_with_paper = (
                "paperId" in head.keys and not head.records and _PAPER_START.search(head.text)
            )
            return (
                Confidence.YES
                if begins_with_paper or any(map(_is_paper, head.records))
                else Confidence.NO
            )
        is_known_page = key != "data" or (head.keys <= _PAGE_KEYS and len(head.keys) > 1)
        is_empty_page = not items and head.records and is_known_page
        begins_with_paper = not head.records and _PAPER_START.search(head.text)
        return (
            Confidence.YES
            if is_empty_page or begins_with_paper or any(map(_is_paper, items))
            else Confidence.NO
        )

    def read(self, source: Source) -> Iterator[Record | Skipped | Rejected]:
        key = _find_list_key(Head(source.head()))
        for row in decode_rows(source, read_page_rows(source, key), _DECODER):
            yield row if isinstance(row, Rejected) else _read_entry(*row, source)


def _find_list_key(head: Head) -> str:
    return next((key for key in _LIST_KEYS if is_page(head, key)), _LIST_KEYS[-1])


def _is_paper(record: Mapping[str, Any]) -> bool:
    name = record.get("paperId")
    return "externalIds" in record or (
        isinstance(name, str) and _PAPER_ID.fullmatch(name) is not None
    )


def _read_entry(number: int, data: bytes, paper: _Paper | None, source: Source) -> Record | Skipped:
    raw = raw_text(data)
    if paper is None:
        # The batch call answers null for an identifier that it does not know.
        return Skipped(line=number, raw=raw, reason="not known to Semantic Scholar")
    if (reason := why_no_paper(paper.publication_types)) is not None:
        return Skipped(line=number, raw=raw, reason=reason)
    pdf = (paper.open_access_pdf.url if paper.open_access_pdf else None) or ""
    own_ids = (("s2", str(paper.corpus_id)),) if paper.corpus_id is not None else ()
    arxiv_ids = (("id", strip_version(pdf)),) if "arxiv.org/" in pdf.lower() else ()
    ids = tuple(dict.fromkeys((*own_ids, *find_external_ids(paper.external_ids), *arxiv_ids)))
    return Record(
        line=number,
        raw=raw,
        title=paper.title or "",
        abstract=paper.abstract or "",
        authors=author_names(paper.authors),
        ids=ids,
        submitted=parse_day(paper.publication_date, source.today),
        journal_ref=paper.venue if isinstance(paper.venue, str) else "",
        url="" if has_paper_link(ids) or arxiv_ids else paper.url or pdf,
    )


FORMAT = SemanticScholarApi()
