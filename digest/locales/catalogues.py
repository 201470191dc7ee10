"""Find the catalogues and read them when a language is first used."""

from __future__ import annotations

import gettext
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel import Locale

#: the language of the code and the templates
ENGLISH = "en"
#: one file for each other language: `de.po`, `pt_BR.po`
FOLDER = Path(__file__).parent


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """The codes of all languages, English first."""
    return (ENGLISH, *sorted(file.stem for file in FOLDER.glob("*.po")))


def language_names() -> dict[str, str]:
    """What each language calls itself, by code: {"en": "English", "de": "Deutsch"}."""
    return {code: find_name(code) for code in languages()}


def find_name(code: str) -> str:
    """What a language calls itself."""
    name = locale_data(code).get_display_name() or code
    return name[:1].upper() + name[1:]


def text_direction(code: str) -> str:
    """`ltr` or `rtl`."""
    return "ltr" if code == ENGLISH else locale_data(code).text_direction


@lru_cache(maxsize=64)
def locale_data(code: str) -> Locale:
    """Names of months and weekdays, and how numbers are written, from the CLDR."""
    # English needs none of it
    from babel import Locale

    return Locale.parse(code)


@lru_cache(maxsize=64)
def load_catalogue(code: str) -> gettext.NullTranslations:
    """The translations of a language; of English, or an unknown one, there are none.

    Raises:
        babel.messages.pofile.PoFileError: the file is broken.
    """
    if code == ENGLISH or code not in languages():
        return gettext.NullTranslations()
    # reading takes 10 ms, and most installs use one or two languages
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with (FOLDER / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def forget_catalogues() -> None:
    """Read the folder anew, for tests that add a language."""
    languages.cache_clear()
    load_catalogue.cache_clear()
