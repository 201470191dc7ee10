"""Works of Crossref, JSON: answers of its API, the public data file, JSON lines.

Described at https://api.crossref.org/swagger-ui and https://github.com/CrossRef/rest-api-doc. A
work has no version, and its dates may lack day and month. Of what a work says about others, only
retractions and other forms of the same paper are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import msgspec

from digest.dumps.fields import make_day, parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.json_text import (
    decode_rows,
    read_json_items,
    read_json_records,
)
from digest.dumps.notices import is_retraction_kind
from digest.dumps.references import strip_version
from digest.dumps.services.crossref_shape import find_shape
from digest.dumps.stream import Source, raw_text
from digest.markup import strip_title_markup
from digest.model import Record, Rejected, Removal, Skipped

#: types that are not papers; anything else with a title is one
NON_PAPER_TYPES: Final = re.compile(
    "component|peer-review|journal(?:-issue|-volume)?|proceedings(?:-series)?|book-se(?:ries|t)|"
    "report-(?:series|component)|"
    "standard-series|grant|database|dataset"
)
#: kinds of updates that are notices without a text of their own
NOTICE_KINDS: Final = re.compile(
    "correction|corrigendum|erratum|addendum|clarification|"
    "(?:(?:interim[_-])?expression[_-]of[_-])?concern|partial[_-]retraction"
)
#: relations to another form of the same paper
_SAME_PAPER_RELATIONS: Final = ("is-preprint-of", "has-preprint", "is-identical-to")
#: Crossref's kind of identifier -> ours; `id` takes any kind, and nothing is rejected for it
_ID_KINDS: Final = {"doi": "doi", "arxiv": "id", "uri": "url", "pmid": "pmid", "pmcid": "pmcid"}


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
        "container_title": "container-title",
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
    container_title: Any = None
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
    #: a single work within an answer of the API
    message: msgspec.Raw = msgspec.Raw(b"")
    status: Any = None


_DECODER: Final = msgspec.json.Decoder(_Work)


class Crossref:
    """The format `crossref`.

    Fields: `DOI`, `title` and `subtitle`, `abstract`, `author`, `type`, `URL`, `subject`, dates,
    `container-title`,
    `update-to`, `updated-by`, `relation`.
    """

    name = "crossref"

    def sniff(self, head: Head) -> Confidence:
        return Confidence.YES if find_shape(head) else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Removal | Skipped | Rejected]:
        in_items = find_shape(Head(source.head())) == "items"
        rows = read_json_items(source, "items") if in_items else read_json_records(source)
        for row in decode_rows(source, rows, _DECODER):
            if isinstance(row, Rejected):
                yield row
            elif row[2].doi is None and row[2].message:
                yield from _read_single_work(source, *row)
            else:
                yield from _read_entries(*row, source.today)


def _read_single_work(
    source: Source, number: int, data: bytes, answer: _Work
) -> Iterator[Record | Removal | Skipped | Rejected]:
    """Read the only work in an answer of the API, or its error message."""
    inner = bytes(answer.message)
    if answer.status == "failed" or not inner.startswith(b"{"):
        source.mark_incomplete(f"the answer is no work but an error: {raw_text(inner)[:200]}")
        return
    for row in decode_rows(source, iter([(number, inner, True)]), _DECODER):
        if isinstance(row, Rejected):
            yield row
        else:
            yield from _read_entries(*row, source.today)


def _read_entries(
    number: int, data: bytes, work: _Work, today: date
) -> Iterator[Record | Removal | Skipped]:
    raw = raw_text(data)
    own_doi = _fold_doi(work.doi)
    updates = _read_updates(work.update_to)
    retractions = {
        doi: notice_kind
        for notice_kind, doi in updates
        if is_retraction_kind(notice_kind) and _fold_doi(doi) != own_doi
    }
    notice_kind = next(
        (
            kind
            for kind, doi in updates
            if NOTICE_KINDS.fullmatch(kind) and _fold_doi(doi) != own_doi
        ),
        None,
    )
    if retractions:
        for doi, reason in retractions.items():
            yield Removal(line=number, raw=raw, ids=(("doi", doi),), reason=reason)
    elif work.type and NON_PAPER_TYPES.fullmatch(work.type):
        yield Skipped(line=number, raw=raw, reason=work.type)
    elif notice_kind is not None:
        yield Skipped(
            line=number, raw=raw, reason=f"{notice_kind.replace('_', ' ').replace('-', ' ')} notice"
        )
    else:
        yield _build_record(number, raw, work, updates, today)


def _build_record(
    number: int, raw: str, work: _Work, updates: list[tuple[str, str]], today: date
) -> Record:
    # A paper that retracts itself: the publisher put the notice in its place.
    is_retracted = any(
        is_retraction_kind(kind) for kind, _ in (*updates, *_read_updates(work.updated_by))
    )
    own_ids = (("doi", work.doi),) if work.doi else ()
    return Record(
        line=number,
        raw=raw,
        title=_join_title(work),
        abstract=work.abstract or "",
        authors=tuple(
            name
            for author in work.author or ()
            if author is not None and (name := _join_name(author))
        ),
        categories=tuple(filter(None, work.subject or (work.group_title,))),
        ids=(*own_ids, *_find_related_ids(work.relation)),
        submitted=_find_submission_day(work, today),
        announced=_parse_date(work.created, today),
        updated=_parse_date(work.indexed, today),
        journal_ref=_read_journal(work.container_title),
        url=work.url or "",
        withdrawn=is_retracted,
    )


def _read_journal(value: object) -> str:
    """The first title of the journal or proceedings that holds a work."""
    titles = value if isinstance(value, list) else [value]
    return next((title for title in titles if isinstance(title, str)), "")


def _join_title(work: _Work) -> str:
    titles = [work.title] if isinstance(work.title, str) else work.title or []
    title = strip_title_markup(next(filter(None, titles), ""))
    subtitle = work.subtitle[0] if isinstance(work.subtitle, list) and work.subtitle else None
    if not title or not isinstance(subtitle, str) or not subtitle.strip():
        return title
    addition = strip_title_markup(subtitle).strip()
    if addition.lower() in title.lower():
        return title
    return (
        f"{title.rstrip()} {addition}"
        if title.rstrip().endswith((":", "?", "!", "."))
        else f"{title.rstrip()}: {addition}"
    )


def _join_name(author: _Author) -> str:
    return author.name or " ".join(filter(None, (author.given, author.family, author.suffix)))


def _read_updates(value: object) -> list[tuple[str, str]]:
    """Read (kind in lower case, DOI) of each update that has both."""
    pairs = (
        (update.get("type"), update.get("DOI"))
        for update in (value if isinstance(value, list) else ())
        if isinstance(update, dict)
    )
    return [
        (kind.strip().lower(), doi.strip())
        for kind, doi in pairs
        if isinstance(kind, str) and isinstance(doi, str) and doi.strip()
    ]


def _find_related_ids(value: object) -> Iterator[tuple[str, str]]:
    """Find the identifiers of other forms of the paper; skip unknown relations."""
    for name in _SAME_PAPER_RELATIONS if isinstance(value, dict) else ():
        others = value.get(name) if isinstance(value, dict) else None
        for relation in others if isinstance(others, list) else ():
            if (
                isinstance(relation, dict)
                and isinstance(text := relation.get("id"), str)
                and isinstance(kind := relation.get("id-type"), str)
            ):
                our_kind = _ID_KINDS.get(kind.lower())
                if our_kind and text.strip():
                    yield our_kind, strip_version(text.strip()) if kind.lower() == "arxiv" else text


def _find_submission_day(work: _Work, today: date) -> date | None:
    """Find the day of publication.

    The earliest complete day; else the first day of the earliest month; else the day of
    registration if it is in that year. A year alone gives no day: 1 January would be earlier than
    the paper's preprint.
    """
    dates = (work.posted, work.issued, work.published_online, work.published, work.published_print)
    known_parts = [parts for value in dates if (parts := _parse_date_parts(value))]
    for length in (3, 2):
        days = [
            day
            for parts in known_parts
            if len(parts) == length and (day := _first_day(parts, today))
        ]
        if days:
            return min(days)
    registered = _parse_date(work.created, today)
    return (
        registered
        if registered and any(parts[0] == registered.year for parts in known_parts)
        else None
    )


def _parse_date(value: object, today: date) -> date | None:
    """Parse the day of {"date-time": ..., "date-parts": [[...]]}."""
    if isinstance(value, dict) and isinstance(text := value.get("date-time"), str):
        return parse_day(text, today)
    parts = _parse_date_parts(value)
    return _first_day(parts, today) if len(parts) == 3 else None


def _first_day(parts: tuple[int, ...], today: date) -> date | None:
    year, month, day = (*parts, 1, 1)[:3]
    return make_day(year, month, day, today)


def _parse_date_parts(value: object) -> tuple[int, ...]:
    """Parse the numbers of {"date-parts": [[2026, 4, 1]]}, at most three."""
    dates = value.get("date-parts") if isinstance(value, dict) else None
    first_date = dates[0] if isinstance(dates, list) and dates else None
    numbers: list[int] = []
    for part in first_date[:3] if isinstance(first_date, list) else ():
        if isinstance(part, str) and part.isascii() and part.isdigit() and len(part) < 5:
            part = int(part)
        if not isinstance(part, int) or isinstance(part, bool) or not 0 < part < 10_000:
            break
        numbers.append(part)
    return tuple(numbers)


def _fold_doi(doi: str | None) -> str:
    return (doi or "").strip().lower()


FORMAT = Crossref()
