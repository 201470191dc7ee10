"""Zotero libraries as RDF: File > Export > "Zotero RDF".

Items lie side by side with what they refer to: journals (which hold the DOI of their only article),
attachments, notes and collections. Such a file is read twice, since a journal may follow its
article: first what is referred to, then the items.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Final

from digest.dumps.formats import Confidence, Head
from digest.dumps.references import (
    find_arxiv_ids,
    find_noted_ids,
    parse_day_in_year,
    strip_version,
)
from digest.dumps.stream import Source
from digest.dumps.xml_text import (
    Node,
    XmlEntry,
    attribute,
    child,
    children,
    local_name,
    read_xml_entries,
    text_of,
)
from digest.model import Record, Rejected, Skipped

_ITEMS: Final = (
    *["Article", "Book", "BookSection", "ConferenceProceedings", "Data", "Description"],
    *["Document", "Illustration", "Image", "Interview", "Legislation", "Letter", "Manuscript"],
    *["MotionPicture", "Patent", "Recording", "Report", "Software", "Thesis"],
    *["Attachment", "Memo"],
)
_CONTAINERS: Final = ("Journal", "Periodical", "Newspaper", "Series", "CourtReporter")
_NON_PAPER_TYPES: Final = {"attachment": "attachment", "note": "note", "annotation": "annotation"}
#: journals of which the DOI is kept
_CONTAINER_LIMIT: Final = 500_000
#: characters of a name or DOI that are kept
_TEXT_CAP: Final = 1000


class ZoteroRdf:
    """The format `zotero-rdf`.

    Fields: `dc:title`, `dcterms:abstract`, `bib:authors`, `dc:identifier` of the item and of what
    it is part of, `dc:date`, identifiers in `dc:description`.

    Attachments and notes are Skipped; journals and collections are no entries.
    """

    name = "zotero-rdf"

    def sniff(self, head: Head) -> Confidence:
        tags = head.tags
        is_ours = tags[:1] == ("RDF",) and "itemType" in tags
        return Confidence.YES if is_ours else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Skipped | Rejected]:
        dois = _find_container_dois(source)
        for entry in read_xml_entries(source, *_ITEMS, *_CONTAINERS):
            if isinstance(entry, Rejected):
                yield entry
            elif entry.name not in _CONTAINERS:
                yield _read_entry(entry, dois, source.today)


def _find_container_dois(source: Source) -> dict[str, str]:
    """Find the DOI in each journal to which one item alone refers: address -> DOI."""
    probe = Source(source.path, name=source.name, today=source.today, member=source.member)
    dois: dict[str, str] = {}
    references = Counter[str]()
    for entry in read_xml_entries(probe, *_ITEMS, *_CONTAINERS):
        if isinstance(entry, Rejected) or max(len(dois), len(references)) > _CONTAINER_LIMIT:
            continue
        if entry.name in _CONTAINERS:
            address = attribute(entry.node, "about")[:_TEXT_CAP]
            for kind, value in _read_identifiers(entry.node):
                if kind == "doi" and address:
                    dois.setdefault(address, value[:_TEXT_CAP])
        else:
            references.update(_find_references(entry.node))
    return {address: doi for address, doi in dois.items() if references[address] == 1}


def _find_references(node: Node) -> list[str]:
    """Find the addresses of what an item is part of."""
    return [
        address
        for part in children(node, "isPartOf")
        if (address := attribute(part, "resource")[:_TEXT_CAP])
    ]


def _read_entry(entry: XmlEntry, dois: dict[str, str], today: date) -> Record | Skipped | Rejected:
    node = entry.node
    kind = text_of(child(node, "itemType")).strip()
    reason = "note" if entry.name == "Memo" else _NON_PAPER_TYPES.get(kind)
    if reason is not None or entry.name == "Attachment":
        return Skipped(line=entry.line, raw=entry.raw, reason=reason or "attachment")
    if not kind:
        return Rejected(line=entry.line, raw=entry.raw, reason="no z:itemType")
    title = text_of(child(node, "title")).strip()
    if not title:
        return Rejected(line=entry.line, raw=entry.raw, reason="no title")
    ids = tuple(dict.fromkeys(_find_ids(node, dois)))
    return Record(
        line=entry.line,
        raw=entry.raw,
        title=title,
        abstract=text_of(child(node, "abstract")),
        authors=_read_authors(node),
        ids=ids,
        submitted=parse_day_in_year(text_of(child(node, "date")), "", today),
        url=next((value for kind, value in _read_identifiers(node) if kind == "url"), ""),
    )


def _read_identifiers(node: Node) -> Iterator[tuple[str, str]]:
    """Read "DOI 10...", links, and other identifiers as "other"."""
    for element in children(node, "identifier"):
        text = text_of(element).strip()
        if len(element):
            yield "url", text
        elif text.upper().startswith("DOI "):
            yield "doi", text[4:].strip()
        elif text:
            yield "other", text


def _find_ids(node: Node, dois: dict[str, str]) -> Iterator[tuple[str, str]]:
    parts = [element for part in children(node, "isPartOf") for element in part]
    parts += [inner for part in parts for place in children(part, "isPartOf") for inner in place]
    others = [text_of(child(node, name)) for name in ("archiveID", "archiveLocation", "number")]
    for holder in (node, *parts):
        for kind, value in _read_identifiers(holder):
            if kind == "doi":
                yield kind, value
            elif kind == "url" and holder is node:
                yield kind, strip_version(value)
            elif kind == "other":
                others.append(value)
        others.append(text_of(child(holder, "title")) if holder is not node else "")
    for address in _find_references(node):
        if address in dois:
            yield "doi", dois[address]
    yield from find_arxiv_ids(*others)
    yield from find_noted_ids(text_of(child(node, "description")))


def _read_authors(node: Node) -> tuple[str, ...]:
    """Read the authors; all creators if none is an author (an edited book, a talk)."""
    lists = [element for element in node if len(_list_places(element))]
    authors = [element for element in lists if local_name(element.tag) == "authors"] or lists
    names = []
    for people in authors:
        for person in (person for place in _list_places(people) for person in place):
            texts = {local_name(part.tag).lower(): text_of(part).strip() for part in person}
            names.append(
                ", ".join(filter(None, (texts.get("surname"), texts.get("givenname"))))
                or texts.get("name", "")
            )
    return tuple(filter(None, names))


def _list_places(element: Node) -> list[Node]:
    """Return the places of the sequence within an element."""
    return children(child(element, "Seq"), "li")


FORMAT = ZoteroRdf()
