"""Read where a paper was accepted or published from what its source says of it.

Nothing is guessed: a comment must say that the paper was accepted, or hold a venue and its year at
the beginning of a sentence or between commas. What was only submitted has no venue.
"""

from __future__ import annotations

import re
from typing import Final

#: characters of a venue
VENUE_CAP: Final = 70
_PIECE: Final = re.compile(
    r"(?<!\bProc)(?<!\bProceedings)(?<!\bConf)(?<!\bInt)(?<!\bvol)\.\s+|[;\n]"
)
_ACCEPTED: Final = re.compile(
    r"\b(?:accepted|published|presented|to appear|appear(?:s|ed|ing)|forthcoming|in press|"
    r"camera[- ]ready)\b",
    re.IGNORECASE,
)
#: words by which a piece is about another paper, or about no acceptance
_DENIED: Final = re.compile(
    r"\b(?:submitted|submission|submitting|under (?:peer[- ])?review|in review|in revision|"
    r"rejected?|reject|withdrawn|not (?:yet )?(?:accepted|published)|to be submitted|"
    r"(?:extended|earlier|previous|prior|preliminary|short|shorter|conference|journal|abridged|"
    r"longer|full) version|extends?|extending|extension of|supersedes|companion|based on|"
    r"planned)\b",
    re.IGNORECASE,
)
_YEAR: Final = re.compile(r"(?<![0-9])(?:19[5-9]|20[0-4])[0-9](?![0-9])")
#: a short name in capitals, such as ICML, NeurIPS, SIGGRAPH or IEEE/CVF; with its year
_SHORT: Final = r"(?:Interspeech|Eurographics|[A-Z0-9]*[A-Z][A-Za-z0-9]*[A-Z][A-Za-z0-9]*)"
_NAMED: Final = re.compile(
    r"\b(?!(?:IEEE|ACM|SPIE|AIAA),?\s[0-9])"
    rf"((?:(?:IEEE|ACM|USENIX)(?:/[A-Z]+)? )?{_SHORT}(?:[-/][A-Z][A-Za-z0-9]*)*?)"
    r"(?: conference)?[\s,(]*(?:[@-]\s?)?(?:(?<![0-9])((?:19|20)[0-9]{2})|['’]([0-9]{2}))\b",
)
_IN_BRACKETS: Final = re.compile(rf"\(\s*({_SHORT}(?:[-/][A-Z][A-Za-z0-9]*)*)\s*\)")
#: a name that follows the word of acceptance: words with a capital, and the small ones between
_TITLE: Final = re.compile(
    r"\b(?i:accepted|published|presented|appear|appears|appearing|forthcoming|press)\b"
    r"(?:\s(?i:for (?:publication|presentation)|as an? [a-z ]{3,30}|paper|full paper|to appear))*"
    r"\s(?i:to|at|by|in|for|on|with)\s(?i:the\s)?(?:(?i:proceedings|proc\.?)\s(?i:of\s)?(?i:the\s)?)?"
    r"((?:(?:[A-Z][\w&.'’/-]*|[0-9]{1,2}(?:st|nd|rd|th)|[0-9]{4})"
    r"(?:\s(?:of|and|on|in|the|for|&)(?=\s))*\s?)+)",
)
_SMALL_END: Final = re.compile(r"(?: (?:of|and|on|in|the|for))+$")
_NO_VENUE: Final = re.compile(
    r"arxiv|^(?:january|february|march|april|may|june|july|august|"
    r"september|october|november|december)\b",
    re.IGNORECASE,
)


def read_venue(comment: str, journal_ref: str = "") -> str:
    """Return the venue such as "ICML 2026" or "Nature Communications"; "" where none is said.

    Args:
        comment: the authors' note, such as "Accepted to ICML 2026. 9 pages".
        journal_ref: the source's own field for the place of publication; taken as it stands.
    """
    reference = journal_ref.strip().rstrip(".")
    if reference and not _NO_VENUE.search(reference):
        return _short_name(reference) or _cut(reference)
    return next(filter(None, map(_read_piece, split_comment(comment))), "")


def split_comment(comment: str) -> list[str]:
    """The sentences of a comment, without the marks between them."""
    return [piece for piece in (text.strip(" .,;:") for text in _PIECE.split(comment)) if piece]


def _read_piece(piece: str) -> str:
    """Read one sentence of a comment."""
    if _DENIED.search(piece):
        return ""
    if named := _NAMED.match(piece):
        return _with_part(_format_named(named), piece)
    accepted = _ACCEPTED.search(piece)
    if accepted is None:
        alone = filter(None, map(_NAMED.fullmatch, piece.split(", ")))
        return next((_format_named(named) for named in alone), "")
    said = piece[accepted.start() :]
    venue = _short_name(said)
    if not venue and (title := _TITLE.match(said)):
        venue = _SMALL_END.sub("", title[1].strip(" .,&-"))
        if _NO_VENUE.search(venue) or not re.search(r"[A-Za-z]{3}", venue):
            return ""
        years = set(_YEAR.findall(said))
        if len(years) == 1 and not _YEAR.search(venue):
            venue = f"{venue} {years.pop()}"
    return _with_part(_cut(venue), said)


def _short_name(text: str) -> str:
    """The first short name with a year; or one in brackets, with the only year of the text."""
    named = _NAMED.search(text)
    if named:
        return _format_named(named)
    bracketed, years = _IN_BRACKETS.search(text), set(_YEAR.findall(text))
    return f"{bracketed[1]} {years.pop()}" if bracketed and len(years) == 1 else ""


def _format_named(named: re.Match[str]) -> str:
    return f"{named[1]} {named[2] or f'20{named[3]}'}"


def _with_part(venue: str, piece: str) -> str:
    """Say so where it was a workshop, or the findings, of the venue that is named."""
    lowered = piece.lower()
    if venue and "workshop" in lowered and "workshop" not in venue.lower():
        return f"{venue} workshop"
    if venue and "findings" in lowered and "findings" not in venue.lower():
        return f"{venue} Findings"
    return venue


def _cut(venue: str) -> str:
    if len(venue) <= VENUE_CAP:
        return venue
    return venue[:VENUE_CAP].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"
