"""The words by which publishers say that a paper was taken back.

Shared by the formats of journals and preprints.
"""

from __future__ import annotations

import re
from typing import Final

_IN_TITLE: Final = re.compile(
    r"\W{0,3}(?:retracted|withdrawn|removed)(?:\s+(?:article|chapter|paper|preprint|manuscript))?\s*(?:[:\])–—]|-\s)",
    re.IGNORECASE,
)
_TAKEN_BACK: Final = frozenset({"retraction", "withdrawal", "removal"})


def title_says_withdrawn(title: str) -> bool:
    """Whether the title carries the mark ("RETRACTED: A title", "[Retracted] A title"); a notice
    *about* a retraction does not.
    """
    return _IN_TITLE.match(title) is not None


def takes_back(kind: object) -> bool:
    """Whether an update of this kind takes a paper back: "retraction", "Withdrawal", "removal"."""
    return isinstance(kind, str) and kind.strip().lower() in _TAKEN_BACK
