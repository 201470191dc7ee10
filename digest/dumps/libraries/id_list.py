"""A list of papers, one a line: arXiv ids, DOIs, PMIDs, links or titles.

`#` begins a comment. The first line may be a header, as in a table of one column.

A line with identifiers is a fragment for each: the rest of the paper is elsewhere. That is also a
line with a link to arXiv or a DOI beside other words. A link of Markdown has its title with it. Any
other line is a title.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from digest.dumps.formats import Confidence, Head
from digest.dumps.libraries.markdown import find_papers
from digest.dumps.references import strip_version
from digest.dumps.stream import RAW_CAP, Source, raw_text, reject_too_long
from digest.model import Record, Rejected

_BULLET: Final = re.compile(r"(?:[-*•]|[0-9]{1,4}[.)])\s+")
_COMMENT: Final = re.compile(r"\s+#.*", re.DOTALL)
#: kind -> shape of a whole line; `papers` decides whether the identifier can exist
_SHAPES: Final = {
    "url": re.compile(
        r"(?!.*[,;|]https?://)"
        r"(?:https?://|(?:www\.)?arxiv\.org/|(?:dx\.)?doi\.org/)[^\s\"<>]+",
        re.IGNORECASE,
    ),
    "arxiv": re.compile(
        r"(?:arxiv:\s?|oai:arxiv\.org:)\S+"
        r"(?:\s+\[[^\]]*\])?(?:\s+[0-9]{1,2} [a-z]{3} [0-9]{4})?|"
        r"[0-9]{4}\.[0-9]{4,5}(?:v[0-9]{1,4})?|"
        r"[a-z]{2,12}(?:-[a-z]{2,8})?(?:\.[a-z-]{2,8})?/[0-9]{7}(?:v[0-9]{1,4})?",
        re.IGNORECASE,
    ),
    "doi": re.compile(r"(?:doi:\s?)?10\.[0-9]{4,9}(?:\.[0-9]+)*(?:/|%2f)[^\s\"<>]+", re.IGNORECASE),
    "pmid": re.compile(r"pmid:?\s?[0-9]{1,9}|[0-9]{5,8}", re.IGNORECASE),
    "pmcid": re.compile(r"(?:pmcid:?\s?)?PMC[0-9]{1,9}", re.IGNORECASE),
}
_HEADER: Final = re.compile(
    r"(?:arxiv|doi|pmid|pmcid|pubmed|url|link|paper)?[ _-]?(?:ids?|links?|urls?|identifiers?)?s?",
    re.IGNORECASE,
)
#: the number of an old arXiv id without its archive, which may also be a PMID
_OLD_NUMBER: Final = re.compile(r"(?:9[1-9]|0[0-7])(?:0[1-9]|1[0-2])[0-9]{3}")
_MARKDOWN_LINK: Final = re.compile(r"\]\(<?(https?://[^\s()<>]+(?:\([^\s()<>]*\)[^\s()<>]*)*)")
_PAPER_LINK: Final = re.compile(
    r"https?://(?:[\w-]+\.)*(?:arxiv|doi)\.org/[^\s\"<>\[\]]+", re.IGNORECASE
)
#: between several identifiers of a line
_BETWEEN: Final = re.compile(r"[,;|]?\s+|[,;|](?=https?://)")
#: share of the first lines without comments that must be identifiers
_MIN_SHARE: Final = 0.8
#: characters; a longer line is prose
_LINE_CAP: Final = 2000


class IdList:
    """An identifier or a title on each line."""

    name = "id-list"

    def sniff(self, head: Head) -> Confidence:
        if head.is_json:
            return Confidence.NO
        lines = _skip_header([line for line in head.lines if not line.startswith("#")])
        # A line with a separator may be a row of cells that happens to look like an identifier.
        identifier_count = sum(
            1
            for line in lines
            if (identifier := _parse_identifier(line))
            and not any(separator in identifier[1] for separator in ",;\t")
        )
        # A line of several identifiers may be one as well, so it counts neither way.
        several_count = sum(
            1 for line in lines if not _parse_identifier(line) and len(_parse_identifiers(line)) > 1
        )
        return (
            Confidence.YES
            if identifier_count and identifier_count >= _MIN_SHARE * (len(lines) - several_count)
            else Confidence.NO
        )

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        lines = [line for line in Head(source.head()).lines if not line.startswith("#")]
        header = lines[0] if lines and len(_skip_header(lines)) < len(lines) else None
        numbers_are_pmids = (header or "").lower().startswith(("pmid", "pubmed")) or any(
            line.isdigit() and len(line) > 4 and not _OLD_NUMBER.fullmatch(line) for line in lines
        )
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
            if header is not None:
                header = None
                continue
            yield from _read_line(number, line, numbers_are_pmids=numbers_are_pmids)


def _read_line(number: int, line: str, *, numbers_are_pmids: bool) -> Iterator[Record | Rejected]:
    raw = line[:RAW_CAP]
    links_in_line = _MARKDOWN_LINK.findall(line[:_LINE_CAP])
    papers = find_papers(line[:_LINE_CAP]) if links_in_line else []
    if papers and [links for _, links in papers] == [(link,) for link in links_in_line]:
        for title, links in papers:
            ids = tuple(("url", strip_version(link)) for link in links)
            yield Record(line=number, raw=raw, title=title, ids=ids, fragment=not title)
    elif identifiers := _parse_identifiers(line):
        for kind, text in identifiers:
            if _OLD_NUMBER.fullmatch(text) and (text.startswith("0") or not numbers_are_pmids):
                yield Rejected(
                    line=number,
                    raw=raw,
                    reason=f"may be a PMID or an old arXiv number: write PMID: before it, or its "
                    f"archive as in hep-th/{text}",
                )
            else:
                yield Record(line=number, raw=raw, title="", ids=((kind, text),), fragment=True)
    elif len(line) > _LINE_CAP or not any(character.isalpha() for character in line):
        yield Rejected(
            line=number, raw=raw, reason="neither an identifier, nor a link, nor a title"
        )
    else:
        yield Record(line=number, raw=raw, title=_BULLET.sub("", line, count=1))


def _skip_header(lines: list[str]) -> list[str]:
    """Leave out the first line if it names a column of identifiers."""
    return lines[1:] if lines and _HEADER.fullmatch(lines[0].strip("\"' ,;\t")) else lines


def _parse_identifiers(line: str) -> list[tuple[str, str]]:
    """Parse (kind, identifier as written) of each paper that a line names."""
    if len(line) > _LINE_CAP:
        return []
    if (identifier := _parse_identifier(line)) is not None:
        return [identifier]
    if links := _MARKDOWN_LINK.findall(line):
        return [("url", strip_version(link)) for link in dict.fromkeys(links)]
    text = _BULLET.sub("", _COMMENT.sub("", line), count=1)
    parts: list[tuple[str, str]] = []
    for written in _BETWEEN.split(text):
        if (part := _parse_shape(written)) is None or part[1].isdigit():
            break
        parts.append(part)
    else:
        return list(dict.fromkeys(parts))
    links = _PAPER_LINK.findall(line)
    return [("url", strip_version(link.rstrip(".,;:"))) for link in dict.fromkeys(links)]


def _parse_identifier(line: str) -> tuple[str, str] | None:
    """Parse (kind, identifier as written) from a line, None if there is none.

    A bullet before it and a comment after it do not count.
    """
    if len(line) > _LINE_CAP:
        return None
    uncommented = _COMMENT.sub("", line)
    return _parse_shape(uncommented) or _parse_shape(_BULLET.sub("", uncommented, count=1))


def _parse_shape(text: str) -> tuple[str, str] | None:
    text = text.strip("\"'<> ").rstrip(".,;\t")
    for kind, shape in _SHAPES.items():
        if shape.fullmatch(text):
            return kind, strip_version(text) if kind in ("arxiv", "url") else text
    return None


FORMAT = IdList()
