"""Lists of authors as sources write them -> one text for each name.

Knows no format and no file. A name stays as it is written ("Doe, Jane"); what is no name goes:
affiliations in brackets, "et al.", a lone ":". Own code: see digest/decisions/names.md.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

#: characters; more than the longest known lists of authors
_CAP: Final = 1024 * 1024

_GROUP_WORDS: Final = (
    "academy|administration|agency|alliance|association|board|bureau|cent(?:er|re)s?|"
    "collaborations?|college|commission|committee|community|company|consortium|council|department|faculty|"
    "foundation|group|hospital|inc|initiative|institut[eo]?|investigators|laboratory|ltd|ministry|"
    "network|offices?|organi[sz]ation|partnership|project|society|team|trust|university"
)
_GROUP: Final = re.compile(rf"\b(?:{_GROUP_WORDS})\b", re.IGNORECASE)
_GROUP_AT_END: Final = re.compile(rf"\b(?:{_GROUP_WORDS})\.?$", re.IGNORECASE)
#: what stands before the name of a group for which people write
_FOR: Final = r"(?:for|on behalf of)(?: the)? "
_FOR_GROUP: Final = re.compile(rf"(?:,? and)?[ ,]{{1,3}}{_FOR}([^,;:]+)", re.IGNORECASE)
_FOR_AT_START: Final = re.compile(rf"{_FOR}|the (?=\S+ collaboration$)", re.IGNORECASE)
_BRACKETS: Final = re.compile(r" ?[(]([^()]*)[)]| ?\[([^\[\]]*)\]")
_LABEL: Final = re.compile(r"(?:authors?|author\(s\)) ?: ?|by:? (?=\w)", re.IGNORECASE)
_ENTITY: Final = re.compile(r"&#?\w{1,31};")

#: signs of East Asian lists -> their Western counterparts
_WIDE_SIGNS: Final = str.maketrans(
    {"，": ", ", "、": ";", "；": ";", "：": ":", "｜": ";", "|": ";"}
)
_PARTS: Final = re.compile(r";| [·•/] |:(?!//)")
_SEPARATOR: Final = re.compile(r"[,;|&，、；]|\band\b", re.IGNORECASE)
_AND: Final = re.compile(r"(,? (?:and|&) )", re.IGNORECASE)
_LOOSE_AND: Final = re.compile(r"^(?:(?:and|&)(?: +|$)){1,4}|(?:,? (?:and|&)){1,4}$")
_OTHERS: Final = re.compile(
    r"(?:^|[ ,])(?:et\.? ?al(?:ii|\.)?|and others|others|\.\.\.|…)\.?$", re.IGNORECASE
)
_EAST_ASIAN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af·・]+")
_EAST_ASIAN_OTHERS: Final = re.compile(r"(?<=[\u3400-\u9fff]{2}) ?等\.?$")
_SUFFIX: Final = re.compile(r"(?:jr|sr|i{2,3}|iv|ph\. ?d|phd|m\. ?d|md)\.?", re.IGNORECASE)
_INITIALS: Final = re.compile(r"(?:[^\W\d_]\.?[ -]?){1,4}")
_INITIALS_AND_NAME: Final = re.compile(r"(?:[^\W\d_]\.-?)+[^\W\d_]{2,}")
#: "Doe JA", "Doe J. A.": as PubMed and Scopus write names
_NAME_AND_INITIALS: Final = re.compile(
    r"([^,]*?[^\W\d_A-Z]) ([A-Z]{1,3}|[A-Z]-[A-Z]|(?:[A-ZÀ-ÖØ-Þ]\.[ -]?){1,4})"
)
_PARTICLE_WORDS: Final = (
    "al bin da de degli dei del della den der des di do dos du el la las le los mac san st st. te "
    "ten ter van vom von y zu zum zur"
)
_PARTICLES: Final = frozenset(_PARTICLE_WORDS.split())
_HAS_TWO_WORDS: Final = re.compile(r"\w.?[ ,].?\w")
#: signs around a name, not of it
_EDGES: Final = " ,;:*†‡§¶|\\/"

#: whether any name of a list may have to be parted or dropped
_ODD: Final = re.compile(
    r"[;:|()\[\]&…，、；：｜]|(?:\A|\n)\W*(?:\n|\Z)|(?:\A|[\n ])and(?:[\n ]|\Z)|,.*,|等|"
    r"(?:\A|[\n ,])(?:et\.? ?al|others|for the|on behalf)",
    re.IGNORECASE,
)
_QUOTED: Final = r"""(?:'((?:[^'\\]|\\.)*+)'|"((?:[^"\\]|\\.)*+)")"""
_LIST_ITEM: Final = re.compile(_QUOTED, re.DOTALL)
_LIST_NAME: Final = re.compile(
    rf"""['"](?:(?:full|display_|author_)?name)['"] ?: ?{_QUOTED}""", re.DOTALL
)


def split_names(text: str, *, given_name_first: bool = False) -> tuple[str, ...]:
    """Split a text that holds any number of names.

    "Jane Doe, Kim Roe and Lee Poe" -> 3, "Doe, Jane; Roe, Kim" -> 2, "Doe, Jane, Roe, Kim" -> 2,
    "Doe, Jane" -> 1. Also a list in the notation of JSON or Python.

    Args:
        text: The names.
        given_name_first: Whether no name is written as "Doe, Jane".
    """
    text = text[:_CAP].strip()
    if not _SEPARATOR.search(text) and all(" " in line.strip() for line in text.splitlines()):
        text = text.replace("\n", ";")
    text = " ".join(text.split())
    if text.startswith("[") and text.endswith("]"):
        if (items := _read_list(text)) is not None:
            return split_name_list(items)
        text = text[1:-1]
    parts = _split_parts(_LABEL.sub("", text, count=1) if _LABEL.match(text) else text)
    is_listed = ";" in text.translate(_WIDE_SIGNS) and not given_name_first
    names = [
        name
        for part in parts
        for name in _split_part(part, is_name=is_listed, given_name_first=given_name_first)
    ]
    return tuple(names if given_name_first else _put_comma_before_initials(names))


def split_name_list(items: Iterable[str]) -> tuple[str, ...]:
    """Split those items of a list of names that hold several, and drop those that hold none.

    "Doe, Jane" is one name here, and so is "Lopez Garcia, Juan Carlos".
    """
    names = tuple(items)
    if not _ODD.search("\n".join(names)):
        return names
    return tuple(
        name
        for item in names
        for part in _split_parts(" ".join(item[:_CAP].split()))
        for name in _split_part(part, is_name=True)
    )


def is_list_of_people(text: str) -> bool:
    """Whether names are joined by "and" here: "Jane Doe and Kim Roe", not "Doe and Roe Inc."."""
    return len(_split_at_and(" ".join(text.split()), is_name=True)) > 1


def has_group_word(name: str) -> bool:
    """Whether a name is that of a group: "The Invented Collaboration", "University of X"."""
    return _GROUP.search(name) is not None


def _read_list(text: str) -> list[str] | None:
    """Read a list in the notation of JSON or Python; None if nothing in it is quoted."""
    try:
        values = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        pattern = _LIST_NAME if "{" in text else _LIST_ITEM
        names = [match[1] or match[2] or "" for match in pattern.finditer(text)]
        return [re.sub(r"\\(['\"\\])", r"\1", name) for name in names] or None
    return list(filter(None, map(_read_item, values)))


def _read_item(value: Any) -> str:
    name = value.get("name") if isinstance(value, dict) else value
    return name if isinstance(name, str) else ""


def _split_parts(text: str) -> Iterator[str]:
    """Split at signs that never stand in a name; groups in brackets become parts."""
    if _ENTITY.search(text):
        text = html.unescape(text)
    text = text.translate(_WIDE_SIGNS)
    for _ in range(4):
        shorter = _BRACKETS.sub(_keep_group, text)
        if shorter == text:
            break
        text = shorter
    for part in _PARTS.split(_FOR_GROUP.sub(_part_group, text)):
        if part and not part.isspace():
            yield " ".join(part.split())


def _keep_group(brackets: re.Match[str]) -> str:
    """Replace an affiliation by nothing, "(for the X Collaboration)" by a part of its own."""
    words = (brackets[1] or brackets[2] or "").strip()
    name = _FOR_AT_START.sub("", words, count=1)
    is_group = name != words and " " in name and has_group_word(name)
    return f"; {name};" if is_group or name.lower().endswith(" collaboration") else " "


def _part_group(words: re.Match[str]) -> str:
    """Part " for the X Collaboration" from the names before it."""
    return f"; {words[1]}" if has_group_word(words[1]) else words[0]


def _split_part(part: str, *, is_name: bool, given_name_first: bool = False) -> list[str]:
    """Split a part at "and" and at commas.

    Args:
        part: Names, at most one of them if the source has its way.
        is_name: Whether the source means one name.
        given_name_first: See `split_names`.
    """
    joined = [
        [piece for text in texts if (piece := _trim(text))]
        for texts in (text.split(",") for text in _split_at_and(part, is_name=is_name))
    ]
    groups = [_join_suffixes(pieces) for pieces in joined if pieces]
    has_last_names = len(groups) > 1 and all(
        len(piece.split()) == 1 and not _is_initials(piece) for pieces in groups for piece in pieces
    )
    if given_name_first or (has_last_names and len(groups[-1]) == 1):
        return [_write(piece) for pieces in groups for piece in pieces]
    return [name for pieces in groups for name in _pair_pieces(pieces, is_name=is_name)]


def _split_at_and(text: str, *, is_name: bool) -> list[str]:
    text = _LOOSE_AND.sub("", text)
    left, *others = _AND.split(text)
    parts = [[left]]
    for sign, right in zip(others[::2], others[1::2], strict=True):
        if _ends_name(left, right, is_name=is_name):
            parts.append([right])
        else:
            parts[-1] += sign, right
        left = right
    return ["".join(part) for part in parts]


def _ends_name(left: str, right: str, *, is_name: bool) -> bool:
    """Whether the "and" between two texts joins names, and is not part of one."""
    left_piece, right_piece = left.rpartition(",")[2].strip(), right.partition(",")[0].strip()
    if _GROUP.search(left_piece):
        return _GROUP_AT_END.search(left_piece) is not None
    if _GROUP.search(right_piece):
        is_person = " " in left_piece and not left_piece.lower().startswith("the ")
        return right_piece.lower().startswith("the ") or (is_person and not is_name)
    return not is_name or all(_HAS_TWO_WORDS.search(text) for text in (left, right))


def _trim(text: str) -> str:
    text = _LOOSE_AND.sub("", text.strip(_EDGES))
    text = _EAST_ASIAN_OTHERS.sub("", _OTHERS.sub("", text)).strip(_EDGES)
    return text if any(map(str.isalpha, text)) and text != "等" else ""


def _join_suffixes(pieces: Sequence[str]) -> list[str]:
    """Join "Jr." with the piece before it: "Doe, Jr."."""
    joined: list[str] = []
    for piece in pieces:
        if joined and _SUFFIX.fullmatch(piece):
            joined[-1] += f", {piece}"
        else:
            joined.append(piece)
    return joined


def _pair_pieces(pieces: list[str], *, is_name: bool) -> list[str]:
    """Make names of what commas part: of each piece, or of each last name and first name."""
    count = len(pieces)
    if count < 2:
        return list(map(_write, pieces))
    if all(_EAST_ASIAN.fullmatch(piece) for piece in pieces):
        return ["".join(pieces)] if count == 2 and len(min(pieces, key=len)) == 1 else pieces
    whole = sum(map(_is_whole, pieces))
    has_initials = any(map(_is_initials, pieces[1::2]))
    if 2 * whole <= count and (count % 2 == 0 or has_initials) and (count > 3 or not is_name):
        return [", ".join(pieces[start : start + 2]) for start in range(0, count, 2)]
    if is_name and (count == 2 or whole < count):
        return [", ".join(pieces)]
    return list(map(_write, pieces))


def _is_whole(piece: str) -> bool:
    """Whether a piece has a first and a last name: "Jane Doe", not "van der Doe" or "J. M."."""
    words = piece.partition(",")[0].split()
    if len(words) < 2:
        return _INITIALS_AND_NAME.fullmatch(piece) is not None
    return not _is_initials(piece) and any(word.lower() not in _PARTICLES for word in words[:-1])


def _is_initials(piece: str) -> bool:
    return piece.upper() == piece and _INITIALS.fullmatch(piece) is not None


def _write(piece: str) -> str:
    return piece.replace(", ", " ")


def _put_comma_before_initials(names: list[str]) -> list[str]:
    """Mark the last names of a list in the order of PubMed: "Doe J", "Roe KM" -> "Doe, J".

    A single name stays, since in some countries the initials of the father come last.
    """
    matches = [_NAME_AND_INITIALS.fullmatch(name) for name in names]
    if len(names) < 2 or not all(
        match or _GROUP.search(name) for match, name in zip(matches, names, strict=True)
    ):
        return names
    return [
        f"{match[1]}, {match[2]}" if match else name
        for match, name in zip(matches, names, strict=True)
    ]
