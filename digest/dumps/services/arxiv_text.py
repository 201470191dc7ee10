"""Categories as arXiv's servers write them. Knows no format and no file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_CATEGORY: Final = re.compile(r"[a-z]+(?:-[a-z]+)?(?:\.(?:[A-Z]{2}|[a-z]+(?:-[a-z]+)*))?")
_SET: Final = re.compile(r"[a-z-]+:([a-z-]+)(?::([A-Za-z-]+))?")


def select_arxiv_categories(terms: Iterable[str]) -> tuple[str, ...]:
    """Select the terms that look like categories of arXiv, each once, in their order.

    Classes of ACM and MSC stand among them.
    """
    stripped = (term.strip() for term in terms)
    return tuple(dict.fromkeys(term for term in stripped if _CATEGORY.fullmatch(term)))


def parse_set_categories(sets: Iterable[str]) -> tuple[str, ...]:
    """Parse the categories in sets of arXiv's OAI server.

    "cs:cs:LG" -> cs.LG, "physics:hep-th" -> hep-th. An archive alone is not a category.
    """
    matches = (_SET.fullmatch(name.strip()) for name in sets)
    return tuple(
        dict.fromkeys(
            f"{match[1]}.{match[2]}" if match[2] else match[1]
            for match in matches
            if match is not None
        )
    )
