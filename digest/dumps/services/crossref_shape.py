"""Recognition of Crossref works, in pages or as single records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final, Literal

from digest.dumps.formats import Head
from digest.dumps.json_split import Splitter
from digest.dumps.json_text import decode_object

#: keys that only works of Crossref have
_CROSSREF_KEYS: Final = frozenset(
    {"indexed", "deposited", "member", "prefix", "reference-count", "is-referenced-by-count"}
)
_TITLE_LIST: Final = re.compile(rb'"title"\s*:\s*\[')
Shape = Literal["items", "records"]


def find_shape(head: Head) -> Shape | None:
    """Find out whether works are under `items` or are records; None if there are none."""
    data = head.data
    if not head.is_json or not (b'"DOI"' in data or b'"message"' in data):
        return None
    if b'"items"' in data:
        items = Splitter("items").split(iter((data,)))
        if any(item and _is_work_bytes(item) for _, item, _ in islice(items, 20)):
            return "items"
    for record in head.records:
        message = record.get("message")
        if is_work(record) or (isinstance(message, dict) and is_work(message)):
            return "records"
        if isinstance(message, dict) and message.get("items") == [] and "total-results" in message:
            return "items"
        if record.get("status") == "failed" and "message-type" in record:
            return "records"
    if head.records:
        return None
    if head.keys >= {"message", "message-type"}:
        return "items" if b'"work-list"' in data else "records"
    return "records" if _is_work_bytes(data) else None


def is_work(record: Mapping[str, Any]) -> bool:
    """Whether a record is a work: an upper-case `DOI` and a list as `title`.

    CSL-JSON looks much the same, but its title is a text.
    """
    if not isinstance(record.get("DOI"), str):
        return False
    title = record.get("title")
    return isinstance(title, list) or (title is None and len(record.keys() & _CROSSREF_KEYS) > 1)


def _is_work_bytes(data: bytes) -> bool:
    """Whether bytes that may be cut off are a work."""
    record = decode_object(data)
    if record is not None:
        return is_work(record)
    keys = Head(data).keys
    return "DOI" in keys and ("title" in keys and _TITLE_LIST.search(data) is not None)
