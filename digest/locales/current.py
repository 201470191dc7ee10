"""The language of the current context, and messages in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from digest.locales.catalogues import ENGLISH, languages, load_catalogue

_LANGUAGE: ContextVar[str] = ContextVar("language", default=ENGLISH)


def current_language() -> str:
    """The code of the language that messages are written in."""
    return _LANGUAGE.get()


def set_language(code: str) -> None:
    """Choose the language for the rest of this context, such as a request; unknown = English."""
    _LANGUAGE.set(code if code in languages() else ENGLISH)


@contextmanager
def use_language(code: str) -> Iterator[None]:
    """Choose the language for what is written within; unknown = English."""
    token = _LANGUAGE.set(code if code in languages() else ENGLISH)
    try:
        yield
    finally:
        _LANGUAGE.reset(token)


def gettext(message: str, /, **values: Any) -> str:
    """`message` in the current language, with its `%(name)s` filled in.

    Without values it is not filled in, for callers that do that themselves.
    """
    language = _LANGUAGE.get()
    text = message if language == ENGLISH else load_catalogue(language).gettext(message)
    return text % values if values else text.replace("%%", "%")


def ngettext(one: str, many: str, number: int, /, **values: Any) -> str:
    """The form of a message that goes with a number; `%(num)s` is the number as it is written."""
    language = _LANGUAGE.get()
    if language == ENGLISH:
        text = one if number == 1 else many
    else:
        text = load_catalogue(language).ngettext(one, many, number)
    return text % ({"num": format_number(number)} | values)


def format_number(number: int) -> str:
    """`1,200`."""
    language = current_language()
    if language == ENGLISH:
        return f"{number:,}"
    from babel.numbers import format_decimal

    return format_decimal(number, locale=language)


def gettext_later(message: str, /) -> str:
    """Mark a constant for the catalogues; `gettext` translates it where it is shown."""
    return message
