"""Identifiers of papers as people and sources write them -> canonical identifiers.

Looks nothing up: a well-formed identifier may belong to no paper.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from digest.model import Identity, IdentityKind

_NEW_ARXIV_ID: Final = re.compile(r"([0-9]{2})([0-9]{2})\.([0-9]{4,5})(?:v([1-9][0-9]{0,3}))?")
_OLD_ARXIV_ID: Final = re.compile(
    r"([a-z]+(?:-[a-z]+)?)(?:\.[a-z-]+)?/([0-9]{2})([0-9]{2})([0-9]{3})(?:v([1-9][0-9]{0,3}))?"
)
#: what may stand before an arXiv id, repeatedly: a link, arXiv's own names, its DOI prefix
_ARXIV_PREFIX: Final = re.compile(
    r"(?:https?://)?(?:(?:[a-z0-9-]+\.)*arxiv\.org|xxx\.lanl\.gov|ar5iv\.org)"
    r"/(?:abs|pdf|html|ps|format)/|(?:https?:/"
    r"/)?(?:dx\.)?doi\.org/|doi:\s*|oai:arxiv\.org:|"
    r"10\.48550/arxiv\.|arxiv:\s*"
)
#: what may follow it: a file extension, a query, a fragment, punctuation, or the class in brackets
#: and the day, as in a PDF
_ARXIV_SUFFIX: Final = re.compile(
    r"(?:\.pdf)?/?(?:[?#].*|\s*\[[^\]]*\].*|\s+[0-9]{1,2} [a-z]{3} [0-9]{4}|[.,;:'\")\]}>]+)?",
    re.DOTALL,
)
_DOI_PREFIX: Final = re.compile(r"(?:https?://)?(?:dx\.|www\.)?doi\.org/|doi\s*:\s*", re.IGNORECASE)
_DOI: Final = re.compile(r"10\.[0-9]{4,9}(?:\.[0-9]+)*/[^\s\"<>\x00-\x1f\x7f]+")
#: a DOI whose slash is percent-encoded
_ENCODED_DOI: Final = re.compile(r"10\.[0-9]{4,9}(?:\.[0-9]+)*%2f", re.IGNORECASE)
_DOI_IN_QUERY: Final = re.compile(r"[?&](?:id|doi)=(10\.[0-9]{4,9}(?:/|%2[fF])[^&#\s]+)")
#: how TeX writes "_" and "%", which stand for themselves in identifiers and links
_TEX_CHARACTER: Final = re.compile(r"\{\\?([_%&#~$])\}|\\([_%&#~$])")
#: hosts of DOI resolvers, also behind a library's proxy
_DOI_HOST: Final = re.compile(r"(?:dx[.-])?doi[.-]org(?:\..*)?|(?:dx\.)?doi\.org")
_DOI_IN_PATH: Final = re.compile(
    r"/(?:doi|article|chapter|content)(?:/(?:abs|full|pdf|epdf|pdfdirect|epub|reader))?"
    r"/(10\.[0-9]{4,9}/[^?#\s]+)"
)
_DOI_PATH_SUFFIX: Final = re.compile(
    r"(?:\.full)?(?:\.pdf|\.html)?(?:/(?:abstract|full|pdf|epdf|html|meta|fulltext))?/?$"
)
#: DOIs of preprint servers: bioRxiv and medRxiv (whose prefix journals share), Research Square,
#: Preprints.org, ChemRxiv, OSF, SSRN
_PREPRINT_DOI: Final = re.compile(
    r"10\.(?:1101|64898)/(?:[0-9]{4}\.[0-9]{2}\.[0-9]{2}\.)?[0-9]{6,}$|10\.21203/rs\.|10\.20944"
    r"/preprints|10\.26434/chemrxiv|10\.312[0-9]{2}/osf\.io|"
    r"10\.2139/ssrn\."
)
_PREPRINT_SUFFIX: Final = re.compile(r"(?:v[0-9]{1,3})?(?:\.[a-z-]+)*$")
_PMID: Final = re.compile(r"(?:pmid\s*:?\s*)?0*([1-9][0-9]{0,8})", re.IGNORECASE)
_PMCID: Final = re.compile(
    r"(?:pmcid\s*:?\s*)?(?:pmc)\s*0*([1-9][0-9]{0,8})(?:\.[0-9]+)?", re.IGNORECASE
)
_OPENALEX: Final = re.compile(
    r"(?:https?://(?:api\.)?openalex\.org/(?:works/)?)?(w[1-9][0-9]{0,12})", re.IGNORECASE
)
_S2: Final = re.compile(r"(?:corpusid\s*:?\s*)?0*([1-9][0-9]{0,11})", re.IGNORECASE)
_PREFIXED: Final = re.compile(
    r"(arxiv|doi|pmid|pmcid|openalex|s2)\s*:\s*(.*)", re.IGNORECASE | re.DOTALL
)
#: characters; longer than any identifier or link, so that no pattern runs over a page of text
_LENGTH_CAP: Final = 2000


def parse_arxiv_id(text: str) -> tuple[str, int | None] | None:
    """Parse an arXiv id of either style, or a link, OAI name or DOI that holds one.

    Returns:
        (id without version, version or None). Old ids are in lower case and without class. None if
        the text is not an arXiv id, or one that cannot exist: a month above 12, a number of the
        wrong length for its year, version 0.
    """
    if not text or len(text) > _LENGTH_CAP:
        return None
    remaining = text.strip().lower()
    match = _NEW_ARXIV_ID.fullmatch(remaining)  # most are bare ids of the new style
    for _ in range(3):
        if match or (prefix := _ARXIV_PREFIX.match(remaining)) is None:
            break
        remaining = remaining[prefix.end() :]
    match = match or _NEW_ARXIV_ID.match(remaining)
    if match is not None and _ARXIV_SUFFIX.fullmatch(remaining, match.end()):
        year, month, number, version = match.groups()
        digits = 4 if year + month <= "1412" else 5
        if (
            year + month < "0704"
            or not "01" <= month <= "12"
            or len(number) != digits
            or not int(number)
        ):
            return None
        return f"{year}{month}.{number}", int(version) if version else None
    if (match := _OLD_ARXIV_ID.match(remaining)) is not None and _ARXIV_SUFFIX.fullmatch(
        remaining, match.end()
    ):
        archive, year, month, number, version = match.groups()
        if not "01" <= month <= "12" or "0703" < year + month < "9107" or not int(number):
            return None
        return f"{archive}/{year}{month}{number}", int(version) if version else None
    return None


def parse_doi(text: str) -> str | None:
    """Parse the first DOI: lower case, without resolver, `doi:` and punctuation.

    None if there is none, and for the DOI of an arXiv paper (10.48550/arXiv...): that is its arXiv
    id and never a second identity.
    """
    if not text or len(text) > _LENGTH_CAP:
        return None
    remaining = _unescape_tex(text.strip().lstrip("<("))
    if (prefix := _DOI_PREFIX.match(remaining)) is not None:
        remaining = remaining[prefix.end() :]
        if "doi.org" in prefix[0].lower():
            remaining = unquote(remaining.partition("?")[0].partition("#")[0])
    if _ENCODED_DOI.match(remaining):
        remaining = unquote(remaining)
    if (match := _DOI.match(remaining)) is None:
        return None
    value = match[0].rstrip(".,;:'\"").lower()
    while value.endswith((")", "]", "}")) and value.count(value[-1]) > value.count(
        {")": "(", "]": "[", "}": "{"}[value[-1]]
    ):
        value = value[:-1].rstrip(".,;:")
    return None if value.startswith("10.48550/arxiv.") or value.endswith("/") else value


def parse_pmid(text: str) -> str | None:
    """Parse a PubMed number, with or without "PMID:": digits without leading zeros."""
    match = _PMID.fullmatch(text.strip()) if len(text) <= _LENGTH_CAP else None
    return match[1] if match else None


def parse_pmcid(text: str) -> str | None:
    """Parse a PubMed Central number: "PMC" and digits."""
    match = _PMCID.fullmatch(text.strip()) if len(text) <= _LENGTH_CAP else None
    return f"PMC{match[1]}" if match else None


def parse_identity(kind: str, text: str) -> Identity | None:
    """Parse the identity in a field of this kind.

    The kind `id` takes any identifier. The DOI or link of an arXiv paper gives its arXiv id. None
    if the text holds no identifier or the kind is unknown.
    """
    if kind in ("arxiv", "doi", "id") and (arxiv := parse_arxiv_id(text)) is not None:
        return Identity(kind="arxiv", value=arxiv[0])
    if kind == "id":
        return parse_name(text)
    value = {
        "doi": parse_doi,
        "pmid": parse_pmid,
        "pmcid": parse_pmcid,
        "openalex": _parse_openalex,
        "s2": _parse_s2,
    }.get(kind, _nothing)(text)
    if kind == "doi" and value and _PREPRINT_DOI.match(value):
        return Identity(kind="preprint", value=value)
    return Identity(kind=_kind(kind), value=value) if value else None


def parse_link(url: str) -> tuple[Identity, ...]:
    """Parse the identity of the paper to which a link leads.

    Knows the pages of arXiv and its mirrors, DOI resolvers, publishers' pages with a DOI in the
    path, PubMed, PubMed Central, OpenAlex, Semantic Scholar and Hugging Face. Empty for any other
    link.
    """
    if len(url) > _LENGTH_CAP:
        return ()
    url = _unescape_tex(url)
    try:
        parts = urlsplit(url.strip() if "://" in url else f"https://{url.strip()}")
        host = (parts.hostname or "").lower().removeprefix("www.")
    except ValueError:
        return ()
    identity = (
        _parse_page(host, unquote(parts.path), url)
        if parts.scheme.lower() in ("http", "https")
        else None
    )
    return (identity,) if identity else ()


def parse_name(text: str) -> Identity | None:
    """Parse what people type for a paper.

    `arxiv:2606.01234`, `2606.01234v2`, `doi:10.1000/xyz`, a bare DOI, `pmid:123`, `PMC123`, a link.
    None for anything else: a title, a bare number, the number of a stored paper.
    """
    name = text.strip()
    if (match := _PREFIXED.fullmatch(name)) is not None:
        return parse_identity(match[1].lower(), match[2])
    if (identity := parse_identity("arxiv", name) or parse_identity("doi", name)) is not None:
        return identity
    if name[:3].lower() == "pmc":
        return parse_identity("pmcid", name)
    if name[:4].lower() == "pmid":
        return parse_identity("pmid", name)
    return next(iter(parse_link(name)), None) if "/" in name and " " not in name else None


def _unescape_tex(text: str) -> str:
    return _TEX_CHARACTER.sub(r"\1\2", text) if "\\" in text or "{" in text else text


def _parse_page(host: str, path: str, url: str) -> Identity | None:
    if host == "arxiv.org" or host.endswith(".arxiv.org") or host in ("xxx.lanl.gov", "ar5iv.org"):
        return parse_identity("doi", url.strip())
    if _DOI_HOST.fullmatch(host):
        return parse_identity("doi", path.strip("/"))
    if (
        host in ("huggingface.co", "alphaxiv.org", "scirate.com")
        and (match := re.match(r"/(?:papers|abs|pdf|overview|arxiv)/([a-z-]+/[0-9]+|[^/]+)", path))
        is not None
    ):
        return parse_identity("arxiv", match[1])
    if host == "pubmed.ncbi.nlm.nih.gov" or path.startswith("/pubmed/"):
        return parse_identity("pmid", path.removeprefix("/pubmed").strip("/"))
    if host in ("pmc.ncbi.nlm.nih.gov", "ncbi.nlm.nih.gov", "europepmc.org") and (
        match := re.search(r"/(PMC[0-9]+)", path, re.IGNORECASE)
    ):
        return parse_identity("pmcid", match[1])
    if host == "europepmc.org" and (match := re.search(r"/MED/([0-9]+)", path, re.IGNORECASE)):
        return parse_identity("pmid", match[1])
    if host in ("openalex.org", "api.openalex.org"):
        return parse_identity("openalex", path.rstrip("/").rpartition("/")[2])
    if host.endswith("semanticscholar.org") and (
        match := re.search(r"/CorpusID:([0-9]+)", path, re.IGNORECASE)
    ):
        return parse_identity("s2", match[1])
    if (match := _DOI_IN_PATH.search(path)) is not None:
        value = _DOI_PATH_SUFFIX.sub("", match[1])
        if host in ("biorxiv.org", "medrxiv.org"):
            value = _PREPRINT_SUFFIX.sub("", value)
        return parse_identity("doi", value)
    if (match := _DOI_IN_QUERY.search(url)) is not None:
        return parse_identity("doi", unquote(match[1]))
    return None


def _parse_openalex(text: str) -> str | None:
    match = _OPENALEX.fullmatch(text.strip()) if len(text) <= _LENGTH_CAP else None
    return match[1].upper() if match else None


def _parse_s2(text: str) -> str | None:
    match = _S2.fullmatch(text.strip()) if len(text) <= _LENGTH_CAP else None
    return match[1] if match else None


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
