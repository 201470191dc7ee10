r"""BibTeX and BibLaTeX of reference managers: `@article{key, title = {A title}}`.

Any entry with a title is a paper; `@string`, `@preamble` and `@comment` are not entries. Braces
that only protect letters are removed, TeX stays. Described in "BibTeXing" (btxdoc) by O. Patashnik
and in the manual of biblatex.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from digest.dumps.fields import make_day, parse_day, parse_month
from digest.dumps.formats import Confidence, Head
from digest.dumps.libraries.bibtex_split import Block, split_blocks
from digest.dumps.libraries.bibtex_text import define_macro, parse_fields, split_names, strip_braces
from digest.dumps.names import has_group_word
from digest.dumps.references import find_arxiv_ids, find_noted_ids, strip_version
from digest.dumps.stream import Source, detect_encoding, raw_text
from digest.model import Record, Rejected, Skipped

_TYPE: Final = r"[^\x00-\x20\x7f\"#%'(),={}@\\]{1,100}"
_FIRST_ENTRY: Final = re.compile(r"@\s*" + _TYPE + r"\s*[{(]")
#: the type alone on the first line, with its bracket on the next line
_SPLIT_ENTRY: Final = re.compile(r"@\s*[A-Za-z_-]+")
_ENTRY: Final = re.compile(
    r"^[ \t]*@[ \t]*"
    + _TYPE
    + r"[ \t]*[{(]\s{0,9}[^\s,{}\"=]{0,200}\s{0,9},\s{0,9}[A-Za-z_-]{1,40}\s{0,9}=",
    re.MULTILINE,
)
#: fields that may hold an arXiv id if `eprint` does not, most reliable first
_OTHER_ID_FIELDS: Final = (
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
_LINK_FIELDS: Final = ("url", "ee", "link", "howpublished", "bdsk-url-1", "file-url")
_ID_FIELDS: Final = {"doi": "doi", "pmid": "pmid", "pmcid": "pmcid", "pmc": "pmcid"}
_EPRINT_FIELDS: Final = ("eprint", "arxivid", "arxiv")
_EPRINT_KIND_FIELDS: Final = ("archiveprefix", "eprinttype")
_FIELDS: Final = frozenset(
    (
        *["title", "subtitle", "author", "abstract", "date", "year", "month", "day"],
        *["collaboration", "primaryclass", "eprintclass", "note"],
        *_OTHER_ID_FIELDS,
        *_LINK_FIELDS,
        *_ID_FIELDS,
        *_EPRINT_FIELDS,
        *_EPRINT_KIND_FIELDS,
    )
)
#: kind of an eprint -> kind of identifier
_PUBMED_KINDS: Final = {"pubmed": "pmid", "pmid": "pmid", "pmc": "pmcid", "pmcid": "pmcid"}
_OTHER_EPRINT_KINDS: Final = frozenset({"jstor", "hdl", "googlebooks", "hal", "ssrn", "iacr"})
#: kinds of entries that hold papers and are none
_VOLUMES: Final = frozenset({"proceedings", "mvproceedings"})
_CLASS: Final = re.compile(r"[a-z]+(?:-[a-z]+)?(?:\.[A-Za-z-]{2,})?")
_CORR: Final = re.compile(r"(?:^|[\s,])abs/([a-z-]{2,20}/[0-9]{7}|[0-9]{4}\.[0-9]{4,5})(?![0-9])")
_ESCAPED_CHARACTER: Final = re.compile(r"\{\\?([_%&#$~])\}|\\([_%&#$~{}])")
_UNDERSCORE: Final = re.compile(r"\{?\\textunderscore\b\s?(?:\{\})?\}?")
_LINK: Final = re.compile(r"(?:https?://|www\.)[^\s{}\"<>\\]+", re.IGNORECASE)
_DAY: Final = re.compile(r"[0-9]{1,2}")
_MONTH: Final = re.compile(r"[A-Za-z]{3}")
_MONTHS: Final = {
    name: name
    for name in ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
}


class BibTex:
    """Title, abstract, authors, identifiers, complete days, class of an arXiv paper."""

    name = "bibtex"

    def sniff(self, head: Head) -> Confidence:
        lines = [line for line in head.lines if not line.startswith("%")][:2]
        first = lines[0] if lines else ""
        if head.is_json or first.startswith("<"):
            return Confidence.NO
        if _FIRST_ENTRY.match(first):
            return Confidence.YES
        if _SPLIT_ENTRY.fullmatch(first) and lines[1:] and lines[1][0] in "{(":
            return Confidence.YES
        # Text before the first entry is a comment, but a table may hold entries in its cells.
        return (
            Confidence.PERHAPS
            if "title" not in first.lower() and _ENTRY.search(head.text)
            else Confidence.NO
        )

    def read(self, source: Source) -> Iterator[Record | Skipped | Rejected]:
        macros = dict(_MONTHS)
        for block in split_blocks(source):
            if isinstance(block, Rejected):
                yield block
            elif block.kind == "string":
                body = block.body or b""
                define_macro(source.decode(body) or raw_text(body), macros)
            elif block.kind not in ("preamble", "comment"):
                yield _read_entry(block, macros, source)


def _read_entry(
    block: Block, macros: dict[str, str], source: Source
) -> Record | Skipped | Rejected:
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
    raw = raw_text(block.data)
    if "\ufffd" in raw:
        raw = raw_text(block.data, detect_encoding(block.body) or "utf-8")
    if (body := source.decode(block.body)) is None:
        return Rejected(line=block.line, raw=raw, reason="not UTF-8")
    values = parse_fields(body, macros, _FIELDS)
    if isinstance(values, str):
        return Rejected(line=block.line, raw=raw, reason=values)
    if block.kind in _VOLUMES:
        return Skipped(line=block.line, raw=raw, reason=f"a volume: @{block.kind}")
    title = strip_braces(values.get("title", "")).strip()
    if not title:
        return Rejected(line=block.line, raw=raw, reason="no title")
    if subtitle := strip_braces(values.get("subtitle", "")).strip():
        title = f"{title}: {subtitle}"
    paper_class = _strip_tex(values.get("primaryclass") or values.get("eprintclass", ""))
    return Record(
        line=block.line,
        raw=raw,
        title=title,
        abstract=strip_braces(values.get("abstract", "")),
        authors=_read_authors(values),
        categories=(paper_class,) if _CLASS.fullmatch(paper_class) else (),
        ids=tuple(_find_ids(values)),
        submitted=_read_day(values, source.today),
        url=next(_find_links(values, ("url",)), ""),
    )


def _read_authors(values: Mapping[str, str]) -> tuple[str, ...]:
    """Read the people, then the collaborations that INSPIRE names apart from them."""
    names = list(split_names(values.get("author", "")))
    for text in re.split(r",|\band\b", strip_braces(values.get("collaboration", ""))):
        name = " ".join(text.split())
        if name and not has_group_word(name):
            name = f"{name} Collaboration"
        if name and name not in names:
            names.append(name)
    return tuple(names)


def _find_ids(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Find the identifiers as written.

    Readers type them by hand, so a wrong arXiv id is no reason to reject the paper.
    """
    kind = next(
        (_strip_tex(values[name]).lower() for name in _EPRINT_KIND_FIELDS if name in values), ""
    )
    number = next((_strip_tex(values[name]) for name in _EPRINT_FIELDS if name in values), "")
    if number and kind in _PUBMED_KINDS:
        yield _PUBMED_KINDS[kind], number
    elif number and kind not in _OTHER_EPRINT_KINDS:
        archive = kind if kind not in ("", "arxiv") else _strip_tex(values.get("primaryclass", ""))
        old = number.isdigit() and len(number) == 7 and archive
        yield "id", f"{archive}/{number}" if old else strip_version(number)
    for name, its_kind in _ID_FIELDS.items():
        if value := _strip_tex(values.get(name, "")):
            yield its_kind, value
    for link in _find_links(values, _LINK_FIELDS):
        yield "url", strip_version(link)
    other_values = [_strip_tex(values[name]) for name in _OTHER_ID_FIELDS if name in values]
    note = _strip_tex(values.get("note", ""))
    yield from find_arxiv_ids(*other_values, note if note.lower().startswith("arxiv") else "")
    yield from find_noted_ids(note)
    for text in other_values:
        if (report := _CORR.search(text[:2000])) is not None:
            yield "id", report[1]


def _find_links(values: Mapping[str, str], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if name in values and (link := _LINK.search(_unescape(values[name]))) is not None:
            yield link[0]


def _strip_tex(text: str) -> str:
    r"""Remove braces and escapes from an identifier.

    "{10.1000/a{\_}b}" becomes "10.1000/a_b".
    """
    return _unescape(text).replace("{", "").replace("}", "").strip()


def _unescape(text: str) -> str:
    if "\\" not in text and "{" not in text:
        return text
    return _ESCAPED_CHARACTER.sub(r"\1\2", _UNDERSCORE.sub("_", text))


def _read_day(values: Mapping[str, str], today: date) -> date | None:
    """Read the day if it is complete.

    A paper of "2024" was not published on 1 January.
    """
    if (complete_day := parse_day(_strip_tex(values.get("date", "")), today)) is not None:
        return complete_day
    year, month = _strip_tex(values.get("year", "")), _strip_tex(values.get("month", ""))
    day = _strip_tex(values.get("day", ""))
    month_name = _MONTH.search(month)
    numbers = _DAY.findall(month)
    month_number = (
        parse_month(month_name[0]) if month_name else int(numbers.pop(0)) if numbers else None
    )
    day = day or (numbers[0] if len(numbers) == 1 else "")
    if month_number is None or not (
        len(year) == 4 and year.isascii() and year.isdigit() and _DAY.fullmatch(day)
    ):
        return None
    return make_day(int(year), month_number, int(day), today)


FORMAT = BibTex()
