"""Answers of web interfaces: JSON objects that hold their records in a list under a key, such as
{"meta": ..., "results": [...]}.

One answer, several of them one after the other, and files of bare records are all read by the same
call. Knows no format.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from digest.dumps.formats import Head
from digest.dumps.json_text import Splitter, decode_object, json_items, json_records
from digest.dumps.stream import Row, Source


def page_items(head: Head, key: str) -> list[dict[str, Any]] | None:
    """The first whole records of the list under `key`, at most 20; None where the file is no such
    answer.
    """
    if not is_page(head, key):
        return None
    found = (
        decode_object(data)
        for _, data, whole in Splitter(key).split(iter((head.data,)))
        if data and whole
    )
    return list(islice((record for record in found if record is not None), 20))


def is_page(head: Head, key: str) -> bool:
    """Whether the outermost objects hold a list under `key`; of one that is longer than the head
    only the key is known.
    """
    return any(isinstance(record.get(key), list) for record in head.records) or (
        not head.records and key in head.keys
    )


def page_rows(source: Source, key: str) -> Iterator[Row]:
    """The records of the lists under `key` (ordinal from 1) where the file holds answers, else each
    line or element of a list.
    """
    return json_items(source, key) if is_page(Head(source.head()), key) else json_records(source)
