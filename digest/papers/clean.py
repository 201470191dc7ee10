"""Record -> Entry: what one source says of one paper, in clean Unicode and with canonical
identities, or why it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Final

from digest.model import Entry, Identity, IdentityKind, Record, Rejected
from digest.papers.identities import arxiv_id, identities_of, identity
from digest.papers.text import normalise_title, tidy, tidy_abstract

#: characters; a longer "title" is an abstract or a page that lost its place
LONGEST_TITLE: Final = 2000
#: characters; a longer "abstract" is a whole paper, of which the beginning is enough
LONGEST_ABSTRACT: Final = 64 * 1024
_LARGEST: Final = 10**9
_NOTHING: Final = frozenset({"", "na", "n/a", "nan", "none", "null", "-"})
_LINK: Final = re.compile(
    r"https?://(?![^/?#]*@)[^\s/?#<>\"\\^`{|}]+(?:[/?#][^\s<>\"\\^`{|}]*)?", re.IGNORECASE
)
_SUFFIX: Final = re.compile(r"(?:jr|sr|i{1,3}|iv|ph\.?\s?d|m\.?\s?d)\.?", re.IGNORECASE)
_NO_PERSON: Final = re.compile(
    r"\b(?:collaboration|consortium|group|team|network|university|institute|inc|ltd)\b",
    re.IGNORECASE,
)
_ORDER: Final[tuple[IdentityKind, ...]] = (
    "arxiv",
    "doi",
    "preprint",
    "pmid",
    "pmcid",
    "openalex",
    "s2",
)


def clean(record: Record, source: str) -> Entry | Rejected:
    """Clean one record of the format `source`.

    Refused are a record without a title, one whose title is no title (longer than `LONGEST_TITLE`),
    and one whose arXiv identifier cannot be read: the paper behind it could come again under its
    right one. Any other unusable field is left empty.
    """
    title = tidy(record.title)
    if not title and not record.fragment:
        return _refuse(record, "no title")
    if len(title) > LONGEST_TITLE:
        return _refuse(
            record, f"the title has {len(title):,} characters, more than {LONGEST_TITLE:,}"
        )
    found: dict[IdentityKind, str] = {}
    version = record.version
    for kind, text in record.ids:
        if kind in ("arxiv", "id") and (paper := arxiv_id(text)) is not None:
            found.setdefault("arxiv", paper[0])
            version = version or paper[1]
        elif kind == "arxiv" and text.strip().lower() not in _NOTHING:
            return _refuse(record, f"not an arXiv identifier: {text[:80]!a}")
        else:
            for one in identities_of(text) if kind == "url" else (identity(kind, text),):
                if one is not None:
                    found.setdefault(one.kind, one.value)
    if record.url and not ("arxiv" in found and "://arxiv.org/" in record.url):
        for one in identities_of(record.url):
            found.setdefault(one.kind, one.value)
    if record.fragment and not found:
        return _refuse(record, "part of a paper without an identifier that says which")
    return Entry(
        source=source,
        title=title,
        title_key=normalise_title(title),
        abstract=tidy_abstract(record.abstract[:LONGEST_ABSTRACT]),
        authors=tuple(filter(None, map(clean_author, record.authors))),
        categories=tuple(dict.fromkeys(filter(None, map(_category, record.categories)))),
        identities=tuple(
            [
                Identity(kind=kind, value=found[kind])
                for kind in (_ORDER if len(found) > 1 else found)
                if kind in found
            ]
        ),
        version=version if version is not None and 0 < version < 10_000 else None,
        submitted=_sensible(record.submitted),
        announced=_sensible(record.announced),
        updated=_sensible(record.updated),
        upvotes=record.upvotes
        if record.upvotes is not None and 0 <= record.upvotes < _LARGEST
        else None,
        comment=tidy(record.comment),
        url=_landing_page(
            (record.url, *(text for kind, text in record.ids if kind == "url")), found
        ),
        withdrawn=record.withdrawn,
    )


@lru_cache(maxsize=32_768)
def clean_author(name: str) -> str:
    """A name in the order in which it is spoken: "Doe, Jane" -> "Jane Doe", "Doe, Jane, Jr." ->
    "Jane Doe Jr."; groups stay as they are.
    """
    text = tidy(name).strip(" ,;")
    if "," not in text:
        return text
    last, *rest = (part.strip() for part in text.split(","))
    rest = [part for part in rest if part]
    suffixes = [part for part in rest if _SUFFIX.fullmatch(part)]
    first = [part for part in rest if part not in suffixes]
    if len(first) > 1 or _NO_PERSON.search(text):
        return text
    return " ".join((*first, last, *suffixes))


#: a source has some hundred of them
_category: Final = lru_cache(maxsize=4096)(tidy)


def _landing_page(links: Iterable[str], found: dict[IdentityKind, str]) -> str:
    """The source's own page where it is one of the web, else one made from an identifier; "" where
    there is neither.
    """
    for link in links:
        if len(link) <= 2000 and _LINK.fullmatch(link.strip()):
            return link.strip()
    if (paper := found.get("arxiv")) is not None:
        return f"https://arxiv.org/abs/{paper}"
    if (name := found.get("doi") or found.get("preprint")) is not None:
        return f"https://doi.org/{name}"
    return f"https://pubmed.ncbi.nlm.nih.gov/{found['pmid']}/" if "pmid" in found else ""


def _sensible(day: date | None) -> date | None:
    """No paper is older than 1900; the future is the reader's to judge, which knows
    what day it is."""
    return day if day is not None and day.year >= 1900 else None


def _refuse(record: Record, reason: str) -> Rejected:
    return Rejected(line=record.line, raw=record.raw, reason=reason)
