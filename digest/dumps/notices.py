"""Words by which publishers of journals and preprints mark a withdrawn paper."""

from __future__ import annotations

import re
from typing import Final

_IN_TITLE: Final = re.compile(
    r"\W{0,3}(?:retracted|withdrawn|removed)(?:\s+(?:article|chapter|paper|preprint|"
    r"manuscript))?\s*(?:[:\])–—]|-\s)",
    re.IGNORECASE,
)
_RETRACTION_KINDS: Final = frozenset({"retraction", "withdrawal", "removal"})


def has_withdrawn_title(title: str) -> bool:
    """Whether a title is marked as withdrawn.

    Examples: "RETRACTED: A title", "[Retracted] A title".

    The title of a notice *about* a retraction is not.
    """
    return _IN_TITLE.match(title) is not None


def is_retraction_kind(kind: object) -> bool:
    """Whether an update retracts a paper: "retraction", "Withdrawal", "removal"."""
    return isinstance(kind, str) and kind.strip().lower() in _RETRACTION_KINDS
