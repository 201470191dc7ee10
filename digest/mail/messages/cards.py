"""The papers of a digest as templates get them, within the size limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Literal, NamedTuple

from digest.locales import gettext, gettext_later
from digest.mail.messages import texts
from digest.mail.messages.encoding import BodyPart
from digest.mail.messages.link_parts import Around, split_link
from digest.mail.messages.paper_texts import PaperText, make_paper_text
from digest.mail.messages.values import Listed, PaperLinks
from digest.model import Slot

#: octets of the encoded HTML part; Gmail hides everything after about 102,000, the unsubscribe link
#: included
MAX_HTML = 95_000
#: titles in the list on top
MAX_CONTENTS = 30
_MAX_INTEREST = 60
#: the note on a paper that is not listed for its rank
SLOTS: dict[Slot, str] = {
    "pinned": gettext_later("Always listed, since you asked for it."),
    "exploration": gettext_later("We are less sure of this one: more of this?"),
}
#: how much of a paper is shown: everything; no abstract and buttons; only title and links
Form = Literal["full", "brief", "title"]


class Card(NamedTuple):
    """A listed paper as the templates get it."""

    paper: PaperText
    #: its number in the list of titles, and padded to the four columns of the text part's margin
    number: str
    margin: str
    reason: str
    #: how well it fits, or ""
    label: str
    #: the label, if there is one, and the paper's facts, on one line
    standing: str
    links: PaperLinks
    seen_before: bool
    #: for which interest it is listed, and why apart from its rank; whole sentences
    notes: tuple[str, ...] = ()
    #: how much of it the HTML part shows
    form: Form = "full"
    #: the links for thumbs as `split_link` splits them
    up: tuple[Around, bytes | str] = (("", ""), "")
    down: tuple[Around, bytes | str] = (("", ""), "")


def make_card(number: int, item: Listed, local_date: date, *, is_new: bool = False) -> Card:
    """A listed paper in full.

    Args:
        is_new: the reader has told nothing yet, so no paper is surer than another.

    Raises:
        InputError: a link is invalid.
    """
    paper, links = make_paper_text(item, local_date), item.links
    label, facts = _make_label(item.label), paper.standing
    reason = texts.one_line(item.reason)
    up, down = split_link("up", links.up), split_link("down", links.down)
    return Card(
        paper,
        str(number),
        f"{number}.".ljust(4),
        # where it says only the day, which stands above it already, it is left out
        "" if reason.removesuffix(".") in paper.only_days else reason,
        label,
        f"{label} · {facts}" if label and facts else label or facts,
        _clean_links(links, up[1], down[1]),
        item.seen_before,
        _notes(item, is_new) if item.interest or item.slot in SLOTS else (),
        "full",
        up,
        down,
    )


@lru_cache(maxsize=256)
def _make_label(label: str) -> str:
    return texts.capitalize(texts.one_line(label))


def _clean_links(links: PaperLinks, up: bytes | str, down: bytes | str) -> PaperLinks:
    """The links of a card; a whole link is clean already, and one with a token as it is."""
    if links.up_by_mail or links.down_by_mail:
        texts.require_mailto("up_by_mail", links.up_by_mail)
        texts.require_mailto("down_by_mail", links.down_by_mail)
    read = texts.clean_url(links.read)
    if read == links.read and type(up) is type(down) is bytes:
        return links
    return replace(
        links,
        read=read,
        up=up if type(up) is str else links.up,
        down=down if type(down) is str else links.down,
    )


def _notes(item: Listed, is_new: bool) -> tuple[str, ...]:
    interest = texts.cut(texts.one_line(item.interest), _MAX_INTEREST)
    notes = [gettext("For your interest “%(interest)s”.", interest=interest)] if interest else []
    if item.slot in SLOTS and not (is_new and item.slot == "exploration"):
        notes.append(gettext(SLOTS[item.slot]))
    return tuple(notes)


def render_within_limit(render: Callable[[Sequence[Form]], BodyPart], count: int) -> BodyPart:
    """The HTML of a mail, with papers shortened until it has at most MAX_HTML octets.

    From the last paper upwards, papers first lose their abstract and buttons, then everything but
    title and links. If that is not enough, the last ones are only counted; the text part has them.

    Args:
        render: gives the HTML for the forms of the first papers; the others are only counted.
        count: of the papers.
    """
    html = render(_choose_forms(count, 0))
    if len(html.encoded) <= MAX_HTML:
        return html
    # binary search for the first step that fits: every step makes the mail shorter
    low, high = 0, count * 3 - 1
    html = render(_choose_forms(count, high))
    while high - low > 1:
        middle = (low + high) // 2
        candidate = render(_choose_forms(count, middle))
        if len(candidate.encoded) <= MAX_HTML:
            high, html = middle, candidate
        else:
            low = middle
    return html


def _choose_forms(count: int, step: int) -> list[Form]:
    """The forms of the first papers after `step` steps; the last leaves the first title alone."""
    if not step:
        return ["full"] * count
    return [
        "full" if position < count - step else "brief" if position < 2 * count - step else "title"
        for position in range(count - max(0, step - 2 * count))
    ]
