"""A stored paper as an entry for a reference manager: BibTeX, RIS and CSL-JSON.

Each says only what is stored. `dumps` reads all three back.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from digest.model import Paper
from digest.papers.names import is_group
from digest.papers.resources import find_resources

#: characters that TeX takes for commands, as BibTeX needs them
_TEX: Final[Mapping[str, str]] = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
} | {sign: f"\\{sign}" for sign in "&%$#_"}
_KEY: Final = re.compile(r"[^a-z0-9]+")
#: small words in front of a family name that belong to it
_NAME_WORDS: Final = "al da de del della der den di dos du el la le ten ter van von"
_PARTICLES: Final = frozenset(_NAME_WORDS.split())


def to_bibtex(paper: Paper, *, key: str = "") -> str:
    """Write one BibTeX entry: an article where a journal is known, else `@misc`.

    Args:
        key: the name by which it is cited; "" = one made from author, year and title.
    """
    day = _day_of(paper)
    fields = {
        "title": "{" + _escape_tex(paper.title) + "}",
        "author": " and ".join(map(_tex_name, paper.authors)),
        "year": str(day.year),
        "month": f"{day:%b}".lower(),
        "journal": _escape_tex(paper.journal_ref),
        "doi": _doi(paper),
        "eprint": paper.identity("arxiv") or "",
        "archiveprefix": "arXiv" if paper.identity("arxiv") else "",
        "primaryclass": paper.categories[0] if paper.identity("arxiv") and paper.categories else "",
        "pmid": paper.identity("pmid") or "",
        "url": find_resources(paper).page if not _is_found_by_title(paper) else "",
        "abstract": _escape_tex(paper.abstract),
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    kind = "article" if paper.journal_ref else "misc"
    return "\n".join([f"@{kind}{{{key or _citation_key(paper)},", *lines, "}", ""])


def to_ris(paper: Paper) -> str:
    """Write one RIS record: `JOUR` where a journal is known, else `GEN`."""
    day = _day_of(paper)
    arxiv = paper.identity("arxiv")
    lines = [
        ("TY", "JOUR" if paper.journal_ref else "GEN"),
        ("TI", paper.title),
        *(("AU", _family_first(name)) for name in paper.authors),
        ("PY", str(day.year)),
        ("DA", f"{day:%Y/%m/%d}"),
        ("JO", paper.journal_ref),
        ("DO", _doi(paper)),
        ("AN", f"arXiv:{arxiv}" if arxiv else ""),
        ("UR", "" if _is_found_by_title(paper) else find_resources(paper).page),
        ("AB", paper.abstract),
    ]
    texts = [f"{tag}  - {' '.join(value.split())}" for tag, value in lines if value]
    return "\r\n".join([*texts, "ER  - ", ""])


def to_csl(paper: Paper) -> str:
    """Write a CSL-JSON list of one item."""
    return many_to_csl([paper])


def many_to_bibtex(papers: Iterable[Paper]) -> str:
    """Write BibTeX entries whose keys differ."""
    return "\n".join(to_bibtex(paper, key=key) for key, paper in _with_keys(papers))


def many_to_ris(papers: Iterable[Paper]) -> str:
    """Write RIS records."""
    return "\r\n".join(map(to_ris, papers))


def many_to_csl(papers: Iterable[Paper]) -> str:
    """Write a CSL-JSON list whose ids differ."""
    items = [_csl_item(paper, key) for key, paper in _with_keys(papers)]
    return json.dumps(items, ensure_ascii=False)


def _with_keys(papers: Iterable[Paper]) -> Iterator[tuple[str, Paper]]:
    """Name each paper by its citation key, with a number where an earlier one has the same."""
    used: set[str] = set()
    for paper in papers:
        key = first = _citation_key(paper)
        number = 1
        while key in used:
            number += 1
            key = f"{first}-{number}"
        used.add(key)
        yield key, paper


def _csl_item(paper: Paper, key: str) -> dict[str, Any]:
    day = _day_of(paper)
    item: dict[str, Any] = {
        "id": key,
        "type": "article-journal" if paper.journal_ref else "article",
        "title": paper.title,
        "author": [_csl_name(name) for name in paper.authors],
        "issued": {"date-parts": [[day.year, day.month, day.day]]},
        "container-title": paper.journal_ref,
        "DOI": _doi(paper),
        "number": f"arXiv:{paper.identity('arxiv')}" if paper.identity("arxiv") else "",
        "PMID": paper.identity("pmid") or "",
        "URL": "" if _is_found_by_title(paper) else find_resources(paper).page,
        "abstract": paper.abstract,
    }
    return {name: value for name, value in item.items() if value}


def _day_of(paper: Paper) -> date:
    return paper.submitted or paper.announced or paper.first_seen


def _doi(paper: Paper) -> str:
    return paper.identity("doi") or paper.identity("preprint") or ""


def _is_found_by_title(paper: Paper) -> bool:
    return find_resources(paper).is_search


def _split_name(name: str) -> tuple[str, str]:
    """Split a name into given and family names; a name of one word is a family name."""
    words = name.split()
    start = len(words) - 1
    while start > 1 and words[start - 1] in _PARTICLES:
        start -= 1
    return " ".join(words[: max(start, 0)]), " ".join(words[max(start, 0) :])


def _tex_name(name: str) -> str:
    return "{" + _escape_tex(name) + "}" if is_group(name) else _escape_tex(_family_first(name))


def _family_first(name: str) -> str:
    if is_group(name):
        return name
    given, family = _split_name(name)
    return f"{family}, {given}" if given else family


def _csl_name(name: str) -> dict[str, str]:
    if is_group(name):
        return {"literal": name}
    given, family = _split_name(name)
    return {"family": family, "given": given} if given else {"literal": family}


def _citation_key(paper: Paper) -> str:
    """Make a key such as `doe2026attention`, in ASCII."""
    family = _split_name(paper.authors[0])[1] if paper.authors else "anonymous"
    words = [word for word in map(_fold, paper.title.split()) if len(word) > 3]
    return f"{_fold(family)}{_day_of(paper).year}{words[0] if words else ''}"


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _KEY.sub("", plain.lower())


def _escape_tex(text: str) -> str:
    return "".join(_TEX.get(sign, sign) for sign in text)
