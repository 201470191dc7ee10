"""News feeds, RSS 0.9 to 2.0 and Atom: arXiv's daily feeds and those of journals.

arXiv's feeds are described at https://info.arxiv.org/help/rss.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from digest.dumps.feed_layouts import read_summary, strip_pictures, strip_title_layout
from digest.dumps.fields import is_withdrawn, parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.names import split_names
from digest.dumps.services.arxiv_api import is_api_answer
from digest.dumps.services.arxiv_text import select_arxiv_categories
from digest.dumps.stream import Source
from digest.dumps.xml_text import (
    Node,
    XmlEntry,
    attribute,
    child,
    read_xml_entries,
    serialise_content,
    text_of,
)
from digest.markup import strip_abstract_markup, strip_title_markup
from digest.model import Record, Rejected, Skipped

Elements = dict[str, list[Node]]

_ERROR_TITLE: Final = "Feed error for query"
_REPLACEMENT_KINDS: Final = frozenset({"replace", "replace-cross", "absonly"})
_PREAMBLE: Final = re.compile(r"\s*(arXiv:\S+)\s+Announce Type:\s*([a-z-]+)", re.IGNORECASE)
#: until 2024, the titles in arXiv's feeds ended with id and category
_ARXIV_TITLE_END: Final = re.compile(
    r"\(arXiv:(\S+)\s+\[([^\]]+)\](?:\s+(UPDATED|CROSS LISTED))?\)\s*$"
)
_PARAGRAPH_TAG: Final = re.compile(r"</?p>", re.IGNORECASE)
_LINK_TAG: Final = re.compile(r"</?a(?:\s[^<>]*)?>", re.IGNORECASE)
_MAILBOX: Final = re.compile(r"\S+@\S+\s*(?:\(([^()]*)\))?")


class Feeds:
    """The format `feed`.

    Fields: `title`, `link`, description or summary, creators, categories, dates. Of arXiv's feeds
    only new papers and cross-lists count.
    """

    name = "feed"

    def sniff(self, head: Head) -> Confidence:
        tags = head.tags
        if not tags or is_api_answer(head):
            return Confidence.NO
        is_feed = tags[0] in ("rss", "feed") or (
            tags[0] == "RDF" and not {"channel", "item"}.isdisjoint(tags)
        )
        is_bare = (
            tags[0] in ("item", "entry")
            and "title" in tags
            and not {"link", "guid", "id"}.isdisjoint(tags)
        )
        return Confidence.YES if is_feed or is_bare else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Skipped | Rejected]:
        is_error = False
        for entry in read_xml_entries(source, "item", "entry", also=("title",)):
            if isinstance(entry, Rejected):
                yield entry
            elif entry.name == "title":
                message = " ".join(text_of(entry.node).split())
                is_error = message.startswith(_ERROR_TITLE)
                if is_error:
                    source.mark_incomplete(f"the server answered with an error: {message[:300]}")
            elif is_error:
                yield Skipped(
                    line=entry.line, raw=entry.raw, reason="the server's message of an error"
                )
            else:
                yield _read_entry(entry, source.today)


def _read_entry(entry: XmlEntry, today: date) -> Record | Skipped:
    elements = entry.fields()
    title = _first_text(elements, "title")
    guid = (_first_text(elements, "guid") or _first_text(elements, "id")).strip()
    kind = _first_text(elements, "announce_type").strip().lower()
    text = _first_text(elements, "description") or _first_text(elements, "summary")
    arxiv_id = guid if guid.lower().startswith("oai:arxiv.org:") else ""
    terms = [
        (attribute(element, "term") or text_of(element)).strip()
        for name in ("category", "subject")
        for element in elements.get(name, [])
    ]
    if (match := _PREAMBLE.match(text)) is not None:
        arxiv_id, kind = arxiv_id or match[1], kind or match[2].lower()
    if (match := _ARXIV_TITLE_END.match(title, max(title.rfind("(arXiv:"), 0))) is not None:
        arxiv_id, title = arxiv_id or match[1], title[: match.start()].rstrip().removesuffix(".")
        kind = kind or ("replace" if match[3] == "UPDATED" else "")
        terms = terms or [match[2]]
    if kind in _REPLACEMENT_KINDS:
        return Skipped(line=entry.line, raw=entry.raw, reason="replacement notice")
    return (
        _build_arxiv_record(entry, elements, title, arxiv_id, terms, today)
        if arxiv_id
        else _build_journal_record(entry, elements, title, guid, terms, today)
    )


def _build_arxiv_record(
    entry: XmlEntry, elements: Elements, title: str, arxiv_id: str, terms: list[str], today: date
) -> Record:
    # Only paragraphs are markup here: "$a<b$" is mathematics.
    abstract = _PARAGRAPH_TAG.sub(
        "", _first_text(elements, "description") or _first_text(elements, "summary")
    )
    doi = _first_text(elements, "DOI") or _first_text(elements, "doi")
    names = [_LINK_TAG.sub("", text_of(element)) for element in elements.get("creator", [])] or [
        _read_author_name(element) for element in elements.get("author", [])
    ]
    return Record(
        line=entry.line,
        raw=entry.raw,
        title=title,
        abstract=abstract,
        authors=tuple(name for text in names for name in split_names(text, given_name_first=True)),
        categories=select_arxiv_categories(terms),
        ids=(("arxiv", arxiv_id), *((("doi", doi),) if doi else ())),
        announced=_find_day(elements, today, "pubDate", "published", "date", "updated"),
        journal_ref=_first_text(elements, "journal_reference"),
        withdrawn=is_withdrawn("", abstract.partition("Abstract:")[2] or abstract),
    )


def _build_journal_record(
    entry: XmlEntry, elements: Elements, title: str, guid: str, terms: list[str], today: date
) -> Record:
    title = strip_title_layout(strip_title_markup(title))
    summaries = [
        read_summary(strip_abstract_markup(strip_pictures(_first_text(elements, name))), title)
        for name in ("description", "summary", "encoded", "content")
    ]
    abstract = max((summary.abstract for summary in summaries), key=len)
    creators = [text_of(element) for element in elements.get("creator", [])] or [
        _read_author_name(element) for element in elements.get("author", [])
    ]
    creators = [name for name in creators if name.strip()]
    authors = tuple(creators) if len(creators) > 1 else split_names("".join(creators))
    link = _find_link(elements)
    ids = [("doi", _first_text(elements, name)) for name in ("doi", "DOI")]
    ids += [("id", _first_text(elements, "identifier")), ("url", link), ("id", guid)]
    ids += [("doi", summary.doi) for summary in summaries]
    return Record(
        line=entry.line,
        raw=entry.raw,
        title=title,
        abstract=abstract,
        authors=authors or next((summary.authors for summary in summaries if summary.authors), ()),
        categories=tuple(filter(None, terms)),
        ids=tuple((kind, text.strip()) for kind, text in ids if text.strip()),
        announced=_find_day(elements, today, "pubDate", "published", "date", "publicationDate"),
        updated=_find_day(elements, today, "updated", "modified", "modificationDate"),
        url=link,
    )


def _first_text(elements: Elements, name: str) -> str:
    """Return the first text under a name that is not blank.

    Other namespaces use the same names, often with an empty text.
    """
    return next(
        (
            text
            for element in elements.get(name, [])
            if (text := serialise_content(element)).strip()
        ),
        "",
    )


def _find_link(elements: Elements) -> str:
    """Find the URL of an entry's page; "" if there is none.

    It is RSS's `link`, or the `href` of Atom's main `link`.
    """
    for element in elements.get("link", []):
        link = text_of(element).strip() or (
            attribute(element, "href").strip()
            if attribute(element, "rel") in ("", "alternate")
            else ""
        )
        if link:
            return link
    return ""


def _read_author_name(author: Node) -> str:
    """Read Atom's `author/name`, or the name in brackets after RSS's mailbox."""
    text = (text_of(child(author, "name")) or (text_of(author) if not len(author) else "")).strip()
    mailbox = _MAILBOX.fullmatch(text) if "@" in text and len(text) < 500 else None
    return text if mailbox is None else mailbox[1] or ""


def _find_day(elements: Elements, today: date, *names: str) -> date | None:
    return next(
        (
            day
            for name in names
            if (day := parse_day(_first_text(elements, name).strip(), today)) is not None
        ),
        None,
    )


FORMAT = Feeds()
