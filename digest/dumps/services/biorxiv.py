"""Answers of the API of bioRxiv and medRxiv, JSON: preprints in a `collection`.

Described at https://api.biorxiv.org. One row per version of a preprint; a missing value is the text
"NA". Also read are the variant with `rel_` names, rows on their own (as lines or in a list), and
the API's list of preprints with their journal versions (`preprint_` names).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any, Final

import msgspec

from digest.dumps.fields import parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.json_split import Splitter
from digest.dumps.json_text import (
    decode_object,
    decode_rows,
    read_json_items,
    read_json_records,
)
from digest.dumps.names import split_names
from digest.dumps.stream import Row, Source, raw_text
from digest.markup import TEXT_CAP, strip_abstract_markup
from digest.model import Record, Rejected

_NO_ERROR: Final = re.compile(r"\s*(?:ok\b|success|no\s+\w+(?:\s+\w+)?\s+found)", re.IGNORECASE)
_ROW_KEYS: Final = (
    {"doi", "title", "jatsxml"},
    {"doi", "title", "author_corresponding"},
    {"doi", "title", "server", "version"},
)

# Markers of the typesetting system. Figures and tables are removed with their content, headings and
# list items become paragraphs, and the rest are fonts.
_FIGURE: Final = re.compile(
    r"O_(FIG|TBL|INLINEFIG)(?![A-Z]{2})(?:(?!O_\1).){0,5000}?C_\1(?![A-Z]{2})", re.DOTALL
)
_HEADING: Final = re.compile(r"O_ST_ABS(.{0,200}?)C_ST_ABS", re.DOTALL)
_ITEM: Final = re.compile(r"[OC]_(?:LI(?!NK)|TEXTBOX|DISPQUOTE)")
_TOKEN: Final = re.compile(r"[OC]_(?:SCPLOW|SCPCAP|UNDERL|MONO|ST_ABS|INLINEFIG|FIG|TBL)")
_HEADINGS: Final = (
    "Materials and Methods|Methods and Results|Significance Statement|Availability and "
    "Implementation|Supplementary Information|"
    "Trial Registration|Author Summary|Graphical "
    "Abstract|Abstract|Summary|Background|Introduction|Objectives?|Aims?|Purpose|Rationale|"
    "Motivation|Methodology|Methods?|Design|Setting|Participants|Results?|Findings|Conclusions?|"
    "Interpretation|Discussion|Significance|"
    "Importance|Funding|Availability"
)
#: headings without a space behind them, at the beginning of a sentence or of the text
_GLUED: Final = re.compile(
    rf"(^|(?<=[.!?)\]\n]))[ \t]*(?:({_HEADINGS})(?=[A-Z])|({_HEADINGS.upper()})(?=[A-Z][a-z ]))"
)


class _Row(msgspec.Struct):
    doi: str | None = None
    title: str | None = None
    abstract: str | None = None
    authors: Any = None
    date: str | None = None
    version: str | int | None = None
    type: str | None = None
    category: str | None = None
    published: Any = None
    rel_doi: str | None = None
    rel_title: str | None = None
    rel_abs: str | None = None
    rel_authors: Any = None
    rel_date: str | None = None
    rel_link: str | None = None
    biorxiv_doi: str | None = None
    preprint_doi: str | None = None
    preprint_title: str | None = None
    preprint_abstract: str | None = None
    preprint_authors: Any = None
    preprint_category: str | None = None
    preprint_date: str | None = None
    published_doi: Any = None


_DECODER: Final = msgspec.json.Decoder(_Row)


class Biorxiv:
    """The format `biorxiv`.

    Fields: `doi`, `title`, `abstract`, `authors`, `date` (of this version), `version`, `type`,
    `category`, `published` (the journal's DOI).
    """

    name = "biorxiv"

    def sniff(self, head: Head) -> Confidence:
        return (
            Confidence.YES
            if head.is_json
            and (_is_answer(head) or any(map(_is_row, head.records)) or _is_cut_off_row(head))
            else Confidence.NO
        )

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        rows = (
            _read_collections(source)
            if _is_answer(Head(source.head()))
            else read_json_records(source)
        )
        for row in decode_rows(source, rows, _DECODER):
            yield row if isinstance(row, Rejected) else _build_record(*row, source.today)


def _read_collections(source: Source) -> Iterator[Row]:
    """Read the rows of all answers in the file.

    The message of an answer is not a row. If it is an error, it marks the file as incomplete.
    """
    messages = 0
    for number, data, ended in read_json_items(source, "collection", "messages"):
        message = (
            decode_object(data) if data and b'doi"' not in data and b'"status"' in data else None
        )
        if message is None:
            yield number - messages, data, ended
            continue
        messages += 1
        status = message.get("status")
        if isinstance(status, str) and _NO_ERROR.match(status) is None:
            source.mark_incomplete(f"the answer is an error: {' '.join(status.split())[:200]}")


def _build_record(number: int, data: bytes, row: _Row, today: date) -> Record:
    abstract = _clean_abstract(_known_text(row.abstract or row.rel_abs or row.preprint_abstract))
    own_doi = _known_text(row.doi or row.rel_doi or row.preprint_doi or row.biorxiv_doi)
    published = _known_text(row.published) or _known_text(row.published_doi)
    version = _parse_version(row.version)
    day = parse_day(row.date or row.rel_date or row.preprint_date, today)
    first_day = day if version in (None, 1) else None
    return Record(
        line=number,
        raw=raw_text(data),
        title=_known_text(row.title or row.rel_title or row.preprint_title),
        abstract=abstract,
        authors=_read_authors(row.authors or row.rel_authors or row.preprint_authors),
        categories=tuple(filter(None, (_known_text(row.category or row.preprint_category),))),
        ids=tuple(("doi", doi) for doi in (own_doi, published) if doi),
        version=version,
        submitted=first_day,
        announced=first_day,
        updated=day,
        url=_known_text(row.rel_link),
        withdrawn="withdraw" in (row.type or "").lower(),
    )


def _known_text(value: object) -> str:
    """Return a stripped text; "" for "NA" and for other types."""
    text = value.strip() if isinstance(value, str) else ""
    return "" if text.upper() in ("NA", "N/A", "NULL", "NONE") else text


def _read_authors(value: object) -> tuple[str, ...]:
    """Read authors from "Doe, J.; Roe, R." or [{"author_name": "Jane Doe", ...}]."""
    if isinstance(value, str):
        return split_names(_known_text(value))
    names = (
        author.get("author_name") if isinstance(author, dict) else author
        for author in (value if isinstance(value, list) else ())
    )
    return tuple(text for name in names if (text := _known_text(name)))


def _parse_version(version: str | int | None) -> int | None:
    if isinstance(version, int):
        return version if 0 < version < 10_000 else None
    digits = (version or "").strip().lstrip("vV")
    return (
        int(digits) or None if digits.isascii() and digits.isdigit() and len(digits) < 5 else None
    )


def _clean_abstract(abstract: str) -> str:
    """Remove the typesetting markers from an abstract and separate its headings."""
    text = strip_abstract_markup(abstract)[:TEXT_CAP]
    if "O_" in text or "C_" in text:
        text = _FIGURE.sub(" ", text)
        text = _HEADING.sub(
            lambda match: f"\n\n{match[1].strip(' :.')}: " if match[1].strip(" :.") else "\n\n",
            text,
        )
        text = _TOKEN.sub("", _ITEM.sub("\n\n", text))
    return _GLUED.sub(lambda match: f"\n\n{match[2] or match[3]}: ", text).strip()


def _is_answer(head: Head) -> bool:
    """Whether the file holds answers of the API."""
    if not head.is_json or not (b'"collection"' in head.data or b'"messages"' in head.data):
        return False
    if head.keys >= {"messages", "collection"}:
        return True
    for record in head.records:
        messages = record.get("messages")
        if (
            isinstance(messages, list)
            and messages
            and all(isinstance(message, dict) and "status" in message for message in messages)
        ):
            return True
    items = Splitter("collection").split(iter((head.data,)))
    return any(item and _is_row(decode_object(item) or {}) for _, item, _ in islice(items, 5))


def _is_row(record: dict[str, Any]) -> bool:
    keys = record.keys()
    return (
        keys >= {"rel_doi", "rel_title"}
        or keys >= {"preprint_title", "published_doi"}
        or any(keys >= required for required in _ROW_KEYS)
    )


def _is_cut_off_row(head: Head) -> bool:
    return not head.records and _is_row(dict.fromkeys(head.keys))


FORMAT = Biorxiv()
