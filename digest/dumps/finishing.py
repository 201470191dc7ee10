"""Rules for the entries of every format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from digest.dumps.names import split_name_list
from digest.dumps.notices import is_front_matter, judge_record
from digest.model import Record, Rejected, Removal, Skipped


def finish_entries(
    entries: Iterable[Record | Removal | Skipped | Rejected],
) -> Iterator[Record | Removal | Skipped | Rejected]:
    """Skip notices and front matter, mark what was withdrawn, and part joined names of authors."""
    for entry in entries:
        judged = judge_record(entry) if isinstance(entry, Record) else entry
        if not isinstance(judged, Record):
            yield judged
        elif is_front_matter(judged.title):
            yield Skipped(line=judged.line, raw=judged.raw, reason="front matter of an issue")
        else:
            authors = split_name_list(judged.authors)
            yield judged if authors == judged.authors else replace(judged, authors=authors)
