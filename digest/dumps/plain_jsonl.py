"""Plain JSON lines (or a JSON list) with the columns of `columns.COLUMNS`: the format for whoever
writes a dump by hand or by script.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from digest.dumps.columns import Row, record_of, spelled_best
from digest.dumps.formats import Head, Sure
from digest.dumps.json_text import decode_each, json_records
from digest.dumps.stream import Source, raw_text
from digest.model import Record, Rejected

_DECODER: Final = msgspec.json.Decoder(dict[str, Any])


class PlainJsonLines:
    """Any subset of the columns that has a title."""

    name = "jsonl"

    def sniff(self, head: Head) -> Sure:
        return Sure.PERHAPS if "title" in spelled_best(head.keys).values() else Sure.NO

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        columns_of: dict[tuple[str, ...], dict[str, str]] = {}
        for row in decode_each(source, json_records(source), _DECODER):
            if isinstance(row, Rejected):
                yield row
                continue
            number, data, values = row
            keys = tuple(values)
            columns = columns_of.get(keys)
            if columns is None:
                columns = spelled_best(keys)
                if len(columns_of) < 1000:
                    columns_of[keys] = columns
            if len(columns) < len(values):
                for key in values.keys() - columns.keys():
                    source.ignore(key)
            fields: Row = {column: values[key] for key, column in columns.items()}
            yield record_of(number, raw_text(data), fields, source.today)


FORMAT = PlainJsonLines()
