"""What the formats of arXiv share: names and categories as its servers write them.

Knows no format and no file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_BRACKETS: Final = re.compile(r"\([^()]*\)")
_BETWEEN_NAMES: Final = re.compile(r"\s*[,;:]\s*(?:and\s+)?|\s+and\s+|\s+&\s+")
_SUFFIX: Final = re.compile(r"(?:jr|sr|i{1,3}|iv|ph\.?d)\.?", re.IGNORECASE)
_OTHERS: Final = re.compile(r"(?:^|\s)et\.?\s+al\.?$", re.IGNORECASE)
_CATEGORY: Final = re.compile(r"[a-z]+(?:-[a-z]+)?(?:\.(?:[A-Z]{2}|[a-z]+(?:-[a-z]+)*))?")
_SET: Final = re.compile(r"[a-z-]+:([a-z-]+)(?::([A-Za-z-]+))?")


def split_spoken(text: str) -> tuple[str, ...]:
    """Names in one string, each as it is spoken (first name first), parted by commas or "and";
    affiliations in brackets are left out.

    "Jane Doe (Univ. X, Dept. Y), Kim Roe Jr. and Lee Poe" -> 3. A colon follows the name of a
    collaboration.
    """
    for _ in range(4):
        shorter = _BRACKETS.sub(" ", text)
        if shorter == text:
            break
        text = shorter
    names: list[str] = []
    for part in _BETWEEN_NAMES.split(" ".join(text.split())):
        name = _OTHERS.sub("", part.strip())
        if names and _SUFFIX.fullmatch(name):
            names[-1] += f" {name}"
        elif name:
            names.append(name)
    return tuple(names)


def arxiv_categories(terms: Iterable[str]) -> tuple[str, ...]:
    """The terms that look like categories of arXiv, each once, in their order; classes of ACM and
    MSC stand among them.
    """
    found = (term.strip() for term in terms)
    return tuple(dict.fromkeys(term for term in found if _CATEGORY.fullmatch(term)))


def set_categories(sets: Iterable[str]) -> tuple[str, ...]:
    """Categories named by sets of arXiv's OAI server: "cs:cs:LG" -> cs.LG, "physics:hep-th" ->
    hep-th; an archive alone is none.
    """
    parts = (_SET.fullmatch(one.strip()) for one in sets)
    return tuple(
        dict.fromkeys(
            f"{part[1]}.{part[2]}" if part[2] else part[1] for part in parts if part is not None
        )
    )
