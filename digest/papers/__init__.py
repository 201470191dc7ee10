"""Records -> entries (`clean`) -> groups (`cluster`) -> papers (`merge`).

`find_resources` reads code, project page and venue from what is stored of a paper.
`is_known_category` and `suggest_categories` check the categories that readers type.

Knows no dump format and no store.
"""

from __future__ import annotations

from digest.model import UNSEEN
from digest.papers.arxiv_categories import ARXIV_CATEGORIES
from digest.papers.categories import (
    describe_category,
    is_arxiv_category,
    is_known_category,
    suggest_categories,
)
from digest.papers.citations import (
    many_to_bibtex,
    many_to_csl,
    many_to_ris,
    to_bibtex,
    to_csl,
    to_ris,
)
from digest.papers.clean import clean
from digest.papers.grouping import cluster
from digest.papers.identities import (
    parse_arxiv_id,
    parse_doi,
    parse_identity,
    parse_link,
    parse_name,
    parse_pmcid,
    parse_pmid,
)
from digest.papers.merging import merge
from digest.papers.names import may_be_same_authors
from digest.papers.resources import find_resources
from digest.papers.text import clean_abstract, clean_text, normalise_title

__all__ = [
    "ARXIV_CATEGORIES",
    "UNSEEN",
    "clean",
    "clean_abstract",
    "clean_text",
    "cluster",
    "describe_category",
    "find_resources",
    "is_arxiv_category",
    "is_known_category",
    "many_to_bibtex",
    "many_to_csl",
    "many_to_ris",
    "may_be_same_authors",
    "merge",
    "normalise_title",
    "parse_arxiv_id",
    "parse_doi",
    "parse_identity",
    "parse_link",
    "parse_name",
    "parse_pmcid",
    "parse_pmid",
    "suggest_categories",
    "to_bibtex",
    "to_csl",
    "to_ris",
]
