"""EndNote XML: `<xml><records><record>`, each text within `<style>` elements.

Exported by EndNote, Zotero, Mendeley and JabRef. Described by EndNote's RSXML.dtd.
"""

from __future__ import annotations

import re
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
    read_xml_entries,
    text_of,
)
from digest.markup import shift_script
from digest.model import Record, Rejected

_OWN_TAGS: Final = frozenset({"ref-type", "contributors", "titles"})
_PUBMED: Final = frozenset({"pubmed", "medline", "nlm"})
_PMID: Final = re.compile(r"[0-9]{1,9}")
_PMCID: Final = re.compile(r"PMC[0-9]{1,9}", re.IGNORECASE)
#: elements that may hold an arXiv id
_OTHER_ID_FIELDS: Final = ("accession-num", "volume", "number", "pages", "label", "custom7")
_SCRIPTS: Final = {"superscript": "sup", "subscript": "sub"}


class EndNoteXml:
    """The format `endnote-xml`.

    Fields: `title`, `abstract`, `authors`, `electronic-resource-num` (DOI), `urls`,
    `accession-num` with `remote-database-name`, `custom2` (PMCID), `dates`.
    """

    name = "endnote-xml"

    def sniff(self, head: Head) -> Confidence:
        tags = head.tags
        is_ours = (
            bool(tags)
            and tags[0] in ("xml", "records", "record")
            and "record" in tags
            and not _OWN_TAGS.isdisjoint(tags)
        )
        return Confidence.YES if is_ours else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        for entry in read_xml_entries(source, "record"):
            yield entry if isinstance(entry, Rejected) else _build_record(entry, source.today)


def _build_record(entry: XmlEntry, today: date) -> Record | Rejected:
    node = entry.node
    titles, dates = child(node, "titles"), child(node, "dates")
    title = _text_of(child(titles, "title")).replace("\n", " ")
    if not title:
        return Rejected(line=entry.line, raw=entry.raw, reason="no title")
    people = child(node, "contributors")
    authors = children(child(people, "authors"), "author") or children(
        child(people, "secondary-authors"), "author"
    )
    links = [
        link
        for kind in ("related-urls", "web-urls", "pdf-urls", "text-urls")
        for group in children(child(node, "urls"), kind)
        for element in children(group, "url")
        for link in _text_of(element).split()
    ]
    return Record(
        line=entry.line,
        raw=entry.raw,
        title=title,
        abstract=_text_of(child(node, "abstract")),
        authors=tuple(filter(None, map(_text_of, authors))),
        ids=tuple(dict.fromkeys(_find_ids(node, links))),
        submitted=parse_day_in_year(
            _text_of(child(dates, "pub-dates", "date")), _text_of(child(dates, "year")), today
        ),
        url=next((link for link in links if link.startswith("http")), ""),
    )


def _find_ids(node: Node, links: list[str]) -> Iterator[tuple[str, str]]:
    number = _text_of(child(node, "electronic-resource-num"))
    if number:
        yield "doi", number
    for link in links:
        yield "url", strip_version(link)
    databases = {
        _text_of(child(node, name)).lower()
        for name in ("remote-database-name", "remote-database-provider")
    }
    accession = _text_of(child(node, "accession-num"))
    if databases & _PUBMED and _PMID.fullmatch(accession):
        yield "pmid", accession
    if _PMCID.fullmatch(custom := _text_of(child(node, "custom2"))):
        yield "pmcid", custom
    notes = _text_of(child(node, "notes"))
    journals = [
        _text_of(child(node, *path))
        for path in (("titles", "secondary-title"), ("periodical", "full-title"))
    ]
    others = [_text_of(child(node, name)) for name in _OTHER_ID_FIELDS]
    yield from find_arxiv_ids(number, *journals, *others)
    yield from find_noted_ids(notes)


def _text_of(node: Node) -> str:
    """Join all text below an element, with raised and lowered characters, and its line ends."""
    if node is None:
        return ""
    for style in children(node, "style"):
        script = _SCRIPTS.get(attribute(style, "face"))
        if script and style.text:
            style.text = shift_script(script, style.text)
    return text_of(node).replace("\r", "\n").strip()


FORMAT = EndNoteXml()
