"""Fields of a record of Web of Science, whatever layout it was exported in. Knows no file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from digest.dumps.references import find_arxiv_ids, parse_day_in_year
from digest.model import Record, Rejected, Skipped

#: type of document -> reason, for notices about other papers without a text of their own
_NOTICE_TYPES: Final = {
    "correction": "erratum notice",
    "correction, addition": "erratum notice",
    "retraction": "retraction notice",
    "expression of concern": "concern notice",
}
_PMID: Final = re.compile(r"(?:MEDLINE:)?([0-9]{1,9})")


def build_record(
    line: int, raw: str, fields: Mapping[str, str], today: date
) -> Record | Skipped | Rejected:
    """Build the record.

    Args:
        line: Where it begins.
        raw: Its text.
        fields: Tag of two letters -> value; several names or categories are separated by ";".
        today: The day after which nothing can have happened.
    """
    title = fields.get("TI", "")
    types = {kind.lower() for kind in _split(fields.get("DT", ""))}
    if not title:
        return Rejected(line=line, raw=raw, reason="no title")
    notice = next((reason for kind, reason in _NOTICE_TYPES.items() if kind in types), None)
    if notice is not None:
        return Skipped(line=line, raw=raw, reason=notice)
    abstract = fields.get("AB", "")
    days = (
        parse_day_in_year(fields.get("EA", ""), "", today),
        parse_day_in_year(fields.get("PD", ""), fields.get("PY", ""), today),
    )
    return Record(
        line=line,
        raw=raw,
        title=title,
        abstract=abstract,
        authors=(
            *_split(fields.get("AF") or fields.get("AU", "")),
            *_split(fields.get("CA", "")),
        ),
        categories=_split(fields.get("WC") or fields.get("SC", "")),
        ids=tuple(_find_ids(fields)),
        submitted=min(filter(None, days), default=None),
        journal_ref=fields.get("SO", ""),
        withdrawn="retracted publication" in types,
    )


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in map(str.strip, text.split(";")) if part)


def _find_ids(fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for tag in ("DI", "D2"):
        if value := fields.get(tag):
            yield "doi", value
            break
    for tag in ("PM", "UT"):
        if match := _PMID.fullmatch(fields.get(tag, "")):
            yield "pmid", match[1]
    yield from find_arxiv_ids(*(fields.get(tag, "") for tag in ("UT", "SO", "AR")))
