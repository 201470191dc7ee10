"""Titles and words of publishers that tell what is no paper, or one no longer."""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from digest.dumps.fields import is_withdrawn
from digest.markup import strip_abstract_markup, strip_title_markup
from digest.model import Record, Skipped

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
#: how all of these titles begin; most titles do not
_MARK: Final = re.compile(
    r"\W{0,3}(?:retract|withdraw|remov|correct|corrig|errat|addend|author|publisher|editor|interim|"
    r"expression|notice|statement)",
    re.IGNORECASE,
)
#: what follows the name of a notice, unless a sentence goes on: "Erratum to", "Erratum-free codes"
_AFTER: Final = r"(?:\s*[:.]|\s+(?:to|for|on)\b|\s+[-–—]\s|\s+[\"“‘'«]|\W*$)"
#: titles that no paper has
_NOTICE: Final = re.compile(
    r"\W{0,3}(?:"
    r"(?:author|publisher|editor)(?:['’]?s)?['’]?\s+(?:correction|erratum|corrigendum|addendum|"
    rf"retraction|note)s?{_AFTER}"
    rf"|(?:erratum|errata|corrigend(?:um|a)){_AFTER}"
    rf"|(?:retraction|withdrawal|removal|correction)\s+(?:note|notice){_AFTER}"
    rf"|(?:notice|statement)\s+of\s+(?:retraction|withdrawal|removal|correction){_AFTER}"
    rf"|(?:(?:editorial|interim)\s+){{0,2}}expression\s+of\s+concern{_AFTER}"
    r")",
    re.IGNORECASE,
)
#: titles of notices in journals, but of papers elsewhere: "Correction: a tool that mends texts"
_JOURNAL_NOTICE: Final = re.compile(
    r"\W{0,3}(?:corrections?|addend(?:um|a)|retractions?|withdrawal|removal)(?:"
    r"(?:\s+(?:to|for|of))?(?:\s*:\s|\s+[\"“‘'«])|\s+(?:to|for|of)\s[^:]{1,80}\bet\s+al\b|\W*$)",
    re.IGNORECASE,
)
#: part of a notice's name -> why it is skipped
_REASONS: Final = {
    "retract": "retraction notice",
    "withdrawal": "withdrawal notice",
    "removal": "removal notice",
    "concern": "concern notice",
    "errat": "erratum notice",
    "corrigend": "corrigendum notice",
    "addend": "addendum notice",
    "correct": "correction notice",
    "note": "editor's note",
}
_REASON_PART: Final = re.compile("|".join(_REASONS), re.IGNORECASE)
_ARXIV_NUMBER: Final = re.compile(r"\s*[0-9]{4}\.[0-9]{4,5}(?:v[0-9]+)?\s*")


def judge_record(record: Record) -> Record | Skipped:
    """Skip a notice about another paper, and mark a paper whose own text says it is withdrawn.

    For all formats, whatever else each of them knows about notices.
    """
    title, is_marked = strip_title_markup(record.title), record.withdrawn
    if _MARK.match(title) is not None:
        if reason := _find_notice(title, record):
            return Skipped(line=record.line, raw=record.raw, reason=reason)
        is_marked = is_marked or has_withdrawn_title(title)
    if not is_marked and "withdrawn" in record.abstract.lower():
        is_marked = is_withdrawn(None, strip_abstract_markup(record.abstract))
    return record if is_marked == record.withdrawn else replace(record, withdrawn=is_marked)


def _find_notice(title: str, record: Record) -> str:
    """Find by its title which notice a record is; "" if it is a paper.

    Examples: "Author Correction: A title", "Erratum to: A title", "Retraction Note".
    """
    match = _NOTICE.match(title)
    if match is None and not _is_on_arxiv(record):
        match = _JOURNAL_NOTICE.match(title)
    part = _REASON_PART.search(match[0]) if match is not None else None
    return _REASONS[part[0].lower()] if part is not None else ""


def _is_on_arxiv(record: Record) -> bool:
    return any(
        kind == "arxiv" or "arxiv" in text.lower() or _ARXIV_NUMBER.fullmatch(text)
        for kind, text in record.ids
    )


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
