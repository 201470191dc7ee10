"""Answers of the API of bioRxiv and medRxiv, JSON: `collection` with the details of preprints, and
its variant with `rel_` names.

Described at https://api.biorxiv.org. One row per version of a preprint; whatever is missing is the
text "NA". Also read are rows that stand alone, as lines or in a list, and the API's list of
preprints with their journal versions (`preprint_` names).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any, Final

import msgspec

from digest.dumps.fields import day_of, is_withdrawn, split_authors
from digest.dumps.formats import Head, Sure
from digest.dumps.jats import LONGEST, plain_abstract, plain_title
from digest.dumps.json_text import Splitter, decode_each, decode_object, json_items, json_records
from digest.dumps.notices import title_says_withdrawn
from digest.dumps.stream import Row, Source, raw_text
from digest.model import Record, Rejected

_FINE: Final = re.compile(r"\s*(?:ok\b|success|no\s+\w+(?:\s+\w+)?\s+found)", re.IGNORECASE)
_ALONE: Final = (
    {"doi", "title", "jatsxml"},
    {"doi", "title", "author_corresponding"},
    {"doi", "title", "server", "version"},
)

#: tokens of the typesetter: pictures and tables go with what they hold, headings and items are
#: parted, the rest is only fonts
_FIGURE: Final = re.compile(
    r"O_(FIG|TBL|INLINEFIG)(?![A-Z]{2})(?:(?!O_\1).){0,5000}?C_\1(?![A-Z]{2})", re.DOTALL
)
_HEADING: Final = re.compile(r"O_ST_ABS(.{0,200}?)C_ST_ABS", re.DOTALL)
_ITEM: Final = re.compile(r"[OC]_(?:LI(?!NK)|TEXTBOX|DISPQUOTE)")
_TOKEN: Final = re.compile(r"[OC]_(?:SCPLOW|SCPCAP|UNDERL|MONO|ST_ABS|INLINEFIG|FIG|TBL)")
_NAMES: Final = (
    "Materials and Methods|Methods and Results|Significance Statement|Availability and "
    "Implementation|Supplementary Information|"
    "Trial Registration|Author Summary|Graphical "
    "Abstract|Abstract|Summary|Background|Introduction|Objectives?|Aims?|Purpose|Rationale|"
    "Motivation|Methodology|Methods?|Design|Setting|Participants|Results?|Findings|Conclusions?|Interpretation|Discussion|Significance|"
    "Importance|Funding|Availability"
)
#: headings that lost the space behind them, where a sentence or the text begins
_GLUED: Final = re.compile(
    rf"(^|(?<=[.!?)\]\n]))[ \t]*(?:({_NAMES})(?=[A-Z])|({_NAMES.upper()})(?=[A-Z][a-z ]))"
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
    """`doi`, `title`, `abstract`, `authors`, `date` (of this version), `version`, `type`,
    `category`, `published` (the journal's DOI).
    """

    name = "biorxiv"

    def sniff(self, head: Head) -> Sure:
        return (
            Sure.YES
            if head.is_json
            and (_is_answer(head) or any(map(_stands_alone, head.records)) or _is_cut_row(head))
            else Sure.NO
        )

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        rows = _collected(source) if _is_answer(Head(source.head())) else json_records(source)
        for row in decode_each(source, rows, _DECODER):
            yield row if isinstance(row, Rejected) else _record(*row, source.today)


def _collected(source: Source) -> Iterator[Row]:
    """The rows of all answers in the file.

    An answer's own message is no row; it is noted where it complains.
    """
    messages = 0
    for number, data, ended in json_items(source, "collection", "messages"):
        message = (
            decode_object(data) if data and b'doi"' not in data and b'"status"' in data else None
        )
        if message is None:
            yield number - messages, data, ended
            continue
        messages += 1
        status = message.get("status")
        if isinstance(status, str) and _FINE.match(status) is None:
            source.cut(f"the answer is an error: {' '.join(status.split())[:200]}")


def _record(number: int, data: bytes, row: _Row, today: date) -> Record:
    title = plain_title(_known(row.title or row.rel_title or row.preprint_title))
    abstract = _readable(_known(row.abstract or row.rel_abs or row.preprint_abstract))
    own = _known(row.doi or row.rel_doi or row.preprint_doi or row.biorxiv_doi)
    published = _known(row.published) or _known(row.published_doi)
    version = _number(row.version)
    day = day_of(row.date or row.rel_date or row.preprint_date, today)
    first = day if version in (None, 1) else None
    return Record(
        line=number,
        raw=raw_text(data),
        title=title,
        abstract=abstract,
        authors=_authors(row.authors or row.rel_authors or row.preprint_authors),
        categories=tuple(filter(None, (_known(row.category or row.preprint_category),))),
        ids=tuple(("doi", one) for one in (own, published) if one),
        version=version,
        submitted=first,
        announced=first,
        updated=day,
        url=_known(row.rel_link),
        withdrawn="withdraw" in (row.type or "").lower()
        or title_says_withdrawn(title)
        or is_withdrawn(None, abstract),
    )


def _known(value: object) -> str:
    """The text, "" for "NA" and for what is no text."""
    text = value.strip() if isinstance(value, str) else ""
    return "" if text.upper() in ("NA", "N/A", "NULL", "NONE") else text


def _authors(value: object) -> tuple[str, ...]:
    """ "Doe, J.; Roe, R." or [{"author_name": "Jane Doe", ...}]."""
    if isinstance(value, str):
        return split_authors(_known(value))
    names = (
        one.get("author_name") if isinstance(one, dict) else one
        for one in (value if isinstance(value, list) else ())
    )
    return tuple(name for one in names if (name := _known(one)))


def _number(version: str | int | None) -> int | None:
    if isinstance(version, int):
        return version if 0 < version < 10_000 else None
    digits = (version or "").strip().lstrip("vV")
    return (
        int(digits) or None if digits.isascii() and digits.isdigit() and len(digits) < 5 else None
    )


def _readable(abstract: str) -> str:
    """The abstract without the typesetter's tokens, its headings apart from the text again."""
    text = plain_abstract(abstract)[:LONGEST]
    if "O_" in text or "C_" in text:
        text = _FIGURE.sub(" ", text)
        text = _HEADING.sub(
            lambda found: f"\n\n{found[1].strip(' :.')}: " if found[1].strip(" :.") else "\n\n",
            text,
        )
        text = _TOKEN.sub("", _ITEM.sub("\n\n", text))
    return _GLUED.sub(lambda found: f"\n\n{found[2] or found[3]}: ", text).strip()


def _is_answer(head: Head) -> bool:
    """Whether rows stand in answers of the API."""
    if not head.is_json or not (b'"collection"' in head.data or b'"messages"' in head.data):
        return False
    if head.keys >= {"messages", "collection"}:
        return True
    for record in head.records:
        messages = record.get("messages")
        if (
            isinstance(messages, list)
            and messages
            and all(isinstance(one, dict) and "status" in one for one in messages)
        ):
            return True
    items = Splitter("collection").split(iter((head.data,)))
    return any(item and _stands_alone(decode_object(item) or {}) for _, item, _ in islice(items, 5))


def _stands_alone(record: dict[str, Any]) -> bool:
    keys = record.keys()
    return (
        keys >= {"rel_doi", "rel_title"}
        or keys >= {"preprint_title", "published_doi"}
        or any(keys >= wanted for wanted in _ALONE)
    )


def _is_cut_row(head: Head) -> bool:
    return not head.records and _stands_alone(dict.fromkeys(head.keys))


FORMAT = Biorxiv()
