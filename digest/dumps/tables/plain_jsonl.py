"""Plain JSON with the columns of `columns.COLUMNS`.

Lines, a list, or papers by their identifiers: {"2606.00001": {"title": ...}, ...}.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

import msgspec

from digest.dumps.formats import Confidence, Head
from digest.dumps.json_split import Splitter
from digest.dumps.json_text import decode_object, decode_rows, read_json_records
from digest.dumps.stream import Row, Source, raw_text
from digest.dumps.tables.columns import build_record, match_columns
from digest.model import Record, Rejected

_DECODER: Final = msgspec.json.Decoder(dict[str, Any])
#: bytes; a longer key is no identifier
_KEY_CAP: Final = 400


class PlainJsonLines:
    """Any subset of the columns that has a title."""

    name = "jsonl"

    def sniff(self, head: Head) -> Confidence:
        return (
            Confidence.PERHAPS
            if _has_title(head.keys) or (head.is_json and _is_keyed(head.data))
            else Confidence.NO
        )

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        columns_of: dict[tuple[str, ...], dict[str, str]] = {}
        head = source.head()
        is_keyed = not _has_title(Head(head).keys) and _is_keyed(head)
        rows = _read_keyed_rows(source) if is_keyed else read_json_records(source)
        for row in decode_rows(source, rows, _DECODER):
            if isinstance(row, Rejected):
                yield row
                continue
            number, data, values = row
            keys = tuple(values)
            columns = columns_of.get(keys)
            if columns is None:
                columns = match_columns(keys)
                if len(columns_of) < 1000:
                    columns_of[keys] = columns
            if len(columns) < len(values):
                for key in values.keys() - columns.keys():
                    source.count_ignored(key)
            fields = {column: values[key] for key, column in columns.items()}
            yield build_record(number, raw_text(data), fields, source.today)


def _has_title(keys: Iterable[str]) -> bool:
    return "title" in match_columns(keys).values()


def _is_keyed(head: bytes) -> bool:
    """Whether the first values of an object are objects with a title.

    A single one needs a digit in its key, since the answer {"error": {"title": ...}} is no paper.
    """
    if not head.lstrip().startswith(b"{"):
        return False
    splits = Splitter().split(_drop_bracket(iter((head,))))
    pieces = [data or b"" for _, data, whole in islice(splits, 40) if whole]
    keys, values = pieces[::2], pieces[1::2]
    titled = [
        value
        for key, value in zip(keys, values, strict=False)
        if key.startswith(b'"')
        and (record := decode_object(value)) is not None
        and _has_title(record)
    ]
    return 2 * len(titled) > len(values) and (
        len(titled) > 1 or any(character in b"0123456789" for character in keys[0])
    )


def _read_keyed_rows(source: Source) -> Iterator[Row]:
    """Read the values of an object, each with its key as its `id` where it has none."""
    key, number, is_closed = b'""', 0, False
    for _, data, whole in Splitter().split(_drop_bracket(source.chunks())):
        if data == b"}" and not is_closed:
            is_closed = True
        elif data is not None and data.startswith(b'"'):
            key = data if len(data) <= _KEY_CAP else b'""'
        else:
            number += 1
            yield number, data and _put_id(key, data), whole
    if not is_closed:
        source.mark_incomplete("the file ends before its last bracket")


def _drop_bracket(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Drop the bracket with which the text begins, so that its values are at top level."""
    for chunk in chunks:
        if start := chunk.lstrip():
            yield start[1:]
            yield from chunks


def _put_id(key: bytes, record: bytes) -> bytes:
    # Of two equal keys the last counts: the record's own.
    rest = record[1:].lstrip()
    if not record.startswith(b"{") or rest.startswith(b"}"):
        return record
    return b'{"id": ' + key + b", " + rest


FORMAT = PlainJsonLines()
