"""News feeds, RSS 0.9 to 2.0 and Atom: arXiv's daily ones (https://info.arxiv.org/help/rss.html)
and those of journals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from digest.dumps.arxiv_api import is_api_answer
from digest.dumps.arxiv_text import select_arxiv_categories, split_author_names
from digest.dumps.fields import is_withdrawn, parse_day, split_authors
from digest.dumps.formats import Confidence, Head
from digest.dumps.jats import strip_abstract_markup, strip_title_markup
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
from digest.model import Record, Rejected, Skipped

Fields = dict[str, list[Node]]

_ERROR: Final = "Feed error for query"
_REPLACED: Final = frozenset({"replace", "replace-cross", "absonly"})
_PREAMBLE: Final = re.compile(r"\s*(arXiv:\S+)\s+Announce Type:\s*([a-z-]+)", re.IGNORECASE)
#: arXiv's feeds until 2024 had it all in the title
_IN_TITLE: Final = re.compile(r"\(arXiv:(\S+)\s+\[([^\]]+)\](?:\s+(UPDATED|CROSS LISTED))?\)\s*$")
_PARAGRAPH: Final = re.compile(r"</?p>", re.IGNORECASE)
_LINKED: Final = re.compile(r"</?a(?:\s[^<>]*)?>", re.IGNORECASE)
_PUBLISHED: Final = re.compile(
    r"[^\n]{0,120}?Published online:[^\n;]{0,60};\s*(?:doi:\s*\S+)?", re.IGNORECASE
)
_MAILBOX: Final = re.compile(r"\S+@\S+\s*(?:\(([^()]*)\))?")


class Feeds:
    """`title`, `link`, description or summary, creators, categories, dates; of arXiv's feeds only
    new papers and cross-lists.
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
        failed = False
        for one in read_xml_entries(source, "item", "entry", also=("title",)):
            if isinstance(one, Rejected):
                yield one
            elif one.name == "title":
                said = " ".join(text_of(one.node).split())
                failed = said.startswith(_ERROR)
                if failed:
                    source.mark_incomplete(f"the server answered with an error: {said[:300]}")
            elif failed:
                yield Skipped(line=one.line, raw=one.raw, reason="the server's message of an error")
            else:
                yield _entry(one, source.today)


def _entry(piece: XmlEntry, today: date) -> Record | Skipped:
    told = piece.fields()
    title = _shown(told, "title")
    guid = (_shown(told, "guid") or _shown(told, "id")).strip()
    kind = _shown(told, "announce_type").strip().lower()
    text = _shown(told, "description") or _shown(told, "summary")
    paper = guid if guid.lower().startswith("oai:arxiv.org:") else ""
    terms = [
        (attribute(one, "term") or text_of(one)).strip()
        for name in ("category", "subject")
        for one in told.get(name, [])
    ]
    if (found := _PREAMBLE.match(text)) is not None:
        paper, kind = paper or found[1], kind or found[2].lower()
    if (found := _IN_TITLE.match(title, max(title.rfind("(arXiv:"), 0))) is not None:
        paper, title = paper or found[1], title[: found.start()].rstrip().removesuffix(".")
        kind = kind or ("replace" if found[3] == "UPDATED" else "")
        terms = terms or [found[2]]
    if kind in _REPLACED:
        return Skipped(line=piece.line, raw=piece.raw, reason="replacement notice")
    return (
        _from_arxiv(piece, told, title, paper, terms, today)
        if paper
        else _from_journal(piece, told, title, guid, terms, today)
    )


def _from_arxiv(
    piece: XmlEntry, told: Fields, title: str, paper: str, terms: list[str], today: date
) -> Record:
    # No more mark-up than that is ever meant: "$a<b$" is mathematics.
    abstract = _PARAGRAPH.sub("", _shown(told, "description") or _shown(told, "summary"))
    doi = _shown(told, "DOI") or _shown(told, "doi")
    names = [_LINKED.sub("", text_of(one)) for one in told.get("creator", [])] or [
        _name(one) for one in told.get("author", [])
    ]
    return Record(
        line=piece.line,
        raw=piece.raw,
        title=title,
        abstract=abstract,
        authors=tuple(name for one in names for name in split_author_names(one)),
        categories=select_arxiv_categories(terms),
        ids=(("arxiv", paper), *((("doi", doi),) if doi else ())),
        announced=_day(told, today, "pubDate", "published", "date", "updated"),
        withdrawn=is_withdrawn("", abstract.partition("Abstract:")[2] or abstract),
    )


def _from_journal(
    piece: XmlEntry, told: Fields, title: str, guid: str, terms: list[str], today: date
) -> Record:
    texts = [
        strip_abstract_markup(_shown(told, name))
        for name in ("description", "summary", "encoded", "content")
    ]
    abstract = max((_without_start(text) for text in texts), key=len)
    creators = [text_of(one) for one in told.get("creator", [])] or [
        _name(one) for one in told.get("author", [])
    ]
    link = _link(told)
    ids = [("doi", _shown(told, name)) for name in ("doi", "DOI")]
    ids += [("id", _shown(told, "identifier")), ("url", link), ("id", guid)]
    return Record(
        line=piece.line,
        raw=piece.raw,
        title=strip_title_markup(title),
        abstract=abstract,
        authors=tuple(filter(None, creators))
        if len(creators) > 1
        else split_authors(" ".join("".join(creators).split())),
        categories=tuple(filter(None, terms)),
        ids=tuple((kind, text.strip()) for kind, text in ids if text.strip()),
        announced=_day(told, today, "pubDate", "published", "date", "publicationDate"),
        updated=_day(told, today, "updated", "modified", "modificationDate"),
        url=link,
        withdrawn=is_withdrawn("", abstract),
    )


def _without_start(text: str) -> str:
    """A summary without the journal, day and DOI that some publishers begin it with."""
    text = text.lstrip()
    found = _PUBLISHED.match(text)
    return text[found.end() :] if found else text


def _shown(told: Fields, name: str) -> str:
    """The first text that is not blank under a name: other namespaces use the same ones, often
    empty.
    """
    return next(
        (text for one in told.get(name, []) if (text := serialise_content(one)).strip()), ""
    )


def _link(told: Fields) -> str:
    """The page of an entry: the text of RSS's `link`, or the `href` of Atom's that stands for the
    entry itself.
    """
    for one in told.get("link", []):
        link = text_of(one).strip() or (
            attribute(one, "href").strip() if attribute(one, "rel") in ("", "alternate") else ""
        )
        if link:
            return link
    return ""


def _name(author: Node) -> str:
    """Atom's `author/name`, or RSS's mailbox with the name in brackets."""
    text = (text_of(child(author, "name")) or (text_of(author) if not len(author) else "")).strip()
    mailbox = _MAILBOX.fullmatch(text) if "@" in text and len(text) < 500 else None
    return text if mailbox is None else mailbox[1] or ""


def _day(told: Fields, today: date, *names: str) -> date | None:
    return next(
        (
            day
            for name in names
            if (day := parse_day(_shown(told, name).strip(), today)) is not None
        ),
        None,
    )


FORMAT = Feeds()
