"""Collect the messages of code and templates, and bring the catalogues up to date.

    python -m digest.mail.messages.extraction           add new messages, drop those that are gone
    python -m digest.mail.messages.extraction pt_BR     begin a language

Nothing that is translated already changes. A new message stands there untranslated, and its readers
see English until somebody writes it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import cast

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from jinja2.ext import InternationalizationExtension

from digest import locales
from digest.locales import catalogues
from digest.mail.messages.templates import environment, shipped_folder

_PACKAGE = Path(locales.__file__).parents[1]
#: how functions of `digest.locales` take their messages: positions, None = the first
_KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "gettext": None,
    "gettext_later": None,
    "ngettext": (1, 2),
}
_WIDTH = 100
#: headers that would change with each refresh, or say nothing here
_UNUSED_HEADERS = tuple(
    f'"{name}:'
    for name in (
        "Project-Id-Version",
        "Report-Msgid-Bugs-To",
        "POT-Creation-Date",
        "PO-Revision-Date",
        "Last-Translator",
        "Language-Team",
        "Generated-By",
    )
)


def collect_messages() -> Catalog:
    """All messages of the package and the shipped templates."""
    catalogue = Catalog(project="digest", charset="utf-8", fuzzy=False)
    for file, message in _find_messages():
        catalogue.add(message, locations=[(file, 0)])
    return catalogue


@lru_cache(maxsize=1)
def _find_messages() -> tuple[tuple[str, str | tuple[str, ...]], ...]:
    # reading the whole package takes some seconds
    return (*_messages_of_code(), *_messages_of_templates())


def _messages_of_code() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    for path in sorted(_PACKAGE.rglob("*.py")):
        if path.parent == catalogues.FOLDER and path.name != "formats.py":
            continue
        name = path.relative_to(_PACKAGE.parent).as_posix()
        with path.open("rb") as file:
            for _, message, _, _ in extract("python", file, keywords=_KEYWORDS):
                yield name, message


def _messages_of_templates() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    folder, jinja = shipped_folder(), environment()
    key = InternationalizationExtension.identifier
    extension = cast("InternationalizationExtension", jinja.extensions[key])
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".html", ".txt", ".xml"):
            continue
        name = f"templates/{path.relative_to(folder).as_posix()}"
        for _, _, message in extension._extract(path.read_text("utf-8")):
            # values of a message stand beside it as None
            forms = [message] if isinstance(message, str) else [*filter(None, message or ())]
            if forms:
                yield name, forms[0] if len(forms) == 1 else tuple(forms)


def read_catalogue(code: str) -> Catalog:
    """The catalogue of a language, as its file is.

    Raises:
        babel.messages.pofile.PoFileError: the file is broken.
    """
    with (catalogues.FOLDER / f"{code}.po").open("rb") as file:
        return read_po(file, locale=code, abort_invalid=True)


def refresh(code: str) -> str:
    """The text of a language's file with the messages of today; a new language has no file yet."""
    messages = collect_messages()
    path = catalogues.FOLDER / f"{code}.po"
    if path.exists():
        catalogue = read_catalogue(code)
        catalogue.update(messages, no_fuzzy_matching=True)
    else:
        catalogue = Catalog(locale=code, project="digest", charset="utf-8", fuzzy=False)
        catalogue.update(messages)
    catalogue.header_comment = f"# {catalogues.find_name(code)}"
    written = BytesIO()
    write_po(
        written,
        catalogue,
        width=_WIDTH,
        sort_output=True,
        ignore_obsolete=True,
        include_lineno=False,
    )
    lines = written.getvalue().decode("utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(_UNUSED_HEADERS))


def find_missing(catalogue: Catalog) -> list[str]:
    """The messages that a catalogue does not translate, or not in every form."""
    missing = []
    for message in catalogue:
        forms = [message.string] if isinstance(message.string, str) else [*(message.string or ())]
        if message.id and (not forms or not all(forms)):
            missing.append(str(message.id))
    return missing


def main(arguments: Sequence[str]) -> None:
    """Refresh all catalogues, and begin those that are named."""
    known = [code for code in locales.languages() if code != locales.ENGLISH]
    for code in dict.fromkeys((*known, *arguments)):
        path = catalogues.FOLDER / f"{code}.po"
        text = refresh(code)
        path.write_text(text, encoding="utf-8")
        count = len(find_missing(read_catalogue(code)))
        sys.stdout.write(
            f"{path}: {count} {'message' if count == 1 else 'messages'} to translate\n"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
