"""Categories and authors: which papers a name in a reader's settings stands for."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from digest.model import Paper

#: what a category counts that is not a paper's first one
SECONDARY_CATEGORY = 0.6

#: category or its leading part -> rows of its papers, and what it counts for each, 1 or
#: SECONDARY_CATEGORY
CategoryIndex = Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]
#: last name -> (row, given names) of its papers
AuthorIndex = Mapping[str, tuple[tuple[int, tuple[str, ...]], ...]]


def index_categories(papers: Sequence[Paper]) -> CategoryIndex:
    """Index papers by categories and their leading parts ("cs" of "cs.RO")."""
    weights: dict[str, dict[int, float]] = {}
    for row, paper in enumerate(papers):
        for position, category in enumerate(paper.categories):
            weight = 1.0 if position == 0 else SECONDARY_CATEGORY
            parts = category.lower().split(".")
            for end in range(1, len(parts) + 1):
                weights.setdefault(".".join(parts[:end]), {}).setdefault(row, weight)
    return {
        name: (np.array([*by_row], dtype=np.int64), np.array([*by_row.values()]))
        for name, by_row in weights.items()
    }


def index_authors(papers: Sequence[Paper]) -> AuthorIndex:
    """Index papers by the last names of their authors."""
    authors: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
    for row, paper in enumerate(papers):
        for author in paper.authors:
            last_name, given_names = parse_author_name(author)
            if last_name:
                authors.setdefault(last_name, []).append((row, given_names))
    return {name: tuple(entries) for name, entries in authors.items()}


def normalize_category(category: str) -> str:
    """Return a category as it is indexed; "cs", "cs." and "cs.*" are equal."""
    return category.lower().removesuffix(".*").removesuffix("*").rstrip(".")


def parse_author_name(author: str) -> tuple[str, tuple[str, ...]]:
    """Return last name and given names, in lower case and without accents.

    "Doe, Jane Q." and "Jane Q. Doe" both give ("doe", ("jane", "q")).
    """
    plain = "".join(
        character
        for character in unicodedata.normalize("NFKD", author)
        if not unicodedata.combining(character)
    ).lower()
    if "," in plain:
        last_name, given_names = plain.split(",", 1)
        plain = f"{given_names} {last_name}"
    words = plain.replace(".", " ").replace("-", " ").split()
    return (words[-1], tuple(words[:-1])) if words else ("", ())


def given_names_match(followed: tuple[str, ...], printed: tuple[str, ...]) -> bool:
    """Return whether the printed given names may be those of a followed author.

    "j" matches any name with J; "jane" does not match a bare "j".
    """
    return len(followed) <= len(printed) and all(
        name == asked or (len(asked) == 1 and name.startswith(asked))
        for asked, name in zip(followed, printed, strict=False)
    )
