"""A field in words -> categories of arXiv, and the live sources that bring its papers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from digest.errors import InputError

#: sources that need no key and no search words, with what they bring
PLAIN_SOURCES: Final[Mapping[str, str]] = {
    "biorxiv": "preprints in biology",
    "medrxiv": "preprints in medicine",
    "huggingface": "Hugging Face Daily Papers, a curated list on machine learning",
}
#: sources that can be named, with those that are made from the field
KNOWN_SOURCES: Final = ("arxiv", "europe-pmc", *PLAIN_SOURCES)
#: words of subjects for which medRxiv stands beside bioRxiv
_MEDICAL: Final = re.compile(
    r"medic|clinic|health|cancer|oncolog|epidemi|surg|disease|patient|cardio|nurs|pharma|neurol"
    r"|psychiat|radiolog|dent|pediatr|immunolog|infect"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """A part of a field as typed, and what it stands for."""

    text: str
    #: of arXiv, at most three
    categories: tuple[str, ...] = ()
    #: a subject of bioRxiv or medRxiv
    is_life_science: bool = False

    @property
    def is_known(self) -> bool:
        return bool(self.categories) or self.is_life_science


def parse_field(texts: Iterable[str]) -> list[Topic]:
    """Read a field, such as "machine learning, q-bio.NC, sociology"."""
    from digest.papers.arxiv_categories import ARXIV_CATEGORIES, PREPRINT_SUBJECTS
    from digest.papers.categories import category_key, is_arxiv_category, suggest_categories

    topics = []
    for text in re.split(r"[,;\n]", ",".join(texts)):
        name = " ".join(text.split())
        if not name:
            continue
        key = category_key(name)
        if is_arxiv_category(name):
            codes = tuple(code for code in ARXIV_CATEGORIES if code.lower() == key)
        else:
            codes = suggest_categories(name)
        is_life_science = key in PREPRINT_SUBJECTS or any(c.startswith("q-bio") for c in codes)
        topics.append(Topic(text=name, categories=codes, is_life_science=is_life_science))
    return topics


def list_categories(topics: Iterable[Topic]) -> tuple[str, ...]:
    """List the categories of a field, each once."""
    return tuple(dict.fromkeys(code for topic in topics for code in topic.categories))


def propose_sources(topics: Sequence[Topic]) -> list[str]:
    """Name the sources that bring the papers of a field."""
    names = []
    if list_categories(topics):
        names.append("arxiv")
    if any(topic.is_life_science for topic in topics):
        names.append("biorxiv")
    if any(topic.is_life_science and _MEDICAL.search(topic.text.lower()) for topic in topics):
        names.append("medrxiv")
    if any(not topic.is_known for topic in topics):
        names.append("europe-pmc")
    return names


def make_sources(names: Iterable[str], topics: Sequence[Topic]) -> list[dict[str, object]]:
    """Make the tables [[sources]].

    Args:
        names: Of KNOWN_SOURCES.
        topics: The field, which some of them need.

    Raises:
        InputError: a name is unknown, or its source needs a field.
    """
    categories = list_categories(topics)
    tables: list[dict[str, object]] = []
    for name in dict.fromkeys(names):
        if name in PLAIN_SOURCES:
            tables.append({"name": name, "kind": name})
        elif name == "arxiv":
            if not categories:
                raise InputError(
                    "source arxiv: needs a field with categories of arXiv, such as cs.LG or "
                    '"machine learning"'
                )
            tables.append({"name": "arxiv", "kind": "arxiv-feed", "categories": categories})
        elif name == "europe-pmc":
            words = [topic.text for topic in topics if not topic.is_known] or [
                topic.text for topic in topics
            ]
            if not words:
                raise InputError("source europe-pmc: needs a field, whose words are searched for")
            query = " OR ".join('"' + word.replace('"', "") + '"' for word in words)
            tables.append({"name": "europe-pmc", "kind": "europe-pmc", "query": query})
        else:
            raise InputError(
                f"source {name!r}: is not among those that need no more than a field: "
                f"{', '.join(KNOWN_SOURCES)}. Others go into [[sources]] by hand"
            )
    return tables


def describe_source(table: Mapping[str, object]) -> str:
    """Return in words what a source brings."""
    name = str(table["name"])
    if name == "arxiv":
        categories = table["categories"]
        listed = ", ".join(categories) if isinstance(categories, tuple) else ""
        return f"new papers in {listed}"
    if name == "europe-pmc":
        return f"papers and preprints that mention {table['query']}"
    return PLAIN_SOURCES[name]
