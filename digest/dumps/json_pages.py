"""Pages of web APIs, such as {"meta": ..., "results": [...]}.

The same call reads one page, several pages one after the other, and files of bare records. Knows no
format.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from digest.dumps.formats import Head
from digest.dumps.json_split import Splitter
from digest.dumps.json_text import decode_object, read_json_items, read_json_records
from digest.dumps.stream import Row, Source


def find_page_items(head: Head, key: str) -> list[dict[str, Any]] | None:
    """Find the first 20 complete records under `key`; None if not a page."""
    if not is_page(head, key):
        return None
    candidates = (
        decode_object(data)
        for _, data, whole in Splitter(key).split(iter((head.data,)))
        if data and whole
    )
    return list(islice((record for record in candidates if record is not None), 20))


def is_page(head: Head, key: str) -> bool:
    """Whether the outermost objects hold a list under `key`.

    If the first object is longer than the head, only its key is known.
    """
    return any(isinstance(record.get(key), list) for record in head.records) or (
        not head.records and key in head.keys
    )


def read_page_rows(source: Source, key: str) -> Iterator[Row]:
    """Read the records under `key` from pages, else each line or list element."""
    return (
        read_json_items(source, key)
        if is_page(Head(source.head()), key)
        else read_json_records(source)
    )
