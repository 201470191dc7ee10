"""A list of papers by identifier or link, one a line: arXiv ids, DOIs, PMIDs, links; here and there
a title. `#` begins a comment.

Whatever names a paper by its identifier is a fragment: the rest of the paper is elsewhere. A line
that looks like none is a title.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from digest.dumps.formats import Head, Sure
from digest.dumps.references import unversioned
from digest.dumps.stream import RAW_CAP, Source, decoded, raw_text, too_long
from digest.model import Record, Rejected

_BULLET: Final = re.compile(r"(?:[-*•]|[0-9]{1,4}[.)])\s+")
_REMARK: Final = re.compile(r"\s+#.*", re.DOTALL)
#: kind -> what a whole line of it looks like; whether the identifier can exist is for `papers` to
#: say
_SHAPES: Final = {
    "url": re.compile(
        r"(?:https?://|(?:www\.)?arxiv\.org/|(?:dx\.)?doi\.org/)[^\s\"<>]+", re.IGNORECASE
    ),
    "arxiv": re.compile(
        r"(?:arxiv:\s?|oai:arxiv\.org:)\S+|[0-9]{4}\.[0-9]{4,5}(?:v[0-9]{1,4})?|[a-z]{2,12}(?:-[a-z]{2,8})?(?:\.[a-z-]{2,8})?/[0-9]{7}(?:v[0-9]{1,4})?",
        re.IGNORECASE,
    ),
    "doi": re.compile(r"(?:doi:\s?)?10\.[0-9]{4,9}(?:\.[0-9]+)*/[^\s\"<>]+", re.IGNORECASE),
    "pmid": re.compile(r"pmid:?\s?[0-9]{1,9}|[0-9]{5,8}", re.IGNORECASE),
    "pmcid": re.compile(r"(?:pmcid:?\s?)?PMC[0-9]{1,9}", re.IGNORECASE),
}
#: of the first lines that are no comment, how many must be identifiers
_NEARLY_ALL: Final = 0.8
#: characters; a longer line is prose
_LONGEST: Final = 2000


class IdList:
    """An identifier or a title a line."""

    name = "id-list"

    def sniff(self, head: Head) -> Sure:
        lines = [line for line in head.lines if not line.startswith("#")]
        # A separator may make cells of the line, one of which happens to look like an identifier.
        named = sum(
            1
            for line in lines
            if (found := _named(line)) and not any(sign in found[1] for sign in ",;\t")
        )
        return Sure.YES if lines and named >= _NEARLY_ALL * len(lines) else Sure.NO

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        for number, data, _ in source.lines():
            if data is None:
                yield too_long(number)
                continue
            if (text := decoded(data)) is None:
                yield Rejected(line=number, raw=raw_text(data), reason="not UTF-8")
                continue
            line = text.strip()
            if not line or line.startswith("#"):
                continue
            raw = line[:RAW_CAP]
            if "\0" in line:
                yield Rejected(line=number, raw=raw, reason="holds NUL bytes")
            elif (found := _named(line)) is not None:
                yield Record(line=number, raw=raw, title="", ids=(found,), fragment=True)
            elif len(line) > _LONGEST or not any(sign.isalpha() for sign in line):
                yield Rejected(
                    line=number, raw=raw, reason="neither an identifier, nor a link, nor a title"
                )
            else:
                yield Record(line=number, raw=raw, title=_BULLET.sub("", line, count=1))


def _named(line: str) -> tuple[str, str] | None:
    """(kind, identifier as written) of a line that is one; bullets before it and remarks after it
    do not count.
    """
    if len(line) > _LONGEST:
        return None
    bare = _REMARK.sub("", line)
    for text in (bare, _BULLET.sub("", bare, count=1)):
        for kind, shape in _SHAPES.items():
            if shape.fullmatch(text):
                return kind, unversioned(text) if kind in ("arxiv", "url") else text
    return None


FORMAT = IdList()
