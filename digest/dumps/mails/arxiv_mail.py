r"""arXiv's listing mails as text: new papers, cross-lists and replacements of a day.

Described at https://info.arxiv.org/help/subscribe.html. An entry stands between `\\` and
`\\ ( link , size )`. Replacements are skipped: they are no new papers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain, pairwise
from typing import Final

from digest.dumps.fields import is_withdrawn, parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.mails.mime import is_message
from digest.dumps.names import split_names
from digest.dumps.services.arxiv_text import select_arxiv_categories
from digest.dumps.stream import ITEM_CAP, RAW_CAP, Row, Source, raw_text, reject_too_long
from digest.model import Record, Rejected, Skipped

_BACKSLASHES: Final = b"\\\\"
_CLOSING: Final = re.compile(rb"\\\\\s*\(")
_FIRST_LINE: Final = re.compile(
    rb"(?:arXiv|Paper)(?:\s?\(\*cross-listing\*\))?:\s?"
    rb"(?:arXiv:)?(?:[0-9]{4}\.[0-9]{4,5}|[a-z-]{2,20}(?:\.[A-Za-z-]{2,10})?/[0-9]{7})(?:v[0-9]+)?"
    rb"(?:\s?\(\*cross-listing\*\))?"
)
_NAMES: Final = (b"arXiv:", b"Paper:", b"Paper (*cross-listing*):")
_TITLE: Final = b"Title:"
_RULE: Final = re.compile(rb"-{20,}|(?:%{1,3}-{1,3}){5,}%{0,3}")
_END_OF_LIST: Final = b"%%%---%%%---"
_ID: Final = re.compile(r"(?:arXiv|Paper)[^:]{0,40}:\s*(\S{1,300})")
_LINK: Final = re.compile(r"arxiv\.org/abs/([^\s,)]{1,300})", re.IGNORECASE)
_REPLACED: Final = re.compile(r"\s*(?:replaced with revised version|(?:figures|part) added)", re.I)
_FIELD: Final = re.compile(r"([A-Za-z][A-Za-z-]{1,20})(?:\s\([^()]{1,40}\))?:(?:\s|$)")
_FIELD_NAMES: Final = frozenset(
    {
        "acm-class",
        "author",
        "authors",
        "categories",
        "comments",
        "date",
        "doi",
        "from",
        "journal-ref",
        "license",
        "msc-class",
        "proxy",
        "report-no",
        "subj-class",
        "title",
    }
)


class ArxivMail:
    """The format `arxiv-mail`.

    Fields: the number, `Date` (submitted), `Title`, `Authors`, `Categories`, `Comments`,
    `Journal-ref`, `DOI`, and the abstract.
    """

    name = "arxiv-mail"

    def sniff(self, head: Head) -> Confidence:
        rows = ((0, line, True) for line in head.data.split(b"\n"))
        return Confidence.YES if has_listing(rows) and not is_message(head) else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Skipped | Rejected]:
        yield from read_listing(source, source.lines())


def has_listing(rows: Iterable[Row]) -> bool:
    r"""Whether a line `\\` is followed by one that names a paper."""
    lines = ((data or b"").strip() for _, data, _ in rows)
    return any(
        before == _BACKSLASHES and line.startswith(_NAMES) for before, line in pairwise(lines)
    )


def read_listing(
    source: Source, rows: Iterable[Row], *, announced: date | None = None
) -> Iterator[Record | Skipped | Rejected]:
    """Read the entries in the lines of a listing.

    Args:
        source: Is marked as incomplete where the lines end within an entry.
        rows: The lines, as of `Source.lines`.
        announced: The day of the mail, which is that of its new papers.
    """
    entry = _CurrentEntry(source, announced)
    for number, data, _ in rows:
        yield from entry.feed(number, data)
    if entry.part in ("head", "abstract") and entry.has_text:
        source.mark_incomplete(f"the file ends within the entry on line {entry.number:,}")
        yield from entry.take(cut=True)
    else:
        yield from entry.take()


class _CurrentEntry:
    """The lines of the current entry.

    `part` is where it stands: "head", "abstract", "stray" (text that is no entry), "" outside.
    """

    def __init__(self, source: Source, announced: date | None) -> None:
        self.part = ""
        self.number = 0
        self.has_text = False
        self._source = source
        self._announced = announced
        self._in_list = False
        self._lines: list[bytes] = []
        self._size = 0
        #: the first line after the head
        self._head_end: int | None = None
        self._lost = False

    def feed(self, number: int, data: bytes | None) -> Iterator[Record | Skipped | Rejected]:
        """Add a line, and yield the entry that it ends."""
        line = b"" if data is None else data.strip()
        is_indented = data is not None and data[:1].isspace()
        part = self._find_beginning(line, is_indented)
        if part is not None:
            yield from self.take()
            self._begin(part, number)
        if self.part:
            self._add(data, line)
            if _CLOSING.match(line):
                yield from self.take()
        elif data is None:
            yield reject_too_long(number)

    def _find_beginning(self, line: bytes, is_indented: bool) -> str | None:
        """Find the part that a line begins: "" = it only ends one, None = it goes on."""
        if _RULE.fullmatch(line):
            self._in_list = self._in_list and not line.startswith(_END_OF_LIST)
            return ""
        if line == _BACKSLASHES:
            return None if self.part == "head" else "head"
        is_open = self.part == "head" and not self.has_text
        if _FIRST_LINE.fullmatch(line) and not is_indented and not is_open:
            return "head"
        if line.startswith(_TITLE) and self.part in ("", "stray"):
            return "head"
        return "stray" if line and self._in_list and not self.part else None

    def _begin(self, part: str, number: int) -> None:
        self.part, self.number, self.has_text = part, number, False
        self._lines, self._size, self._head_end, self._lost = [], 0, None, False
        self._in_list = self._in_list or bool(part)

    def _add(self, data: bytes | None, line: bytes) -> None:
        self._size += len(data or b"") + 1
        if self.part == "head" and self.has_text and line == _BACKSLASHES:
            self.part = "abstract"
        if data is None or self._lost or self._size > ITEM_CAP:
            self._lost, self._lines, self.has_text = True, [], True
            return
        if self.has_text and self._head_end is None and line.startswith(_BACKSLASHES):
            self._head_end = len(self._lines)
        self._lines.append(data)
        self.has_text = self.has_text or line not in (b"", _BACKSLASHES)

    def take(self, *, cut: bool = False) -> Iterator[Record | Skipped | Rejected]:
        """Yield what the lines are, if there are any, and end the entry."""
        part, self.part = self.part, ""
        if not part or not self.has_text:
            return
        if self._lost:
            yield reject_too_long(self.number)
            return
        data = b"\n".join(self._lines)
        text = self._source.decode(data)
        raw = raw_text(data) if text is None else text[:RAW_CAP]
        if text is None:
            reason = "not UTF-8"
        elif cut:
            reason = "cut off in the middle of the entry"
        elif part == "stray":
            reason = "text between the entries"
        else:
            yield self._build(text.split("\n"), raw)
            return
        yield Rejected(line=self.number, raw=raw, reason=reason)

    def _build(self, lines: list[str], raw: str) -> Record | Skipped | Rejected:
        head_end = len(lines) if self._head_end is None else self._head_end
        head, rest = lines[:head_end], lines[head_end:]
        if any(_REPLACED.match(line) for line in head):
            return Skipped(line=self.number, raw=raw, reason="replacement notice")
        fields = _read_fields(head)
        first = next((line for line in head if (line.strip(" \\"))), "")
        closing = rest[-1] if rest and _CLOSING.match(rest[-1].strip().encode()) else ""
        id = _ID.match(first.strip()) or _LINK.search(closing)
        if not fields.get("title"):
            return Rejected(line=self.number, raw=raw, reason="no title")
        abstract = "\n".join(rest[1 : len(rest) - bool(closing)]) if rest else ""
        comment = fields.get("comments", "")
        return Record(
            line=self.number,
            raw=raw,
            title=fields["title"],
            abstract=abstract,
            authors=split_names(fields.get("authors") or fields.get("author", "")),
            categories=select_arxiv_categories(fields.get("categories", "").split()),
            ids=tuple(
                chain(
                    (("arxiv", id[1]),) if id else (),
                    (("doi", doi) for doi in fields.get("doi", "").split()),
                )
            ),
            submitted=parse_day(fields.get("date"), self._source.today),
            announced=None if "(*cross-listing*)" in first else self._announced,
            comment=comment,
            journal_ref=fields.get("journal-ref", ""),
            withdrawn=is_withdrawn(comment, abstract),
        )


def _read_fields(lines: list[str]) -> dict[str, str]:
    """Read the fields of a head; a line that begins none continues the one before it."""
    fields: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lines:
        match = _FIELD.match(line)
        if match is not None and (name := match[1].lower()) in _FIELD_NAMES:
            current = fields.setdefault(name, [])
            line = line[match.end() :]
        current.append(line.strip())
    return {name: " ".join(filter(None, values)) for name, values in fields.items()}


FORMAT = ArxivMail()
