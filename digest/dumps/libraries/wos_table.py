"""Web of Science, "Export > Tab delimited file": a header of tags, then a record on each line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from digest.dumps.formats import Confidence, Head
from digest.dumps.libraries.wos_fields import build_record
from digest.dumps.stream import Source, raw_text, reject_too_long
from digest.model import Record, Rejected, Skipped

_HEADER: Final = re.compile(r"[A-Z][A-Z0-9](?:\t[A-Z][A-Z0-9])+\t?")
_HEADER_TAGS: Final = frozenset({"PT", "AU", "TI", "SO"})


class WebOfScienceTable:
    """The format `wos-table`, with the fields of `wos`."""

    name = "wos-table"

    def sniff(self, head: Head) -> Confidence:
        is_ours = (
            bool(head.lines)
            and _HEADER.fullmatch(head.lines[0]) is not None
            and set(head.lines[0].split("\t")) >= _HEADER_TAGS
        )
        return Confidence.YES if is_ours else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Skipped | Rejected]:
        tags: list[str] = []
        for number, data, ended in source.lines():
            if data is None:
                yield reject_too_long(number)
            elif not data.strip(b" \t\r\0"):
                continue
            elif (text := source.decode(data)) is None:
                yield Rejected(line=number, raw=raw_text(data), reason="not UTF-8")
            elif _HEADER.fullmatch(text):
                # Files of 500 records each are often put together.
                tags = text.rstrip("\t").split("\t")
            else:
                yield _read_row(number, text, tags, source, ended=ended)


def _read_row(
    number: int, text: str, tags: list[str], source: Source, *, ended: bool
) -> Record | Skipped | Rejected:
    raw = raw_text(text.encode())
    cells = text.split("\t")
    if not -1 <= len(cells) - len(tags) <= 1:
        if not ended:
            source.mark_incomplete(f"the file ends in the middle of the record on line {number:,}")
        return Rejected(
            line=number,
            raw=raw,
            reason=f"has {len(cells)} cells where the header has {len(tags)}",
        )
    fields = {tag: _unquote(cell.strip()) for tag, cell in zip(tags, cells, strict=False)}
    return build_record(number, raw, fields, source.today)


def _unquote(cell: str) -> str:
    """Remove the quotes that a spreadsheet put around a cell."""
    inner = cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else ""
    return cell if not inner or '"' in inner.replace('""', "") else inner.replace('""', '"')


FORMAT = WebOfScienceTable()
