"""What reference managers write in their own way: dates without a day, identifiers in fields meant
for something else. Knows no format.

Zotero and its kin have no field for an arXiv or PubMed number: their translators write "arXiv:
2401.01234" or "PMID: 123" into lines of a note, and the arXiv number into the report's number, the
archive's or the journal's name ("arXiv:2401.01234 [cs]").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from digest.dumps.fields import day_of

#: characters of a field that are looked at
_LOOKED_AT: Final = 20_000
_NOTED: Final = re.compile(
    r"^[ \t]*(arxiv|doi|pmid|pmcid)(?:[ \t]id)?[ \t]*:[ \t]*([^\s]{1,300})",
    re.IGNORECASE | re.MULTILINE,
)
_ARXIV: Final = re.compile(
    r"\barxiv[:/][ \t]?((?:[a-z-]{2,20}(?:\.[a-z]{2})?/[0-9]{7}|[0-9]{4}\.[0-9]{4,5})(?![0-9]))",
    re.IGNORECASE,
)
_MONTH: Final = re.compile(r"\s*([0-9]{4})[-/]([0-9]{1,2})\s*")
_VERSION: Final = re.compile(r"v[0-9]+(?=(?:\.pdf)?$)", re.IGNORECASE)


def noted_ids(note: str) -> Iterator[tuple[str, str]]:
    """The identifiers that stand on lines of their own, as `Record.ids` wants them.

    "See arXiv:..." within a sentence names another paper.
    """
    for found in _NOTED.finditer(note[:_LOOKED_AT]):
        kind = found[1].lower()
        if kind == "arxiv":
            yield "id", f"arXiv:{unversioned(found[2])}"
        else:
            yield kind, found[2]


def arxiv_ids(*fields: str) -> Iterator[tuple[str, str]]:
    """The arXiv numbers that stand in short fields: "arXiv:2401.01234v2", "arXiv preprint
    arXiv:2401.01234", "abs/2401.01234" is none.
    """
    for field in fields:
        if (
            "arxiv" in field[:_LOOKED_AT].lower()
            and (found := _ARXIV.search(field[:_LOOKED_AT])) is not None
        ):
            yield "id", f"arXiv:{found[1]}"


def unversioned(name: str) -> str:
    """An arXiv number or link without its version: whoever else writes it down does not say of
    which version title and abstract are.
    """
    return _VERSION.sub("", name)


def day_or_month(text: str | None, today: date) -> date | None:
    """The day that a text begins with; the first of "2024-03".

    A bare year is no day: its first would be older than the paper's preprint.
    """
    if (month := _MONTH.fullmatch(text or "")) is not None:
        return day_of(f"{month[1]}-{month[2]}-1", today)
    return day_of(text, today)
