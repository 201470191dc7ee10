"""Works of Crossref, JSON: answers of its API (one work, or pages of `items`), the public data
file, JSON lines.

Described at https://api.crossref.org/swagger-ui and https://github.com/CrossRef/rest-api-doc. A
work has no version; its dates may lack day and month. Reads what a work says of others only where
that is a retraction or another form of the same paper.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Any, Final, Literal

import msgspec

from digest.dumps.fields import day_of, is_withdrawn, make_day
from digest.dumps.formats import Head, Sure
from digest.dumps.jats import plain_abstract, plain_title
from digest.dumps.json_text import Splitter, decode_each, decode_object, json_items, json_records
from digest.dumps.notices import takes_back, title_says_withdrawn
from digest.dumps.references import unversioned
from digest.dumps.stream import Source, raw_text
from digest.model import Record, Rejected, Removal, Skipped

#: types of things that are no papers; whatever else has a title is one
NO_PAPERS: Final = re.compile(
    "component|peer-review|journal(?:-issue|-volume)?|proceedings(?:-series)?|book-se(?:ries|t)|report-(?:series|component)|"
    "standard-series|grant|database|dataset"
)
#: kinds of updates that are notices and bring no text of their own
NOTICES: Final = re.compile(
    "correction|corrigendum|erratum|addendum|clarification|(?:(?:interim[_-])?expression[_-]of[_-])?concern|partial[_-]retraction"
)
#: keys that nobody else's works have
_MARKS: Final = frozenset(
    {"indexed", "deposited", "member", "prefix", "reference-count", "is-referenced-by-count"}
)
_TITLE_LIST: Final = re.compile(rb'"title"\s*:\s*\[')
#: relations to another form of the same paper
_SAME: Final = ("is-preprint-of", "has-preprint", "is-identical-to")
#: kind of identifier there -> here; `id` is whatever it looks like, and is not refused where it
#: looks like nothing
_KINDS: Final = {"doi": "doi", "arxiv": "id", "uri": "url", "pmid": "pmid", "pmcid": "pmcid"}

Shape = Literal["items", "records"]


class _Author(msgspec.Struct, gc=False):
    given: str | None = None
    family: str | None = None
    name: str | None = None
    suffix: str | None = None


class _Work(
    msgspec.Struct,
    rename={
        "doi": "DOI",
        "url": "URL",
        "update_to": "update-to",
        "updated_by": "updated-by",
        "published_online": "published-online",
        "published_print": "published-print",
        "group_title": "group-title",
    },
):
    doi: str | None = None
    title: list[str | None] | str | None = None
    subtitle: Any = None
    abstract: str | None = None
    author: list[_Author | None] | None = None
    type: str | None = None
    url: str | None = None
    subject: list[str | None] | None = None
    group_title: str | None = None
    posted: Any = None
    issued: Any = None
    published: Any = None
    published_online: Any = None
    published_print: Any = None
    created: Any = None
    indexed: Any = None
    update_to: Any = None
    updated_by: Any = None
    relation: Any = None
    #: the API's wrapping of a single work
    message: msgspec.Raw = msgspec.Raw(b"")
    status: Any = None


_DECODER: Final = msgspec.json.Decoder(_Work)


class Crossref:
    """`DOI`, `title` and `subtitle`, `abstract`, `author`, `type`, `URL`, `subject`, dates,
    `update-to`, `updated-by`, `relation`.
    """

    name = "crossref"

    def sniff(self, head: Head) -> Sure:
        return Sure.YES if _shape(head) else Sure.NO

    def read(self, source: Source) -> Iterator[Record | Removal | Skipped | Rejected]:
        in_items = _shape(Head(source.head())) == "items"
        rows = json_items(source, "items") if in_items else json_records(source)
        for row in decode_each(source, rows, _DECODER):
            if isinstance(row, Rejected):
                yield row
            elif row[2].doi is None and row[2].message:
                yield from _unwrapped(source, *row)
            else:
                yield from _entries(*row, source.today)


def _unwrapped(
    source: Source, number: int, data: bytes, answer: _Work
) -> Iterator[Record | Removal | Skipped | Rejected]:
    """The one work in an answer of the API, or what the answer complains of."""
    inner = bytes(answer.message)
    if answer.status == "failed" or not inner.startswith(b"{"):
        source.cut(f"the answer is no work but an error: {raw_text(inner)[:200]}")
        return
    for row in decode_each(source, iter([(number, inner, True)]), _DECODER):
        if isinstance(row, Rejected):
            yield row
        else:
            yield from _entries(*row, source.today)


def _entries(
    number: int, data: bytes, work: _Work, today: date
) -> Iterator[Record | Removal | Skipped]:
    raw = raw_text(data)
    own = _folded(work.doi)
    updates = _updates(work.update_to)
    taken_back = {doi: kind for kind, doi in updates if takes_back(kind) and _folded(doi) != own}
    kind = next(
        (kind for kind, doi in updates if NOTICES.fullmatch(kind) and _folded(doi) != own), None
    )
    if taken_back:
        for doi, reason in taken_back.items():
            yield Removal(line=number, raw=raw, ids=(("doi", doi),), reason=reason)
    elif work.type and NO_PAPERS.fullmatch(work.type):
        yield Skipped(line=number, raw=raw, reason=work.type)
    elif kind is not None:
        yield Skipped(
            line=number, raw=raw, reason=f"{kind.replace('_', ' ').replace('-', ' ')} notice"
        )
    else:
        yield _record(number, raw, work, updates, today)


def _record(
    number: int, raw: str, work: _Work, updates: list[tuple[str, str]], today: date
) -> Record:
    title = _title(work)
    abstract = plain_abstract(work.abstract or "")
    # An update of itself by itself: the publisher put the notice in the paper's place.
    taken_back = any(takes_back(kind) for kind, _ in (*updates, *_updates(work.updated_by)))
    own = (("doi", work.doi),) if work.doi else ()
    return Record(
        line=number,
        raw=raw,
        title=title,
        abstract=abstract,
        authors=tuple(
            name for one in work.author or () if one is not None and (name := _name(one))
        ),
        categories=tuple(filter(None, work.subject or (work.group_title,))),
        ids=(*own, *_related(work.relation)),
        submitted=_submitted(work, today),
        announced=_instant(work.created, today),
        updated=_instant(work.indexed, today),
        url=work.url or "",
        withdrawn=taken_back or title_says_withdrawn(title) or is_withdrawn(None, abstract),
    )


def _title(work: _Work) -> str:
    titles = [work.title] if isinstance(work.title, str) else work.title or []
    title = plain_title(next(filter(None, titles), ""))
    subtitle = work.subtitle[0] if isinstance(work.subtitle, list) and work.subtitle else None
    if not title or not isinstance(subtitle, str) or not subtitle.strip():
        return title
    more = plain_title(subtitle).strip()
    if more.lower() in title.lower():
        return title
    return (
        f"{title.rstrip()} {more}"
        if title.rstrip().endswith((":", "?", "!", "."))
        else f"{title.rstrip()}: {more}"
    )


def _name(author: _Author) -> str:
    return author.name or " ".join(filter(None, (author.given, author.family, author.suffix)))


def _updates(value: object) -> list[tuple[str, str]]:
    """(kind in lower case, DOI) of each update that has both."""
    both = (
        (one.get("type"), one.get("DOI"))
        for one in (value if isinstance(value, list) else ())
        if isinstance(one, dict)
    )
    return [
        (kind.strip().lower(), doi.strip())
        for kind, doi in both
        if isinstance(kind, str) and isinstance(doi, str) and doi.strip()
    ]


def _related(value: object) -> Iterator[tuple[str, str]]:
    """Identifiers of the other forms of the paper; any shape of relation that is not understood
    says nothing.
    """
    for name in _SAME if isinstance(value, dict) else ():
        others = value.get(name) if isinstance(value, dict) else None
        for one in others if isinstance(others, list) else ():
            if (
                isinstance(one, dict)
                and isinstance(text := one.get("id"), str)
                and isinstance(kind := one.get("id-type"), str)
            ):
                known = _KINDS.get(kind.lower())
                if known and text.strip():
                    yield known, unversioned(text.strip()) if kind.lower() == "arxiv" else text


def _submitted(work: _Work, today: date) -> date | None:
    """The earliest whole day of publication; else the first of the earliest month; else the
    registration, where it is of that year.

    A bare year gives no day by itself: the first of January would be older than the paper's own
    preprint.
    """
    dates = (work.posted, work.issued, work.published_online, work.published, work.published_print)
    found = [parts for one in dates if (parts := _parts(one))]
    for wanted in (3, 2):
        days = [
            day for parts in found if len(parts) == wanted and (day := _first_day(parts, today))
        ]
        if days:
            return min(days)
    registered = _instant(work.created, today)
    return (
        registered if registered and any(parts[0] == registered.year for parts in found) else None
    )


def _instant(value: object, today: date) -> date | None:
    """The day of {"date-time": ..., "date-parts": [[...]]}."""
    if isinstance(value, dict) and isinstance(text := value.get("date-time"), str):
        return day_of(text, today)
    parts = _parts(value)
    return _first_day(parts, today) if len(parts) == 3 else None


def _first_day(parts: tuple[int, ...], today: date) -> date | None:
    year, month, day = (*parts, 1, 1)[:3]
    return make_day(year, month, day, today)


def _parts(value: object) -> tuple[int, ...]:
    """The one to three numbers of {"date-parts": [[2026, 4, 1]]}; empty for [[null]], [] and
    anything else.
    """
    outer = value.get("date-parts") if isinstance(value, dict) else None
    inner = outer[0] if isinstance(outer, list) and outer else None
    numbers: list[int] = []
    for one in inner[:3] if isinstance(inner, list) else ():
        if isinstance(one, str) and one.isascii() and one.isdigit() and len(one) < 5:
            one = int(one)
        if not isinstance(one, int) or isinstance(one, bool) or not 0 < one < 10_000:
            break
        numbers.append(one)
    return tuple(numbers)


def _folded(doi: str | None) -> str:
    return (doi or "").strip().lower()


def _shape(head: Head) -> Shape | None:
    """How works stand in a file of Crossref's: under `items`, or as records; None where there are
    none.
    """
    data = head.data
    if not head.is_json or not (b'"DOI"' in data or b'"message"' in data):
        return None
    if b'"items"' in data:
        items = Splitter("items").split(iter((data,)))
        if any(item and _is_work(item) for _, item, _ in islice(items, 20)):
            return "items"
    for record in head.records:
        message = record.get("message")
        if looks_like_work(record) or (isinstance(message, dict) and looks_like_work(message)):
            return "records"
        if isinstance(message, dict) and message.get("items") == [] and "total-results" in message:
            return "items"
        if record.get("status") == "failed" and "message-type" in record:
            return "records"
    if head.records:
        return None
    if head.keys >= {"message", "message-type"}:
        return "items" if b'"work-list"' in data else "records"
    return "records" if _is_work(data) else None


def looks_like_work(record: Mapping[str, Any]) -> bool:
    """Upper-case `DOI` beside a list `title`; CSL-JSON, which else looks much the same, has its
    title as text.
    """
    if not isinstance(record.get("DOI"), str):
        return False
    title = record.get("title")
    return isinstance(title, list) or (title is None and len(record.keys() & _MARKS) > 1)


def _is_work(data: bytes) -> bool:
    """The same for bytes that may be cut."""
    record = decode_object(data)
    if record is not None:
        return looks_like_work(record)
    keys = Head(data).keys
    return "DOI" in keys and ("title" in keys and _TITLE_LIST.search(data) is not None)


FORMAT = Crossref()
