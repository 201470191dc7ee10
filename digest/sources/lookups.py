"""The request for one paper at a source, by its identifier.

Pure. The host is always the source's own, never one that a reader typed; the answer is of a format
that `dumps` reads.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from digest.model import Identity
from digest.sources.base import Request, SourceSettings
from digest.sources.kinds import KINDS, find_base_url, is_arxiv
from digest.sources.oai import Oai

_RXIV_DOI: Final = re.compile(r"10\.(?:1101|64898)/[0-9.]+")
#: signs with a meaning of their own in filters and queries of the sources
_SPECIAL: Final = frozenset(',|"\\')


def build_lookup(settings: SourceSettings, identity: Identity) -> Request | None:
    """Build the request for a paper; None where the source cannot be asked for it.

    arXiv: https://info.arxiv.org/help/oa; OpenAlex and Crossref: their lists with a filter;
    Europe PMC: its search; PubMed: efetch; bioRxiv and medRxiv: details by DOI.
    """
    kind, value, base = identity.kind, identity.value, find_base_url(settings).rstrip("/")
    if _SPECIAL & set(value):
        return None
    if kind == "arxiv":
        return _build_arxiv_lookup(settings, value)
    if settings.kind in ("openalex", "crossref") and kind in ("doi", "preprint"):
        params = {"filter": f"doi:{value}"}
        if settings.contact:
            params["mailto"] = settings.contact
        if settings.key:
            params["api_key"] = settings.key
        return Request(url=base, params=params)
    if settings.kind in ("biorxiv", "medrxiv") and _RXIV_DOI.fullmatch(value):
        return Request(url=f"{base}/{settings.kind}/{quote(value)}/na/json")
    if settings.kind == "europe-pmc":
        queries = {"doi": f'DOI:"{value}"', "preprint": f'DOI:"{value}"', "pmcid": f"PMCID:{value}"}
        queries["pmid"] = f"EXT_ID:{value} AND SRC:MED"
        if kind in queries:
            params = {"query": queries[kind], "resultType": "core", "format": "json"}
            return Request(url=base, params=params)
    if settings.kind == "pubmed" and kind == "pmid":
        params = {"db": "pubmed", "tool": "digest", "id": value, "retmode": "xml"}
        if settings.contact:
            params["email"] = settings.contact
        if settings.key:
            params["api_key"] = settings.key
        return Request(url=f"{base}/efetch.fcgi", params=params)
    return None


def find_suffix(settings: SourceSettings) -> str:
    """Return the suffix of a file with the answer."""
    return KINDS[settings.kind].suffix


def _build_arxiv_lookup(settings: SourceSettings, value: str) -> Request | None:
    """Ask arXiv by OAI-PMH: its feeds list days alone."""
    if settings.kind == "oai" and is_arxiv(settings):
        url = find_base_url(settings).partition("?")[0]
    elif settings.kind == "arxiv-feed" and not settings.url:
        url = Oai.base_url
    else:
        return None
    params = {"verb": "GetRecord", "metadataPrefix": "arXiv"}
    return Request(url=url, params=params | {"identifier": f"oai:arXiv.org:{value}"})
