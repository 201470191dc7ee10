"""Answers of OAI-PMH servers to `ListRecords` and `GetRecord`.

Metadata as arXiv, arXivRaw, arXivOld and oai_dc; one answer, several, or bare records. Described at
https://info.arxiv.org/help/oa/ and in OAI-PMH 2.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from digest.dumps.fields import is_withdrawn, parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.names import split_names
from digest.dumps.services.arxiv_text import parse_set_categories
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

Elements = dict[str, list[Node]]


class Oai:
    """The format `oai-pmh`.

    The header has `identifier`, `datestamp`, `setSpec` and a status. A deleted header is a Removal.
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
        for entry in read_xml_entries(source, "record", also=("header", "error")):
            if isinstance(entry, Rejected):
                yield entry
            elif entry.name == "error":
                _note_error(source, entry.node)
            elif entry.name == "header":
                yield _read_removal(entry, entry.node) or Skipped(
                    line=entry.line, raw=entry.raw, reason="a header without its record"
                )
            else:
                yield _read_entry(entry, source.today)


def _note_error(source: Source, node: Node) -> None:
    """Note an error that a server answered instead of records.

    That no records match is not an error: the page is complete and empty.
    """
    code = attribute(node, "code")
    if code != "noRecordsMatch":
        source.mark_incomplete(
            f"the server answered with an error: "
            f"{': '.join(filter(None, (code, ' '.join(text_of(node).split())[:300])))}"
        )


def _read_removal(entry: XmlEntry, header: Node) -> Removal | None:
    if attribute(header, "status") != "deleted":
        return None
    identifier = text_of(child(header, "identifier")).strip()
    return Removal(
        line=entry.line,
        raw=entry.raw,
        ids=(("id", identifier),) if identifier else (),
        reason="deleted by the source",
    )


def _read_entry(entry: XmlEntry, today: date) -> Record | Removal | Rejected:
    header = child(entry.node, "header")
    if (removal := _read_removal(entry, header)) is not None:
        return removal
    metadata = next(
        (element for holder in children(entry.node, "metadata") for element in holder), None
    )
    if metadata is None:
        return Rejected(line=entry.line, raw=entry.raw, reason="a record without metadata")
    kind = local_name(metadata.tag)
    elements = fields(metadata)
    if kind.lower().startswith("arxiv"):
        return _read_arxiv(entry, header, elements, today)
    if kind == "dc" or elements.keys() >= {"title", "identifier"}:
        return _read_dublin_core(entry, header, elements, today)
    return Rejected(
        line=entry.line, raw=entry.raw, reason=f"metadata of an unknown kind: {kind[:80]}"
    )


def _read_arxiv(entry: XmlEntry, header: Node, elements: Elements, today: date) -> Record:
    abstract, comment = text_of(elements.get("abstract", [])), text_of(elements.get("comments", []))
    versions = elements.get("version", [])
    numbers = [
        _parse_version(attribute(element, "version")) or position
        for position, element in enumerate(versions, start=1)
    ]
    dates = [parse_day(text_of(child(element, "date")), today) for element in versions]
    latest = max(range(len(versions)), key=numbers.__getitem__, default=None)
    # Servers differ in whether `created` or `updated` belongs to the first version, so neither says
    # when the paper was submitted.
    change_days = [
        day
        for name in ("created", "updated")
        for day in (parse_day(text_of(elements.get(name, [])), today),)
        if day
    ]
    doi = text_of(elements.get("doi", [])).strip()
    return Record(
        line=entry.line,
        raw=entry.raw,
        title=text_of(elements.get("title", [])),
        abstract=abstract,
        authors=_read_authors(elements),
        categories=tuple(text_of(elements.get("categories", [])).split()),
        ids=(
            (
                "arxiv",
                text_of(elements.get("id", [])).strip()
                or text_of(child(header, "identifier")).strip(),
            ),
            *((("doi", doi),) if doi else ()),
        ),
        version=None if latest is None else numbers[latest],
        submitted=dates[numbers.index(1)] if 1 in numbers else None,
        updated=parse_day(text_of(child(header, "datestamp")), today)
        or max([*change_days, *filter(None, dates)], default=None),
        comment=comment,
        journal_ref=text_of(elements.get("journal-ref", [])),
        withdrawn=is_withdrawn(comment, None)
        or (latest is not None and "I" in text_of(child(versions[latest], "source_type"))),
    )


def _read_authors(elements: Elements) -> tuple[str, ...]:
    """Read authors from elements with the parts of a name, or from one string."""
    authors = elements.get("authors")
    if not authors:
        return ()
    people = children(authors[0], "author")
    if not people:
        return split_names(text_of(authors), given_name_first=True)
    names = []
    for person in people:
        parts = {local_name(part.tag): text_of(part).strip() for part in person}
        names.append(" ".join(filter(None, map(parts.get, ("forenames", "keyname", "suffix")))))
    return tuple(filter(None, names))


def _read_dublin_core(entry: XmlEntry, header: Node, elements: Elements, today: date) -> Record:
    identifier = text_of(child(header, "identifier")).strip()
    is_arxiv = identifier.lower().startswith("oai:arxiv.org:")
    texts = [text_of(element) for element in elements.get("description", [])]
    # Only some servers mark the second text as a comment.
    comments = [text for text in texts if text.lstrip().startswith("Comment:")]
    descriptions = [text for text in texts if text not in comments]
    abstract = descriptions[0] if descriptions else ""
    comment = (
        comments[0].lstrip().removeprefix("Comment:").strip()
        if comments
        else descriptions[1]
        if is_arxiv and len(descriptions) > 1
        else ""
    )
    days = [
        day
        for element in elements.get("date", [])
        if (day := parse_day(text_of(element), today)) is not None
    ]
    links = [
        text for element in elements.get("identifier", []) if (text := text_of(element).strip())
    ]
    ids = [("arxiv", identifier)] if is_arxiv else [("id", identifier)] if identifier else []
    ids += [("url" if "://" in link else "id", link) for link in links]
    sets = (
        parse_set_categories(text_of(element) for element in children(header, "setSpec"))
        if is_arxiv
        else ()
    )
    return Record(
        line=entry.line,
        raw=entry.raw,
        title=text_of(elements.get("title", [])),
        abstract=abstract,
        authors=tuple(
            text for element in elements.get("creator", []) if (text := text_of(element).strip())
        ),
        categories=sets
        or tuple(
            text for element in elements.get("subject", []) if (text := text_of(element).strip())
        ),
        ids=tuple(ids),
        # The only date of an arXiv record may be that of any version.
        submitted=min(days) if len(days) > 1 or (days and not is_arxiv) else None,
        updated=parse_day(text_of(child(header, "datestamp")), today) or max(days, default=None),
        comment=comment,
        withdrawn=is_withdrawn(comment, None),
    )


def _parse_version(version: str) -> int | None:
    digits = version.strip().lstrip("vV")
    return int(digits) if digits.isascii() and digits.isdigit() and 0 < len(digits) < 5 else None


FORMAT = Oai()
