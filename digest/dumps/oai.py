"""Answers of OAI-PMH servers, above all arXiv's: `ListRecords` and `GetRecord` in the metadata
formats arXiv, arXivRaw, arXivOld and oai_dc.

One answer, many one after the other, or bare records; described at https://info.arxiv.org/help/oa/
and in OAI-PMH 2.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from digest.dumps.arxiv_text import parse_set_categories, split_author_names
from digest.dumps.fields import is_withdrawn, parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.stream import Source
from digest.dumps.xml_text import (
    Node,
    XmlEntry,
    attribute,
    child,
    children,
    fields,
    local_name,
    read_xml_entries,
    text_of,
)
from digest.model import Record, Rejected, Removal, Skipped

_ROOTS: Final = frozenset({"OAI-PMH", "ListRecords", "GetRecord", "record"})

Fields = dict[str, list[Node]]


class Oai:
    """Header (`identifier`, `datestamp`, `setSpec`, status) and metadata; a deleted header is a
    Removal.
    """

    name = "oai-pmh"

    def sniff(self, head: Head) -> Confidence:
        tags = head.tags
        if not tags or tags[0] not in _ROOTS:
            return Confidence.NO
        return (
            Confidence.YES
            if tags[0] == "OAI-PMH" or {"header", "identifier"} <= set(tags)
            else Confidence.NO
        )

    def read(self, source: Source) -> Iterator[Record | Removal | Skipped | Rejected]:
        for one in read_xml_entries(source, "record", also=("header", "error")):
            if isinstance(one, Rejected):
                yield one
            elif one.name == "error":
                _note(source, one.node)
            elif one.name == "header":
                yield _removal(one, one.node) or Skipped(
                    line=one.line, raw=one.raw, reason="a header without its record"
                )
            else:
                yield _entry(one, source.today)


def _note(source: Source, node: Node) -> None:
    """What a server answers instead of records.

    That none match is no error: the page is whole, and empty.
    """
    code = attribute(node, "code")
    if code != "noRecordsMatch":
        source.mark_incomplete(
            f"the server answered with an error: "
            f"{': '.join(filter(None, (code, ' '.join(text_of(node).split())[:300])))}"
        )


def _removal(piece: XmlEntry, header: Node) -> Removal | None:
    if attribute(header, "status") != "deleted":
        return None
    identifier = text_of(child(header, "identifier")).strip()
    return Removal(
        line=piece.line,
        raw=piece.raw,
        ids=(("id", identifier),) if identifier else (),
        reason="deleted by the source",
    )


def _entry(piece: XmlEntry, today: date) -> Record | Removal | Rejected:
    header = child(piece.node, "header")
    if (removal := _removal(piece, header)) is not None:
        return removal
    metadata = next((one for holder in children(piece.node, "metadata") for one in holder), None)
    if metadata is None:
        return Rejected(line=piece.line, raw=piece.raw, reason="a record without metadata")
    kind = local_name(metadata.tag)
    told = fields(metadata)
    if kind.lower().startswith("arxiv"):
        return _arxiv(piece, header, told, today)
    if kind == "dc" or told.keys() >= {"title", "identifier"}:
        return _dublin_core(piece, header, told, today)
    return Rejected(
        line=piece.line, raw=piece.raw, reason=f"metadata of an unknown kind: {kind[:80]}"
    )


def _arxiv(piece: XmlEntry, header: Node, told: Fields, today: date) -> Record:
    abstract, comment = text_of(told.get("abstract", [])), text_of(told.get("comments", []))
    versions = told.get("version", [])
    numbers = [
        _number(attribute(one, "version")) or place for place, one in enumerate(versions, start=1)
    ]
    dates = [parse_day(text_of(child(one, "date")), today) for one in versions]
    last = max(range(len(versions)), key=numbers.__getitem__, default=None)
    # Servers differ in which of `created` and `updated` is the first version's: neither says when
    # the paper was submitted.
    changes = [
        day
        for name in ("created", "updated")
        for day in (parse_day(text_of(told.get(name, [])), today),)
        if day
    ]
    doi = text_of(told.get("doi", [])).strip()
    return Record(
        line=piece.line,
        raw=piece.raw,
        title=text_of(told.get("title", [])),
        abstract=abstract,
        authors=_authors(told),
        categories=tuple(text_of(told.get("categories", [])).split()),
        ids=(
            (
                "arxiv",
                text_of(told.get("id", [])).strip() or text_of(child(header, "identifier")).strip(),
            ),
            *((("doi", doi),) if doi else ()),
        ),
        version=None if last is None else numbers[last],
        submitted=dates[numbers.index(1)] if 1 in numbers else None,
        updated=parse_day(text_of(child(header, "datestamp")), today)
        or max([*changes, *filter(None, dates)], default=None),
        comment=comment,
        withdrawn=is_withdrawn(comment, abstract)
        or (last is not None and "I" in text_of(child(versions[last], "source_type"))),
    )


def _authors(told: Fields) -> tuple[str, ...]:
    """Elements with the parts of a name, or one string of names."""
    authors = told.get("authors")
    if not authors:
        return ()
    people = children(authors[0], "author")
    if not people:
        return split_author_names(text_of(authors))
    names = []
    for one in people:
        parts = {local_name(part.tag): text_of(part).strip() for part in one}
        names.append(" ".join(filter(None, map(parts.get, ("forenames", "keyname", "suffix")))))
    return tuple(filter(None, names))


def _dublin_core(piece: XmlEntry, header: Node, told: Fields, today: date) -> Record:
    identifier = text_of(child(header, "identifier")).strip()
    is_arxiv = identifier.lower().startswith("oai:arxiv.org:")
    texts = [text_of(one) for one in told.get("description", [])]
    # Only some servers write what the second text is.
    marked = [text for text in texts if text.lstrip().startswith("Comment:")]
    plain = [text for text in texts if text not in marked]
    abstract = plain[0] if plain else ""
    comment = (
        marked[0].lstrip().removeprefix("Comment:").strip()
        if marked
        else plain[1]
        if is_arxiv and len(plain) > 1
        else ""
    )
    days = [
        day for one in told.get("date", []) if (day := parse_day(text_of(one), today)) is not None
    ]
    links = [text for one in told.get("identifier", []) if (text := text_of(one).strip())]
    ids = [("arxiv", identifier)] if is_arxiv else [("id", identifier)] if identifier else []
    ids += [("url" if "://" in link else "id", link) for link in links]
    sets = (
        parse_set_categories(text_of(one) for one in children(header, "setSpec"))
        if is_arxiv
        else ()
    )
    return Record(
        line=piece.line,
        raw=piece.raw,
        title=text_of(told.get("title", [])),
        abstract=abstract,
        authors=tuple(text for one in told.get("creator", []) if (text := text_of(one).strip())),
        categories=sets
        or tuple(text for one in told.get("subject", []) if (text := text_of(one).strip())),
        ids=tuple(ids),
        # arXiv's one date may be that of any version.
        submitted=min(days) if len(days) > 1 or (days and not is_arxiv) else None,
        updated=parse_day(text_of(child(header, "datestamp")), today) or max(days, default=None),
        comment=comment,
        withdrawn=is_withdrawn(comment, abstract),
    )


def _number(version: str) -> int | None:
    digits = version.strip().lstrip("vV")
    return int(digits) if digits.isascii() and digits.isdigit() and 0 < len(digits) < 5 else None


FORMAT = Oai()
