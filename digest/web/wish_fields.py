"""Lists with "-" and "+" <-> a field for each wish: what is wanted, first, and never shown.

All functions are pure. The signs may still be typed in any field of wanted words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from digest.model import Interest
from digest.subscriptions import split_words
from digest.web.field_values import lines

#: field of what is wanted -> (field, sign) of its other wishes
_OTHER_WISHES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "keywords": (("first_words", "+"), ("never_words", "-")),
    "categories": (("never_categories", "-"),),
    "authors": (("never_authors", "-"),),
}
LISTS: Final = tuple(_OTHER_WISHES)
#: all fields, in the order of the page
WISH_FIELDS: Final = tuple(
    name for wanted, others in _OTHER_WISHES.items() for name in (wanted, *dict(others))
)


def fields_of(name: str) -> tuple[str, ...]:
    """Return the fields that a list of an interest is spread over."""
    return (name, *dict(_OTHER_WISHES[name]))


def fill_wish_fields(interest: Interest) -> dict[str, Any]:
    """Return the text of each field."""
    texts: dict[str, str] = {}
    for wanted, others in _OTHER_WISHES.items():
        left = list(getattr(interest, wanted))
        for name, sign in others:
            signed = [word for word in left if word.lstrip().startswith(sign)]
            left = [word for word in left if word not in signed]
            texts[name] = "\n".join(word.lstrip().removeprefix(sign).strip() for word in signed)
        texts[wanted] = "\n".join(left)
    return texts


def read_wish_fields(texts: Mapping[str, str], stored: Interest) -> dict[str, Any]:
    """Return the lists of an interest from its fields.

    Args:
        texts: by field; one that is missing is empty.
        stored: the interest as it is; the order of a list stays where nothing else changed.
    """
    lists: dict[str, tuple[str, ...]] = {}
    for wanted, others in _OTHER_WISHES.items():
        words = list(_split(wanted, texts.get(wanted, "")))
        for name, sign in others:
            words += [
                word if word.startswith(sign) else f"{sign}{word}"
                for word in _split(wanted, texts.get(name, ""))
            ]
        lists[wanted] = _keep_order(words, getattr(stored, wanted))
    return lists


def _split(name: str, text: str) -> tuple[str, ...]:
    # names of authors may hold commas
    return lines(text) if name == "authors" else split_words(text)


def _keep_order(words: Sequence[str], stored: tuple[str, ...]) -> tuple[str, ...]:
    return stored if sorted(words) == sorted(stored) else tuple(words)
