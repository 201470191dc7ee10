"""The bulk files of Semantic Scholar (S2AG), JSON lines with lower-case keys: papers, abstracts,
and what was deleted between two releases.

Described at https://api.semanticscholar.org/api-docs/datasets. Papers and their abstracts stand in
different files: an abstract becomes a Record that is a fragment, so the two may come in any order
and nothing waits in memory for its other half. Rows of nothing but a `corpusid` are those of a file
of deletions; such a file does not say of what, so only the ones of the data set `papers` are to be
given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from digest.dumps.fields import is_withdrawn, parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.jats import strip_abstract_markup, strip_title_markup
from digest.dumps.json_text import decode_rows, read_json_records
from digest.dumps.notices import has_withdrawn_title
from digest.dumps.stream import Source, raw_text
from digest.model import Record, Rejected, Removal, Skipped

#: the source's name of an identifier in lower case -> kind
_KINDS: Final = {
    "arxiv": "arxiv",
    "doi": "doi",
    "pubmed": "pmid",
    "pubmedcentral": "pmcid",
    "corpusid": "s2",
}
#: types that are no papers where a record has no other type
_NO_PAPER: Final = {"editorial": "editorial", "news": "news"}

Externals = Mapping[str, Any]


class Author(msgspec.Struct, gc=False):
    name: str | None = None


def named(authors: Sequence[Author | None] | None) -> tuple[str, ...]:
    return tuple(one.name for one in authors or () if one is not None and one.name)


class _Open(msgspec.Struct, gc=False):
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
    openaccessinfo: _Open | None = None


class _Deleted(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    corpusid: int | str


_DECODER: Final = msgspec.json.Decoder(_Row)
_DELETED: Final = msgspec.json.Decoder(_Deleted)


class SemanticScholar:
    """Papers: `corpusid`, `externalids`, `title`, `authors`, `publicationdate`, `updated`;
    abstracts: `corpusid`, `abstract`.
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
                yield deleted if isinstance(deleted, Rejected) else _removal(*deleted)
            return
        for row in decode_rows(source, read_json_records(source), _DECODER):
            yield row if isinstance(row, Rejected) else _entry(*row, source)


def external_ids(externals: Externals | None) -> Iterator[tuple[str, str]]:
    """The identifiers of the source's own list, whatever the case of their names; anything that is
    no text or whole number is left out.
    """
    for name, value in (externals or {}).items():
        kind = _KINDS.get(name.lower())
        if kind is None or isinstance(value, bool) or not isinstance(value, str | int):
            continue
        text = str(value).strip()
        if text:
            yield kind, f"PMC{text.upper().removeprefix('PMC')}" if kind == "pmcid" else text


def no_paper(types: list[str | None] | None) -> str | None:
    """Why a record with these types is no paper; None where it is one."""
    named = {(one or "").lower() for one in types or ()}
    return _NO_PAPER[min(named)] if named and named <= _NO_PAPER.keys() else None


def has_page(ids: tuple[tuple[str, str], ...]) -> bool:
    """Whether some identifier leads to a page nearer to the paper than the one about it at Semantic
    Scholar.
    """
    return any(kind in ("arxiv", "doi", "pmid") for kind, _ in ids)


def _removal(number: int, data: bytes, row: _Deleted) -> Removal:
    return Removal(
        line=number,
        raw=raw_text(data),
        ids=(("s2", str(row.corpusid)),),
        reason="deleted by Semantic Scholar",
    )


def _entry(number: int, data: bytes, row: _Row, source: Source) -> Record | Skipped | Rejected:
    raw = raw_text(data)
    own = (("s2", str(row.corpusid)),) if row.corpusid is not None else ()
    open_access = row.openaccessinfo.externalids if row.openaccessinfo else None
    ids = tuple(dict.fromkeys((*own, *external_ids(row.externalids), *external_ids(open_access))))
    abstract = strip_abstract_markup(row.abstract or "")
    if row.title is not msgspec.UNSET:
        if (reason := no_paper(row.publicationtypes)) is not None:
            return Skipped(line=number, raw=raw, reason=reason)
        title = strip_title_markup(row.title or "")
        return Record(
            line=number,
            raw=raw,
            title=title,
            abstract=abstract,
            authors=named(row.authors),
            ids=ids,
            submitted=parse_day(row.publicationdate, source.today),
            updated=parse_day(row.updated, source.today),
            url="" if has_page(ids) else row.url or "",
            withdrawn=has_withdrawn_title(title) or is_withdrawn(None, abstract),
        )
    if row.abstract is msgspec.UNSET and row.openaccessinfo is None:
        return Rejected(line=number, raw=raw, reason="neither title nor abstract")
    if not abstract.strip():
        return Skipped(line=number, raw=raw, reason="abstract withheld")
    if not own:
        return Rejected(line=number, raw=raw, reason="an abstract without corpusid")
    return Record(line=number, raw=raw, title="", abstract=abstract, ids=ids, fragment=True)


FORMAT = SemanticScholar()
