"""Listing pages of arXiv saved by a browser: https://arxiv.org/list/cs.LG/new, recent, pastweek.

The pages `new` have abstracts, the others do not. Replacements are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from digest.dumps.fields import is_withdrawn, parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.mails.html_text import find_by_class, parse_html, words_of
from digest.dumps.names import split_names
from digest.dumps.services.arxiv_text import select_arxiv_categories
from digest.dumps.stream import (
    ITEM_CAP,
    Source,
    raw_text,
    reject_too_long,
)
from digest.dumps.xml_text import Node
from digest.model import Record, Rejected, Skipped

#: a heading, a paper's number, or the end of a list
_MARK: Final = re.compile(rb"<(?:(?P<entry>dt)|(?P<heading>h3)|/dl|/body)(?=[\s>])", re.IGNORECASE)
#: bytes of the longest mark, which may be cut by the end of a chunk
_MARK_SIZE: Final = 8
_TITLE_CLASS: Final = b"list-title"
_ID: Final = re.compile(r"/abs/([^?#\s\"']{1,300})")
_DAY: Final = re.compile(r"[0-9]{1,2} [A-Za-z]{3,9} [0-9]{4}")
_CATEGORY: Final = re.compile(r"\(([a-z-]{2,20}(?:\.[A-Za-z-]{2,10})?)\)")
_DESCRIPTOR: Final = re.compile(r"^\s*(?:Title|Authors?|Comments|Journal-ref|Subjects):\s*", re.I)


class ArxivPage:
    """The format `arxiv-page`.

    Fields: number, title, authors, comments, journal reference, subjects, the abstract, and the
    day in the heading (announced), but for cross-lists.
    """

    name = "arxiv-page"

    def sniff(self, head: Head) -> Confidence:
        is_ours = (
            head.data.lstrip()[:1] == b"<"
            and _TITLE_CLASS in head.data
            and b"/abs/" in head.data
            and any(mark["entry"] for mark in _MARK.finditer(head.data))
        )
        return Confidence.YES if is_ours else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Skipped | Rejected]:
        day: date | None = None
        for number, kind, data, is_cut in _split(source):
            if kind == "heading":
                heading = source.decode((data or b"")[:2000]) or ""
                if (match := _DAY.search(heading)) is not None:
                    day = parse_day(match[0], source.today)
            if data is None:
                yield reject_too_long(number)
            elif kind == "entry" and is_cut:
                source.mark_incomplete("the page ends within its list of papers")
                reason = "cut off in the middle of the entry"
                yield Rejected(line=number, raw=raw_text(data), reason=reason)
            elif kind == "entry":
                yield _read_entry(source, number, data, day)
            elif _TITLE_CLASS in data:
                reason = "no number of a paper stands before this title"
                yield Rejected(line=number, raw=raw_text(data), reason=reason)


def _split(source: Source) -> Iterator[tuple[int, str, bytes | None, bool]]:
    """Yield the line, the kind and the bytes of each piece of a page, and whether it is cut off.

    A piece begins with its mark: "entry", "heading", or "" for anything else. Its bytes are None if
    there were too many.
    """
    number, kind = 1, ""
    parts = bytearray()
    line_ends, is_too_long = 0, False
    rest = b""
    for chunk in source.chunks():
        data = rest + chunk
        start = 0
        for match in _MARK.finditer(data):
            parts += data[start : match.start()]
            line_ends += data.count(b"\n", start, match.start())
            is_too_long = is_too_long or len(parts) > ITEM_CAP
            yield number, kind, None if is_too_long else bytes(parts), False
            number, line_ends, is_too_long = number + line_ends, 0, False
            kind = match.lastgroup or ""
            parts.clear()
            parts += match[0]
            start = match.end()
        end = max(len(data) - _MARK_SIZE, start)
        parts += data[start:end]
        line_ends += data.count(b"\n", start, end)
        rest = data[end:]
        if len(parts) > ITEM_CAP:
            is_too_long = True
            parts.clear()
    parts += rest
    if parts or is_too_long:
        yield number, kind, None if is_too_long else bytes(parts), b"</dd>" not in parts


def _read_entry(
    source: Source, number: int, data: bytes, day: date | None
) -> Record | Skipped | Rejected:
    text = source.decode(data)
    if text is None:
        return Rejected(line=number, raw=raw_text(data), reason="not UTF-8")
    raw = raw_text(text.encode())
    if _TITLE_CLASS not in data:
        return Rejected(line=number, raw=raw, reason="no title")
    root, problem = parse_html(text)
    if problem:
        return Rejected(line=number, raw=raw, reason=problem)
    about = words_of(next(root.iter("dt"), None))
    if "replaced" in about:
        return Skipped(line=number, raw=raw, reason="replacement notice")
    link = next((match for node in root.iter("a") if (match := _ID.search(_href(node)))), None)
    title = _text_of_class(root, "list-title")
    if not title:
        return Rejected(line=number, raw=raw, reason="no title")
    comment = _text_of_class(root, "list-comments")
    abstract = words_of(next(root.iter("p"), None))
    subjects = _text_of_class(root, "list-subjects")
    return Record(
        line=number,
        raw=raw,
        title=title,
        abstract=abstract,
        authors=_read_authors(root),
        categories=select_arxiv_categories(_CATEGORY.findall(subjects)),
        ids=(("arxiv", link[1]),) if link else (),
        announced=None if "cross-list" in about else day,
        comment=comment,
        journal_ref=_text_of_class(root, "list-journal-ref"),
        withdrawn=is_withdrawn(comment, abstract),
    )


def _href(node: Node) -> str:
    return (node.get("href") or "")[:1000]


def _text_of_class(root: Node, name: str) -> str:
    return _DESCRIPTOR.sub("", words_of(find_by_class(root, name)))


def _read_authors(root: Node) -> tuple[str, ...]:
    authors = find_by_class(root, "list-authors")
    if authors is None:
        return ()
    names = tuple(filter(None, map(words_of, authors.iter("a"))))
    return names or split_names(_DESCRIPTOR.sub("", words_of(authors)))


FORMAT = ArxivPage()
