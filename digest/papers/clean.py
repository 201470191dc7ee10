"""Record -> Entry, in clean Unicode with canonical identities, or Rejected."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Final

from digest.model import Entry, Identity, IdentityKind, Record, Rejected
from digest.papers.identities import parse_arxiv_id, parse_identity, parse_link
from digest.papers.names import is_group
from digest.papers.text import clean_abstract, clean_text, normalise_title

#: characters; a longer "title" is an abstract or a page
TITLE_CAP: Final = 2000
#: characters; a longer "abstract" is a whole paper, and its beginning is enough
ABSTRACT_CAP: Final = 64 * 1024
#: characters; a longer journal reference is a text
_JOURNAL_REF_CAP: Final = 1000
_UPVOTES_CAP: Final = 10**9
_BLANK_VALUES: Final = frozenset({"", "na", "n/a", "nan", "none", "null", "-"})
_LINK: Final = re.compile(
    r"https?://(?![^/?#]*@)[^\s/?#<>\"\\^`{|}]+(?:[/?#][^\s<>\"\\^`{|}]*)?", re.IGNORECASE
)
#: signs of Chinese, Japanese and Korean names
_CHINESE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_SUFFIX: Final = re.compile(r"(?:jr|sr|i{2,3}|iv|ph\.?\s?d|m\.?\s?d)\.?", re.IGNORECASE)
#: DBLP's number of one of several people of that name, or marks of footnotes
_NAME_NUMBER: Final = re.compile(r"(?<=\w\w) 0\d{3}$")
_FOOTNOTES: Final = re.compile(r"(?<=[^\W\d_][^\W\d_])(?:[0-9]{1,2}|[¹²³⁰-⁹]{1,3})$")
_NAME_EDGES: Final = " ,;:*†‡§¶\\/"
_KIND_ORDER: Final[tuple[IdentityKind, ...]] = (
    "arxiv",
    "doi",
    "preprint",
    "pmid",
    "pmcid",
    "openalex",
    "s2",
)


def clean(record: Record, source: str) -> Entry | Rejected:
    """Clean a record of the format `source`.

    Any unusable field is left empty, except for these.

    Returns:
        Rejected if the record has no title, if the title is longer than `TITLE_CAP`, or if its
        arXiv identifier cannot be read: the paper could come again under the right one.
    """
    title = clean_text(record.title)
    if not title and not record.fragment:
        return _reject(record, "no title")
    if len(title) > TITLE_CAP:
        return _reject(record, f"the title has {len(title):,} characters, more than {TITLE_CAP:,}")
    identities: dict[IdentityKind, str] = {}
    version = record.version
    for kind, text in record.ids:
        if kind in ("arxiv", "id") and (arxiv := parse_arxiv_id(text)) is not None:
            identities.setdefault("arxiv", arxiv[0])
            version = version or arxiv[1]
        elif kind == "arxiv" and text.strip().lower() not in _BLANK_VALUES:
            return _reject(record, f"not an arXiv identifier: {text[:80]!a}")
        else:
            for identity in parse_link(text) if kind == "url" else (parse_identity(kind, text),):
                if identity is not None:
                    identities.setdefault(identity.kind, identity.value)
    if record.url and not ("arxiv" in identities and "://arxiv.org/" in record.url):
        for identity in parse_link(record.url):
            identities.setdefault(identity.kind, identity.value)
    if record.fragment and not identities:
        return _reject(record, "part of a paper without an identifier that says which")
    return Entry(
        source=source,
        title=title,
        title_key=normalise_title(title),
        abstract=clean_abstract(record.abstract[:ABSTRACT_CAP]),
        authors=tuple(filter(None, map(clean_author, record.authors))),
        categories=tuple(dict.fromkeys(filter(None, map(_clean_category, record.categories)))),
        identities=tuple(
            [
                Identity(kind=kind, value=identities[kind])
                for kind in (_KIND_ORDER if len(identities) > 1 else identities)
                if kind in identities
            ]
        ),
        version=version if version is not None and 0 < version < 10_000 else None,
        submitted=_reject_implausible(record.submitted),
        announced=_reject_implausible(record.announced),
        updated=_reject_implausible(record.updated),
        upvotes=record.upvotes
        if record.upvotes is not None and 0 <= record.upvotes < _UPVOTES_CAP
        else None,
        comment=clean_text(record.comment),
        journal_ref=clean_text(record.journal_ref[:_JOURNAL_REF_CAP]),
        code_url=_clean_link(record.code_url),
        project_url=_clean_link(record.project_url),
        url=_find_landing_page(
            (record.url, *(text for kind, text in record.ids if kind == "url")), identities
        ),
        withdrawn=record.withdrawn,
    )


@lru_cache(maxsize=32_768)
def clean_author(name: str) -> str:
    """Put the first name first: "Doe, Jane, Jr." -> "Jane Doe Jr."; in Chinese "王, 伟" -> "王伟".

    Names of groups stay as they are. Footnotes and the number of DBLP ("Jane Doe 0001") go, and so
    does a name without letters.
    """
    text = clean_text(name.replace("--", "-")).strip(_NAME_EDGES)
    if not any(map(str.isalpha, text)):
        return ""
    text = _NAME_NUMBER.sub("", text.removeprefix("the "))
    if " " in text and not is_group(text):
        text = _FOOTNOTES.sub("", text)
    if "," not in text:
        return text
    last, *rest = (part.strip() for part in text.split(","))
    rest = [part for part in rest if part]
    suffixes = [part for part in rest if _SUFFIX.fullmatch(part)]
    first_names = [part for part in rest if part not in suffixes]
    if len(first_names) > 1 or is_group(text):
        return text
    if first_names and _CHINESE.fullmatch(last + first_names[0]):
        return last + first_names[0]
    return " ".join((*first_names, last, *suffixes))


#: sources have about a hundred categories
_clean_category: Final = lru_cache(maxsize=4096)(clean_text)


def _find_landing_page(links: Iterable[str], identities: dict[IdentityKind, str]) -> str:
    """Find a web page: the source's own, else one of an identifier, else ""."""
    for link in links:
        if address := _clean_link(link):
            return address
    if (arxiv := identities.get("arxiv")) is not None:
        return f"https://arxiv.org/abs/{arxiv}"
    if (doi := identities.get("doi") or identities.get("preprint")) is not None:
        return f"https://doi.org/{doi}"
    return f"https://pubmed.ncbi.nlm.nih.gov/{identities['pmid']}/" if "pmid" in identities else ""


def _clean_link(link: str) -> str:
    """The address of a web page, or ""."""
    if not link or len(link) > 2000:
        return ""
    link = link.strip()
    return link if _LINK.fullmatch(link) and link.isprintable() else ""


def _reject_implausible(day: date | None) -> date | None:
    """Drop a day before 1900; the parsers drop future days, since they know today."""
    return day if day is not None and day.year >= 1900 else None


def _reject(record: Record, reason: str) -> Rejected:
    return Rejected(line=record.line, raw=record.raw, reason=reason)
