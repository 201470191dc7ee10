"""Render the papers of a digest with the templates `card.html` and `card.txt`.

Readers of one day get the same papers. So a card is rendered and encoded once, with placeholders
for what it says to one reader; cards are most of a mail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from digest.locales import current_language, gettext
from digest.mail.messages.cards import MAX_CONTENTS, Card, Form
from digest.mail.messages.encoding import encode
from digest.mail.messages.fragments import (
    HTML,
    TEXT,
    Fragment,
    PartFormat,
    Value,
    prerender,
    render_whole,
)
from digest.mail.messages.link_parts import Around
from digest.mail.messages.paper_texts import PaperText
from digest.mail.messages.placeholders import CONTENTS, LISTING, Gap, make_placeholder
from digest.mail.messages.values import PaperLinks

#: Cached cards, and titles; a card takes some 7 KB. A day of 1,400 papers took 5,400 cards: as text
#: and HTML, with a match and without.
_MAX_CACHED = 8192
_EMPTY_LINE = encode("\n")
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
    around_up: Around
    around_down: Around
    has_up_by_mail: bool
    has_down_by_mail: bool
    note_count: int
    seen_before: bool
    form: Form = "full"
    is_last: bool = False
    opening: str = ""


#: the values of a `_CardShape` for a card in full, which are made faster than it
_FullShape = tuple[PaperText, str, bool, bool, Around, Around, bool, bool, int, bool]


class _PaperFragments(NamedTuple):
    """A paper in each place of a mail; None = the template must be rendered with real values."""

    title_as_text: Fragment | None
    title_as_html: Fragment | None
    card_as_text: Fragment | None
    card_as_html: Fragment | None


class Lists:
    """The two lists of papers in a part of a mail, encoded, in pieces."""

    def __init__(self) -> None:
        #: by the name of the list
        self.pieces: dict[str, list[bytes]] = {CONTENTS: [], LISTING: []}
        #: whether base64 would be shorter for what many mails share of it
        self.is_dense = False

    def add(
        self,
        name: str,
        fragment: Fragment | None,
        filling: Sequence[Value],
        whole: Callable[[], str],
    ) -> None:
        """Add a filled fragment; without one, what `whole` renders."""
        if fragment is None:
            self.pieces[name].append(encode(whole()))
        else:
            self.pieces[name] += fragment.fill(filling)
            self.is_dense = self.is_dense or fragment.is_dense


class PaperList:
    """The papers of one mail, with the templates of a folder."""

    def __init__(self, folder: str, cards: Sequence[Card], folders: tuple[Path, ...]) -> None:
        self._folder, self._folders, self._cards = folder, folders, cards
        self._language = current_language()
        self._shapes = [_make_shape(card) for card in cards]
        self._fillings = [_make_filling(card) for card in cards]
        self._fragments = [
            _prerender_paper(self._language, folder, folders, shape) for shape in self._shapes
        ]

    def render_text(self) -> Lists:
        """The titles and the cards, with an empty line between cards."""
        lists = Lists()
        listing = lists.pieces[LISTING]
        for card, fragments, filling in zip(
            self._cards, self._fragments, self._fillings, strict=True
        ):
            if listing:
                listing.append(_EMPTY_LINE)
            whole = partial(self._render_card, TEXT, card, False, "")
            lists.add(LISTING, fragments.card_as_text, filling, whole)
        self._add_titles(lists, TEXT, len(self._cards))
        return lists

    def render_html(self, forms: Sequence[Form]) -> Lists:
        """The titles and the cards of the first papers, each in its form."""
        lists = Lists()
        previous_form: Form = "full"
        for place, form in enumerate(forms):
            card, fragment = self._cards[place], self._fragments[place].card_as_html
            is_last, opening = False, ""
            if form != "full":
                card = card._replace(form=form)
                is_last = place == len(forms) - 1
                opening = _open_short_ones(place) if previous_form == "full" else ""
                shape = _CardShape(*self._shapes[place], form, is_last, opening)
                fragment = _prerender_card(self._language, HTML, self._folder, self._folders, shape)
            whole = partial(self._render_card, HTML, card, is_last, opening)
            lists.add(LISTING, fragment, self._fillings[place], whole)
            previous_form = form
        self._add_titles(lists, HTML, len(forms))
        return lists

    def _add_titles(self, lists: Lists, part_format: PartFormat, count: int) -> None:
        """Add the titles of the first papers; a single one needs no list."""
        for place in range(min(count, MAX_CONTENTS) if count > 1 else 0):
            fragments = self._fragments[place]
            fragment = fragments.title_as_text if part_format is TEXT else fragments.title_as_html
            whole = partial(self._render_title, part_format, self._cards[place])
            lists.add(CONTENTS, fragment, self._fillings[place], whole)

    def _render_card(self, part_format: PartFormat, card: Card, is_last: bool, opening: str) -> str:
        values = {"card": card, "last": is_last, "opening": opening}
        return render_whole(f"{self._folder}/card", values, self._folders, part_format)

    def _render_title(self, part_format: PartFormat, card: Card) -> str:
        values = {"number": card.number, "margin": card.margin, "paper": card.paper}
        return render_whole(f"{self._folder}/title", values, self._folders, part_format)


def _make_shape(card: Card) -> _FullShape:
    links = card.links
    return (
        card.paper,
        links.read,
        bool(card.reason),
        bool(card.label),
        card.up[0],
        card.down[0],
        bool(links.up_by_mail),
        bool(links.down_by_mail),
        len(card.notes),
        card.seen_before,
    )


def _make_filling(card: Card) -> tuple[Value, ...]:
    """The values in the order of `Fragment.fill`."""
    return (
        _encode_number(card.number),
        _encode_number(card.margin),
        card.reason,
        card.label,
        card.standing,
        card.up[1],
        card.down[1],
        card.links.up_by_mail,
        card.links.down_by_mail,
        *card.notes,
    )


def _open_short_ones(place: int) -> str:
    """What stands before the first card that is not shown in full."""
    return (
        gettext("The rest in short, since mail programs hide the end of a long mail:")
        if place
        else gettext("All in short, since mail programs hide the end of a long mail:")
    )


#: the number of a paper reads the same in both parts
_encode_number = lru_cache(maxsize=256)(encode)


@lru_cache(maxsize=_MAX_CACHED // 2)
def _prerender_paper(
    language: str, folder: str, folders: tuple[Path, ...], shape: _FullShape
) -> _PaperFragments:
    """A paper that is shown in full, with gaps."""
    paper, card = shape[0], _CardShape(*shape)
    return _PaperFragments(
        _prerender_title(language, TEXT, folder, folders, paper),
        _prerender_title(language, HTML, folder, folders, paper),
        _prerender_card(language, TEXT, folder, folders, card),
        _prerender_card(language, HTML, folder, folders, card),
    )


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
