"""A template rendered once for what many mails share, and filled for each of them with what they do
not.

Equal in what a reader sees to the template rendered with the values themselves, which is the way
for templates that no stencil can be cut from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from digest.errors import TemplateError
from digest.mail.messages import texts
from digest.mail.messages.holes import BEGIN, END, LISTING, Filling, Opened, hole
from digest.mail.messages.passages import Filled, Outline, Part, joined, passage
from digest.mail.messages.templates import escaped, render
from digest.mail.messages.values import ReaderLinks

_MARK = re.compile(rf"{BEGIN}([0-9]+){END}")
#: the texts that all mails of an install share; whatever else is text is a hole
_SHARED = ("product", "base_url")
#: the links whose texts follow the others
_LINKS = ("manage", "unsubscribe", "unsubscribe_by_mail")
#: what is said of a paper beside its reason stands in many mails
_wrapped = lru_cache(maxsize=4096)(texts.wrap)
#: where the listing stands in a rendered text
_LISTING = f"{BEGIN}{LISTING}{END}"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Dialect:
    """What is done to the text of a part."""

    #: how its templates end
    suffix: str
    #: its spare blanks and empty lines taken out
    tidied: Callable[[str], str]
    #: foreign text made fit for it
    escaped: Callable[[str], str]


def _tidy(text: str) -> str:
    """Text as a person would leave it: no blanks at line ends, no two empty lines in a row, one
    line break at the end.
    """
    kept = [""]
    for line in text.splitlines():
        line = line.rstrip()
        if line or kept[-1]:
            kept.append(line)
    return "\n".join(kept).strip("\n") + "\n"


def _without_gaps(html: str) -> str:
    return "\n".join(filter(None, html.split("\n"))) + "\n"


TEXT = Dialect(suffix="txt", tidied=_tidy, escaped=str)
HTML = Dialect(suffix="html", tidied=_without_gaps, escaped=escaped)


class Stencil:
    """Text that is encoded already, with holes in it.

    `names` are those of the values that it may be filled with, and their order.
    """

    def __init__(self, text: str, marks: list[Filling], names: Sequence[str]) -> None:
        # every second piece is a number, since the pattern has a group
        pieces = _MARK.split(text)
        self._outline = Outline(pieces[::2])
        places = {name: place for place, name in enumerate(names)}
        holes = [marks[int(number)] for number in pieces[1::2]]
        self._holes = [(places[name], wrapped) for name, wrapped in holes]

    def filled(self, values: Sequence[str]) -> Filled:
        """The text with what belongs into its holes."""
        texts = [
            _wrapped(values[place], *wrapped) if wrapped else values[place]
            for place, wrapped in self._holes
        ]
        return Filled(self._outline, [*texts, ""])


def cut(
    name: str,
    values: dict[str, Any],
    marks: list[Filling],
    names: Sequence[str],
    folders: tuple[Path, ...],
    dialect: Dialect,
) -> tuple[Stencil, ...]:
    """The template called `name`, whose values have holes that collect in `marks`, cut where the
    listing stands. Nothing where it can only be rendered with whole values.
    """
    try:
        text = dialect.tidied(render(f"{name}.{dialect.suffix}", values, folders))
    except (
        Opened,
        TemplateError,
    ):  # what is really wrong with it will be told when it gets the values
        return ()
    for number, filling in enumerate(marks):
        if filling.name == LISTING:
            # the listing ends its own last line
            text = text.replace(f"{BEGIN}{number}{END}\n", f"{BEGIN}{number}{END}").replace(
                f"{BEGIN}{number}{END}", _LISTING
            )
    return tuple(Stencil(piece, marks, names) for piece in text.split(_LISTING))


def rendered(name: str, values: dict[str, Any], folders: tuple[Path, ...], dialect: Dialect) -> str:
    """The same without a stencil."""
    return dialect.tidied(render(f"{name}.{dialect.suffix}", values, folders))


def part(
    name: str,
    values: dict[str, Any],
    listing: Sequence[Filled],
    folders: tuple[Path, ...],
    dialect: Dialect,
) -> Part:
    """A whole part of a mail by the template called `name`; its value `listing` is
    given in pieces."""
    links = values["links"]
    fillings = {
        key: value
        for key, value in values.items()
        if type(value) is str and value and key not in _SHARED
    }
    shared = tuple(
        [
            (key, value)
            for key, value in values.items()
            if key not in fillings and key not in ("links", "cards")
        ]
    )
    own = None if links is None else (bool(links.unsubscribe_by_mail),)
    stencils = _frame(name, folders, dialect, tuple(fillings), shared, own)
    if not stencils:
        text = joined(listing, dialect.escaped).text.removesuffix("\n")
        # `text` was rendered by an escaping template
        rendered_list = Markup(text) if dialect is HTML else text  # noqa: S704
        return Part(passage(rendered(name, values | {LISTING: rendered_list}, folders, dialect)))
    texts = [
        *fillings.values(),
        *(() if links is None else (links.manage, links.unsubscribe, links.unsubscribe_by_mail)),
    ]
    pieces = [stencils[0].filled(texts)]
    for stencil in stencils[1:]:
        pieces += (*listing, stencil.filled(texts))
    return Part(joined(pieces, dialect.escaped))


@lru_cache(maxsize=256)
def _frame(
    name: str,
    folders: tuple[Path, ...],
    dialect: Dialect,
    fillings: tuple[str, ...],
    shared: tuple[tuple[str, Any], ...],
    own: tuple[bool] | None,
) -> tuple[Stencil, ...]:
    marks: list[Filling] = []
    links = own and ReaderLinks(
        manage=hole("manage", marks),
        unsubscribe=hole("unsubscribe", marks),
        unsubscribe_by_mail=hole("unsubscribe_by_mail", marks) if own[0] else "",
    )
    holes = {key: hole(key, marks) for key in (*fillings, "cards", LISTING)}
    return cut(
        name,
        {**dict(shared), **holes, "links": links},
        marks,
        (*fillings, *_LINKS),
        folders,
        dialect,
    )
