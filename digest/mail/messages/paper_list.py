"""Render the papers of a digest with the templates `card.html` and `card.txt`.

Readers of one day get the same papers. So a card is rendered and encoded once, with placeholders
for what it says to one reader; cards are most of a mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from digest.locales import current_language, gettext
from digest.mail.messages.cards import Card, Form
from digest.mail.messages.encoding import encode
from digest.mail.messages.fragments import (
    HTML,
    TEXT,
    Filled,
    Fragment,
    PartFormat,
    Value,
    prerender,
    render_whole,
)
from digest.mail.messages.link_parts import split_link
from digest.mail.messages.paper_texts import PaperText
from digest.mail.messages.placeholders import Gap, make_placeholder
from digest.mail.messages.values import PaperLinks

#: Cached cards, and titles; a card takes some 7 KB. A day of 1,400 papers took 5,400 cards: as text
#: and HTML, with a match and without.
_MAX_CACHED = 8192
_EMPTY_LINE = Filled([encode("\n")])
#: values of one reader's card, in the order of `Fragment.fill`; the notes follow
_OWN = (
    "number",
    "margin",
    "reason",
    "label",
    "standing",
    "up",
    "down",
    "up_by_mail",
    "down_by_mail",
)


class _CardShape(NamedTuple):
    """Everything about a card that a template may look at, the same for many readers."""

    paper: PaperText
    read: str
    has_reason: bool
    has_label: bool
    #: what stands around the tokens of the links
    around_up: tuple[str, str]
    around_down: tuple[str, str]
    has_up_by_mail: bool
    has_down_by_mail: bool
    note_count: int
    seen_before: bool
    form: Form
    is_last: bool
    opening: str


def render_html_list(
    folder: str, cards: Sequence[Card], folders: tuple[Path, ...]
) -> list[Filled]:
    """The cards by the template `folder`/card.html."""
    pieces: list[Filled] = []
    previous_form: Form = "full"
    for number, card in enumerate(cards, start=1):
        is_short = card.form != "full"
        opening = ""
        if is_short and previous_form == "full":
            opening = (
                gettext("All in short, since mail programs hide the end of a long mail:")
                if number == 1
                else gettext("The rest in short, since mail programs hide the end of a long mail:")
            )
        is_last = is_short and number == len(cards)
        pieces.append(_render_card(HTML, folder, folders, card, is_last, opening))
        previous_form = card.form
    return pieces


def render_text_list(
    folder: str, cards: Sequence[Card], folders: tuple[Path, ...]
) -> list[Filled]:
    """The cards by the template `folder`/card.txt, with an empty line between them."""
    pieces: list[Filled] = []
    for card in cards:
        pieces += (_EMPTY_LINE, _render_card(TEXT, folder, folders, card, False, ""))
    return pieces[1:]


def render_contents(
    part_format: PartFormat, folder: str, cards: Sequence[Card], folders: tuple[Path, ...]
) -> list[Filled]:
    """The titles by the template `folder`/title."""
    return [_render_title(part_format, folder, folders, card) for card in cards]


def _render_title(
    part_format: PartFormat, folder: str, folders: tuple[Path, ...], card: Card
) -> Filled:
    fragment = _prerender_title(current_language(), part_format, folder, folders, card.paper)
    if fragment is None:
        values = {"number": card.number, "margin": card.margin, "paper": card.paper}
        return Filled([encode(render_whole(f"{folder}/title", values, folders, part_format))])
    return Filled(fragment.fill((card.number, card.margin)), fragment.is_dense)


@lru_cache(maxsize=_MAX_CACHED)
def _prerender_title(
    language: str,
    part_format: PartFormat,
    folder: str,
    folders: tuple[Path, ...],
    paper: PaperText,
) -> Fragment | None:
    """The title with gaps; the language only distinguishes cached ones."""
    gaps: list[Gap] = []
    names = ("number", "margin")
    values = {name: make_placeholder(name, gaps) for name in names} | {"paper": paper}
    rendered = prerender(f"{folder}/title", values, gaps, names, folders, part_format)
    return rendered.fragments[0] if rendered else None


def _render_card(
    part_format: PartFormat,
    folder: str,
    folders: tuple[Path, ...],
    card: Card,
    is_last: bool,
    opening: str,
) -> Filled:
    paper, number, margin, reason, label, standing, links, seen_before, notes, form = card
    up, down = split_link("up", links.up), split_link("down", links.down)
    shape = _CardShape(
        paper,
        links.read,
        bool(reason),
        bool(label),
        (up.before, up.after),
        (down.before, down.after),
        bool(links.up_by_mail),
        bool(links.down_by_mail),
        len(notes),
        seen_before,
        form,
        is_last,
        opening,
    )
    fragment = _prerender_card(current_language(), part_format, folder, folders, shape)
    if fragment is None:
        values = {"card": card, "last": is_last, "opening": opening}
        return Filled([encode(render_whole(f"{folder}/card", values, folders, part_format))])
    urls = (up.value, down.value, links.up_by_mail, links.down_by_mail)
    filling: tuple[Value, ...] = (number, margin, reason, label, standing, *urls, *notes)
    return Filled(fragment.fill(filling), fragment.is_dense)


@lru_cache(maxsize=_MAX_CACHED)
def _prerender_card(
    language: str,
    part_format: PartFormat,
    folder: str,
    folders: tuple[Path, ...],
    shape: _CardShape,
) -> Fragment | None:
    """The card with gaps; the language only distinguishes cached ones."""
    gaps: list[Gap] = []
    names = (*_OWN, *(f"note{number}" for number in range(shape.note_count)))
    own = {name: make_placeholder(name, gaps) for name in names}
    own["up"] = make_placeholder("up", gaps, shape.around_up)
    own["down"] = make_placeholder("down", gaps, shape.around_down)
    card = Card(
        paper=shape.paper,
        number=own["number"],
        margin=own["margin"],
        reason=own["reason"] if shape.has_reason else "",
        label=own["label"] if shape.has_label else "",
        standing=own["standing"],
        links=PaperLinks(
            read=shape.read,
            up=own["up"],
            down=own["down"],
            up_by_mail=own["up_by_mail"] if shape.has_up_by_mail else "",
            down_by_mail=own["down_by_mail"] if shape.has_down_by_mail else "",
        ),
        seen_before=shape.seen_before,
        notes=tuple(own[name] for name in names[len(_OWN) :]),
        form=shape.form,
    )
    values = {"card": card, "last": shape.is_last, "opening": shape.opening}
    rendered = prerender(f"{folder}/card", values, gaps, names, folders, part_format)
    return rendered.fragments[0] if rendered else None
