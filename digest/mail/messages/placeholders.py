"""Placeholders for values that a template prints before they are known.

A template rendered with placeholders serves every reader. That works only if the template prints
the values and does nothing else with them. If it compares, filters or counts one, the placeholder
raises `PlaceholderRead`, and the template is rendered for each mail with the real values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn, cast

from digest.mail.messages import texts

# Noncharacters (Unicode 23.7), which `texts.one_line` removes from all foreign text.
BEGIN, END = "\ufdd0", "\ufdd1"
#: splits a rendered text; every second piece is the number of a gap
MARKER = re.compile(f"{BEGIN}([0-9]+){END}")
#: the template variables with the papers of a digest: their titles, and their cards
CONTENTS, LISTING = "contents", "listing"
LISTS = (CONTENTS, LISTING)


#: arguments of `wrap`: indent, lead, tail; None = the value is not wrapped
Wrapping = tuple[int, str, str] | None


class Gap(NamedTuple):
    """The value that belongs in one place of a rendered text."""

    #: name of the value
    name: str
    wrap_arguments: Wrapping = None


class PlaceholderRead(BaseException):
    """A template tried to read a placeholder.

    Not an Exception, since some tests of Jinja2 take any Exception for an answer.
    """


class Placeholder:
    """Stands for a non-empty text; `gaps` collects the places it is printed.

    `around` is printed before and after it.
    """

    __slots__ = ("_around", "_gap", "_gaps")

    def __init__(self, gap: Gap, gaps: list[Gap], around: tuple[str, str] = ("", "")) -> None:
        self._gap, self._gaps, self._around = gap, gaps, around

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


def make_placeholder(name: str, gaps: list[Gap], around: tuple[str, str] = ("", "")) -> Any:
    """A placeholder for the value of that name, with a text before and after it."""
    return Placeholder(Gap(name), gaps, around)


def print_marker(placeholder: Placeholder, escape: Callable[[str], str] = str) -> str:
    """The marker for the rendered text: BEGIN, a number in `gaps`, END, and what is around it."""
    placeholder._gaps.append(placeholder._gap)
    before, after = map(escape, placeholder._around)
    return f"{before}{BEGIN}{len(placeholder._gaps) - 1}{END}{after}"


def wrap(
    text: str | Placeholder, indent: int = 0, lead: str = "", tail: str = ""
) -> str | Placeholder:
    """The template filter `wrap`: `texts.wrap`, deferred for placeholders."""
    if type(text) is Sentence:
        parts = MARKER.split(text)
        if len(parts) != 3:
            raise PlaceholderRead
        return wrap(text.placeholders[0], indent, lead + parts[0], parts[2] + tail)
    if type(text) is not Placeholder:
        if BEGIN in text:
            raise PlaceholderRead
        return texts.wrap(cast(str, text), indent, lead, tail)
    name, wrap_arguments = text._gap
    if wrap_arguments or name in LISTS or any(text._around):
        raise PlaceholderRead
    return Placeholder(Gap(name, (indent, lead, tail)), text._gaps)
