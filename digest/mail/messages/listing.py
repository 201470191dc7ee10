"""The papers of a digest -> lines of its two parts, by the templates `card.html` and `card.txt`.

A day's readers get the same papers. What a card says of a paper is rendered and encoded once, with
holes for what it says to a reader; this is most of a mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from digest.mail.messages.cards import Card, Form, PaperText
from digest.mail.messages.holes import Filling, hole
from digest.mail.messages.passages import Filled, whole
from digest.mail.messages.stencils import HTML, TEXT, Dialect, Stencil, cut, rendered
from digest.mail.messages.values import PaperLinks

#: stencils kept, of some 10 KB each: those of a day's papers in the forms that they are shown in
_KEPT = 2048
_EMPTY_LINE = whole("\n")
#: what a card says to its reader; notes follow, as many as there are
_OWN = ("margin", "reason", "label", "standing", "up", "down", "up_by_mail", "down_by_mail")


def in_html(folder: str, cards: Sequence[Card], folders: tuple[Path, ...]) -> list[Filled]:
    """The cards by the template `folder`/card.html."""
    pieces: list[Filled] = []
    before: Form = "full"
    for number, card in enumerate(cards, start=1):
        short = card.form != "full"
        opening = ("All" if number == 1 else "The rest") if short and before == "full" else ""
        pieces.append(
            _written(HTML, folder, folders, card, short and number == len(cards), opening)
        )
        before = card.form
    return pieces


def in_text(folder: str, cards: Sequence[Card], folders: tuple[Path, ...]) -> list[Filled]:
    """The cards by the template `folder`/card.txt, with an empty line between them."""
    pieces: list[Filled] = []
    for card in cards:
        pieces += (_EMPTY_LINE, _written(TEXT, folder, folders, card, False, ""))
    return pieces[1:]


def _written(
    dialect: Dialect, folder: str, folders: tuple[Path, ...], card: Card, last: bool, opening: str
) -> Filled:
    paper, margin, reason, label, standing, links, seen_before, notes, form = card
    by_mail = bool(links.up_by_mail), bool(links.down_by_mail)
    # everything about a card that a template may look at
    stencil = _stencil(
        dialect,
        folder,
        folders,
        paper,
        links.read,
        by_mail,
        len(notes),
        seen_before,
        form,
        last,
        opening,
    )
    if stencil is None:
        text = rendered(
            f"{folder}/card", {"card": card, "last": last, "opening": opening}, folders, dialect
        )
        return whole(text)
    return stencil.filled(
        (
            margin,
            reason,
            label,
            standing,
            links.up,
            links.down,
            links.up_by_mail,
            links.down_by_mail,
            *notes,
        )
    )


@lru_cache(maxsize=_KEPT)
def _stencil(
    dialect: Dialect,
    folder: str,
    folders: tuple[Path, ...],
    paper: PaperText,
    read: str,
    by_mail: tuple[bool, bool],
    notes: int,
    seen_before: bool,
    form: Form,
    last: bool,
    opening: str,
) -> Stencil | None:
    marks: list[Filling] = []
    names = (*_OWN, *(f"note{number}" for number in range(notes)))
    own = {name: hole(name, marks) for name in names}
    card = Card(
        paper=paper,
        margin=own["margin"],
        reason=own["reason"],
        label=own["label"],
        standing=own["standing"],
        links=PaperLinks(
            read=read,
            up=own["up"],
            down=own["down"],
            up_by_mail=own["up_by_mail"] if by_mail[0] else "",
            down_by_mail=own["down_by_mail"] if by_mail[1] else "",
        ),
        seen_before=seen_before,
        notes=tuple(own[name] for name in names[len(_OWN) :]),
        form=form,
    )
    values = {"card": card, "last": last, "opening": opening}
    stencils = cut(f"{folder}/card", values, marks, names, folders, dialect)
    return stencils[0] if stencils else None
