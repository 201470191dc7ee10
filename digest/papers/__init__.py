"""Raw record -> what one source says of a paper (`clean`), and which of these are one paper
(`merge`).

Knows no dump format and no store.
"""

from __future__ import annotations

from digest.model import UNSEEN
from digest.papers.clean import clean
from digest.papers.identities import arxiv_id, doi, identities_of, identity, parse_name, pmcid, pmid
from digest.papers.merging import author_key, cluster, merge
from digest.papers.text import normalise_title, tidy, tidy_abstract

__all__ = [
    "UNSEEN",
    "arxiv_id",
    "author_key",
    "clean",
    "cluster",
    "doi",
    "identities_of",
    "identity",
    "merge",
    "normalise_title",
    "parse_name",
    "pmcid",
    "pmid",
    "tidy",
    "tidy_abstract",
]
