"""A list of papers, one a line: arXiv ids, DOIs, PMIDs, links or titles.

`#` begins a comment.

A line with an identifier is a fragment: the rest of the paper is elsewhere. Any other line is a
title.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from digest.dumps.formats import Confidence, Head
from digest.dumps.references import strip_version
from digest.dumps.stream import RAW_CAP, Source, raw_text, reject_too_long
from digest.model import Record, Rejected

_BULLET: Final = re.compile(r"(?:[-*•]|[0-9]{1,4}[.)])\s+")
_COMMENT: Final = re.compile(r"\s+#.*", re.DOTALL)
#: kind -> shape of a whole line; `papers` decides whether the identifier can exist
_SHAPES: Final = {
    "url": re.compile(
        r"(?:https?://|(?:www\.)?arxiv\.org/|(?:dx\.)?doi\.org/)[^\s\"<>]+", re.IGNORECASE
    ),
    "arxiv": re.compile(
        r"(?:arxiv:\s?|oai:arxiv\.org:)\S+|[0-9]{4}\.[0-9]{4,5}(?:v[0-9]{1,4})?|"
        r"[a-z]{2,12}(?:-[a-z]{2,8})?(?:\.[a-z-]{2,8})?/[0-9]{7}(?:v[0-9]{1,4})?",
        re.IGNORECASE,
    ),
    "doi": re.compile(r"(?:doi:\s?)?10\.[0-9]{4,9}(?:\.[0-9]+)*/[^\s\"<>]+", re.IGNORECASE),
    "pmid": re.compile(r"pmid:?\s?[0-9]{1,9}|[0-9]{5,8}", re.IGNORECASE),
    "pmcid": re.compile(r"(?:pmcid:?\s?)?PMC[0-9]{1,9}", re.IGNORECASE),
}
#: share of the first lines without comments that must be identifiers
_MIN_SHARE: Final = 0.8
#: characters; a longer line is prose
_LINE_CAP: Final = 2000


class IdList:
    """An identifier or a title on each line."""

    name = "id-list"

    def sniff(self, head: Head) -> Confidence:
        lines = [line for line in head.lines if not line.startswith("#")]
        # A line with a separator may be a row of cells that happens to look like an identifier.
        identifier_count = sum(
            1
            for line in lines
            if (identifier := _parse_identifier(line))
            and not any(separator in identifier[1] for separator in ",;\t")
        )
        return (
            Confidence.YES
            if lines and identifier_count >= _MIN_SHARE * len(lines)
            else Confidence.NO
        )

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        for number, data, _ in source.lines():
            if data is None:
                yield reject_too_long(number)
                continue
            if (text := source.decode(data)) is None:
                yield Rejected(line=number, raw=raw_text(data), reason="not UTF-8")
                continue
            line = text.strip()
            if not line or line.startswith("#"):
                continue
            raw = line[:RAW_CAP]
            if (identifier := _parse_identifier(line)) is not None:
                yield Record(line=number, raw=raw, title="", ids=(identifier,), fragment=True)
            elif len(line) > _LINE_CAP or not any(character.isalpha() for character in line):
                yield Rejected(
                    line=number, raw=raw, reason="neither an identifier, nor a link, nor a title"
                )
            else:
                yield Record(line=number, raw=raw, title=_BULLET.sub("", line, count=1))


def _parse_identifier(line: str) -> tuple[str, str] | None:
    """Parse (kind, identifier as written) from a line, None if there is none.

    A bullet before it and a comment after it do not count.
    """
    if len(line) > _LINE_CAP:
        return None
    uncommented = _COMMENT.sub("", line)
    for text in (uncommented, _BULLET.sub("", uncommented, count=1)):
        for kind, shape in _SHAPES.items():
            if shape.fullmatch(text):
                return kind, strip_version(text) if kind in ("arxiv", "url") else text
    return None


FORMAT = IdList()
