"""One paper at a source, by its identifier.

Pure. The host is always the source's own, never one that a reader typed; the answer is of a format
that `dumps` reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from digest.model import Identity
from digest.sources.base import BadAnswer, Kind, Page, Request, SourceSettings
from digest.sources.kinds import KINDS, find_base_url, is_arxiv

_RXIV_DOI: Final = re.compile(r"10\.(?:1101|64898)/[0-9.]+")
#: signs with a meaning of their own in filters and queries of the sources
_SPECIAL: Final = frozenset(',|"\\')
#: where in a harvest such an answer would stand, for `Kind.read_page`
_POSITIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "oai": {"since": "", "until": "", "set": 0},
    "pubmed": {"webenv": "", "key": "", "start": 0, "count": 1},
    "biorxiv": {"cursor": 0},
    "medrxiv": {"cursor": 0},
    "openalex": {"cursor": "*"},
    "crossref": {"cursor": "*"},
    "europe-pmc": {"cursor": "*"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookup:
    """A request for a paper, and the protocol of its answer."""

    request: Request
    #: a key of `KINDS`
    kind: str
    settings: SourceSettings

    @property
    def suffix(self) -> str:
        """The suffix of a file with the answer."""
        return self._protocol.suffix

    def has_paper(self, page: Page) -> bool:
        """Tell whether an answer holds a paper."""
        try:
            return self._protocol.read_page(self.settings, {**_POSITIONS[self.kind]}, page).entries
        except BadAnswer:
            return False

    @property
    def _protocol(self) -> Kind:
        return KINDS[self.kind]


def build_lookup(settings: SourceSettings, identity: Identity) -> Lookup | None:
    """Build the request for a paper; None where the source cannot be asked for it.

    arXiv: GetRecord (https://info.arxiv.org/help/oa); OpenAlex and Crossref: their lists with a
    filter; Europe PMC: its search; PubMed: efetch; bioRxiv and medRxiv: details by DOI.
    """
    if _SPECIAL & set(identity.value):
        return None
    if identity.kind == "arxiv":
        return _build_arxiv_lookup(settings, identity.value)
    request = _build_request(settings, identity)
    if request is None:
        return None
    return Lookup(request=request, kind=settings.kind, settings=settings)


def _build_request(settings: SourceSettings, identity: Identity) -> Request | None:
    kind, value, base = identity.kind, identity.value, find_base_url(settings).rstrip("/")
    contact, key = settings.contact, settings.key
    own_key = {"api_key": key} if key else {}
    if settings.kind in ("openalex", "crossref") and kind in ("doi", "preprint"):
        mailto = {"mailto": contact} if contact else {}
        return Request(url=base, params={"filter": f"doi:{value}"} | mailto | own_key)
    if settings.kind in ("biorxiv", "medrxiv") and _RXIV_DOI.fullmatch(value):
        return Request(url=f"{base}/{settings.kind}/{quote(value)}/na/json")
    if settings.kind == "europe-pmc" and kind in ("doi", "preprint", "pmid", "pmcid"):
        field = {"pmid": "EXT_ID", "pmcid": "PMCID"}.get(kind, "DOI")
        query = f'{field}:"{value}"' + (" AND SRC:MED" if kind == "pmid" else "")
        return Request(url=base, params={"query": query, "resultType": "core", "format": "json"})
    if settings.kind == "pubmed" and kind == "pmid":
        params = {"db": "pubmed", "tool": "digest", "id": value, "retmode": "xml"}
        email = {"email": contact} if contact else {}
        return Request(url=f"{base}/efetch.fcgi", params=params | email | own_key)
    return None


def _build_arxiv_lookup(settings: SourceSettings, value: str) -> Lookup | None:
    """Ask arXiv by OAI-PMH: its feeds list days alone."""
    if settings.kind == "oai" and is_arxiv(settings):
        url = find_base_url(settings).partition("?")[0]
    elif settings.kind == "arxiv-feed" and not settings.url:
        url = KINDS["oai"].base_url
    else:
        return None
    params = {
        "verb": "GetRecord",
        "metadataPrefix": "arXiv",
        "identifier": f"oai:arXiv.org:{value}",
    }
    return Lookup(request=Request(url=url, params=params), kind="oai", settings=settings)
