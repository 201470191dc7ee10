r"""BibTeX and BibLaTeX, as reference managers write it: `@article{key, title = {A title}, author =
{Doe, Jane and ...}, ...}`.

Any entry with a title is a paper; `@string`, `@preamble` and `@comment` are no entries. Braces that
only protect letters go, TeX stays as it is. Described in "BibTeXing" (btxdoc) by O. Patashnik and
in the manual of biblatex.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from digest.dumps.bibtex_text import Block, blocks, define, fields, split_names, strip_braces
from digest.dumps.fields import make_day, parse_day, parse_month
from digest.dumps.formats import Confidence, Head
from digest.dumps.references import find_arxiv_ids, find_noted_ids, strip_version
from digest.dumps.stream import Source, detect_encoding, raw_text
from digest.model import Record, Rejected

_TYPE: Final = r"[^\x00-\x20\x7f\"#%'(),={}@\\]{1,100}"
_FIRST: Final = re.compile(r"@\s*" + _TYPE + r"\s*[{(]")
#: the type alone on the first line, its bracket on the next one
_SPLIT: Final = re.compile(r"@\s*[A-Za-z_-]+")
_ENTRY: Final = re.compile(
    r"^[ \t]*@[ \t]*"
    + _TYPE
    + r"[ \t]*[{(]\s{0,9}[^\s,{}\"=]{0,200}\s{0,9},\s{0,9}[A-Za-z_-]{1,40}\s{0,9}=",
    re.MULTILINE,
)
#: fields in which an arXiv id may stand when `eprint` has none, most telling first
_ASIDE: Final = (
    "journal",
    "journaltitle",
    "volume",
    "number",
    "eid",
    "pages",
    "howpublished",
    "publisher",
    "series",
)
_LINKS: Final = ("url", "ee", "link", "howpublished", "bdsk-url-1", "file-url")
_NUMBERS: Final = {"doi": "doi", "pmid": "pmid", "pmcid": "pmcid"}
_EPRINT: Final = ("eprint", "arxivid", "arxiv")
_KIND_OF_EPRINT: Final = ("archiveprefix", "eprinttype")
_WANTED: Final = frozenset(
    (
        *(
            "title",
            "subtitle",
            "author",
            "abstract",
            "date",
            "year",
            "month",
            "day",
            "primaryclass",
            "eprintclass",
        ),
        *("note", *_ASIDE),
        *_LINKS,
        *_NUMBERS,
        *_EPRINT,
        *_KIND_OF_EPRINT,
    )
)
_NO_EPRINT: Final = frozenset({"jstor", "hdl", "googlebooks", "hal", "ssrn", "iacr"})
_CLASS: Final = re.compile(r"[a-z]+(?:-[a-z]+)?(?:\.[A-Za-z-]{2,})?")
_CORR: Final = re.compile(r"(?:^|[\s,])abs/([a-z-]{2,20}/[0-9]{7}|[0-9]{4}\.[0-9]{4,5})(?![0-9])")
_ESCAPED: Final = re.compile(r"\\([_%&#$~{}])")
_URL: Final = re.compile(r"(?:https?://|www\.)[^\s{}\"<>\\]+", re.IGNORECASE)
_DAY: Final = re.compile(r"[0-9]{1,2}")
_MONTH: Final = re.compile(r"[A-Za-z]{3}")
_MONTHS: Final = {
    name: name
    for name in ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
}


class BibTex:
    """Title, abstract, authors, identifiers wherever they hide, the day where it is whole, the
    class of an arXiv paper.
    """

    name = "bibtex"

    def sniff(self, head: Head) -> Confidence:
        lines = [line for line in head.lines if not line.startswith("%")][:2]
        first = lines[0] if lines else ""
        if head.is_json or first.startswith("<"):
            return Confidence.NO
        if _FIRST.match(first):
            return Confidence.YES
        if _SPLIT.fullmatch(first) and lines[1:] and lines[1][0] in "{(":
            return Confidence.YES
        # A table may hold entries in its cells; text before the first entry is a comment otherwise.
        return (
            Confidence.PERHAPS
            if "title" not in first.lower() and _ENTRY.search(head.text)
            else Confidence.NO
        )

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        macros = dict(_MONTHS)
        for block in blocks(source):
            if isinstance(block, Rejected):
                yield block
            elif block.kind == "string":
                body = block.body or b""
                define(body.decode(detect_encoding(body) or "utf-8", "replace"), macros)
            elif block.kind not in ("preamble", "comment"):
                yield _entry(block, macros, source)


def _entry(block: Block, macros: dict[str, str], source: Source) -> Record | Rejected:
    if block.body is None:
        raw = raw_text(block.data)
        if block.cut:
            source.mark_incomplete(
                f"the file ends in the middle of the entry on line {block.line:,}"
            )
            return Rejected(
                line=block.line, raw=raw, reason="cut off, or a bracket in it is never closed"
            )
        return Rejected(line=block.line, raw=raw, reason="a bracket in it is never closed")
    encoding = detect_encoding(block.body)
    raw = raw_text(block.data, encoding or "utf-8")
    if encoding is None:
        return Rejected(line=block.line, raw=raw, reason="not UTF-8")
    body = block.body.decode(encoding)
    if "\0" in body:
        return Rejected(line=block.line, raw=raw, reason="holds NUL bytes")
    found = fields(body, macros, _WANTED)
    if isinstance(found, str):
        return Rejected(line=block.line, raw=raw, reason=found)
    title = strip_braces(found.get("title", "")).strip()
    if not title:
        return Rejected(line=block.line, raw=raw, reason="no title")
    if subtitle := strip_braces(found.get("subtitle", "")).strip():
        title = f"{title}: {subtitle}"
    paper_class = _bare(found.get("primaryclass") or found.get("eprintclass", ""))
    return Record(
        line=block.line,
        raw=raw,
        title=title,
        abstract=strip_braces(found.get("abstract", "")),
        authors=tuple(split_names(found.get("author", ""))),
        categories=(paper_class,) if _CLASS.fullmatch(paper_class) else (),
        ids=tuple(_ids(found)),
        submitted=_day(found, source.today),
        url=next(_links(found, ("url",)), ""),
    )


def _ids(found: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Identifiers as written.

    A reader's own typing gives no reason to refuse the paper, so what is meant for arXiv need not
    be right.
    """
    kind = next((_bare(found[name]).lower() for name in _KIND_OF_EPRINT if name in found), "")
    number = next((_bare(found[name]) for name in _EPRINT if name in found), "")
    if number and kind == "pubmed":
        yield "pmid", number
    elif number and kind not in _NO_EPRINT:
        archive = kind if kind not in ("", "arxiv") else _bare(found.get("primaryclass", ""))
        old = number.isdigit() and len(number) == 7 and archive
        yield "id", f"{archive}/{number}" if old else strip_version(number)
    for name, its_kind in _NUMBERS.items():
        if value := _bare(found.get(name, "")):
            yield its_kind, value
    for link in _links(found, _LINKS):
        yield "url", strip_version(link)
    aside = [_bare(found[name]) for name in _ASIDE if name in found]
    note = _bare(found.get("note", ""))
    yield from find_arxiv_ids(*aside, note if note.lower().startswith("arxiv") else "")
    yield from find_noted_ids(note)
    for text in aside:
        if (report := _CORR.search(text[:2000])) is not None:
            yield "id", report[1]


def _links(found: Mapping[str, str], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if name in found and (link := _URL.search(_ESCAPED.sub(r"\1", found[name]))) is not None:
            yield link[0]


def _bare(text: str) -> str:
    r"""An identifier without braces and escapes: "{10.1000/a{\_}b}" -> "10.1000/a_b"."""
    return _ESCAPED.sub(r"\1", text).replace("{", "").replace("}", "").strip()


def _day(found: Mapping[str, str], today: date) -> date | None:
    """The day where all of it is there: a paper of "2024" was not published on 1 January."""
    if (whole := parse_day(_bare(found.get("date", "")), today)) is not None:
        return whole
    year, month = _bare(found.get("year", "")), _bare(found.get("month", ""))
    day = _bare(found.get("day", ""))
    named = _MONTH.search(month)
    numbers = _DAY.findall(month)
    place = parse_month(named[0]) if named else int(numbers.pop(0)) if numbers else None
    day = day or (numbers[0] if len(numbers) == 1 else "")
    if place is None or not (
        len(year) == 4 and year.isascii() and year.isdigit() and _DAY.fullmatch(day)
    ):
        return None
    return make_day(int(year), place, int(day), today)


FORMAT = BibTex()
