"""Pages of web APIs, such as {"meta": ..., "results": [...]}.

The same call reads one page, several pages one after the other, and files of bare records. A list
of records has a path of keys: ("results",) here, ("response", "docs") where it lies deeper. Knows
no format.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from typing import Any

from digest.dumps.formats import Head
from digest.dumps.json_split import Splitter
from digest.dumps.json_text import decode_object, read_json_items, read_json_records
from digest.dumps.stream import Row, Source

#: records of a head that are looked at
_LOOKED_AT = 20


def find_page_items(head: Head, *path: str) -> list[dict[str, Any]] | None:
    """Find the first 20 complete records of the lists under a path; None if not a page."""
    if not is_page(head, *path):
        return None
    candidates = (
        decode_object(data)
        for _, data, whole in Splitter(path[-1]).split(iter((head.data,)))
        if data and whole
    )
    return list(islice((record for record in candidates if record is not None), _LOOKED_AT))


def is_page(head: Head, *path: str) -> bool:
    """Whether the outermost objects hold a list under a path of keys.

    If the first object is longer than the head, only its key is known.
    """
    return any(isinstance(follow_path(record, path), list) for record in head.records) or (
        not head.records and path[0] in head.keys
    )


def follow_path(value: object, path: Collection[str]) -> object:
    """Return the value under a path of keys; None if there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def holds_records(
    head: Head,
    path: tuple[str, ...],
    is_record: Callable[[Mapping[str, Any]], bool],
    page_keys: Collection[str],
) -> bool:
    """Whether the file holds records of a service, in pages or bare.

    Args:
        head: the beginning of the file.
        path: the keys under which a page has its list of records.
        is_record: whether a record is one of the service. Of a record that goes on behind the head
            only the keys are known: its values are None.
        page_keys: the keys by which a page is known that has no records.
    """
    if not head.is_json:
        return False
    if is_page(head, *path):
        pieces = (data for _, data, _ in Splitter(path[-1]).split(iter((head.data,))) if data)
        records = [
            decode_object(piece) or dict.fromkeys(Head(piece).keys)
            for piece in islice(pieces, _LOOKED_AT)
        ]
        has_none = not any(records) and bool(head.records)
        return any(map(is_record, records)) or (has_none and head.keys >= set(page_keys))
    return any(map(is_record, head.records or [dict.fromkeys(head.keys)]))


def read_page_rows(source: Source, *path: str) -> Iterator[Row]:
    """Read the records of the lists under a path from pages, else each line or list element."""
    return (
        read_json_items(source, path[-1])
        if is_page(Head(source.head()), *path)
        else read_json_records(source)
    )
