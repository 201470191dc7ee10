"""JSON Feed: news feeds of journals, laboratories and blogs as JSON, with `items`.

Described at https://www.jsonfeed.org/version/1.1/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

import msgspec

from digest.dumps.fields import parse_day
from digest.dumps.formats import Confidence, Head
from digest.dumps.json_answers import build_record
from digest.dumps.json_pages import read_page_rows
from digest.dumps.json_text import decode_rows
from digest.dumps.names import split_names
from digest.dumps.stream import Source, raw_text
from digest.markup import strip_abstract_markup
from digest.model import Record, Rejected

_VERSION: Final = re.compile(r'"version"\s*:\s*"https?:\\?/\\?/(?:www\.)?jsonfeed\.org')


class _Author(msgspec.Struct, gc=False):
    name: str | None = None


class _Item(msgspec.Struct, gc=False):
    id: str | int | None = None
    url: str | None = None
    external_url: str | None = None
    title: str | None = None
    content_html: str | None = None
    content_text: str | None = None
    summary: str | None = None
    date_published: str | None = None
    date_modified: str | None = None
    authors: list[_Author | None] | None = None
    #: of version 1
    author: _Author | None = None
    tags: list[str | None] | None = None


_DECODER: Final = msgspec.json.Decoder(_Item)


class JsonFeed:
    """The format `json-feed`.

    Fields: `title`, the longest of `content_html`, `content_text` and `summary`, `authors`, links,
    `id`, `tags`, dates.
    """

    name = "json-feed"

    def sniff(self, head: Head) -> Confidence:
        is_feed = head.is_json and {"items", "version"} <= head.keys and _VERSION.search(head.text)
        return Confidence.YES if is_feed else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        for row in decode_rows(source, read_page_rows(source, "items"), _DECODER):
            yield row if isinstance(row, Rejected) else _build_record(*row, source.today)


def _build_record(number: int, data: bytes, item: _Item, today: date) -> Record:
    texts = (item.content_html, item.content_text, item.summary)
    return build_record(
        (number, raw_text(data)),
        item.title,
        max((strip_abstract_markup(text or "") for text in texts), key=len),
        ids=(("id", str(item.id or "")), ("url", item.external_url), ("url", item.url)),
        authors=_read_authors(item),
        categories=tuple(filter(None, item.tags or ())),
        announced=parse_day(item.date_published, today),
        updated=parse_day(item.date_modified, today),
        url=item.url or item.external_url or "",
    )


def _read_authors(item: _Item) -> tuple[str, ...]:
    """Read the names; a single one may be a list of them."""
    authors = [*(item.authors or ()), item.author]
    names = list(dict.fromkeys(author.name for author in authors if author and author.name))
    return split_names(names[0]) if len(names) == 1 else tuple(names)


FORMAT = JsonFeed()
