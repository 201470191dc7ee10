"""Plain JSON, lines or a list, with the columns of `columns.COLUMNS`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from digest.dumps.formats import Confidence, Head
from digest.dumps.json_text import decode_rows, read_json_records
from digest.dumps.stream import Source, raw_text
from digest.dumps.tables.columns import Row, build_record, match_columns
from digest.model import Record, Rejected

_DECODER: Final = msgspec.json.Decoder(dict[str, Any])


class PlainJsonLines:
    """Any subset of the columns that has a title."""

    name = "jsonl"

    def sniff(self, head: Head) -> Confidence:
        return Confidence.PERHAPS if "title" in match_columns(head.keys).values() else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        columns_of: dict[tuple[str, ...], dict[str, str]] = {}
        for row in decode_rows(source, read_json_records(source), _DECODER):
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
            fields: Row = {column: values[key] for key, column in columns.items()}
            yield build_record(number, raw_text(data), fields, source.today)


FORMAT = PlainJsonLines()
