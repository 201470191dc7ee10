"""What the JSON answers of services have in common: recognition, reading, building a Record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Generic, TypeVar

import msgspec

from digest.dumps.fields import parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.json_pages import holds_records, read_page_rows
from digest.dumps.json_text import decode_rows
from digest.dumps.stream import Source, raw_text
from digest.model import Record, Rejected, Removal, Skipped

T = TypeVar("T")
Outcome = Record | Removal | Skipped | Rejected
#: the entry's number and raw text
Place = tuple[int, str]


class JsonAnswers(Generic[T]):
    """A format of answers whose records lie in a list, and of such records on their own.

    Args:
        name: the name of the format.
        path: the keys under which a page has its list of records.
        page_keys: the keys of a page by which one without records is known.
        is_record: whether a record is one of this service; see `json_pages.holds_records`.
        decoder: decodes a record.
        read_entry: reads a decoded record; today is its last argument.
    """

    def __init__(
        self,
        name: str,
        *,
        path: tuple[str, ...],
        page_keys: Collection[str],
        is_record: Callable[[Mapping[str, Any]], bool],
        decoder: msgspec.json.Decoder[T],
        read_entry: Callable[[Place, T, date], Iterator[Outcome]],
    ) -> None:
        self.name = name
        self._path = path
        self._page_keys = page_keys
        self._is_record = is_record
        self._decoder = decoder
        self._read_entry = read_entry

    def sniff(self, head: Head) -> Confidence:
        is_ours = holds_records(head, self._path, self._is_record, self._page_keys)
        return Confidence.YES if is_ours else Confidence.NO

    def read(self, source: Source) -> Iterator[Outcome]:
        for row in decode_rows(source, read_page_rows(source, *self._path), self._decoder):
            if isinstance(row, Rejected):
                yield row
            else:
                number, data, value = row
                yield from self._read_entry((number, raw_text(data)), value, source.today)


def build_record(
    place: Place,
    title: str | None,
    abstract: str | None,
    *,
    ids: Iterable[tuple[str, str | None]],
    **fields: Any,
) -> Record:
    """Build the Record of an entry.

    Args:
        place: see `Place`.
        title: as the source wrote it.
        abstract: likewise.
        ids: identifiers; those without a value are left out.
        fields: further fields of the Record.
    """
    known_ids = ((kind, text.strip()) for kind, text in ids if text and text.strip())
    return Record(
        line=place[0],
        raw=place[1],
        title=title or "",
        abstract=abstract or "",
        ids=tuple(dict.fromkeys(known_ids)),
        **fields,
    )


def skip(place: Place, reason: str) -> Skipped:
    return Skipped(line=place[0], raw=place[1], reason=reason)


def reject(place: Place, reason: str) -> Rejected:
    return Rejected(line=place[0], raw=place[1], reason=reason)


def parse_known_day(text: str | None, today: date) -> date | None:
    """Parse a day of publication that may stand for a year or lie in the future.

    Sources write 1 January for "some day of that year", and the day of an issue still to come.
    """
    day = parse_day(text, today)
    return day if day is not None and day <= today and (day.month, day.day) != (1, 1) else None
