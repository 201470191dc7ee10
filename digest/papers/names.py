"""Names of authors -> what two spellings of one name share.

"Doe J", "J. Doe" and "Jane Doe" agree, and so do "van der Berg J" and "Jan van der Berg", "Müller",
"Mueller" and "Muller", "Wei Wang" and "Wang Wei". Collaborations are kept apart from people.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

from digest.papers.text import normalise_title

_GROUP: Final = re.compile(
    r"\b(?:collaborations?|consortium|group|team|network|university|institute|committee|society|"
    r"association|initiative|investigators|inc|ltd)\b",
    re.IGNORECASE,
)
_SUFFIXES: Final = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "md", "dr", "prof"})
#: letters that do not decompose into a base letter and a mark
_LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "a", "œ": "o", "þ": "t"}
)
#: "ü" is also written "ue"; "Xue" and "Yue" are too short to be meant
_UMLAUT: Final = re.compile(r"(?<=[aou])e")
_UMLAUT_LENGTH: Final = 5
_APOSTROPHE: Final = re.compile("['’]")
_MAX_INITIALS: Final = 3
#: the part of the shorter list that the longer one must have: one author in four may differ
_SHARED: Final = 0.75


class Agreement(Enum):
    """What two lists of authors say about each other."""

    SAME = "same"
    OTHER = "other"
    #: one names a collaboration and the other its members
    MEMBERS = "members"
    #: one names nobody
    UNKNOWN = "unknown"


class PersonName(NamedTuple):
    """What is compared of a person's name."""

    #: last word of the family name
    family: str
    #: first letters of the given names
    initials: frozenset[str]
    #: all words of two letters or more
    words: frozenset[str]


class Authors(NamedTuple):
    """People, in their order, and collaborations."""

    people: tuple[PersonName, ...]
    groups: frozenset[str]


def is_group(name: str) -> bool:
    """Tell whether a name is that of a collaboration or an institution."""
    return _GROUP.search(name) is not None


@lru_cache(maxsize=4096)
def parse_authors(names: tuple[str, ...]) -> Authors:
    """Parse names as `clean_author` returns them."""
    people = [parse_person(name) for name in names if not is_group(name)]
    groups = (" ".join(_split_words(name)) for name in names if is_group(name))
    return Authors(
        people=tuple(person for person in people if person.family),
        groups=frozenset(group.removeprefix("the ") for group in groups),
    )


@lru_cache(maxsize=32_768)
def parse_person(name: str) -> PersonName:
    """Parse a name of any order: family name last, or first and followed by initials."""
    parts = [part for part in name.replace(",", " ").split() if part.strip(".")]
    while len(parts) > 1 and parts[-1].replace(".", "").casefold() in _SUFFIXES:
        parts.pop()
    if not parts:
        return PersonName(family="", initials=frozenset(), words=frozenset())
    if len(parts) > 1 and _begins_with_family(parts[0], parts[-1]):
        initials = {letter for letter in parts[-1].casefold() if letter.isalpha()}
        family = " ".join(parts[:-1])
    else:
        given = [part for part in parts[:-1] if not part[0].islower()] or parts[:-1]
        initials = {word[0] for word in _split_words(" ".join(given))}
        family = parts[-1]
    words = _split_words(" ".join(parts))
    family_words = _split_words(family)
    return PersonName(
        family=family_words[-1] if family_words else "",
        initials=frozenset(initials),
        words=frozenset(word for word in words if len(word) > 1),
    )


def _begins_with_family(first: str, last: str) -> bool:
    """Whether the last word is initials: "Doe JA", "Li J"; not "J LI"."""
    if not _is_initials(last):
        return False
    return not _is_initials(first) or len(last.strip(".")) < len(first.strip("."))


def _is_initials(word: str) -> bool:
    letters = [letter for letter in word if letter not in ".-"]
    return len(letters) <= _MAX_INITIALS and all(letter.isupper() for letter in letters)


def _split_words(text: str) -> list[str]:
    return [_fold(word) for word in normalise_title(_APOSTROPHE.sub("", text)).split()]


def _fold(word: str) -> str:
    """Fold a normalised word to what its spellings share: "mueller" -> "muller"."""
    folded = word if word.isascii() else word.translate(_LETTERS)
    return _UMLAUT.sub("", folded) if len(folded) >= _UMLAUT_LENGTH else folded


def compare_authors(left: tuple[str, ...], right: tuple[str, ...]) -> Agreement:
    """Compare two lists of authors, whose order and length may differ.

    A list may be cut off after its first authors.
    """
    if left and left == right:
        return Agreement.SAME
    left, right = sorted((left, right), key=lambda names: (len(names), names))
    ours, theirs = parse_authors(left), parse_authors(right)
    if ours.people and theirs.people:
        apart = ours.groups and theirs.groups and not ours.groups & theirs.groups
        return (
            Agreement.SAME
            if not apart and _are_same_people(ours.people, theirs.people)
            else Agreement.OTHER
        )
    if ours.groups and theirs.groups:
        return Agreement.SAME if ours.groups & theirs.groups else Agreement.OTHER
    if (ours.people or ours.groups) and (theirs.people or theirs.groups):
        return Agreement.MEMBERS
    return Agreement.UNKNOWN


def may_be_same_authors(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    """Whether nothing says that two lists of authors are of different papers."""
    return compare_authors(left, right) is not Agreement.OTHER


def _are_same_people(left: Sequence[PersonName], right: Sequence[PersonName]) -> bool:
    shorter, longer = sorted((left, right), key=len)  # stable: the order says nothing
    remaining = Counter(longer)
    by_family: dict[str, list[PersonName]] = {}
    for person in remaining:
        for word in person.words | {person.family}:
            by_family.setdefault(word, []).append(person)
    shared = 0
    for person in shorter:
        same = next(
            (
                other
                for other in by_family.get(person.family, ())
                if remaining[other] and is_same_person(person, other)
            ),
            None,
        )
        if same is not None:
            remaining[same] -= 1
            shared += 1
    if shared < _SHARED * len(shorter):
        return False
    return 2 * shared >= len(longer) or is_same_person(shorter[0], longer[0])


def is_same_person(left: PersonName, right: PersonName) -> bool:
    """Whether two names may be one person's: family name and an initial, or all words."""
    if left.family == right.family:
        return not left.initials or not right.initials or bool(left.initials & right.initials)
    return len(left.words) > 1 and left.words == right.words


def list_name_words(names: Iterable[str]) -> set[str]:
    """List the words of all authors' names, without initials."""
    return {word for name in names for word in parse_person(name).words}
