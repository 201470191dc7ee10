"""Rules for the entries of every format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from digest.dumps.names import split_name_list
from digest.dumps.notices import is_front_matter
from digest.model import Record, Rejected, Removal, Skipped


def finish_entries(
    entries: Iterable[Record | Removal | Skipped | Rejected],
) -> Iterator[Record | Removal | Skipped | Rejected]:
    """Skip front matter, and part names that share an item in the list of authors."""
    for entry in entries:
        if not isinstance(entry, Record):
            yield entry
        elif is_front_matter(entry.title):
            yield Skipped(line=entry.line, raw=entry.raw, reason="front matter of an issue")
        else:
            authors = split_name_list(entry.authors)
            yield entry if authors == entry.authors else replace(entry, authors=authors)
