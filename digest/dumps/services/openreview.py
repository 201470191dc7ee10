"""Notes of OpenReview, JSON: `notes` of its API, version 1 or 2 (values as {"value": ...}).

Described at https://docs.openreview.net/reference/api-v2. A submission that was withdrawn from its
venue or rejected without review is Skipped: that says nothing about the paper, which may be on
arXiv. A rejected one is a paper without a venue. Reviews and comments are Skipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec

from digest.dumps.json_answers import (
    JsonAnswers,
    Outcome,
    Place,
    build_record,
    parse_known_day,
    reject,
    skip,
)

#: end of a venue's or invitation's name -> reason
_WITHDRAWN_NAMES: Final = {
    "Desk_Rejected_Submission": "rejected without review",
    "Withdrawn_Submission": "withdrawn from its venue",
}
_NOT_ACCEPTED: Final = ("submission", "submitted", "under review", "withdrawn", "reject")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Value(msgspec.Struct, gc=False):
    value: str | None


class _Values(msgspec.Struct, gc=False):
    value: Any


Text = str | _Value | None


class _Content(msgspec.Struct, gc=False, rename={"code_url": "code_URL"}):
    title: Text = None
    abstract: Text = None
    authors: list[Any] | _Values | None = None
    venue: Text = None
    venueid: Text = None
    html: Text = None
    code: Text = None
    code_url: Text = None
    project_page: Text = None


class _Note(msgspec.Struct, gc=False):
    id: str | None = None
    forum: str | None = None
    content: _Content | None = None
    invitation: str | None = None
    invitations: list[str | None] | None = None
    cdate: int | float | None = None
    odate: int | float | None = None
    pdate: int | float | None = None
    mdate: int | float | None = None
    ddate: int | float | None = None


def _is_note(record: Mapping[str, Any]) -> bool:
    return record.keys() >= {"content", "forum", "id"} and not record.keys().isdisjoint(
        ("cdate", "invitation", "invitations", "signatures")
    )


def _read_entry(place: Place, note: _Note, today: date) -> Iterator[Outcome]:
    content = note.content
    if content is None:
        yield reject(place, "no content")
        return
    if (reason := _why_no_paper(note, content)) is not None:
        yield skip(place, reason)
        return
    forum = note.forum or note.id
    page = f"https://openreview.net/forum?id={forum}" if forum else ""
    submitted = _parse_milliseconds(note.cdate, today)
    code = _text(content.code) or _text(content.code_url)
    yield build_record(
        place,
        _text(content.title),
        _text(content.abstract),
        ids=(("url", _text(content.html)), ("url", page)),
        authors=tuple(_read_authors(content.authors)),
        submitted=submitted,
        announced=_parse_milliseconds(note.pdate, today)
        or _parse_milliseconds(note.odate, today)
        or submitted,
        updated=_parse_milliseconds(note.mdate, today),
        journal_ref=_read_venue(content),
        code_url=code,
        project_url=_text(content.project_page),
        url=page,
    )


def _why_no_paper(note: _Note, content: _Content) -> str | None:
    if note.ddate:
        return "deleted"
    if note.forum and note.id and note.forum != note.id:
        return "a review or comment"
    names = (_text(content.venueid), note.invitation or "", *filter(None, note.invitations or ()))
    ends = (name.rpartition("/")[2] for name in names)
    return next((_WITHDRAWN_NAMES[end] for end in ends if end in _WITHDRAWN_NAMES), None)


def _text(value: Text) -> str:
    return (value.value if isinstance(value, _Value) else value) or ""


def _read_authors(authors: list[Any] | _Values | None) -> Iterator[str]:
    """Read names, or people such as {"fullname": "Jane Doe", "username": ...}."""
    value = authors.value if isinstance(authors, _Values) else authors
    for author in value if isinstance(value, list) else ():
        name = author.get("fullname") if isinstance(author, dict) else author
        if isinstance(name, str) and name:
            yield name


def _read_venue(content: _Content) -> str:
    """Read where a paper was accepted; "" if it was only submitted, or is on arXiv (CoRR)."""
    venue, name = _text(content.venue), _text(content.venueid).rpartition("/")[2]
    said = f"{venue} {name}".lower()
    is_accepted = not said.startswith("corr ") and all(word not in said for word in _NOT_ACCEPTED)
    return venue if is_accepted else ""


def _parse_milliseconds(value: float | None, today: date) -> date | None:
    try:
        day = _EPOCH + timedelta(milliseconds=value or 0)
    except (OverflowError, ValueError):
        return None
    return parse_known_day(day.date().isoformat(), today) if value else None


FORMAT = JsonAnswers(
    "openreview",
    path=("notes",),
    page_keys=("notes",),
    is_record=_is_note,
    decoder=msgspec.json.Decoder(_Note),
    read_entry=_read_entry,
)
