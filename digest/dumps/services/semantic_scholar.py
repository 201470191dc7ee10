"""Bulk files of Semantic Scholar (S2AG): papers, abstracts, deletions.

Described at https://api.semanticscholar.org/api-docs/datasets. Papers and abstracts are in
different files. An abstract becomes a fragment, so the files may come in any order and nothing
waits in memory. Rows with only a `corpusid` are deletions. Their file does not say what was
deleted, so only give the deletions of the data set `papers`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from digest.dumps.fields import parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.json_text import decode_rows, read_json_records
from digest.dumps.stream import Source, raw_text
from digest.model import Record, Rejected, Removal, Skipped

#: Semantic Scholar's name of an identifier in lower case -> our kind
_ID_KINDS: Final = {
    "arxiv": "arxiv",
    "doi": "doi",
    "pubmed": "pmid",
    "pubmedcentral": "pmcid",
    "corpusid": "s2",
}
#: types that are not papers if a record has no other type
_NON_PAPER_TYPES: Final = {"editorial": "editorial", "news": "news"}

ExternalIds = Mapping[str, Any]


class Author(msgspec.Struct, gc=False):
    name: str | None = None


def author_names(authors: Sequence[Author | None] | None) -> tuple[str, ...]:
    return tuple(author.name for author in authors or () if author is not None and author.name)


class _OpenAccess(msgspec.Struct, gc=False):
    externalids: dict[str, Any] | None = None


class _Row(msgspec.Struct, gc=False):
    corpusid: int | str | None = None
    externalids: dict[str, Any] | None = None
    title: str | msgspec.UnsetType | None = msgspec.UNSET
    abstract: str | msgspec.UnsetType | None = msgspec.UNSET
    authors: list[Author | None] | None = None
    url: str | None = None
    publicationdate: str | None = None
    publicationtypes: list[str | None] | None = None
    updated: str | None = None
    venue: Any = None
    openaccessinfo: _OpenAccess | None = None


class _Deleted(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    corpusid: int | str


_DECODER: Final = msgspec.json.Decoder(_Row)
_DELETED: Final = msgspec.json.Decoder(_Deleted)


class SemanticScholar:
    """The format `semantic-scholar`.

    Fields of papers: `corpusid`, `externalids`, `title`, `authors`, `publicationdate`, `updated`,
    `venue`; abstracts: `corpusid`, `abstract`.
    """

    name = "semantic-scholar"

    def sniff(self, head: Head) -> Confidence:
        keys = head.keys
        return (
            Confidence.YES
            if "corpusid" in keys and (keys & {"title", "abstract"} or keys == {"corpusid"})
            else Confidence.NO
        )

    def read(self, source: Source) -> Iterator[Record | Removal | Skipped | Rejected]:
        if Head(source.head()).keys == {"corpusid"}:
            for deleted in decode_rows(source, read_json_records(source), _DELETED):
                yield deleted if isinstance(deleted, Rejected) else _build_removal(*deleted)
            return
        for row in decode_rows(source, read_json_records(source), _DECODER):
            yield row if isinstance(row, Rejected) else _read_entry(*row, source)


def find_external_ids(externals: ExternalIds | None) -> Iterator[tuple[str, str]]:
    """Find the known identifiers; the case of their names does not matter.

    Values that are not a text or whole number are left out.
    """
    for name, value in (externals or {}).items():
        kind = _ID_KINDS.get(name.lower())
        if kind is None or isinstance(value, bool) or not isinstance(value, str | int):
            continue
        text = str(value).strip()
        if text:
            yield kind, f"PMC{text.upper().removeprefix('PMC')}" if kind == "pmcid" else text


def why_no_paper(types: list[str | None] | None) -> str | None:
    """Return why a record with these types is not a paper; None if it is one."""
    type_names = {(name or "").lower() for name in types or ()}
    return (
        _NON_PAPER_TYPES[min(type_names)]
        if type_names and type_names <= _NON_PAPER_TYPES.keys()
        else None
    )


def has_paper_link(ids: tuple[tuple[str, str], ...]) -> bool:
    """Whether an identifier leads closer to the paper than Semantic Scholar's page."""
    return any(kind in ("arxiv", "doi", "pmid") for kind, _ in ids)


def _build_removal(number: int, data: bytes, row: _Deleted) -> Removal:
    return Removal(
        line=number,
        raw=raw_text(data),
        ids=(("s2", str(row.corpusid)),),
        reason="deleted by Semantic Scholar",
    )


def _read_entry(number: int, data: bytes, row: _Row, source: Source) -> Record | Skipped | Rejected:
    raw = raw_text(data)
    own_ids = (("s2", str(row.corpusid)),) if row.corpusid is not None else ()
    open_access = row.openaccessinfo.externalids if row.openaccessinfo else None
    ids = tuple(
        dict.fromkeys(
            (*own_ids, *find_external_ids(row.externalids), *find_external_ids(open_access))
        )
    )
    abstract = row.abstract or ""
    if row.title is not msgspec.UNSET:
        if (reason := why_no_paper(row.publicationtypes)) is not None:
            return Skipped(line=number, raw=raw, reason=reason)
        return Record(
            line=number,
            raw=raw,
            title=row.title or "",
            abstract=abstract,
            authors=author_names(row.authors),
            ids=ids,
            submitted=parse_day(row.publicationdate, source.today),
            updated=parse_day(row.updated, source.today),
            journal_ref=row.venue if isinstance(row.venue, str) else "",
            url="" if has_paper_link(ids) else row.url or "",
        )
    if row.abstract is msgspec.UNSET and row.openaccessinfo is None:
        return Rejected(line=number, raw=raw, reason="neither title nor abstract")
    if not abstract.strip():
        return Skipped(line=number, raw=raw, reason="abstract withheld")
    if not own_ids:
        return Rejected(line=number, raw=raw, reason="an abstract without corpusid")
    return Record(line=number, raw=raw, title="", abstract=abstract, ids=ids, fragment=True)


FORMAT = SemanticScholar()
