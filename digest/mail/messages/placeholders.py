"""Placeholders for values that a template prints before they are known.

A template rendered with placeholders serves every reader. That works only if the template prints
the values and does nothing else with them. If it compares, filters or counts one, the placeholder
raises `PlaceholderRead`, and the template is rendered for each mail with the real values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn, cast

from digest.mail.messages import texts

# Noncharacters (Unicode 23.7), which `texts.one_line` removes from all foreign text.
BEGIN, END = "\ufdd0", "\ufdd1"
_MARKER = re.compile(f"{BEGIN}[0-9]+{END}")
#: the template variables with the papers of a digest: their titles, and their cards
CONTENTS, LISTING = "contents", "listing"
LISTS = (CONTENTS, LISTING)


class Gap(NamedTuple):
    """The value that belongs in one place of a rendered text."""

    #: name of the value
    name: str
    #: arguments of `wrap` if the value is to be wrapped: indent, lead, tail
    wrap_arguments: tuple[int, str, str] | None = None


class PlaceholderRead(BaseException):
    """A template tried to read a placeholder.

    Not an Exception, since some tests of Jinja2 take any Exception for an answer.
    """


class Placeholder:
    """Stands for a non-empty text; `gaps` collects the places it is printed."""

    __slots__ = ("_gap", "_gaps")

    def __init__(self, gap: Gap, gaps: list[Gap]) -> None:
        self._gap, self._gaps = gap, gaps

    def __bool__(self) -> bool:
        return True

    def _read(self, *_: object) -> NoReturn:
        raise PlaceholderRead

    # What Python answers for any object, and what filters and tests ask for. All else is attributes
    # and operators, which a placeholder lacks.
    __str__ = __repr__ = __format__ = __hash__ = __eq__ = __ne__ = __iter__ = __len__ = (
        __getitem__
    ) = __contains__ = _read
    __getattr__ = _read
    # for isinstance
    __class__ = property(_read)


class Sentence(str):
    """A message of a text template with the markers of placeholders in it."""

    placeholders: Sequence[Placeholder]

    def __new__(cls, text: str, placeholders: Sequence[Placeholder]) -> Sentence:
        sentence = super().__new__(cls, text)
        sentence.placeholders = placeholders
        return sentence


def make_placeholder(name: str, gaps: list[Gap]) -> Any:
    """A placeholder for the value of that name."""
    return Placeholder(Gap(name), gaps)


def print_marker(placeholder: Placeholder) -> str:
    """The marker for the rendered text: BEGIN, a number in `gaps`, END."""
    placeholder._gaps.append(placeholder._gap)
    return f"{BEGIN}{len(placeholder._gaps) - 1}{END}"


def wrap(
    text: str | Placeholder, indent: int = 0, lead: str = "", tail: str = ""
) -> str | Placeholder:
    """The template filter `wrap`: `texts.wrap`, deferred for placeholders."""
    if type(text) is Sentence:
        parts = _MARKER.split(text)
        if len(parts) != 2:
            raise PlaceholderRead
        return wrap(text.placeholders[0], indent, lead + parts[0], parts[1] + tail)
    if type(text) is not Placeholder:
        if BEGIN in text:
            raise PlaceholderRead
        return texts.wrap(cast(str, text), indent, lead, tail)
    name, wrap_arguments = text._gap
    if wrap_arguments or name in LISTS:
        raise PlaceholderRead
    return Placeholder(Gap(name, (indent, lead, tail)), text._gaps)
