"""Titles and words of publishers that tell what is no paper, or one no longer."""

from __future__ import annotations

import re
from typing import Final

_IN_TITLE: Final = re.compile(
    r"\W{0,3}(?:retracted|withdrawn|removed)(?:\s+(?:article|chapter|paper|preprint|"
    r"manuscript))?\s*(?:[:\])–—]|-\s)",
    re.IGNORECASE,
)
#: titles of the pages around the papers of an issue
_FRONT_MATTER: Final = re.compile(
    r"(?:the )?(?:"
    r"editorial (?:advisory )?board(?: (?:page|members?))?|editorial board ?[/&,-] ?\S.{0,40}|"
    r"issue (?:information|publication information|editorial masthead)(?: ?[-‐–:] ?\S.{0,30})?|"
    r"masthead|title page|copyright page|(?:front|back|end) ?matter|"
    r"tables? of contents|contents(?: (?:list|page))?|"
    r"(?:(?:inside|outside) )?(?:front|back) cover(?: image| picture)?|(?:inside )?cover "
    r"(?:image|picture|feature|page|art)|inside cover|cover and (?:front|back) matter|"
    r"(?:author|subject|keyword) index|(?:list of )?reviewers? (?:list|index)|list of reviewers|"
    r"(?:aims|aim) (?:and|&) scope|instructions (?:for|to) authors"
    r")(?:,? ?\(?vol(?:ume|\.)? ?\d{1,4}\b.{0,40})?",
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


def is_front_matter(title: str) -> bool:
    """Whether the whole title is that of a page around the papers of an issue.

    Examples: "Editorial Board", "Issue Information", "Cover Image, Volume 3, Issue 6".
    """
    if len(title) > 150:
        return False
    return _FRONT_MATTER.fullmatch(" ".join(title.split()).strip(" .:*[]{}")) is not None
