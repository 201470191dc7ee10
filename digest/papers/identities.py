"""Identifiers of papers as people and sources write them -> canonical ones.

Looks nothing up: a well-formed one may name no paper.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from digest.model import Identity, IdentityKind

_NEW: Final = re.compile(r"([0-9]{2})([0-9]{2})\.([0-9]{4,5})(?:v([1-9][0-9]{0,3}))?")
_OLD: Final = re.compile(
    r"([a-z]+(?:-[a-z]+)?)(?:\.[a-z-]+)?/([0-9]{2})([0-9]{2})([0-9]{3})(?:v([1-9][0-9]{0,3}))?"
)
#: what may stand before an arXiv id, one after the other: a link, the archive's own names, its DOI
#: prefix
_ARXIV_BEFORE: Final = re.compile(
    r"(?:https?://)?(?:[a-z0-9-]+\.)*arxiv\.org/(?:abs|pdf|html|ps|format)/|(?:https?://)?(?:dx\.)?doi\.org/|doi:\s*|oai:arxiv\.org:|"
    r"10\.48550/arxiv\.|arxiv:\s*"
)
#: what may follow it: the file's ending, a query, a fragment, the class in brackets as on the first
#: page of a PDF
_ARXIV_AFTER: Final = re.compile(r"(?:\.pdf)?/?(?:[?#].*|\s*\[[^\]]*\].*)?", re.DOTALL)
_DOI_BEFORE: Final = re.compile(r"(?:https?://)?(?:dx\.|www\.)?doi\.org/|doi\s*:\s*", re.IGNORECASE)
_DOI: Final = re.compile(r"10\.[0-9]{4,9}(?:\.[0-9]+)*/[^\s\"<>]+")
_DOI_IN_PATH: Final = re.compile(
    r"/(?:doi|article|chapter|content)(?:/(?:abs|full|pdf|epdf|pdfdirect|epub|reader))?/(10\.[0-9]{4,9}/[^?#\s]+)"
)
_DOI_PATH_END: Final = re.compile(
    r"(?:\.full)?(?:\.pdf|\.html)?(?:/(?:abstract|full|pdf|epdf|html|meta|fulltext))?/?$"
)
#: DOIs of preprint servers: bioRxiv and medRxiv (whose prefix journals share), Research Square,
#: Preprints.org, ChemRxiv, OSF, SSRN
_PREPRINT_DOI: Final = re.compile(
    r"10\.(?:1101|64898)/(?:[0-9]{4}\.[0-9]{2}\.[0-9]{2}\.)?[0-9]{6,}$|10\.21203/rs\.|10\.20944/preprints|10\.26434/chemrxiv|10\.312[0-9]{2}/osf\.io|"
    r"10\.2139/ssrn\."
)
_PREPRINT_END: Final = re.compile(r"v[0-9]{1,3}(?:\.[a-z-]+)*$")
_PMID: Final = re.compile(r"(?:pmid\s*:?\s*)?0*([1-9][0-9]{0,8})", re.IGNORECASE)
_PMCID: Final = re.compile(
    r"(?:pmcid\s*:?\s*)?(?:pmc)\s*0*([1-9][0-9]{0,8})(?:\.[0-9]+)?", re.IGNORECASE
)
_OPENALEX: Final = re.compile(
    r"(?:https?://(?:api\.)?openalex\.org/(?:works/)?)?(w[1-9][0-9]{0,12})", re.IGNORECASE
)
_S2: Final = re.compile(r"(?:corpusid\s*:?\s*)?0*([1-9][0-9]{0,11})", re.IGNORECASE)
_NAMED: Final = re.compile(
    r"(arxiv|doi|pmid|pmcid|openalex|s2)\s*:\s*(.*)", re.IGNORECASE | re.DOTALL
)
#: longer than any identifier or link to one; spares the patterns a page of text
_LONGEST: Final = 2000


def arxiv_id(text: str) -> tuple[str, int | None] | None:
    """(id without version, version or None) of a bare arXiv id, new or old style, or of a link, OAI
    name or DOI that holds one.

    None where the text is no such id, or one that cannot exist: a month beyond 12, a number of the
    wrong length for its year, version 0. Archive and class of old ids are lower-cased and the class
    is dropped.
    """
    if not text or len(text) > _LONGEST:
        return None
    rest = text.strip().lower()
    for _ in range(3):
        if (before := _ARXIV_BEFORE.match(rest)) is None:
            break
        rest = rest[before.end() :]
    if (new := _NEW.match(rest)) is not None and _ARXIV_AFTER.fullmatch(rest, new.end()):
        year, month, number, version = new.groups()
        wanted = 4 if year + month <= "1412" else 5
        if (
            year + month < "0704"
            or not "01" <= month <= "12"
            or len(number) != wanted
            or not int(number)
        ):
            return None
        return f"{year}{month}.{number}", int(version) if version else None
    if (old := _OLD.match(rest)) is not None and _ARXIV_AFTER.fullmatch(rest, old.end()):
        archive, year, month, number, version = old.groups()
        if not "01" <= month <= "12" or "0703" < year + month < "9107" or not int(number):
            return None
        return f"{archive}/{year}{month}{number}", int(version) if version else None
    return None


def doi(text: str) -> str | None:
    """A DOI in lower case without resolver, `doi:` and trailing punctuation; the first of several.

    None where there is none, and for an arXiv paper's DOI (10.48550/arXiv...): that is its arXiv
    id, and never a second identity.
    """
    if not text or len(text) > _LONGEST:
        return None
    rest = text.strip()
    if (before := _DOI_BEFORE.match(rest)) is not None:
        rest = rest[before.end() :]
        if "doi.org" in before[0].lower():
            rest = unquote(rest.partition("?")[0].partition("#")[0])
    if (found := _DOI.match(rest)) is None:
        return None
    value = found[0].rstrip(".,;:'\"").lower()
    while value.endswith((")", "]", "}")) and value.count(value[-1]) > value.count(
        {")": "(", "]": "[", "}": "{"}[value[-1]]
    ):
        value = value[:-1].rstrip(".,;:")
    return None if value.startswith("10.48550/arxiv.") or value.endswith("/") else value


def pmid(text: str) -> str | None:
    """A PubMed number as digits without leading zeros, with or without "PMID:" before it."""
    found = _PMID.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    return found[1] if found else None


def pmcid(text: str) -> str | None:
    """A PubMed Central number as "PMC" and digits."""
    found = _PMCID.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    return f"PMC{found[1]}" if found else None


def identity(kind: str, text: str) -> Identity | None:
    """The identity that a field of this kind holds; a DOI or link of an arXiv paper gives its arXiv
    id. `id` = whichever it looks like.

    None where the text does not hold one, and for kinds that are none.
    """
    if kind in ("arxiv", "doi", "id") and (paper := arxiv_id(text)) is not None:
        return Identity(kind="arxiv", value=paper[0])
    if kind == "id":
        return parse_name(text)
    value = {"doi": doi, "pmid": pmid, "pmcid": pmcid, "openalex": _openalex, "s2": _s2}.get(
        kind, _nothing
    )(text)
    if kind == "doi" and value and _PREPRINT_DOI.match(value):
        return Identity(kind="preprint", value=value)
    return Identity(kind=_kind(kind), value=value) if value else None


def identities_of(url: str) -> tuple[Identity, ...]:
    """What a link says of the paper that it leads to: pages of arXiv and its mirrors, DOI resolvers
    and publishers' pages with a DOI in the path, PubMed, PubMed Central, OpenAlex, Semantic
    Scholar, Hugging Face. Empty for any other link.
    """
    if len(url) > _LONGEST:
        return ()
    try:
        parts = urlsplit(url.strip() if "://" in url else f"https://{url.strip()}")
        host = (parts.hostname or "").lower().removeprefix("www.")
    except ValueError:
        return ()
    found = (
        _from_page(host, unquote(parts.path), url)
        if parts.scheme.lower() in ("http", "https")
        else None
    )
    return (found,) if found else ()


def parse_name(text: str) -> Identity | None:
    """What people type to mean a paper: `arxiv:2606.01234`, `2606.01234v2`, `doi:10.1000/xyz`, a
    bare DOI, `pmid:123`, `PMC123`, a link.

    None for everything else: a title, a bare number, the number of a stored paper.
    """
    name = text.strip()
    if (named := _NAMED.fullmatch(name)) is not None:
        return identity(named[1].lower(), named[2])
    if (found := identity("arxiv", name) or identity("doi", name)) is not None:
        return found
    if name[:3].lower() == "pmc":
        return identity("pmcid", name)
    if name[:4].lower() == "pmid":
        return identity("pmid", name)
    return next(iter(identities_of(name)), None) if "/" in name and " " not in name else None


def _from_page(host: str, path: str, url: str) -> Identity | None:
    if host == "arxiv.org" or host.endswith(".arxiv.org") or host in ("doi.org", "dx.doi.org"):
        return identity("doi", url.strip())
    if (
        host in ("huggingface.co", "alphaxiv.org")
        and (found := re.match(r"/(?:papers|abs|overview)/([^/]+)", path)) is not None
    ):
        return identity("arxiv", found[1])
    if host == "pubmed.ncbi.nlm.nih.gov" or path.startswith("/pubmed/"):
        return identity("pmid", path.removeprefix("/pubmed").strip("/"))
    if host in ("pmc.ncbi.nlm.nih.gov", "ncbi.nlm.nih.gov", "europepmc.org") and (
        found := re.search(r"/(PMC[0-9]+)", path, re.IGNORECASE)
    ):
        return identity("pmcid", found[1])
    if host == "europepmc.org" and (found := re.search(r"/MED/([0-9]+)", path, re.IGNORECASE)):
        return identity("pmid", found[1])
    if host in ("openalex.org", "api.openalex.org"):
        return identity("openalex", path.rstrip("/").rpartition("/")[2])
    if host.endswith("semanticscholar.org") and (
        found := re.search(r"/CorpusID:([0-9]+)", path, re.IGNORECASE)
    ):
        return identity("s2", found[1])
    if (found := _DOI_IN_PATH.search(path)) is not None:
        value = _DOI_PATH_END.sub("", found[1])
        if host in ("biorxiv.org", "medrxiv.org"):
            value = _PREPRINT_END.sub("", value)
        return identity("doi", value)
    return None


def _openalex(text: str) -> str | None:
    found = _OPENALEX.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    return found[1].upper() if found else None


def _s2(text: str) -> str | None:
    found = _S2.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    return found[1] if found else None


def _nothing(text: str) -> str | None:
    return None


def _kind(kind: str) -> IdentityKind:
    kinds: dict[str, IdentityKind] = {
        "doi": "doi",
        "pmid": "pmid",
        "pmcid": "pmcid",
        "openalex": "openalex",
        "s2": "s2",
    }
    return kinds[kind]
