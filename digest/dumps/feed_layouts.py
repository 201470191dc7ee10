"""What publishers of journals write around the titles and abstracts in their feeds.

Knows no format and no file. A layout is told by its words, since feeds are also mixed and passed
on: Elsevier, Wiley, Taylor & Francis, SAGE, ACS, RSC, MDPI, Nature, PLOS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from digest.dumps.names import split_names

#: ACS marks papers before their issue, MDPI puts the journal before the title
_TITLE_START: Final = re.compile(
    r"\[ASAP\] ?|[^:\n]{1,100}, Vol\. [0-9]{1,4}, Pages? [\w–-]{1,20}: (?=\S)"
)
_PICTURE: Final = re.compile(r"<img\s[^<>]{0,2000}>|</?cite>", re.IGNORECASE)

_MONTH: Final = (
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Spring|Summer|Autumn|Fall|Winter)"
    r"[a-z]{0,6}\.?"
)
_MONTHS: Final = rf"{_MONTH}(?:[ /–-]{_MONTH})?"
_END: Final = r"(?:\.(?=\s|$)|[ ]?(?=\n|$))"
#: lines before an abstract, each in the words of some publishers
_LINES_BEFORE: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # Elsevier
        r"(?:Publication date: ?|Available online )[^\n]{0,80}?(?=\n|Source:|Author\(s\):|$)",
        r"Source: ?[^\n]{0,300}?(?=\n|Author\(s\):|$)",
        # Nature
        r"[^\n]{0,120}?Published online:[^\n;]{0,60};\s*(?:doi:\s*\S+)?",
        # Wiley, SAGE
        r"(?:[^\n]{1,150}?, )?(?:(?:Online )?Ahead of Print|Early ?View|Accepted Article|"
        rf"Online ?First|Just Accepted|Latest Articles){_END}",
        # Wiley, SAGE, Taylor & Francis
        r"(?:[^\n]{1,150}?, )?Volume [\w.–-]{1,12}(?:, (?:Issue|No\.|Number) [\w./–-]{1,15}"
        rf"|, Pages? [\w–-]{{1,25}}|, (?:[0-9]{{1,2}} )?{_MONTHS}(?: [0-9]{{4}})?|, [0-9]{{4}})+"
        rf"{_END}",
        # MDPI
        r"[^\n]{1,150}?, Vol\. [0-9]{1,4}, Pages? [\w–-]{1,20}: [^\n]*(?:\n|$)",
        r"[^\n]{0,150}?doi: ?10\.[^\s]{1,100}[ ]?(?=\n|$)",
    )
)
_NAMES_LINE: Final = re.compile(r"Author(?:\(s\)|s): ?([^\n]*)(?:\n|$)")
#: PLOS
_BY_LINE: Final = re.compile(r"by ([^\n]{3,20000})\n")
#: ACS: nothing but the journal and the DOI
_DOI_ALONE: Final = re.compile(r"(?:[^\n]{0,150}\n\s{0,9})?DOI: ?10\.\S+\s*")
_DOI: Final = re.compile(r"\bdoi: ?(10\.[0-9]{4,9}/[^\s,;]{1,200})", re.IGNORECASE)
_RSC_END: Final = "The content of this RSS Feed (c)"
_RSC_LINE: Final = re.compile(
    r"DOI: 10\.|Open Access|This article is licensed|To cite this article|The content of this RSS|"
    r"[^\n]{1,80}, (?:19|20)[0-9]{2}, (?:Advance|Accepted|[0-9])"
)
_HEADING: Final = re.compile(
    r"(?:ABSTRACT|Abstract|SUMMARY|Summary)(?:\s*\n+\s*|\s*[:.—–-]\s+)|ABSTRACT\s+"
)
#: the heading in the line of the text
_GLUED_HEADING: Final = re.compile(r"Abstract ?(?=[A-Z])")
#: words of a name; a longer text between commas is none
_NAME_WORDS: Final = 6


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of an entry, read."""

    abstract: str
    #: what stood around the abstract: names, and a DOI
    authors: tuple[str, ...] = ()
    doi: str = ""


def strip_title_layout(title: str) -> str:
    """Remove what stands before a title: "[ASAP] ", "Tiny Sensors, Vol. 26, Pages 1234: "."""
    title = title.strip()
    match = _TITLE_START.match(title)
    return title[match.end() :] or title if match else title


def strip_pictures(text: str) -> str:
    """Remove pictures from HTML, and the tag in which ACS puts the journal."""
    return _PICTURE.sub("", text) if "<" in text else text


def read_summary(text: str, title: str) -> Summary:
    """Part an abstract from the names and the DOI that a layout puts around it.

    Args:
        text: A summary without markup, its paragraphs parted by line breaks.
        title: The paper's title; an abstract may begin with "Abstract" if it has that word.
    """
    text = whole = text.strip()
    if _RSC_END in text:
        return _read_rsc(text)
    if _DOI_ALONE.fullmatch(text):
        return Summary("", (), _find_doi(text))
    names: tuple[str, ...] = ()
    for _ in range(8):
        if (line := _NAMES_LINE.match(text)) is not None:
            names = names or _read_names(line[1])
        elif (line := _BY_LINE.match(text)) is not None and (by := _read_names(line[1])):
            names = names or by
        else:
            line = next(filter(None, (pattern.match(text) for pattern in _LINES_BEFORE)), None)
        if line is None:
            break
        text = text[line.end() :].lstrip(" \n\t.")
    doi = _find_doi(whole[: len(whole) - len(text)])
    heading = _HEADING.match(text)
    if heading is None and "abstract" not in title.lower():
        heading = _GLUED_HEADING.match(text)
    return Summary((text[heading.end() :] if heading else text).strip(), names, doi)


def _read_rsc(text: str) -> Summary:
    """Read the summary of RSC: journal, DOI, licence, names, a sentence, two notes."""
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    first, *others = [line for line in lines if not _RSC_LINE.match(line)] or [""]
    names = _read_names(first)
    abstract = "\n\n".join(others if names else filter(None, [first, *others]))
    return Summary(abstract, names, _find_doi(text))


def _find_doi(text: str) -> str:
    return match[1] if (match := _DOI.search(text)) is not None else ""


def _read_names(text: str) -> tuple[str, ...]:
    """Split names; nothing if one of them is too long to be a name."""
    names = split_names(text)
    return names if all(len(name.split()) <= _NAME_WORDS for name in names) else ()
