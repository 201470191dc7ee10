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
from digest.mail.messages.cards import MAX_CONTENTS, Card, Form
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
from digest.mail.messages.placeholders import CONTENTS, LISTING, Gap, make_placeholder
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
    form: Form = "full"
    is_last: bool = False
    opening: str = ""


class _Entry(NamedTuple):
    """A card, and what is the same of it in both parts of the mail."""

    card: Card
    shape: _CardShape
    #: in the order of `Fragment.fill`
    filling: tuple[Value, ...]


class PaperList:
    """The papers of one mail, with the templates of a folder."""

    def __init__(self, folder: str, cards: Sequence[Card], folders: tuple[Path, ...]) -> None:
        self._folder, self._folders = folder, folders
        self._language = current_language()
        self._entries = [_make_entry(card) for card in cards]

    def render_text(self) -> dict[str, list[Filled]]:
        """The titles and the cards, with an empty line between cards, by name of the list."""
        listing: list[Filled] = []
        for entry in self._entries:
            listing += (_EMPTY_LINE, self._render_card(TEXT, entry))
        return {CONTENTS: self._render_titles(TEXT, self._entries), LISTING: listing[1:]}

    def render_html(self, forms: Sequence[Form]) -> dict[str, list[Filled]]:
        """The titles and the cards of the first papers, each in its form, by name of the list."""
        listing: list[Filled] = []
        previous_form: Form = "full"
        for number, (entry, form) in enumerate(zip(self._entries, forms, strict=False), start=1):
            if form != "full":
                entry = _shorten(entry, form, number, previous_form, is_last=number == len(forms))
            listing.append(self._render_card(HTML, entry))
            previous_form = form
        titles = self._render_titles(HTML, self._entries[: len(forms)])
        return {CONTENTS: titles, LISTING: listing}

    def _render_titles(self, part_format: PartFormat, entries: Sequence[_Entry]) -> list[Filled]:
        """The list of titles; a single paper needs none."""
        shown = entries[:MAX_CONTENTS] if len(entries) > 1 else ()
        return [self._render_title(part_format, entry) for entry in shown]

    def _render_title(self, part_format: PartFormat, entry: _Entry) -> Filled:
        card, folder, folders = entry.card, self._folder, self._folders
        fragment = _prerender_title(self._language, part_format, folder, folders, card.paper)
        if fragment is None:
            values = {"number": card.number, "margin": card.margin, "paper": card.paper}
            return Filled([encode(render_whole(f"{folder}/title", values, folders, part_format))])
        return Filled(fragment.fill(entry.filling), fragment.is_dense)

    def _render_card(self, part_format: PartFormat, entry: _Entry) -> Filled:
        card, shape, filling = entry
        folder, folders = self._folder, self._folders
        fragment = _prerender_card(self._language, part_format, folder, folders, shape)
        if fragment is None:
            values = {"card": card, "last": shape.is_last, "opening": shape.opening}
            return Filled([encode(render_whole(f"{folder}/card", values, folders, part_format))])
        return Filled(fragment.fill(filling), fragment.is_dense)


def _make_entry(card: Card) -> _Entry:
    paper, number, margin, reason, label, standing, links, seen_before, notes, _ = card
    up, down = split_link("up", links.up), split_link("down", links.down)
    by_mail = links.up_by_mail, links.down_by_mail
    shape = _CardShape(
        paper,
        links.read,
        bool(reason),
        bool(label),
        up.around,
        down.around,
        bool(by_mail[0]),
        bool(by_mail[1]),
        len(notes),
        seen_before,
    )
    numbers = _encode_number(number), _encode_number(margin)
    filling = (*numbers, reason, label, standing, up.value, down.value, *by_mail, *notes)
    return _Entry(card, shape, filling)


def _shorten(
    entry: _Entry, form: Form, number: int, previous_form: Form, *, is_last: bool
) -> _Entry:
    opening = ""
    if previous_form == "full":
        opening = (
            gettext("All in short, since mail programs hide the end of a long mail:")
            if number == 1
            else gettext("The rest in short, since mail programs hide the end of a long mail:")
        )
    shape = entry.shape._replace(form=form, is_last=is_last, opening=opening)
    return entry._replace(card=entry.card._replace(form=form), shape=shape)


#: the number of a paper reads the same in both parts
_encode_number = lru_cache(maxsize=256)(encode)


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
    values = {name: make_placeholder(name, gaps) for name in ("number", "margin")}
    values["paper"] = paper
    rendered = prerender(f"{folder}/title", values, gaps, _OWN, folders, part_format)
    return rendered.fragments[0] if rendered else None


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
