"""Daily crawl of the arXiv listings, JSON lines without date and version.

One row for each listing in which a paper appears.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from digest.dumps.fields import is_withdrawn
from digest.dumps.formats import Confidence, Head
from digest.dumps.json_text import decode_rows, read_json_records
from digest.dumps.names import split_names
from digest.dumps.stream import Source, raw_text
from digest.model import Record, Rejected


class _Row(msgspec.Struct, gc=False):
    id: str | None = None
    title: str | None = None
    summary: str | None = None
    authors: list[str | None] | str | None = None
    categories: list[str | None] | str | None = None
    comment: str | None = None
    abs: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Row)


class ArxivDaily:
    """The format `arxiv-daily`.

    Fields: `id`, `categories` (primary first), `authors`, `title`, `comment`, `summary`, `abs`.
    """

    name = "arxiv-daily"

    def sniff(self, head: Head) -> Confidence:
        return Confidence.YES if head.keys >= {"id", "abs", "summary"} else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        for row in decode_rows(source, read_json_records(source), _DECODER):
            yield row if isinstance(row, Rejected) else _build_record(*row)


def _build_record(number: int, data: bytes, row: _Row) -> Record:
    abstract = row.summary or ""
    comment = row.comment or ""
    return Record(
        line=number,
        raw=raw_text(data),
        title=row.title or "",
        abstract=abstract,
        authors=split_names(row.authors)
        if isinstance(row.authors, str)
        else tuple(filter(None, row.authors or ())),
        categories=tuple(row.categories.split())
        if isinstance(row.categories, str)
        else tuple(filter(None, row.categories or ())),
        ids=(("arxiv", row.id),) if row.id else (),
        comment=comment,
        url=row.abs or "",
        withdrawn=is_withdrawn(comment, None),
    )


FORMAT = ArxivDaily()
